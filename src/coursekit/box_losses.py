"""Losses for boxes: how wrong is one predicted box, given the one true box it stands for?

Boxes come in pairs: row n of `predicted` belongs to row n of `target`. (`coursekit.boxes.iou` is
the other case: every box with every box.) A loss of coordinates looks at each of the four numbers
alone, a loss of overlap at the box they make. None of them averages: the caller does, and decides
over what. Gradients flow to `predicted` and to `target`; of empty inputs the result is empty.

N pairs of boxes.

Source: smooth L1: Girshick 2015, equation 3. IoU and GIoU: Rezatofighi et al. 2019, algorithm 2.
"""

import torch
from torch import Tensor

from coursekit.boxes import area, check_boxes

TINY = 1e-9             # below every area: no division by 0, and nothing else changes


def smooth_l1(predicted: Tensor, target: Tensor, beta: float = 1.0) -> Tensor:
    """L2 near 0, L1 further out: d^2 / (2 beta) up to a difference of beta, then |d| - beta / 2.

    Both pieces and their slopes meet at beta. The slope is never above 1, so one wild box cannot
    drown the others, and it goes to 0 with the difference, so training settles.

    Args:
        predicted: of any shape; coordinates in fractions of the image, deltas, or anything else.
        target: of the same shape.
        beta: where the pieces meet, in the unit of the inputs; 0 is L1.
    Returns:
        One loss for every number, in the inputs' shape.
    Raises:
        ValueError: two shapes, or a beta that is negative or no number.
    Source:
        Girshick 2015, equation 3 (beta 1); torch.nn.functional.smooth_l1_loss without reduction.
    """
    if predicted.shape != target.shape:
        raise ValueError(f"got predicted {tuple(predicted.shape)} and target "
                         f"{tuple(target.shape)}, but one shape was expected. Pick the target of "
                         f"every prediction first; nothing is broadcast here.")
    if not beta >= 0:
        raise ValueError(f"beta={beta} came, but 0 or more was expected: a difference, in the "
                         f"unit of the inputs. 1/9 and 1 are usual for deltas.")
    d = (predicted - target).abs()
    return torch.where(d < beta, d * d / max(2 * beta, TINY), d - beta / 2)


def iou_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """1 - IoU of every pair: 0 for equal boxes, 1 for boxes that share nothing.

    Where they share nothing it is flat: no gradient says which way to go.

    Args:
        predicted: (N, 4) boxes, xyxy, in any unit.
        target: (N, 4) boxes, likewise.
    Returns:
        (N,), in [0, 1].
    Raises:
        ValueError: as many boxes were expected on both sides; and whatever `check_boxes` refuses.
    Source:
        Rezatofighi et al. 2019, algorithm 2.
    """
    inter, union = _shared(predicted, target)
    return 1 - inter / union.clamp(min=TINY)


def giou_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """1 - GIoU of every pair: 1 - IoU, plus the empty share of the smallest box around both.

    That share grows as two boxes move apart, so there is a slope back at any distance.

    Args:
        predicted: (N, 4) boxes, xyxy, in any unit.
        target: (N, 4) boxes, likewise.
    Returns:
        (N,), at least 0 and below 2.
    Raises:
        ValueError: as many boxes were expected on both sides; and whatever `check_boxes` refuses.
    Source:
        Rezatofighi et al. 2019, algorithm 2; torchvision.ops.generalized_box_iou_loss, which adds
        1e-7 to both denominators.
    """
    inter, union = _shared(predicted, target)
    corner = torch.minimum(predicted[:, :2], target[:, :2])                  # (N, 2)
    opposite = torch.maximum(predicted[:, 2:], target[:, 2:])                # (N, 2)
    around = (opposite - corner).prod(dim=1)                                 # (N,)
    empty = (around - union) / around.clamp(min=TINY)
    return 1 - inter / union.clamp(min=TINY) + empty


def _shared(predicted: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Areas of what the boxes of every pair share, and of what they cover together, (N,) each."""
    check_boxes(predicted, "predicted")
    check_boxes(target, "target")
    if len(predicted) != len(target):
        raise ValueError(f"got {len(predicted)} predicted boxes and {len(target)} targets, but "
                         f"pairs were expected. Pick the target of every box first: "
                         f"target[matched].")
    corner = torch.maximum(predicted[:, :2], target[:, :2])                  # (N, 2)
    opposite = torch.minimum(predicted[:, 2:], target[:, 2:])                # (N, 2)
    inter = (opposite - corner).clamp(min=0).prod(dim=1)                     # (N,)
    return inter, area(predicted) + area(target) - inter
