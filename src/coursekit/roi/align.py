"""RoIAlign: the mean of a few points in each bin of a region; nothing is rounded.

A region is projected onto the map and cut into P x Q equal bins, all in real numbers. In each bin
lie sy x sx points on a regular grid. A point falls between four cells, and takes of each what
bilinear interpolation gives it (chapter 3); a bin is the mean of its points.

So an output cell is a weighted sum of at most 4 * sy * sx rows of the map, written as a table (B *
H * W, C). That is what `embedding_bag` computes: all regions of all images at once, gradient
included.

B images, C channels, H W of the map, R regions, P Q bins down and across, sy sx points of a bin.

Source: He et al. 2017 (arXiv:1703.06870), section 3; torchvision.ops.roi_align.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.roi.regions import as_rows


def roi_align(features: Tensor, boxes: Tensor | Sequence[Tensor], output_size: int | Sequence[int],
              spatial_scale: float = 1.0, sampling_ratio: int = -1,
              aligned: bool = False) -> Tensor:
    """Every region as P x Q numbers a channel, each the mean of points in its bin.

    Args:
        features: (B, C, H, W) floating point.
        boxes: (R, 5), the image's number before each box, or a list of (R of that image, 4);
            xyxy, in pixels of the image. They may reach beyond it.
        output_size: the bins, one number or (P, Q).
        spatial_scale: cells of the map to a pixel of the image, as 1 / 8.
        sampling_ratio: points a bin along each axis; 0 or less takes about one for each cell.
        aligned: True takes a cell's number as its center, 0.5 cells further than its left edge, as
            pixels in this course; False is the first implementation's half-cell shift, and makes
            every region at least one cell wide and high.
    Returns:
        (R, C, P, Q). Gradients flow to the features, none to the boxes.
    Raises:
        ValueError, TypeError: whatever `as_rows` refuses.
    Source:
        He et al. 2017, section 3; torchvision.ops.roi_align.
    """
    rows, (P, Q) = as_rows(features, boxes, output_size)
    B, C, H, W = features.shape
    corners = rows[:, 1:] * spatial_scale - (0.5 if aligned else 0)          # (R, 4) in cells
    start, side = corners[:, :2], corners[:, 2:] - corners[:, :2]            # (R, 2) each, x and y
    side = side if aligned else side.clamp(min=1)
    table = features.permute(0, 2, 3, 1).reshape(-1, C)                      # (B * H * W, C)
    order, parts = [], []
    for (sx, sy), mine in by_points(side / side.new_tensor([Q, P]), sampling_ratio):
        column, x_share = between(start[mine, 0], side[mine, 0], Q, sx, W)   # (r, Q, nx)
        row, y_share = between(start[mine, 1], side[mine, 1], P, sy, H)      # (r, P, ny)
        row = row + H * rows[mine, :1, None].long()                          # of the table, / W
        cell = row[:, :, None, :, None] * W + column[:, None, :, None]       # (r, P, Q, ny, nx)
        share = y_share[:, :, None, :, None] * x_share[:, None, :, None]
        order.append(mine)
        parts.append(weighted_sums(table, cell.flatten(3), share.flatten(3)))
    out = parts[0] if len(parts) == 1 else torch.cat(parts)[torch.cat(order).argsort()]
    return out.permute(0, 3, 1, 2)                       # in memory, channels come last


def by_points(bins: Tensor, sampling_ratio: int) -> Iterator[tuple[tuple[int, int], Tensor]]:
    """Regions with the same numbers of points in a bin: (across, down), and which regions.

    Args:
        bins: (R, 2), a bin's width and height in cells.
        sampling_ratio: points along each axis; 0 or less takes one for each cell begun.
    """
    if sampling_ratio > 0 or not len(bins):
        yield (max(sampling_ratio, 1),) * 2, torch.arange(len(bins), device=bins.device)
        return
    points = bins.ceil().clamp(min=0).long()                                 # (R, 2)
    for pair in points.unique(dim=0):
        yield tuple(pair.tolist()), (points == pair).all(dim=1).nonzero().flatten()


def between(start: Tensor, side: Tensor, bins: int, points: int,
            size: int) -> tuple[Tensor, Tensor]:
    """Along one axis: the cells around the points of every bin, and the share of each.

    A point gives a cell 1 less their distance, if that is above 0: so the two cells around it share
    1, as in bilinear interpolation.

    Args:
        start: (r,), where the regions begin, in cells.
        side: (r,), how long they are.
        bins: how many a region is cut into.
        points: of each bin.
        size: cells that the map has along this axis.
    Returns:
        Cells (r, bins, n) int64, one after the other, and their shares: 1 in all for each bin, less
        what its points beyond the map would have had.
    """
    length, count = side[:, None, None] / bins, max(points, 1)
    i, p = torch.arange(bins).to(side)[:, None], torch.arange(count).to(side)
    at = start[:, None, None] + i * length + (p + 0.5) * length / count      # (r, bins, points)
    inside = (at >= -1) & (at <= size) & (points > 0)    # up to a cell beyond: the edge's own value
    at = at.clamp(0, size - 1)
    first = at.amin(dim=2, keepdim=True).floor()
    n = int((at - first).max()) + 2 if len(at) else 0
    cells = first + torch.arange(n).to(side)                                 # (r, bins, n)
    shares = (1 - (at[..., None] - cells[:, :, None]).abs()).clamp(min=0)    # (r, bins, points, n)
    shares = (shares * inside[..., None]).sum(dim=2) / count
    return cells.clamp(max=size - 1).long(), shares


def weighted_sums(table: Tensor, rows: Tensor, shares: Tensor) -> Tensor:
    """(T, C), and rows and shares (..., n) -> (..., C): the sum of n rows, each by its share."""
    used = shares.flatten().nonzero().flatten()                              # most are 0
    counts = (shares.flatten(0, -2) != 0).sum(dim=1)
    bags = F.embedding_bag(rows.flatten()[used], table, counts.cumsum(0) - counts, mode="sum",
                           per_sample_weights=shares.flatten()[used].to(table))
    return bags.view(*rows.shape[:-1], table.shape[1])
