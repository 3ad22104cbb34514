"""Make the shipped detectors of chapters 10 to 12, and their tables.

Each starts from the shipped backbone, which was trained for a simpler task, and from random heads,
and learns from PetScenes' training split alone, each scene mirrored by a coin's toss whenever it is
seen. Fast R-CNN's proposals are found once, for all seeds. Every run is measured on the 200 scenes
of the test split with its weights rounded as they are stored. A live run trains as long as the
chapter's notebook does, by the same call of `fit`.

The first seed named is stored; the scores of all seeds become `src/coursekit/weights/NAME.json`.
Which seed is stored does not depend on them.

    python scripts/train_detector.py fast-rcnn --seeds 0 1 2
    python scripts/train_detector.py faster-rcnn --seeds 0 1 2
    python scripts/train_detector.py mask-rcnn --seeds 0 1 2 --steps 4000
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from coursekit import weights
from coursekit.data import PetScenes, collate
from coursekit.data.petscenes import code_version
from coursekit.metrics import coco_ap
from coursekit.models.backbone import Backbone
from coursekit.models.fast_rcnn import FastRCNN
from coursekit.models.faster_rcnn import FasterRCNN
from coursekit.models.mask_rcnn import MaskRCNN
from coursekit.proposals import selective_search
from coursekit.train import fit, set_learning_rate

MODELS = {"fast-rcnn": FastRCNN, "faster-rcnn": FasterRCNN, "mask-rcnn": MaskRCNN}
SEES = {"fast-rcnn": ("boxes", "labels", "proposals"), "faster-rcnn": ("boxes", "labels"),
        "mask-rcnn": ("boxes", "labels", "masks")}
LIVE = {"fast-rcnn": (200, 8), "faster-rcnn": (240, 10), "mask-rcnn": (160, 8)}  # scenes, epochs
BATCH, LR, DECAY = 8, 1e-3, 0.05
TERMS = ("AP50", "AP", "AP75")


def main() -> None:
    """Train, measure, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--scenes", type=int, default=4000, help="of the training split")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--test", type=int, default=200, help="scenes of the test split")
    parser.add_argument("--dry", action="store_true", help="store nothing")
    options = parser.parse_args()
    train, test = (samples(options.name, split, count)
                   for split, count in (("train", options.scenes), ("test", options.test)))
    recipe = {"seed": options.seeds[0], "steps": options.steps, "batch": BATCH, "lr": LR,
              "data": f"PetScenes {code_version()}", "scenes": options.scenes}
    scenes, epochs = LIVE[options.name]
    table = {"recipe": {**recipe, "seeds": options.seeds, "test_scenes": options.test,
                        "live_scenes": scenes, "live_epochs": epochs}, "runs": []}
    for seed in options.seeds:
        model = train_one(MODELS[options.name], train, seed, options.steps)
        state = weights.rounded(model)
        run = {"seed": seed, **measure(model, test)}
        print(run, flush=True)
        if seed == options.seeds[0] and not options.dry:
            score = f"AP50 {run['AP50']:.3f} on {options.test} test scenes"
            weights.save(options.name, state, {**recipe, "score": score})
        run["live"] = live(MODELS[options.name], train[:scenes], epochs, seed, test)
        table["runs"].append(run)
        print(table["runs"][-1], flush=True)
        if not options.dry:
            file = weights.FOLDER / f"{options.name}.json"
            file.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def samples(name: str, split: str, count: int) -> list[tuple[Tensor, dict[str, Tensor]]]:
    """The scenes of a split, with what the model learns from; for Fast R-CNN with proposals."""
    found = []
    for image, target in (PetScenes(split, length=count)[i] for i in range(count)):
        if "proposals" in SEES[name]:
            target["proposals"] = selective_search(image)
        found.append((image, {key: target[key] for key in SEES[name]}))
    return found


def start(make: Callable[[Backbone], nn.Module], seed: int) -> nn.Module:
    """The shipped backbone and random heads."""
    backbone = Backbone()
    backbone.load_state_dict(weights.load("backbone"))
    torch.manual_seed(seed)
    return make(backbone)


def train_one(make: Callable[[Backbone], nn.Module], train: Sequence, seed: int,
              steps: int) -> nn.Module:
    """One long run; in bfloat16 where that is safe."""
    model = start(make, seed).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=DECAY)
    for step in range(steps):
        set_learning_rate(optimizer, "cosine", step / steps)
        chosen = torch.randint(len(train), (BATCH,)).tolist()
        batch = [mirrored(*train[n]) if torch.rand(()) < 0.5 else train[n] for n in chosen]
        with torch.autocast("cpu", torch.bfloat16):
            losses = model(*zip(*batch, strict=True))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        if (step + 1) % 100 == 0:
            terms = ", ".join(f"{key} {value.item():.3f}" for key, value in losses.items())
            print(f"    {time.strftime('%H:%M:%S')}  step {step + 1}: {terms}", flush=True)
    return model.to(memory_format=torch.contiguous_format).eval()


def mirrored(image: Tensor, target: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """The scene as in a mirror: boxes, proposals and masks, too."""
    turned, W = dict(target), image.shape[-1]
    for key in ("boxes", "proposals"):
        if key in target:
            x1, y1, x2, y2 = target[key].unbind(dim=1)
            turned[key] = torch.stack([W - x2, y1, W - x1, y2], dim=1)
    if "masks" in target:
        turned["masks"] = target["masks"].flip(-1)
    return image.flip(-1), turned


def live(make: Callable[[Backbone], nn.Module], train: Sequence, epochs: int, seed: int,
         test: Sequence) -> dict:
    """What the notebook does, on its scenes, and what comes of it."""
    model = start(make, seed)
    loader = DataLoader(list(train), BATCH, shuffle=True, collate_fn=collate)
    history = fit(model, loader, epochs=epochs, lr=LR, seed=seed)
    return {**measure(model, test), "steps": history.steps}


@torch.no_grad()
def measure(model: nn.Module, test: Sequence) -> dict:
    """Scores of an evaluated model: average precisions of boxes, AP50 class by class, and masks."""
    targets = [target for _, target in test]
    known = [{"proposals": [one["proposals"]]} if "proposals" in one else {} for one in targets]
    found = [model([image], **more)[0] for (image, _), more in zip(test, known, strict=True)]
    ap = coco_ap(found, targets)
    scores = {key: round(ap[key], 4) for key in TERMS}
    scores["per_class50"] = {k: round(value, 4) for k, value in ap["per_class50"].items()}
    if "masks" in targets[0]:
        solid = [one | {"masks": one["masks"][:, 0] > 0.5} for one in found]
        ap = coco_ap(solid, targets, "segm")
        scores["masks"] = {key: round(ap[key], 4) for key in TERMS}
    return scores


if __name__ == "__main__":
    main()
