"""Lab A's checks: upsampling and transposed convolution."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely

ROW = torch.tensor([[[[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]]])         # 2 x 3


def nearest(answer: object) -> str | None:
    """Check `nearest(x, size)` for a map of 2 x 3 and the size 3 x 5."""
    def taken(rows: list[int], columns: list[int]) -> Tensor:
        return ROW[:, :, rows][:, :, :, columns]

    return likely(call(answer, ROW, (3, 5)), taken([0, 1, 1], [0, 0, 1, 2, 2]), {
        "the middle is missing: output o has its middle at o + 1/2.":
            taken([0, 0, 1], [0, 0, 1, 1, 2]),
        "the size is (height, width): rows and columns are swapped.":
            taken([0, 0, 1, 1, 1], [0, 1, 2]),
    }, "a map of 2 x 3 and the size 3 x 5")


CHECKS = {
    "A.nearest": nearest,
}
