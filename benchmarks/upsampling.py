"""Time of the course's upsampling against torch's: `python benchmarks/upsampling.py`.

Forward and backward, with one thread, at the sizes of a decoder: the maps are enlarged twofold.
Ours and torch's results are asserted to be equal, their calls alternate, and the ratio is the
median of the pairs' ratios; it stops if a ratio is above what the course claims. Times are of the
processor, not of the wall clock: another program on the machine disturbs them less.
"""

import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit import upsample

SIZES = {"4 x 21 x 32 x 32": (4, 21, 32, 32, 4, 1), "100 x 256 x 14 x 14": (100, 256, 14, 14, 2, 0)}
CLAIMED = {"nearest": 1.5, "bilinear": 1.5, "bed of nails": 1.0, "max-unpooling": 1.2,
           "transposed convolution": 1.2}       # times torch's time, at most
REPEATS = 17


def pairs(x: Tensor, kernel: int, padding: int) -> dict[str, tuple[Callable, Callable]]:
    """For each operation: ours and torch's, as functions of x."""
    C, (H, W) = x.shape[1], x.shape[2:]
    weight = torch.randn(C, C, kernel, kernel, requires_grad=True)
    nail = torch.zeros(C, 1, 2, 2)
    nail[:, :, 0, 0] = 1
    large = F.interpolate(x.detach(), scale_factor=2) + torch.rand(*x.shape[:2], 2 * H, 2 * W)
    _, indices = F.max_pool2d(large, 2, return_indices=True)
    return {
        "nearest": (lambda x: upsample.nearest(x, 2),
                    lambda x: F.interpolate(x, scale_factor=2, mode="nearest")),
        "bilinear": (lambda x: upsample.bilinear(x, (2 * H, 2 * W)),
                     lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")),
        "bed of nails": (lambda x: upsample.bed_of_nails(x, 2),
                         lambda x: F.conv_transpose2d(x, nail, stride=2, groups=C)),
        "max-unpooling": (lambda x: upsample.max_unpool(x, indices, (2 * H, 2 * W)),
                          lambda x: F.max_unpool2d(x, indices, 2)),
        "transposed convolution": (
            lambda x: upsample.conv_transpose2d(x, weight, stride=2, padding=padding),
            lambda x: F.conv_transpose2d(x, weight, stride=2, padding=padding)),
    }


def seconds(function: Callable, x: Tensor, gradient: Tensor) -> float:
    """Processor seconds of one pass forward and backward."""
    x.grad = None
    start = time.process_time()
    function(x).backward(gradient)
    return time.process_time() - start


def main() -> dict[str, float]:
    """Print the table; return the ratios."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ratios = {}
    for size, (B, C, H, W, kernel, padding) in SIZES.items():
        x = torch.randn(B, C, H, W, requires_grad=True)
        gradient = torch.randn(B, C, 2 * H, 2 * W)
        for name, (ours, torchs) in pairs(x, kernel, padding).items():
            torch.testing.assert_close(ours(x), torchs(x), rtol=1e-4, atol=1e-4)
            times = [(seconds(ours, x, gradient), seconds(torchs, x, gradient))
                     for _ in range(REPEATS)][2:]
            mine, theirs = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
            ratio = ratios[f"{name}, {size}"] = statistics.median(a / b for a, b in times)
            print(f"{size:20} {name:23} ours ≈ {mine:7.2f} ms  torch ≈ {theirs:7.2f} ms  "
                  f"ratio ≈ {ratio:.2f}, at most {CLAIMED[name]}")
            assert ratio <= CLAIMED[name], f"{name}, {size}: {ratio:.2f} times torch's time"
    return ratios


if __name__ == "__main__":
    main()
