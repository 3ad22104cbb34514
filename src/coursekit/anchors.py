"""Anchors: boxes of a few sizes and shapes around every cell of a map, to start regression from.

A network that must find boxes anywhere does not say where they are, but how far off the nearest of
a fixed set they are. The set is the same for every picture: A shapes around each cell's center. An
anchor is not what a cell sees (its receptive field), nor a window cut out of the map.

H W of the map, A shapes a cell.

Source: Ren et al. 2015 (arXiv:1506.01497), section 3.1.1.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def shapes(sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Boxes around the point 0, 0: size by size, and for each size ratio by ratio.

    Args:
        sizes: square roots of areas, in pixels.
        ratios: heights / widths. The area stays the same: a ratio of 4 doubles the height and
            halves the width.
    Returns:
        (A, 4), xyxy, A being the number of sizes times that of ratios.
    Raises:
        ValueError: no size or no ratio, or one that is not above 0.
    """
    if not len(sizes) or not len(ratios) or min(*sizes, *ratios, 1) <= 0:
        raise ValueError(f"got sizes {list(sizes)} and ratios {list(ratios)}, but one or more of "
                         "each, all above 0, was expected: (16, 32, 64) and (0.5, 1, 2), say.")
    size = torch.tensor(sizes, dtype=torch.float32)[:, None]
    root = torch.tensor(ratios, dtype=torch.float32).sqrt()
    half_width, half_height = (size / root).flatten() / 2, (size * root).flatten() / 2      # (A,)
    return torch.stack([-half_width, -half_height, half_width, half_height], dim=1)


def grid_anchors(grid: tuple[int, int], stride: int | tuple[int, int], around: Tensor,
                 center: float = 0.5) -> Tensor:
    """The shapes around every cell of a map: row by row, cell by cell, shape by shape.

    Args:
        grid: (H, W) of the map.
        stride: pixels of the picture to a cell, one number or (down, across).
        around: (A, 4) boxes around the point 0, 0, from `shapes`.
        center: where in its cell an anchor's center lies: 0.5 is the middle, 0 the upper left
            corner, which torchvision takes.
    Returns:
        (H * W * A, 4) boxes, xyxy, in pixels of the picture; many reach beyond it.
    Source:
        Ren et al. 2015, section 3.1.1; torchvision's AnchorGenerator has other shapes: it rounds
        them to whole pixels, and takes ratio by ratio.
    """
    strides = (stride, stride) if isinstance(stride, int) else stride
    y, x = torch.meshgrid(*[(torch.arange(n, device=around.device) + center) * step
                            for n, step in zip(grid, strides, strict=True)], indexing="ij")
    centers = torch.stack([x, y, x, y], dim=-1).view(-1, 1, 4)                # (H * W, 1, 4)
    return (centers + around).view(-1, 4)
