"""Time of RoI pooling and RoIAlign against torchvision's: `python benchmarks/regions.py`.

One thread, 512 regions of 7 x 7 bins. Ours and torchvision's results are asserted to be equal,
their calls alternate, and a ratio is the median of the pairs' ratios, of processor time; it stops
if one is above what the course claims. Of RoI pooling with its gradient nothing is claimed: there
ours reads every cell of every bin, and takes two to four times torchvision's time.
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torchvision import ops

from coursekit.roi import roi_align, roi_pool

REPEATS = 9
MAPS = {"2 x 256 x 50 x 68": ((2, 256, 50, 68), 16), "8 x 128 x 16 x 16": ((8, 128, 16, 16), 8)}


def compare(name: str, ours: Callable, theirs: Callable, claimed: float | None) -> None:
    """Print a line; stop if the ratio is above what is claimed, if anything is."""
    def seconds(call: Callable) -> float:
        start = time.process_time()
        call()
        return time.process_time() - start
    ours(), theirs()
    times = [(seconds(ours), seconds(theirs)) for _ in range(REPEATS)]
    mine, peer = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    print(f"{name:48} ours ≈ {mine:8.2f} ms  torchvision ≈ {peer:8.2f} ms  ratio ≈ {ratio:.2f}"
          + (f", at most {claimed}" if claimed else ""), flush=True)
    assert claimed is None or ratio <= claimed, f"{name}: {ratio:.2f} times torchvision's time"


def regions(count: int, images: int, height: float, width: float) -> Tensor:
    """(count, 5): the number of an image, and a box of any size and place."""
    corners = torch.rand(count, 2, 2) * torch.tensor([width, height])
    boxes = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    return torch.cat([torch.randint(images, (count, 1)), boxes], dim=1)


def operations() -> None:
    """Both operations on a large map and on a batch of small ones."""
    for size, (shape, stride) in MAPS.items():
        x = torch.randn(shape)
        rows = regions(512, shape[0], shape[2] * stride, shape[3] * stride)
        learned = x.clone().requires_grad_()
        align = {"boxes": rows, "output_size": 7, "spatial_scale": 1 / stride,
                 "sampling_ratio": 2, "aligned": True}
        torch.testing.assert_close(roi_align(x, **align), ops.roi_align(x, **align),
                                   rtol=1e-4, atol=1e-4)
        compare(f"RoIAlign, {size}", lambda x=x, a=align: roi_align(x, **a),
                lambda x=x, a=align: ops.roi_align(x, **a), 0.5)
        compare(f"RoIAlign and gradient, {size}",
                lambda x=learned, a=align: roi_align(x, **a).sum().backward(),
                lambda x=learned, a=align: ops.roi_align(x, **a).sum().backward(), 0.5)
        assert roi_pool(x, rows, 7, 1 / stride).equal(ops.roi_pool(x, rows, 7, 1 / stride))
        compare(f"RoI pooling, {size}", lambda x=x, r=rows, s=stride: roi_pool(x, r, 7, 1 / s),
                lambda x=x, r=rows, s=stride: ops.roi_pool(x, r, 7, 1 / s), 1.1)
        compare(f"RoI pooling and gradient, {size}",
                lambda x=learned, r=rows, s=stride: roi_pool(x, r, 7, 1 / s).sum().backward(),
                lambda x=learned, r=rows, s=stride: ops.roi_pool(x, r, 7, 1 / s).sum().backward(),
                None)


def main() -> None:
    """All comparisons."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    operations()


if __name__ == "__main__":
    main()
