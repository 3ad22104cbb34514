"""Boxes made from masks, rewritten in another format, cut off at the image's edge.

The course keeps corners, 'xyxy', everywhere and converts at the border: COCO files hold 'xywh',
regression is easiest in 'cxcywh'. N boxes, H height and W width of the image.
"""

import torch
from torch import Tensor

from coursekit.boxes.checks import check_boxes, check_masks, check_sizes

FORMATS = ("xyxy", "xywh", "cxcywh")


def convert(boxes: Tensor, source: str, target: str) -> Tensor:
    """The same boxes written in another format: 'xyxy', 'xywh' or 'cxcywh'.

    'xywh' is (x1, y1, width, height), as COCO files have it; 'cxcywh' is (center x, center y,
    width, height). Nothing in a row of four numbers tells which it is: the caller has to know.

    Args:
        boxes: (N, 4) boxes in the format `source`, in pixels.
        source: the format they are in.
        target: the format wanted.
    Returns:
        (N, 4) boxes in the format `target`, always a new tensor.
    Raises:
        ValueError: an unknown format, x2 < x1 or y2 < y1, a negative width or height, a shape other
            than (N, 4), NaN or infinity.
        TypeError: not a tensor of float32 or float64.
    Source:
        torchvision.ops.box_convert.
    """
    for argument, value in (("source", source), ("target", target)):
        if value not in FORMATS:
            raise ValueError(f"{argument}: got {value!r}, but one of {', '.join(FORMATS)} was "
                             "expected. Write the format as one of these strings.")
    if source == "xyxy":
        check_boxes(boxes, "boxes")
    else:
        check_sizes(boxes, source)
    if source == target:
        return boxes.clone()
    return _from_xyxy(_to_xyxy(boxes, source), target)


def _to_xyxy(boxes: Tensor, source: str) -> Tensor:
    if source == "xyxy":
        return boxes
    corner, size = boxes[:, :2], boxes[:, 2:]                    # (N, 2) each
    if source == "cxcywh":
        corner = corner - size / 2
    return torch.cat([corner, corner + size], dim=1)


def _from_xyxy(boxes: Tensor, target: str) -> Tensor:
    if target == "xyxy":
        return boxes
    corner, size = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]     # (N, 2) each
    if target == "cxcywh":
        corner = corner + size / 2
    return torch.cat([corner, size], dim=1)


def from_masks(masks: Tensor) -> Tensor:
    """The tightest half-open box around every mask; (0, 0, 0, 0) for a mask without a pixel.

    The number of empty columns before the object is x1; the image's width less the number of empty
    columns after it is x2. The same with rows gives y1 and y2.

    Args:
        masks: (N, H, W) bool, true where the object is.
    Returns:
        (N, 4) float32 boxes, xyxy, whole numbers, with 0 <= x1 < x2 <= W and 0 <= y1 < y2 <= H.
    Raises:
        ValueError: a shape other than (N, H, W).
        TypeError: not a tensor of bool.
    Source:
        torchvision.ops.masks_to_boxes, whose x2 and y2 are the last pixel's index: 1 less.
    """
    check_masks(masks)
    rows, columns = masks.any(dim=2), masks.any(dim=1)                       # (N, H), (N, W)
    y1, y2 = _empty_before(rows), rows.shape[1] - _empty_before(rows.flip(1))
    x1, x2 = _empty_before(columns), columns.shape[1] - _empty_before(columns.flip(1))
    boxes = torch.stack([x1, y1, x2, y2], dim=1)                             # (N, 4)
    return torch.where(rows.any(dim=1)[:, None], boxes, 0).float()


def _empty_before(lines: Tensor) -> Tensor:
    """(N, L) bool -> (N,): how many entries come before the first true one."""
    return (lines.cumsum(dim=1) == 0).sum(dim=1)


def clip(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """The part of every box that lies inside the image; a box wholly outside is left without area.

    Args:
        boxes: (N, 4) boxes, xyxy, in pixels.
        size: (height, width) of the image.
    Returns:
        (N, 4), with x in [0, width] and y in [0, height].
    Raises:
        ValueError: whatever `check_boxes` refuses, or a size that is not two positive numbers.
    Source:
        torchvision.ops.clip_boxes_to_image.
    """
    check_boxes(boxes, "boxes")
    if len(size) != 2 or min(size) <= 0:
        raise ValueError(f"size: got {tuple(size)}, but (height, width), both positive, was "
                         "expected. For an image of shape (3, H, W) pass image.shape[-2:].")
    height, width = size
    x, y = boxes[:, 0::2].clamp(0, width), boxes[:, 1::2].clamp(0, height)   # (N, 2) each
    return torch.stack([x, y], dim=2).flatten(1)
