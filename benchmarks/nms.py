"""Time of the course's NMS against torchvision's: `python benchmarks/nms.py`.

One thread. Both give the same indices (asserted), their calls alternate, and the ratio is the
median of the pairs' ratios. For 2,000 boxes it is held to its bound: no more than torchvision's
time. With few boxes numpy's calls themselves take most of it. `batched_nms` is one NMS over all
classes here; torchvision runs one a class, which is quicker where there are many.
"""

import statistics
import time

import torch
import torchvision
from torch import Tensor

from coursekit.boxes import batched_nms, nms

REPEATS, BOUND = 31, 1.0


def crowd(n: int, spread: float) -> tuple[Tensor, Tensor]:
    """The n boxes, 30 to 150 pixels, in 60 clusters of width `spread`, and their scores."""
    center = (torch.rand(60, 2) * 600)[torch.randint(60, (n,))] + torch.randn(n, 2) * spread
    size = 30 + torch.rand(n, 2) * 120
    return torch.cat([center - size / 2, center + size / 2], dim=1), torch.rand(n)


def seconds(call: object, *inputs: object) -> tuple[float, Tensor]:
    """Processor time of one call, and its result."""
    start = time.process_time()
    result = call(*inputs)
    return time.process_time() - start, result


def main() -> None:
    """Print a line for each size."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for n, spread in [(200, 15), (500, 15), (2000, 8), (2000, 40), (2000, 120)]:
        boxes, scores = crowd(n, spread)
        rows = []
        for _ in range(REPEATS):
            theirs, reference = seconds(torchvision.ops.nms, boxes, scores, 0.5)
            ours, kept = seconds(nms, boxes, scores, 0.5)
            assert kept.equal(reference)
            rows.append((ours / theirs, theirs))
        ratio, base = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"nms, {n:5} boxes, {len(kept):4} kept: torchvision {base * 1e3:6.2f} ms, "
              f"ours x {ratio:.2f}")
        assert n < 2000 or ratio <= BOUND, f"at most torchvision's time is claimed: {ratio:.2f}"
    labels = torch.randint(1, 21, (2000,))
    pairs = [(seconds(torchvision.ops.batched_nms, boxes, scores, labels, 0.5)[0],
              seconds(batched_nms, boxes, scores, labels, 0.5)[0]) for _ in range(REPEATS)]
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    print(f"batched_nms, 2000 boxes of 20 classes: ours x {ratio:.2f} of torchvision")


if __name__ == "__main__":
    main()
