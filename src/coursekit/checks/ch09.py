"""Chapter 09's checks: context, roles of regions, hard negatives, visited pixels."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, stages

BOX = torch.tensor([20.0, 10.0, 60.0, 30.0])         # 40 wide, 20 high
OVERLAPS = torch.tensor([[0.0, 1.0, 0.2], [1.0, 0.45, 0.0], [0.0, 0.8, 0.0], [0.5, 0.1, 0.0],
                         [0.2, 0.3, 0.9], [0.0, 0.0, 1.0]])
TRUTH = torch.tensor([2, 1, 0, 0, 0, 3])


def grown(box: Tensor, share: float) -> Tensor:
    """The box with `share` of its width and height more on each side."""
    around = (box[2:] - box[:2]) * share
    return torch.cat([box[:2] - around, box[2:] + around])


def context_box(answer: object) -> str | None:
    """Check `context_box(box, context)` for a box of 40 x 20 and a share of 0.1."""
    width, height = 40.0, 20.0
    return likely(call(answer, BOX, 0.1), grown(BOX, 0.1 / 0.8), {
        "the share is one of the square: the box fills only 1 - 2 * context of it, so divide.":
            grown(BOX, 0.1),
        "there is context on both sides: the box fills 1 - 2 * context of the square.":
            grown(BOX, 0.1 / 0.9),
        "the sides are right, but the context belongs outside: the region grows.":
            grown(BOX, -0.1 / 0.8),
        "width and height are mixed up: x grows by a share of the width.":
            BOX + torch.tensor([-height, -width, height, width]) / 8,
        "both sides grow by the width's share: y grows by a share of the height.":
            BOX + torch.tensor([-width, -width, width, width]) / 8,
        "nothing changed.": BOX,
    }, "the box 20 10 60 30 and a context of 0.1")


def roles(overlaps: Tensor, truth: Tensor, k: int) -> Tensor:
    """+1 for true boxes of class k, -1 below 0.3, else 0."""
    near = overlaps[:, k - 1]
    return (truth == k).long() - (near < 0.3).long()


def svm_roles(answer: object) -> str | None:
    """Check `svm_roles(overlaps, truth, k)` for six regions and the dogs."""
    near = OVERLAPS[:, 1]
    any_class = OVERLAPS.amax(dim=1)
    positive = (TRUTH == 2).long()
    return stages(
        lambda: likely(call(answer, OVERLAPS, TRUTH, 2), roles(OVERLAPS, TRUTH, 2), {
            "regions from 0.5 on are the positives of fine-tuning: the SVM takes true boxes alone.":
                (near >= 0.5).long() - (near < 0.3).long(),
            "true boxes of every class became positives: only those of class k are.":
                (TRUTH > 0).long() - ((near < 0.3) & (TRUTH == 0)).long(),
            "a true box of another class is a negative too, if it overlaps no object of class k.":
                positive - ((near < 0.3) & (TRUTH == 0)).long(),
            "what counts is the overlap with objects of class k: column k - 1, not the best of "
            "all.": positive - (any_class < 0.3).long(),
            "regions between are ignored: they are 0, not -1.": 2 * positive - 1,
            "at exactly 0.3 a region is ignored: negatives lie below.":
                positive - (near <= 0.3).long(),
            "background has no column: class k is column k - 1.":
                positive - (OVERLAPS[:, 2] < 0.3).long(),
            "below 0.5 is fine-tuning's rule: the SVM's negatives lie below 0.3.":
                positive - (near < 0.5).long(),
        }, "six regions and k 2"),
        lambda: likely(call(answer, OVERLAPS[:0], TRUTH[:0], 1, rare="right, but an image may have "
                            "no region at all."), torch.zeros(0), {}, "no regions"))


FEATURES = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [4.0, 0.5], [0.0, 2.0], [1.0, 0.25]])
WEIGHT, BIAS = torch.tensor([1.0, -1.0]), torch.tensor(-1.75)
USED = torch.tensor([True, False, False, False, False, False])


def hard_negatives(answer: object) -> str | None:
    """Check `mine(features, weight, bias, used)` for six negatives of two numbers."""
    scores = FEATURES @ WEIGHT + BIAS
    hard = scores > -1
    return likely(call(answer, FEATURES, WEIGHT, BIAS, USED), hard | USED, {
        "those above 0 are the ones it gets wrong; the ones in the strip, above -1, count too.":
            (scores > 0) | USED,
        "those are right, but the negatives seen before must stay.": hard,
        "the easy ones came: a negative is hard if its score is high.": (scores < -1) | USED,
        "the bias is missing.": (FEATURES @ WEIGHT > -1) | USED,
        "above +1 lie only a few: a negative should score -1 or less.": (scores > 1) | USED,
        "those are the scores: compare them with -1, and add the ones seen.": scores,
        "a region must be in either set, not in both.": hard & USED,
    }, "six negatives")


BOXES = torch.tensor([[0, 0, 3, 2], [1, 1, 4, 3], [1, 0, 2, 3]])


def counted(boxes: Tensor, height: int, width: int, last: int = 0) -> Tensor:
    """How many boxes hold each pixel; `last` more rows and columns of each."""
    out = torch.zeros(height, width, dtype=torch.int64)
    for x1, y1, x2, y2 in boxes.tolist():
        out[y1:y2 + last, x1:x2 + last] += 1
    return out


def visits(answer: object) -> str | None:
    """Check `visits(boxes, height, width)` for three boxes in 3 rows and 5 columns."""
    swapped = BOXES[:, [1, 0, 3, 2]]
    return stages(
        lambda: likely(call(answer, BOXES, 3, 5), counted(BOXES, 3, 5), {
            "x and y are swapped: rows are y, and the first index.": counted(swapped, 3, 5),
            "the boxes are half-open: x2 and y2 are not inside any more.":
                counted(BOXES, 3, 5, last=1),
            "a pixel in two boxes counts twice: add 1, do not set it.":
                counted(BOXES, 3, 5).clamp(max=1),
            "the map has width rows: its shape is (height, width).": counted(BOXES, 3, 5).T,
            "the last row and column of each box are missing.": counted(BOXES, 3, 5, last=-1),
        }, "three boxes in 3 × 5 pixels"),
        lambda: likely(call(answer, BOXES[:0], 2, 3, rare="right, but without a box every pixel "
                            "counts 0."), torch.zeros(2, 3), {}, "no boxes"))


CHECKS = {
    "context-box": context_box,
    "svm-roles": svm_roles,
    "hard-negatives": hard_negatives,
    "visits": visits,
}
