"""Make the backbone of chapters 9 to 12 and its table: `python scripts/train_backbone.py`.

The task is simpler than detection: what is in this region? Half of the regions are boxes of
animals, moved and scaled by chance while their overlap with the animal stays at 0.5 or more; the
rest are background, at an overlap below 0.3 with every animal, half of those near one. Each is
warped to 64 x 64 with context as R-CNN does it; every second one with more context, so that the net
meets animals of many sizes in the square. PetScenes' training split only. The squares are cut once,
for all seeds; each is mirrored by a coin's toss whenever it is seen.

The first seed named is stored; the accuracies of all seeds on held-out regions of the test split
become `src/coursekit/weights/backbone.json`. Which seed is stored does not depend on them.

    python scripts/train_backbone.py --seeds 0 1 2
"""

import argparse
import json
import time
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit import weights
from coursekit.boxes import clip, iou
from coursekit.data import CLASSES, PetScenes
from coursekit.data.petscenes import code_version
from coursekit.models.backbone import Backbone, Classifier
from coursekit.train import set_learning_rate
from coursekit.warp import CONTEXT, SIDE, warp

NAME, K = "backbone", 4                 # background, cat, dog, rabbit
MEAN = Backbone().mean                  # fills what lies beyond the picture
TABLE = weights.FOLDER / f"{NAME}.json"
BATCH, PAIRS = 32, 7                    # squares a batch; pairs of regions cut from a scene
MOVE, SCALE = 0.25, 0.35                # of the box's side; of its logarithm


def main() -> None:
    """Train, measure, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--scenes", type=int, default=4000, help="of the training split")
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--test", type=int, default=200, help="scenes of the test split")
    parser.add_argument("--dry", action="store_true", help="store nothing")
    options = parser.parse_args()
    train = PetScenes("train", length=options.scenes)
    scenes = [train[i] for i in range(options.scenes)]
    test = [PetScenes("test")[i] for i in range(options.test)]
    recipe = {"seed": options.seeds[0], "steps": options.steps, "batch": BATCH,
              "lr": options.lr, "data": f"PetScenes {code_version()}", "scenes": options.scenes}
    table = {"recipe": {**recipe, "seeds": options.seeds, "test_scenes": options.test}, "runs": []}
    torch.manual_seed(0)
    pool = cut(scenes, [n for n in range(len(scenes)) for _ in range(PAIRS)])
    print(f"{len(pool[1])} squares", flush=True)
    for seed in options.seeds:
        model = train_one(*pool, seed, options)
        state = weights.rounded(model.backbone)
        table["runs"].append({"seed": seed, **measure(model, test)})
        print(table["runs"][-1], flush=True)
        if options.dry:
            continue
        if seed == options.seeds[0]:
            score = (f"accuracy {table['runs'][0]['accuracy']:.3f} on held-out regions of "
                     f"{options.test} test scenes (cat, dog, rabbit, background)")
            weights.save(NAME, state, {**recipe, "score": score})
        TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def train_one(pool: Tensor, names: Tensor, seed: int, options: argparse.Namespace) -> Classifier:
    """One run over the squares; in bfloat16 where that is safe, which halves the time."""
    torch.manual_seed(seed)
    model = Classifier(Backbone(), K).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr, weight_decay=0.02)
    for step in range(options.steps):
        set_learning_rate(optimizer, "cosine", step / options.steps)
        chosen = torch.randint(len(pool), (BATCH,))
        squares, labels = pool[chosen] / 255, names[chosen]
        flip = torch.rand(BATCH) < 0.5
        squares[flip] = squares[flip].flip(-1)
        with torch.autocast("cpu", torch.bfloat16):
            scores = model(squares.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(scores.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 250 == 0:
            right = (scores.argmax(1) == labels).float().mean()
            print(f"    {time.strftime('%H:%M:%S')}  step {step + 1}, loss {loss.item():.3f}, "
                  f"right {right:.2f}", flush=True)
    return model.to(memory_format=torch.contiguous_format).eval()


def cut(scenes: Sequence, chosen: list[int], wide: bool = True) -> tuple[Tensor, Tensor]:
    """Squares (R, 3, 64, 64) of bytes and labels (R,) of some regions of the scenes chosen."""
    squares, labels = [], []
    for n in chosen:
        image, target = scenes[n]
        boxes, names = regions(target["boxes"], target["labels"], image.shape[1:])
        more = 0.04 + 0.35 * float(torch.rand(()))
        context = more if wide and torch.rand(()) < 0.5 else CONTEXT
        squares.append((warp(image, boxes, MEAN, SIDE, context) * 255).round().to(torch.uint8))
        labels.extend(names)
    return torch.cat(squares), torch.tensor(labels)


def regions(boxes: Tensor, labels: Tensor, size: tuple[int, int]) -> tuple[Tensor, list[int]]:
    """One region of an animal (if there is one) and one of background, with their labels."""
    found, names = [], []
    if len(boxes):
        n = int(torch.randint(len(boxes), ()))
        found.append(near(boxes, n, size))
        names.append(int(labels[n]))
    box = background(boxes, size)
    if box is not None:
        found.append(box)
        names.append(0)
    return (torch.stack(found) if found else boxes), names


def near(boxes: Tensor, n: int, size: tuple[int, int]) -> Tensor:
    """Box n moved and scaled by chance, at an overlap of 0.5 or more with the true one."""
    tries = torch.cat([clip(jittered(boxes[n], 20), size), boxes[n:n + 1]])
    return tries[(iou(tries, boxes[n:n + 1])[:, 0] >= 0.5).nonzero()[0, 0]]


def background(boxes: Tensor, size: tuple[int, int]) -> Tensor | None:
    """A box that overlaps every animal by less than 0.3: near one, or anywhere."""
    H, W = size
    if len(boxes) and torch.rand(()) < 0.5:
        tries = jittered(boxes[int(torch.randint(len(boxes), ()))], 20, 0.7, 0.8)
    else:
        corner, side = torch.rand(20, 2), 14 + 76 * torch.rand(20, 2) ** 2
        corner = corner * (torch.tensor([W, H]) - side)
        tries = torch.cat([corner, corner + side], dim=1)
    tries = clip(tries, size)
    sides = tries[:, 2:] - tries[:, :2]
    good = (iou(tries, boxes) < 0.3).all(dim=1) & (sides >= 10).all(dim=1)
    return tries[good.nonzero()[0, 0]] if good.any() else None


def jittered(box: Tensor, count: int, move: float = MOVE, scale: float = SCALE) -> Tensor:
    """`count` copies of a box (4,), each moved and scaled by chance."""
    center, side = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    center = center + (2 * torch.rand(count, 2) - 1) * move * side
    side = side * ((2 * torch.rand(count, 2) - 1) * scale).exp()
    return torch.cat([center - side / 2, center + side / 2], dim=1)


@torch.no_grad()
def measure(model: Classifier, scenes: Sequence) -> dict[str, float]:
    """Accuracy on held-out regions, five pairs a scene, and of animals' true boxes by class."""
    torch.manual_seed(1000)
    squares, labels = cut(scenes, [n for n in range(len(scenes)) for _ in range(PAIRS)], False)
    answers = torch.cat([model(part / 255).argmax(1) for part in squares.split(256)])
    scores = {"accuracy": (answers == labels).float().mean().item(), "regions": len(labels)}
    for k in range(K):
        mine = labels == k
        scores[CLASSES[k]] = (answers[mine] == k).float().mean().item()
    return {name: round(value, 4) for name, value in scores.items()}


if __name__ == "__main__":
    main()
