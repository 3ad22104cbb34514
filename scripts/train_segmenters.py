"""Make chapter 5's shipped weights and its stored table: `python scripts/train_segmenters.py`.

First the encoder, once, on PetScenes' training split and in two stages. Most steps see crops of
64 x 64 around the animals, under an FCN-8s decoder: telling a cat from a dog takes many animals,
and a crop costs a quarter of a scene. The last steps see whole scenes, under FCN-8s and, in turn,
SegNet, U-Net and the plain bilinear decoder, so that it has met every kind. All four are thrown
away. Then, for each seed, the nine decoders over that encoder, which stays as it is: the same
batches in the same order for all nine, one optimizer each. The decoders of the first seed named are
stored; the scores of all seeds, on the 200 scenes of the test split, become
`src/coursekit/weights/segmentation-decoders.json`. Which seed is stored does not depend on them.

    python scripts/train_segmenters.py encoder
    python scripts/train_segmenters.py decoders --seeds 0 1 2
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from coursekit import weights
from coursekit.data import CLASSES, PetScenes, collate
from coursekit.data.petscenes import code_version
from coursekit.losses import cross_entropy
from coursekit.metrics import boundary_counts, confusion_matrix, mean_iou
from coursekit.models.segmentation import DECODERS, Encoder, Levels
from coursekit.train import set_learning_rate

ENCODER, NINE = "segmentation-encoder", "segmentation-decoders"
TABLE = weights.FOLDER / f"{NINE}.json"
K = len(CLASSES)
SCENES, CROPS, SIDE = 8, 16, 64         # scenes a batch; crops a batch, and their side


def main() -> None:
    """Train, measure, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=["encoder", "decoders"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--scenes", type=int, default=4000, help="of the training split")
    parser.add_argument("--crops", type=int, default=9000, help="steps on crops")
    parser.add_argument("--steps", type=int, default=600, help="steps on whole scenes")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--test", type=int, default=200, help="scenes of the test split")
    parser.add_argument("--dry", action="store_true", help="store nothing")
    options = parser.parse_args()
    train = PetScenes("train", length=options.scenes)
    scenes = [train[i] for i in range(options.scenes)]
    test = [PetScenes("test")[i] for i in range(options.test)]
    {"encoder": train_encoder, "decoders": train_decoders}[options.stage](scenes, test, options)


Batch = tuple[float, Tensor, Tensor]    # progress from 0 to 1; images; semantic maps


def whole(scenes: Sequence, steps: int) -> Iterator[Batch]:
    """Batches of whole scenes, each mirrored by a coin's toss."""
    loader = DataLoader(scenes, SCENES, shuffle=True, drop_last=True, collate_fn=collate)
    endless = itertools.chain.from_iterable(itertools.repeat(loader))
    for step, (images, targets) in zip(range(steps), endless, strict=False):
        x, y = torch.stack(images), torch.stack([target["semantic"] for target in targets])
        yield step / steps, *mirrored(x, y)


def crops(scenes: Sequence, steps: int) -> Iterator[Batch]:
    """Batches of squares around animals, a little to one side, mirrored by a coin's toss."""
    animals = [(n, *box.tolist()) for n, (_, target) in enumerate(scenes)
               for box in (target["boxes"][:, :2] + target["boxes"][:, 2:]) / 2]
    for step in range(steps):
        xs, ys = [], []
        for k in torch.randint(len(animals), (CROPS,)).tolist():
            n, x, y = animals[k]
            image, target = scenes[n]
            dx, dy = torch.randint(-12, 13, (2,)).tolist()
            left = min(max(int(x) - SIDE // 2 + dx, 0), image.shape[2] - SIDE)
            top = min(max(int(y) - SIDE // 2 + dy, 0), image.shape[1] - SIDE)
            xs.append(image[:, top:top + SIDE, left:left + SIDE])
            ys.append(target["semantic"][top:top + SIDE, left:left + SIDE])
        yield step / steps, *mirrored(torch.stack(xs), torch.stack(ys))


def mirrored(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Images and maps; each pair flipped with probability 1/2."""
    flip = (torch.rand(len(x)) < 0.5)[:, None, None]
    return x.where(~flip[..., None], x.flip(-1)), y.where(~flip, y.flip(-1))


def train_encoder(scenes: Sequence, test: Sequence, options: argparse.Namespace) -> None:
    """The encoder, with four decoders that are thrown away."""
    seed = options.seeds[0]
    torch.manual_seed(seed)
    encoder = Encoder()
    decoders = nn.ModuleDict({name: DECODERS[name]()
                              for name in ("FCN-8s", "SegNet", "U-Net", "bilinear")})
    others = itertools.cycle(["SegNet", "U-Net", "bilinear"])
    stages = ((crops(scenes, options.crops), options.lr, False),
              (whole(scenes, options.steps), options.lr / 2, True))
    for batches, lr, turns in stages:
        optimizer = torch.optim.AdamW([*encoder.parameters(), *decoders.parameters()], lr=lr)
        for step, (progress, images, semantic) in enumerate(batches):
            set_learning_rate(optimizer, "cosine", progress)
            levels = encoder(images)
            heads = ("FCN-8s", next(others)) if turns else ("FCN-8s",)
            loss = sum(cross_entropy(decoders[name](levels), semantic) for name in heads)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            report(step, loss.item())
    state = weights.rounded(encoder)
    scores = measure(encoder.eval(), decoders.eval(), test)
    for name, score in scores.items():
        print(f"seed {seed}: encoder under {name}: {score}")
    if not options.dry:
        weights.save(ENCODER, state, {
            "seed": seed, "steps": options.crops + options.steps,
            "data": f"PetScenes {code_version()}",
            "score": f"mean IoU {scores['FCN-8s']['mean_iou']:.3f} under the FCN-8s it was trained "
                     f"with, on {len(test)} test scenes", "scenes": len(scenes),
            "crops": options.crops, "batch": [CROPS, SCENES], "lr": options.lr})
        print(weights.describe(ENCODER))


def report(step: int, loss: float) -> None:
    """A line every hundred steps."""
    if (step + 1) % 100 == 0:
        print(f"    {time.strftime('%H:%M:%S')}  step {step + 1}, loss {loss:.3f}", flush=True)


def train_decoders(scenes: Sequence, test: Sequence, options: argparse.Namespace) -> None:
    """The nine decoders, once for each seed; the table of all seeds."""
    encoder = Encoder()
    encoder.load_state_dict(weights.load(ENCODER))
    encoder.eval().requires_grad_(False)
    recipe = {"seed": options.seeds[0], "steps": options.steps, "batch": SCENES, "lr": options.lr,
              "data": f"PetScenes {code_version()}", "scenes": len(scenes)}
    table = {"recipe": {**recipe, "seeds": options.seeds, "test_scenes": len(test)}, "scores": {}}
    for seed in options.seeds:
        decoders = train_nine(encoder, scenes, seed, options)
        state = weights.rounded(decoders)
        for name, score in measure(encoder, decoders, test).items():
            table["scores"].setdefault(name, []).append(score)
            print(f"seed {seed}: {name}: {score}", flush=True)
        if options.dry:
            continue
        if seed == options.seeds[0]:
            best = max(scores[0]["mean_iou"] for scores in table["scores"].values())
            weights.save(NINE, state, {**recipe, "score": f"the best of nine reaches mean IoU "
                                                          f"{best:.3f} on {len(test)} test scenes"})
        TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def train_nine(encoder: Encoder, scenes: Sequence, seed: int,
               options: argparse.Namespace) -> nn.ModuleDict:
    """All nine side by side; each has its own optimizer, and none sees another's gradient."""
    torch.manual_seed(seed)
    decoders = nn.ModuleDict({name: make() for name, make in DECODERS.items()})
    optimizers = {name: torch.optim.AdamW(decoder.parameters(), lr=options.lr)
                  for name, decoder in decoders.items()}
    for step, (progress, images, semantic) in enumerate(whole(scenes, options.steps)):
        levels = encoder(images)
        for name, decoder in decoders.items():
            set_learning_rate(optimizers[name], "cosine", progress)
            optimizers[name].zero_grad()
            loss = cross_entropy(decoder(levels), semantic)
            loss.backward()
            optimizers[name].step()
        report(step, loss.item())
    return decoders.eval()


@torch.no_grad()
def measure(encoder: Encoder, decoders: nn.ModuleDict, scenes: Sequence) -> dict[str, dict]:
    """Mean IoU and mean boundary IoU of every decoder."""
    matrices = {name: torch.zeros(K, K, dtype=torch.int64) for name in decoders}
    edges = {name: torch.zeros(2, K) for name in decoders}
    for image, target in scenes:
        levels: Levels = encoder(image[None])
        for name, decoder in decoders.items():
            answer = decoder(levels).argmax(1)[0]
            matrices[name] += confusion_matrix(answer, target["semantic"], K)
            edges[name] += boundary_counts(answer, target["semantic"], K)
    return {name: {"mean_iou": round(mean_iou(matrices[name]), 4),
                   "boundary_iou": round((edges[name][0] / edges[name][1]).mean().item(), 4)}
            for name in decoders}


if __name__ == "__main__":
    main()
