"""The course's selective search against OpenCV's fast mode: `benchmarks/selective_search.py`.

On photographs of Penn-Fudan, evenly spread over the set, resized to 500 pixels' width. One thread;
for each photograph the two take turns, and the ratio of times is the median of the photographs'
ratios. Held to their bounds: recall at 0.5 of all boxes at most 0.01 below OpenCV's, above it with
500 and 1,000 boxes; time at most 1.1 times OpenCV's. The course's search gives more boxes in all,
so compare recall at equal numbers. It needs opencv-contrib-python-headless, which nothing else in
the course does: install it in a virtual environment of its own, or with `pip install --target` and
put that on PYTHONPATH.

    python benchmarks/selective_search.py [number of photographs, 30 by default]

Letters: M ground-truth boxes, N proposals.
"""

import statistics
import sys
import time

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from coursekit.boxes import iou
from coursekit.data import PennFudan
from coursekit.proposals import selective_search

try:
    import cv2
    from cv2.ximgproc import segmentation
except ImportError:
    print("selective search: not measured; to compare with OpenCV, pip install "
          "opencv-contrib-python-headless in a virtual environment of its own and run it there.")
    sys.exit()

WIDTH = 500
NUMBERS = (200, 500, 1000, 2000, None)
SLACK, TIMES = 0.01, 1.1


def resized(image: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """A photograph 500 pixels wide, and its boxes."""
    _, H, W = image.shape
    size = (round(H * WIDTH / W), WIDTH)
    small = F.interpolate(image[None], size, mode="bilinear", antialias=True)[0].clamp(0, 1)
    return small, boxes * torch.tensor([size[1] / W, size[0] / H]).repeat(2)


def opencv_fast(image: Tensor) -> Tensor:
    """OpenCV's boxes, xyxy, in its own order."""
    pixels = (image.permute(1, 2, 0).numpy()[:, :, ::-1] * 255).round().astype(np.uint8)
    search = segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(np.ascontiguousarray(pixels))
    search.switchToSelectiveSearchFast()
    boxes = torch.from_numpy(search.process().astype(np.float32))
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def course_fast(image: Tensor) -> Tensor:
    """The course's boxes, all of them."""
    return selective_search(image, max_proposals=None)


def main(photographs: int) -> None:
    """Print recall, mean best overlap and number of boxes for both, and the ratio of times."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    cv2.setRNGSeed(0)
    data = PennFudan()
    ratios, counts, best = [], {}, {}
    for index in np.linspace(0, len(data) - 1, photographs).astype(int).tolist():
        image, target = data[index]
        image, truth = resized(image, target["boxes"])
        seconds = {}
        for search in (opencv_fast, course_fast):
            start = time.process_time()
            boxes = search(image)
            seconds[search] = time.process_time() - start
            overlaps = iou(truth, boxes)                                       # (M, N)
            counts.setdefault(search, []).append(len(boxes))
            best.setdefault(search, []).append(
                torch.stack([overlaps[:, :n].amax(dim=1) for n in NUMBERS], dim=1))
        ratios.append(seconds[course_fast] / seconds[opencv_fast])
    people = sum(map(len, best[course_fast]))
    print(f"{photographs} photographs, {people} people; boxes: " + ", ".join(map(str, NUMBERS)))
    for search, rows in best.items():
        table = torch.cat(rows)
        print(f"{search.__name__}: {statistics.mean(counts[search]):.0f} boxes a photograph")
        for name, values in (("recall@0.5", (table >= 0.5).float()),
                             ("recall@0.7", (table >= 0.7).float()), ("MABO", table)):
            print(f"  {name:10}", *(f"{value:.3f}" for value in values.mean(dim=0)))
    print(f"time: x {statistics.median(ratios):.2f} of OpenCV's, from x {min(ratios):.2f} to "
          f"x {max(ratios):.2f}")
    hold(*((torch.cat(best[search]) >= 0.5).float().mean(dim=0).tolist()
           for search in (course_fast, opencv_fast)), statistics.median(ratios))


def hold(ours: list[float], theirs: list[float], ratio: float) -> None:
    """Hold recall at 0.5, at each of NUMBERS, and time to their bounds."""
    assert ours[-1] >= theirs[-1] - SLACK, f"recall of all boxes: {ours[-1]} and {theirs[-1]}"
    for n, mine, other in list(zip(NUMBERS, ours, theirs, strict=True))[1:3]:
        assert mine > other, f"recall of {n} boxes: {mine}, but OpenCV's {other}"
    assert ratio <= TIMES, f"at most {TIMES} times OpenCV's time is claimed, not {ratio:.2f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
