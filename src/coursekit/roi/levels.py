"""Regions from a pyramid of maps: large ones are cut from coarse maps, small ones from fine maps.

So every region covers about the same number of cells, whatever its size in the picture.

B images, C channels, H W of a map, R regions, P Q bins down and across.

Source: Lin et al. 2017 (arXiv:1612.03144), section 4.2, equation 1; torchvision's
MultiScaleRoIAlign.
"""

import math
from collections.abc import Sequence

from torch import Tensor

from coursekit.roi.align import roi_align
from coursekit.roi.regions import as_rows

CANONICAL_SIDE, CANONICAL_STRIDE = 224, 16      # a region of this side is cut from this map


def level_of(boxes: Tensor, strides: Sequence[int]) -> Tensor:
    """Which map each region is cut from: (R, 4) boxes -> (R,) int64, places in `strides`.

    Args:
        boxes: xyxy, in pixels.
        strides: of the maps, from fine to coarse, each twice the one before.
    Source:
        Lin et al. 2017, equation 1, with k0 = 4, the map of stride 16.
    """
    side = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).sqrt()
    wanted = (math.log2(CANONICAL_STRIDE) + (side / CANONICAL_SIDE).log2() + 1e-6).floor()
    finest = math.log2(strides[0])
    return (wanted - finest).clamp(0, len(strides) - 1).long()


def align_levels(levels: Sequence[Tensor], boxes: Sequence[Tensor], width: int,
                 output_size: int | tuple[int, int], sampling_ratio: int = 2,
                 aligned: bool = False) -> Tensor:
    """RoIAlign of every region from its map: (R, C, P, Q), images' regions one after the other.

    Args:
        levels: maps (B, C, H, W), from fine to coarse, each of half the size before.
        boxes: for each image its regions (R, 4), xyxy, in pixels.
        width: of the batch, in pixels: what a map's width times its stride is.
        output_size: the bins, one number or (P, Q).
        sampling_ratio: see `roi_align`.
        aligned: see `roi_align`.
    """
    strides = [round(width / level.shape[-1]) for level in levels]
    rows, (P, Q) = as_rows(levels[0], boxes, output_size)
    level = level_of(rows[:, 1:], strides)
    out = levels[0].new_zeros(len(rows), P, Q, levels[0].shape[1]).permute(0, 3, 1, 2)
    for n, (features, stride) in enumerate(zip(levels, strides, strict=True)):
        mine = (level == n).nonzero().flatten()
        pooled = roi_align(features, rows[mine], (P, Q), 1 / stride, sampling_ratio, aligned)
        out = out.index_put((mine,), pooled)
    return out
