"""Masks in a region's own frame: cut out of the picture to learn from, pasted back to be seen.

A mask head says of each region, on a grid of S x S, which part of it is the object. For training,
the object's true mask is cut to the region and brought to that grid; in evaluation the grid is
brought to the box's size and laid where the box is.

N masks, M ground-truth masks, R regions, H W of the picture, S side of the grid.

Source: He et al. 2017, section 3; torchvision.models.detection.roi_heads.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.roi import roi_align


def cut(masks: Tensor, boxes: Tensor, which: Tensor, side: int) -> Tensor:
    """The part of a mask that lies in each region, as shares of the cells of an S x S grid.

    Args:
        masks: (M, H, W), bool or 0 and 1.
        boxes: (R, 4) regions, xyxy, in pixels.
        which: (R,) int64, the mask of each.
        side: S.
    Returns:
        (R, S, S) float in [0, 1].
    Raises:
        ValueError: whatever `roi_align` refuses.
    Source:
        torchvision's project_masks_on_boxes.
    """
    rows = torch.cat([which.to(boxes)[:, None], boxes], dim=1)
    if not len(rows):
        return boxes.new_zeros(0, side, side)
    return roi_align(masks[:, None].to(boxes), rows, side)[:, 0]


def join(masks: Sequence[Tensor]) -> Tensor:
    """Masks of several pictures as one table, so that `cut` can be called once for a batch.

    Args:
        masks: for each picture (M, H, W) bool, or 0 and 1; M, H and W may differ.
    Returns:
        (sum of M, highest H, widest W) float; a smaller picture's edge goes on beyond it, as
        `roi_align` would read it there.
    """
    H, W = (max(part.shape[axis] for part in masks) for axis in (1, 2))
    return torch.cat([F.pad(part[:, None].float(), (0, W - part.shape[2], 0, H - part.shape[1]),
                            mode="replicate")[:, 0] for part in masks if len(part)]
                     or [masks[0].new_zeros(0, H, W, dtype=torch.float32)])


def paste(masks: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Every grid at its box's place and size: how sure each pixel of the picture is; 0 outside.

    A rim of zeros is laid around the grid first, so that a mask fades out at its box's edge.

    Args:
        masks: (N, S, S) float in [0, 1].
        boxes: (N, 4), xyxy, in pixels; rounded down to whole ones.
        size: (height, width) of the picture.
    Returns:
        (N, H, W) float in [0, 1].
    Raises:
        ValueError: another number of masks than of boxes, or masks that are not squares.
    Source:
        torchvision's paste_masks_in_image.
    """
    if masks.dim() != 3 or masks.shape[1] != masks.shape[2] or len(masks) != len(boxes):
        raise ValueError(f"masks: got shape {tuple(masks.shape)} for {len(boxes)} boxes, but "
                         f"({len(boxes)}, S, S) was expected. Pick the class's mask first.")
    S, (H, W) = masks.shape[-1], size
    center, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    half = half * ((S + 2) / S)                                              # rounded as theirs
    frames = torch.cat([center - half, center + half], dim=1).long().tolist()
    out = masks.new_zeros(len(masks), H, W)
    for plane, mask, (x1, y1, x2, y2) in zip(out, F.pad(masks, (1, 1, 1, 1)), frames, strict=True):
        grown = F.interpolate(mask[None, None], (y2 - y1 + 1, x2 - x1 + 1), mode="bilinear")[0, 0]
        top, left, bottom, right = max(y1, 0), max(x1, 0), min(y2 + 1, H), min(x2 + 1, W)
        if top < bottom and left < right:
            plane[top:bottom, left:right] = grown[top - y1:bottom - y1, left - x1:right - x1]
    return out
