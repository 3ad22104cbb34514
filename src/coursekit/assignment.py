"""Which boxes learn what: every box is given an object or the background, and some are drawn.

A region proposal network and a detector's head learn alike: of many boxes, those that overlap an
object are positive, those that overlap none are negative, what lies between is left out. There are
far more negatives, so a few hundred boxes an image are drawn, of both kinds.

N boxes, M ground-truth boxes.

Source: Girshick 2015, section 2.3; Ren et al. 2015, section 3.1.2; torchvision's Matcher and
BalancedPositiveNegativeSampler, whose draws these are when the generator stands at the same place.
"""

import torch
from torch import Tensor

from coursekit.boxes import iou

NEGATIVE, IGNORED = -1, -2


def assign(boxes: Tensor, objects: Tensor, positive: float, negative: float,
           rescue: bool = False) -> Tensor:
    """For every box the row of its object, -1 for background, -2 for neither.

    A box belongs to the object that it overlaps most.

    Args:
        boxes: (N, 4) boxes to learn from: anchors, or proposals. xyxy, in pixels.
        objects: (M, 4) ground-truth boxes, likewise; M may be 0: then all is background.
        positive: from this IoU on, a box is its object's.
        negative: below this IoU, it is background; at most `positive`.
        rescue: also give each object the boxes that overlap it most, however little (all that tie):
            no object is left without a box to learn it from.
    Returns:
        (N,) int64.
    Raises:
        ValueError: thresholds in the wrong order, and whatever `check_boxes` refuses.
    Source:
        torchvision.models.detection's Matcher: with `rescue`, a box that is an object's best goes
        to the object that *it* overlaps most, which may be another.
    """
    if not 0 <= negative <= positive <= 1:
        raise ValueError(f"got positive {positive} and negative {negative}, but 0 <= negative <= "
                         f"positive <= 1 must hold. 0.7 and 0.3 are a region proposal network's.")
    overlaps = iou(objects, boxes)                                           # (M, N)
    if not len(objects):
        return torch.full((len(boxes),), NEGATIVE, device=boxes.device)
    best, which = overlaps.max(dim=0)                                        # (N,) each
    given = which.where(best >= positive, IGNORED).where(best >= negative, NEGATIVE)
    if rescue and len(boxes):
        saved = (overlaps == overlaps.amax(dim=1, keepdim=True)).any(dim=0)  # (N,)
        given = torch.where(saved, which, given)
    return given


def sample(positive: Tensor, negative: Tensor, count: int, share: float) -> tuple[Tensor, Tensor]:
    """Draw up to `count` boxes, at most `share` of them positive; negatives fill up the rest.

    Args:
        positive: (N,) bool, the boxes with an object.
        negative: (N,) bool, the boxes of background.
        count: how many to draw; fewer come where there are not enough.
        share: of positives, from 0 to 1.
    Returns:
        Rows of the positives drawn and of the negatives drawn, each in rising order.
    """
    positive, negative = positive.nonzero().flatten(), negative.nonzero().flatten()
    num_positive = min(len(positive), int(count * share))
    num_negative = min(len(negative), count - num_positive)
    drawn = torch.randperm(len(positive), device=positive.device)[:num_positive]
    others = torch.randperm(len(negative), device=negative.device)[:num_negative]
    return positive[drawn].sort()[0], negative[others].sort()[0]
