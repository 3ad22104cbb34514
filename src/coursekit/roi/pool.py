"""RoI pooling: the greatest feature in each bin of a region, after two roundings.

A region in pixels of the image is projected onto the map, and its corners are rounded to whole
cells: the first rounding. It is then cut into P x Q bins whose edges are rounded outward: the
second. So bins may overlap, and one of a region smaller than P cells is a cell that its neighbour
has, too. Each bin passes on its greatest value, and sends its gradient to where that value stood.

B images, C channels, H W of the map, R regions, P Q bins down and across, N = R * P * Q.

Source: Girshick 2015 (arXiv:1504.08083), section 2.1; torchvision.ops.roi_pool.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.roi.regions import as_rows


def roi_pool(features: Tensor, boxes: Tensor | Sequence[Tensor],
             output_size: int | Sequence[int], spatial_scale: float = 1.0) -> Tensor:
    """Every region as P x Q numbers a channel, each the greatest of its bin; 0 for an empty bin.

    Args:
        features: (B, C, H, W) floating point.
        boxes: (R, 5), the image's number before each box, or a list of (R of that image, 4);
            xyxy, in pixels of the image. They may reach beyond it.
        output_size: the bins, one number or (P, Q).
        spatial_scale: cells of the map to a pixel of the image, as 1 / 8.
    Returns:
        (R, C, P, Q). Gradients flow to the features, none to the boxes.
    Raises:
        ValueError, TypeError: whatever `as_rows` refuses.
    Source:
        Girshick 2015, section 2.1; torchvision.ops.roi_pool.
    """
    rows, (P, Q) = as_rows(features, boxes, output_size)
    H, W = features.shape[2:]
    top, bottom = cells(rows[:, [2, 4]], spatial_scale, P, H)                # (R, P) each
    left, right = cells(rows[:, [1, 3]], spatial_scale, Q, W)                # (R, Q) each
    image = rows[:, 0].long()[:, None, None]                                 # (R, 1, 1)
    top, height = top[:, :, None], (bottom - top)[:, :, None]                # (R, P, 1)
    left, width = left[:, None], (right - left)[:, None]                     # (R, 1, Q)
    bins = [part.expand(-1, P, Q).flatten() for part in (image, top, height, left, width)]
    learning = torch.is_grad_enabled() and features.requires_grad
    pooled = greatest_and_where(features, *bins) if learning else greatest(features, *bins)
    blocks = pooled.view(len(rows), P, Q, features.shape[1])
    return blocks.permute(0, 3, 1, 2)                    # in memory, channels come last


def cells(sides: Tensor, scale: float, bins: int, size: int) -> tuple[Tensor, Tensor]:
    """First cell, and the one after the last, of every bin along one axis: (R, bins) each.

    Args:
        sides: (R, 2), where each region begins and ends, in pixels.
        scale: cells to a pixel.
        bins: how many to cut each region into.
        size: cells that the map has along this axis.
    """
    start, end = rounded(sides * scale).unbind(dim=1)                        # the first rounding
    length = (end - start + 1).clamp(min=1) / bins                           # of a bin, in cells
    steps = torch.arange(bins + 1, device=sides.device)
    edges = steps.to(sides) * length[:, None]                                # (R, bins + 1)
    first, stop = edges[:, :-1].floor(), edges[:, 1:].ceil()                 # the second
    inside = [(start[:, None] + edge).clamp(0, size).long() for edge in (first, stop)]
    return inside[0], inside[1]


def rounded(values: Tensor) -> Tensor:
    """Round half away from zero, as C does; `torch.round` takes the even neighbour: 0.5 -> 0."""
    whole = values.trunc()
    return whole + (values - whole).mul(2).trunc()


def greatest(features: Tensor, image: Tensor, top: Tensor, height: Tensor, left: Tensor,
             width: Tensor) -> Tensor:
    """(B, C, H, W) and N bins, (N,) each -> (N, C): the greatest of each bin, no gradient.

    First the greatest of every run of w cells in a row of the map, for each w that occurs: one cell
    more than the run before. Then, of a bin of that width, the greatest of its rows.
    """
    x = features.permute(0, 2, 3, 1).contiguous()                            # (B, H, W, C)
    H, W = x.shape[1:3]
    first = (image * H + top) * W + left                                     # (N,) of B * H * W
    width = width * (height > 0)
    out = x.new_zeros(len(first), x.shape[3])
    runs = x.clone()
    for w in range(1, max(width.tolist(), default=0) + 1):
        if w > 1:
            runs[:, :, :1 - w] = torch.maximum(runs[:, :, :1 - w], x[:, :, w - 1:])
        mine = (width == w).nonzero().flatten()
        best = runs.flatten(0, 2).index_select(0, first[mine])
        for i in range(1, max(height[mine].tolist(), default=0)):
            more = (height[mine] > i).nonzero().flatten()
            row = runs.flatten(0, 2).index_select(0, first[mine[more]] + i * W)
            best[more] = torch.maximum(best[more], row)
        out[mine] = best
    return out


def greatest_and_where(features: Tensor, image: Tensor, top: Tensor, height: Tensor, left: Tensor,
                       width: Tensor) -> Tensor:
    """The same, and the gradient goes to the first cell, row by row, that holds the greatest.

    `embedding_bag` remembers where it stood; for that it has to read every cell of every bin.
    """
    B, C, H, W = features.shape
    table = features.permute(0, 2, 3, 1).reshape(-1, C)                      # (B * H * W, C)
    count = height * width                                                   # (N,) cells of a bin
    stop = count.cumsum(0)
    which = torch.arange(len(count), device=count.device).repeat_interleave(count)
    place = torch.arange(len(which), device=count.device) - (stop - count)[which]
    row, column = place // width[which], place % width[which]
    cell = (image[which] * H + top[which] + row) * W + left[which] + column
    return F.embedding_bag(cell, table, stop - count, mode="max")            # (N, C), 0 if empty
