"""What counts as boxes and as masks, and what is said to anything else.

N boxes, H height and W width of the image.
"""

import math

import torch
from torch import Tensor


def check_boxes(boxes: Tensor, name: str) -> None:
    """Refuse what is not (N, 4) xyxy boxes, in words that say what to do about it.

    Args:
        boxes: what the caller passed.
        name: what the caller's argument is called, for the message.
    Raises:
        ValueError: a shape other than (N, 4), NaN or infinity, x2 < x1 or y2 < y1.
        TypeError: not a tensor of float32 or float64.
    """
    _check_kind(boxes, name)
    if len(boxes):                      # one look, as detectors check small tables all the time
        least, most = (boxes[:, 2:] - boxes[:, :2]).aminmax()        # NaN and infinity come through
        if least.item() >= 0 and most.item() < math.inf:
            return
    _check_finite(boxes, name)
    refuse_rows((boxes[:, 2:] < boxes[:, :2]).any(dim=1), boxes, name,
                 "x2 >= x1 and y2 >= y1 must hold. COCO files store (x, y, width, height): "
                 'call convert(boxes, "xywh", "xyxy") first.')


def check_sizes(boxes: Tensor, source: str) -> None:
    """Refuse what is not (N, 4) boxes with a width and a height, each at least 0."""
    _check_kind(boxes, "boxes")
    _check_finite(boxes, "boxes")
    refuse_rows((boxes[:, 2:] < 0).any(dim=1), boxes, "boxes",
                 f"the width and height of {source} must be at least 0. If the rows hold corners, "
                 'their format is "xyxy".')


def _check_kind(boxes: Tensor, name: str) -> None:
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


def _check_finite(boxes: Tensor, name: str) -> None:
    refuse_rows(~boxes.isfinite().all(dim=1), boxes, name,
                 "finite numbers were expected. Look for the step before that divides by zero or "
                 "takes the logarithm of a negative size.")


def refuse_rows(bad: Tensor, boxes: Tensor, name: str, advice: str) -> None:
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
