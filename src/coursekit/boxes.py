"""Boxes: four numbers that say where an object is.

A box is (x1, y1, x2, y2) in pixels, x to the right and y down: 'xyxy'. It is half-open, as a
slice in Python is: the pixel in column j covers the interval from j to j + 1, so a box around
columns 2, 3 and 4 runs from x1 = 2 to x2 = 5, and its width is x2 - x1 = 3, with no "+ 1" anywhere.
Older code takes the last pixel's index as x2 (inclusive boxes); mixing the two shifts every overlap
a little, silently.

Boxes are plain tensors whose last axis holds the coordinates, so every function works on all of
them at once, on none, on any device, and lets gradients through. Semantics are torchvision.ops'.

Letters: N and M boxes, H height and W width of the image.
"""

import torch
from torch import Tensor

FORMATS = ("xyxy", "xywh", "cxcywh")


def area(boxes: Tensor) -> Tensor:
    """Area of every box, in square pixels.

    Args:
        boxes: (N, 4) boxes, xyxy, in pixels.
    Returns:
        (N,), at least 0.
    Raises:
        ValueError: whatever `check_boxes` refuses.
    Source:
        torchvision.ops.box_area.
    """
    check_boxes(boxes, "boxes")
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every box in `a` with every box in `b`; 0 where both are empty.

    Each side of the intersection is clamped before the two are multiplied: the product of two
    negative sides would give boxes that are far apart a positive overlap.

    Args:
        a: (N, 4) boxes, xyxy, in pixels.
        b: (M, 4) boxes, likewise.
    Returns:
        (N, M), in [0, 1].
    Raises:
        ValueError: whatever `check_boxes` refuses.
    Source:
        Jaccard's index; torchvision.ops.box_iou, where two empty boxes give NaN instead.
    """
    check_boxes(a, "a")
    check_boxes(b, "b")
    left, right = torch.maximum(a[:, None, 0], b[:, 0]), torch.minimum(a[:, None, 2], b[:, 2])
    top, bottom = torch.maximum(a[:, None, 1], b[:, 1]), torch.minimum(a[:, None, 3], b[:, 3])
    inter = (right - left).clamp(min=0) * (bottom - top).clamp(min=0)                   # (N, M)
    return inter / (area(a)[:, None] + area(b) - inter).clamp(min=1e-9)


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
        _check_sizes(boxes, source)
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


def check_boxes(boxes: Tensor, name: str) -> None:
    """Refuse what is not (N, 4) xyxy boxes, in words that say what to do about it.

    Args:
        boxes: what the caller passed.
        name: what the caller's argument is called, for the message.
    Raises:
        ValueError: a shape other than (N, 4), NaN or infinity, x2 < x1 or y2 < y1.
        TypeError: not a tensor of float32 or float64.
    """
    _check_numbers(boxes, name)
    _refuse_rows((boxes[:, 2:] < boxes[:, :2]).any(dim=1), boxes, name,
                 "x2 >= x1 and y2 >= y1 must hold. COCO files store (x, y, width, height): "
                 'call convert(boxes, "xywh", "xyxy") first.')


def _check_sizes(boxes: Tensor, source: str) -> None:
    _check_numbers(boxes, "boxes")
    _refuse_rows((boxes[:, 2:] < 0).any(dim=1), boxes, "boxes",
                 f"the width and height of {source} must be at least 0. If the rows hold corners, "
                 'their format is "xyxy".')


def _check_numbers(boxes: Tensor, name: str) -> None:
    if not isinstance(boxes, Tensor):
        raise TypeError(f"{name}: got a {type(boxes).__name__}, but a tensor of shape (N, 4) was "
                        "expected. Call torch.tensor(boxes, dtype=torch.float32) first.")
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name}: got shape {tuple(boxes.shape)}, but (N, 4) was expected, a row "
                         "a box. A single box is box[None]; no box at all is torch.zeros(0, 4).")
    if boxes.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name}: got {boxes.dtype}, but torch.float32 or float64 was expected "
                        "(half precision cannot hold the area of 300 x 300 pixels). "
                        "Call boxes.float() first.")
    _refuse_rows(~boxes.isfinite().all(dim=1), boxes, name,
                 "finite numbers were expected. Look for the step before that divides by zero or "
                 "takes the logarithm of a negative size.")


def _refuse_rows(bad: Tensor, boxes: Tensor, name: str, advice: str) -> None:
    """Raise for the first row that `bad`, (N,) bool, marks."""
    if bad.any():
        row = int(bad.nonzero()[0, 0])
        raise ValueError(f"{name}: row {row} is {boxes[row].tolist()}, but {advice}")


def check_masks(masks: Tensor) -> None:
    """Refuse what is not (N, H, W) bool masks, in words that say what to do about it.

    Args:
        masks: what the caller passed.
    Raises:
        ValueError: a shape other than (N, H, W).
        TypeError: not a tensor of bool.
    """
    if not isinstance(masks, Tensor) or masks.dtype != torch.bool:
        came = masks.dtype if isinstance(masks, Tensor) else f"a {type(masks).__name__}"
        raise TypeError(f"masks: got {came}, but a tensor of torch.bool was expected. Compare "
                        "first: `masks > 0.5` for scores, `masks > 0` for zeros and ones.")
    if masks.dim() != 3:
        raise ValueError(f"masks: got shape {tuple(masks.shape)}, but (N, H, W) was expected, "
                         "a plane an object. A single mask is mask[None]; a map of ids 1 to N "
                         "becomes `ids == torch.arange(1, N + 1)[:, None, None]`.")
