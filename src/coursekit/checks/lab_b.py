"""Lab B's checks: overlaps with crowds, cover, suppression, voting (and those of `lab_b_ap`)."""

import torch
from torch import Tensor

from coursekit.checks import lab_b_ap
from coursekit.checks.compare import call, likely, stages

FOUND = torch.tensor([[0.0, 0, 4, 6], [10, 0, 14, 2], [11, 8, 15, 12]])
TRUE = torch.tensor([[2.0, 0, 10, 6], [0, 0, 16, 3], [3, 1, 7, 8]])
CROWD = torch.tensor([False, True, False])
PARTS = torch.tensor([[0.0, 0, 10, 8], [6, 0, 10, 5], [8, 2, 18, 10], [12, 11, 16, 12]])


def shares(a: Tensor, b: Tensor, crowd: Tensor, by: str = "found", cut: str = "sides",
           more: int = 0) -> Tensor:
    """(N, M): intersection over union; for crowds over the area of `by`. `cut` at 0 what?"""
    size = torch.minimum(a[:, None, 2:], b[:, 2:]) - torch.maximum(a[:, None, :2], b[:, :2]) + more
    shared = (size.clamp(min=0) if cut == "sides" else size).prod(dim=2)
    shared = shared.clamp(min=0) if cut == "product" else shared
    found, true = ((x[:, 2:] - x[:, :2] + more).prod(dim=1) for x in (a, b))
    both = found[:, None] + true
    areas = {"found": found[:, None], "true": true, "union": both - shared, "sum": both,
             "less": torch.minimum(found[:, None], true),
             "most": torch.maximum(found[:, None], true)}
    return shared / torch.where(crowd, areas[by], areas["union"])


def overlaps(answer: object) -> str | None:
    """Check `overlaps(detections, objects, crowd)`; then a detection without area, then none."""
    flat = torch.tensor([[5.0, 2, 5, 9], [0, 0, 4, 6]])
    return stages(
        lambda: likely(call(answer, FOUND, TRUE, CROWD), shares(FOUND, TRUE, CROWD), {
            "crowds are compared like single objects: for them divide by the detection's area.":
                shares(FOUND, TRUE, CROWD, "union"),
            "for a crowd you divide by the crowd's area: take the detection's.":
                shares(FOUND, TRUE, CROWD, "true"),
            "every object is treated as a crowd: single ones have the plain IoU.":
                shares(FOUND, TRUE, ~CROWD | CROWD),
            "crowds and single objects are swapped.": shares(FOUND, TRUE, ~CROWD),
            "boxes that are apart have an overlap: clamp each side of the intersection at 0 before "
            "you multiply.": shares(FOUND, TRUE, CROWD, cut="nothing"),
            "boxes that are apart in x and in y have an overlap: clamp each side at 0, not the "
            "product.": shares(FOUND, TRUE, CROWD, cut="product"),
            "these boxes are half-open: a width is x2 - x1, without + 1.":
                shares(FOUND, TRUE, CROWD, more=1),
            "a row is a detection and a column an object: the table is transposed.":
                shares(FOUND, TRUE, CROWD).T,
        }, "three detections and three objects, the second a crowd"),
        lambda: likely(call(answer, flat, TRUE, CROWD), shares(FOUND[[2, 0]], TRUE, CROWD), {
            "right, but a detection without area gives 0 / 0, which is NaN: 0 was expected.":
                shares(flat, TRUE, CROWD)}, "a detection without area"),
        lambda: likely(call(answer, FOUND[:0], TRUE, CROWD, rare="right for some detections; "
                            "without any, an empty (0, 3) was expected."), torch.zeros(0, 3), {},
                       "no detection"))


def cover(answer: object) -> str | None:
    """Check `cover(boxes)` for four boxes, one inside another; then one without area."""
    every = torch.ones(len(PARTS), dtype=torch.bool)
    right = shares(PARTS, PARTS, every, "less")
    flat = torch.tensor([[0.0, 0, 10, 8], [3, 1, 3, 7]])
    return stages(
        lambda: likely(call(answer, PARTS), right, {
            "that is the IoU: divide by the smaller area of the two.":
                shares(PARTS, PARTS, every, "union"),
            "you divide by the larger area: take the smaller one.":
                shares(PARTS, PARTS, every, "most"),
            "you divide by the area of the row's box: take the smaller one of the pair.":
                shares(PARTS, PARTS, every, "found"),
            "you divide by the area of the column's box: take the smaller one of the pair.":
                shares(PARTS, PARTS, every, "true"),
            "you divide by the sum of the areas: take the smaller one.":
                shares(PARTS, PARTS, every, "sum"),
            "boxes that are apart have an overlap: clamp each side of the intersection at 0 before "
            "you multiply.": shares(PARTS, PARTS, every, "less", cut="nothing"),
            "boxes that are apart in x and in y have an overlap: clamp each side at 0, not the "
            "product.": shares(PARTS, PARTS, every, "less", cut="product"),
            "every box covers itself: the diagonal is 1.": right - torch.eye(4),
        }, "four boxes, the second inside the first"),
        lambda: likely(call(answer, flat), torch.tensor([[1.0, 0], [0, 0]]), {
            "right, but a box without area gives 0 / 0, which is NaN: 0 was expected.":
                shares(flat, flat, every[:2], "less"),
        }, "two boxes, the second without area"))


TABLE = torch.eye(7)
for row, column, value in [(1, 4, 0.6), (1, 0, 0.7), (4, 3, 0.75), (1, 3, 0.3), (0, 2, 0.5),
                           (3, 5, 0.8), (2, 6, 0.55), (0, 6, 0.2)]:
    TABLE[row, column] = TABLE[column, row] = value
SCORES = torch.tensor([0.8, 0.9, 0.5, 0.6, 0.7, 0.6, 0.4])
LABELS = torch.tensor([2, 1, 2, 1, 1, 1, 2])


def kept(order: list[int], strict: bool = True, chain: bool = True, classes: bool = True,
         most: int = 3) -> Tensor:
    """Greedy suppression of the seven boxes above at 0.5, with a mistake or without."""
    seen, out = [], []
    for i in order:
        rivals = [j for j in (out if chain else seen) if not classes or LABELS[j] == LABELS[i]]
        near = [TABLE[i, j] > 0.5 if strict else TABLE[i, j] >= 0.5 for j in rivals]
        seen.append(i)
        if not any(near):
            out.append(i)
    return torch.tensor(out[:most])


def suppress(answer: object) -> str | None:
    """Check `suppress(table, scores, labels, threshold, most)` for seven boxes of two classes."""
    order = [1, 0, 4, 3, 5, 2, 6]
    right = kept(order)
    mask = torch.zeros(7).index_fill(0, right, 1)
    return stages(
        lambda: likely(call(answer, TABLE, SCORES, LABELS, 0.5, 3), right, {
            "boxes of different classes were compared: a cat never strikes out a dog.":
                kept(order, classes=False),
            "a box that was itself struck out has struck out another one: only kept boxes do.":
                kept(order, chain=False),
            "the best `most` were taken first: suppress, then take them.": kept(order[:3]),
            "`most` is missing: at most three were to be kept.": kept(order, most=7),
            "a box goes only if it overlaps by MORE than the threshold.": kept(order, strict=False),
            "the boxes were taken row by row: begin with the highest score.": kept(list(range(7))),
            "you began with the lowest score.": kept([6, 2, 3, 5, 4, 0, 1]),
            "the right rows, but in the order of the table: give them by falling score.":
                right.sort()[0],
            "of equal scores the lower row comes first: sort with stable=True.":
                kept([1, 0, 4, 5, 3, 2, 6]),
            "those are the scores: give the rows.": SCORES[right],
            "that says for each box whether it is kept: give the rows of those that are.": mask,
        }, "seven boxes at the threshold 0.5, at most three"),
        lambda: likely(call(answer, TABLE, SCORES, LABELS, 0.5, 9), kept(order, most=9), {
            "right for most = 3, but a box goes only if it overlaps by MORE than the threshold.":
                kept(order, strict=False, most=9),
            "right for most = 3, but a box that was itself struck out has struck out another one.":
                kept(order, chain=False, most=9),
        }, "seven boxes at the threshold 0.5, at most nine"),
        lambda: likely(call(answer, TABLE[:0, :0], SCORES[:0], LABELS[:0], 0.5, 3, rare="right for "
                            "some boxes; without any, an empty result was expected."),
                       torch.zeros(0), {}, "no box"))


BOXES = torch.tensor([[0.0, 0, 10, 4], [2, 0, 14, 4], [0, 1, 9, 4], [40, 10, 44, 20],
                      [4, 0, 14, 4], [41, 10, 45, 20]])
SURE = torch.tensor([0.6, 0.3, 0.1, 0.5, 0.4, 0.2])


def mean_boxes(table: Tensor, weights: Tensor) -> Tensor:
    """The mean of the boxes, weighted, for each row of the table."""
    weights = table * weights
    return weights @ BOXES / weights.sum(dim=1, keepdim=True)


def vote(answer: object) -> str | None:
    """Check `vote(boxes, scores, kept, table, threshold)` for two kept boxes of six, then none."""
    rows, every = torch.tensor([0, 3]), torch.ones(6, dtype=torch.bool)
    table = shares(BOXES, BOXES, every, "union")
    near = (table > 0.5).float()
    alone = torch.zeros(6).index_fill(0, rows, 1)
    itself = torch.nn.functional.one_hot(rows, 6)
    return stages(
        lambda: likely(call(answer, BOXES, SURE, rows, table, 0.5), mean_boxes(near[rows], SURE), {
            "every box has one vote: weigh each with its score.":
                mean_boxes(near[rows], alone * 0 + 1),
            "only kept boxes have a vote: those that were struck out vote, too.":
                mean_boxes(near[rows], SURE * alone),
            "the kept box itself has no vote: it counts like its neighbours.":
                mean_boxes(near[rows] - itself, SURE),
            "the weights do not add up to 1: divide by the sum of the scores.":
                near[rows] * SURE @ BOXES,
            "you divide by the number of voters: divide by the sum of their scores.":
                near[rows] * SURE @ BOXES / near[rows].sum(dim=1, keepdim=True),
            "far boxes vote, too: only those that overlap the kept one by more than the threshold.":
                mean_boxes(table[rows] * 0 + 1, SURE),
            "each neighbour is weighed with its overlap: weigh it with its score.":
                mean_boxes((near * table)[rows], SURE * 0 + 1),
            "each neighbour is weighed with score times overlap: the score alone was asked for.":
                mean_boxes((near * table)[rows], SURE),
            "a row for each kept box was expected, not for each box.": mean_boxes(near, SURE),
        }, "six boxes, of which 0 and 3 are kept"),
        lambda: likely(call(answer, BOXES, SURE, rows[:0], table, 0.5, rare="right for some kept "
                            "boxes; without any, an empty (0, 4) was expected."),
                       torch.zeros(0, 4), {}, "no kept box"))


CHECKS = {
    "B.overlaps": overlaps,
    "B.cover": cover,
    "B.suppress": suppress,
    "B.vote": vote,
    **lab_b_ap.CHECKS,
}
