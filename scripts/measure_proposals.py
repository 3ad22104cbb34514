"""Measure selective search on photographs: `python scripts/measure_proposals.py`.

Chapter 8 shows recall on Penn-Fudan without asking every reader to download it: this script makes
the table that it prints, `src/coursekit/weights/proposals-pennfudan.json`: modes "fast" and
"quality", and between them OpenCV's fast mode, all on the same photographs, every fourth of the
set, each resized to a width of 500 pixels. One thread, about ten minutes. Name some of the three to
measure these alone; "OpenCV" needs what `benchmarks/selective_search.py` needs, and takes its
function.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from coursekit.boxes import iou
from coursekit.data import PennFudan
from coursekit.proposals import selective_search

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "src/coursekit/weights/proposals-pennfudan.json"
WIDTH = 500
COUNTS = (100, 200, 500, 1000, 2000, None)      # None: all of them
MODES, EVERY = ("fast", "OpenCV", "quality"), 4


def at_width(image: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The photograph (3, H, W) and its boxes (M, 4), WIDTH pixels wide."""
    scale = WIDTH / image.shape[2]
    size = (round(image.shape[1] * scale), WIDTH)
    small = F.interpolate(image[None], size, mode="bilinear", antialias=True)[0]
    return small.clamp(0, 1), boxes * scale


def search_of(mode: str) -> Callable[[Tensor], Tensor]:
    """A function from photograph (3, H, W) to all its boxes (N, 4), in order."""
    if mode != "OpenCV":
        return partial(selective_search, mode=mode, max_proposals=None)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import selective_search as benchmark
    benchmark.cv2.setNumThreads(1)
    benchmark.cv2.setRNGSeed(0)                  # its order is drawn by chance
    return benchmark.opencv_fast


def measure(mode: str) -> dict:
    """Best overlaps of all boxes for the first n proposals, and what they add up to."""
    search = search_of(mode)
    photographs, best, sizes, seconds = PennFudan(), {n: [] for n in COUNTS}, [], []
    chosen = range(0, len(photographs), EVERY)
    for index in chosen:
        image, target = photographs[index]
        image, boxes = at_width(image, target["boxes"])
        start = time.process_time()
        found = search(image)
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
    """Write the table, all of it or the modes named."""
    torch.set_num_threads(1)
    table = json.loads(FILE.read_text(encoding="utf-8"))["modes"] if FILE.exists() else {}
    table.update({mode: measure(mode) for mode in sys.argv[1:] or MODES})
    found = {"width": WIDTH, "modes": {mode: table[mode] for mode in MODES if mode in table}}
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(FILE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
