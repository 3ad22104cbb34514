"""Make chapter 13's table: pretrained or random features, three seeds each.

Every run is what the chapter's notebook does on a processor: the same photographs to learn from and
to watch, the same augmentation, model and recipe; only the seed and the start of the backbone
differ. It is measured once, after the last epoch, on the 50 photographs held out. No weights are
stored; the scores become `src/coursekit/weights/pennfudan.json`, and with them what AP50 is made
of: for each held-out photograph the number of people, and every detection's score and whether it is
right. A run that the table has already, by the same recipe, is not made again.

    python scripts/train_pennfudan.py --starts pretrained random --seeds 0 1 2
"""

import argparse
import json
import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision.transforms import v2

from coursekit import weights
from coursekit.average_precision import judge
from coursekit.checkpoint import write_atomically
from coursekit.data import PennFudan, collate
from coursekit.data.augment import Augmented
from coursekit.detections import pair_up
from coursekit.fine_tune import fine_tune
from coursekit.metrics import coco_ap
from coursekit.models.hub import origin
from coursekit.models.pyramid import OFFICIAL, REGIONS, MobilePyramid, pyramid_mask_rcnn

EVERY = 10                      # the first of each ten photographs is watched, not learned from
EPOCHS, BATCH, LR, WARM_UP, DECAY = 8, 4, 1e-3, 27, 0.05
SHORTEST, LONGEST = 256, 384
TERMS = ("AP50", "AP", "AP75")
FILE = weights.FOLDER / "pennfudan.json"


def main() -> None:
    """Train, measure, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", nargs="+", choices=("pretrained", "random"),
                        default=["pretrained", "random"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--dry", action="store_true", help="store nothing")
    options = parser.parse_args()
    data, test = PennFudan("train"), PennFudan("test")
    learned = Subset(data, [n for n in range(len(data)) if n % EVERY])
    watched = Subset(data, range(0, len(data), EVERY))
    recipe = {"epochs": EPOCHS, "batch": BATCH, "lr": LR, "warm_up": WARM_UP, "decay": DECAY,
              "regions": REGIONS, "shortest": SHORTEST, "longest": LONGEST,
              "learned": len(learned), "watched": len(watched), "held_out": len(test),
              "weights": origin(OFFICIAL.url).partition("≈ ")[2],
              "threads": torch.get_num_threads()}
    for start in options.starts:
        for seed in options.seeds:
            if options.dry or not any((run["start"], run["seed"]) == (start, seed)
                                      for run in stored(recipe)):
                run = one_run(start, seed, learned, watched, test)
                if not options.dry:
                    add(run, recipe)


def stored(recipe: dict) -> list[dict]:
    """The runs that were made by this recipe and lie in the table."""
    table = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return table["runs"] if table.get("recipe") == recipe else []


def add(run: dict, recipe: dict) -> None:
    """Write the table with one run more."""
    runs = sorted([*stored(recipe), run], key=lambda run: (run["start"], run["seed"]))
    write_atomically(FILE, (json.dumps({"recipe": recipe, "runs": runs}) + "\n").encode())


def one_run(start: str, seed: int, learned: Sequence, watched: Sequence, test: Sequence) -> dict:
    """Train one model as the notebook does, and measure it."""
    began, losses = time.perf_counter(), []
    torch.manual_seed(seed)
    model = pyramid_mask_rcnn(MobilePyramid(start == "pretrained"), 2, (SHORTEST, LONGEST))
    moved = Augmented(learned, v2.RandomHorizontalFlip())
    loader = DataLoader(moved, BATCH, shuffle=True, collate_fn=collate)
    watched = DataLoader(watched, BATCH, collate_fn=collate)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=DECAY)
    for row in fine_tune(model, loader, watched, optimizer, EPOCHS, WARM_UP):
        losses.append([round(row["loss"], 4), round(row["validation"], 4)])
        print(f"    {start}, seed {seed}, {row['seconds']:.0f} s: {losses[-1]}", flush=True)
    minutes = round((time.perf_counter() - began) / 60, 2)
    found = detect(model, test)
    targets = [test[n][1] for n in range(len(test))]
    box, mask = (coco_ap(found, targets, kind) for kind in ("bbox", "segm"))
    run = {"start": start, "seed": seed, **{key: round(box[key], 4) for key in TERMS},
           "masks": {key: round(mask[key], 4) for key in TERMS}, "minutes": minutes}
    print(run, flush=True)
    return run | {"losses": losses, "photographs": ranked(found, targets)}


@torch.no_grad()
def detect(model: nn.Module, data: Sequence) -> list[dict[str, Tensor]]:
    """What is found in each photograph; masks as yes and no."""
    found = []
    for n in range(len(data)):
        one, = model([data[n][0]])
        found.append(one | {"masks": one["masks"][:, 0] > 0.5})
    return found


def ranked(found: Sequence[dict[str, Tensor]], targets: Sequence[dict[str, Tensor]]) -> list:
    """For each photograph the number of people, and [score, right at an IoU of 0.5] of each box."""
    rows = []
    for pair in pair_up(found, targets, "bbox"):
        pair = pair.of_class(1, 100)
        right, _ = judge(pair, np.zeros((4, len(pair.crowd)), bool))         # (A, T, D)
        rows.append([len(pair.crowd), [[round(float(score), 4), int(flag)]
                                       for score, flag in zip(pair.scores, right[0, 0],
                                                              strict=True)]])
    return rows


if __name__ == "__main__":
    main()
