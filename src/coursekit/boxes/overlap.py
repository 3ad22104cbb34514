"""How much two boxes have in common: area, intersection over union, and its generalization.

All pairs at once: N boxes against M give a table (N, M). Gradients flow through.
"""

import torch
from torch import Tensor

from coursekit.boxes.checks import check_boxes


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
    inter, union = _intersection_and_union(a, b)
    return inter / union.clamp(min=1e-9)


def giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalized IoU of every pair: IoU less the empty share of the smallest box around both.

    It goes on falling as two boxes move apart, where IoU stays at 0 and has no slope to follow.

    Args:
        a: (N, 4) boxes, xyxy, in pixels.
        b: (M, 4) boxes, likewise.
    Returns:
        (N, M), above -1 and at most 1.
    Raises:
        ValueError: whatever `check_boxes` refuses.
    Source:
        Rezatofighi et al. 2019, algorithm 1; torchvision.ops.generalized_box_iou, where two empty
        boxes give NaN instead.
    """
    inter, union = _intersection_and_union(a, b)
    width = torch.maximum(a[:, None, 2], b[:, 2]) - torch.minimum(a[:, None, 0], b[:, 0])
    height = torch.maximum(a[:, None, 3], b[:, 3]) - torch.minimum(a[:, None, 1], b[:, 1])
    around = width * height                                                             # (N, M)
    return inter / union.clamp(min=1e-9) - (around - union) / around.clamp(min=1e-9)


def _intersection_and_union(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Areas of what every pair shares, and of what it covers together, (N, M) each."""
    check_boxes(a, "a")
    check_boxes(b, "b")
    left, right = torch.maximum(a[:, None, 0], b[:, 0]), torch.minimum(a[:, None, 2], b[:, 2])
    top, bottom = torch.maximum(a[:, None, 1], b[:, 1]), torch.minimum(a[:, None, 3], b[:, 3])
    inter = (right - left).clamp(min=0) * (bottom - top).clamp(min=0)                   # (N, M)
    return inter, area(a)[:, None] + area(b) - inter
