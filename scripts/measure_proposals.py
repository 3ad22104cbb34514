"""Measure selective search on photographs: `python scripts/measure_proposals.py`.

Chapter 8 shows recall on Penn-Fudan without asking every reader to download it: this script makes
the table that it prints, `src/coursekit/weights/proposals-pennfudan.json`. All photographs for mode
"fast", every fourth for "quality", each resized to a width of 500 pixels. One thread, about a
quarter of an hour.
"""

import json
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from coursekit.boxes import iou
from coursekit.data import PennFudan
from coursekit.proposals import selective_search

FILE = Path(__file__).resolve().parent.parent / "src/coursekit/weights/proposals-pennfudan.json"
WIDTH = 500
COUNTS = (100, 200, 500, 1000, 2000, None)      # None: all of them
EVERY = {"fast": 1, "quality": 4}


def at_width(image: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The photograph (3, H, W) and its boxes (M, 4), WIDTH pixels wide."""
    scale = WIDTH / image.shape[2]
    size = (round(image.shape[1] * scale), WIDTH)
    small = F.interpolate(image[None], size, mode="bilinear", antialias=True)[0]
    return small.clamp(0, 1), boxes * scale


def measure(mode: str) -> dict:
    """Best overlaps of all boxes for the first n proposals, and what they add up to."""
    photographs, best, sizes, seconds = PennFudan(), {n: [] for n in COUNTS}, [], []
    chosen = range(0, len(photographs), EVERY[mode])
    for index in chosen:
        image, target = photographs[index]
        image, boxes = at_width(image, target["boxes"])
        start = time.process_time()
        found = selective_search(image, mode, max_proposals=None)
        seconds.append(time.process_time() - start)
        sizes.append(len(found))
        overlaps = iou(found, boxes)
        for n in COUNTS:
            best[n].append(overlaps[:n].amax(dim=0))
    rows = []
    for n, parts in best.items():
        overlap = torch.cat(parts)
        rows.append({"proposals": n, "recall50": round((overlap >= 0.5).float().mean().item(), 4),
                     "recall70": round((overlap >= 0.7).float().mean().item(), 4),
                     "mean_best_overlap": round(overlap.mean().item(), 4)})
    return {"photographs": len(chosen), "boxes": len(overlap), "rows": rows,
            "mean_proposals": round(statistics.mean(sizes)),
            "median_seconds": round(statistics.median(seconds), 2)}


def main() -> None:
    """Write the table."""
    torch.set_num_threads(1)
    found = {"width": WIDTH, "modes": {mode: measure(mode) for mode in EVERY}}
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(FILE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
