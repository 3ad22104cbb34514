"""Lab C's checks: recall, roles, drawing regions (and those of `lab_c_boxes` and `lab_c_head`)."""

import torch
from torch import Tensor

from coursekit.checks import lab_c_boxes, lab_c_head
from coursekit.checks.compare import call, likely, stages

TABLES = [torch.tensor([[0.31, 0.58], [0.72, 0.66], [0.93, 0.02], [0.1, 0.96]]),
          torch.tensor([[0.57]]), torch.zeros(0, 1), torch.zeros(2, 0)]
LEVELS = torch.linspace(0.5, 0.95, 10)


def passed(best: Tensor) -> Tensor:
    """The share of the ten thresholds that each overlap reaches."""
    return (best[:, None] >= LEVELS).double().mean(dim=1)


def average_recall(answer: object) -> str | None:
    """Check `average_recall(tables, count)` for four pictures, two of them with an empty side."""
    def best_of(count: int) -> list[Tensor]:
        return [torch.cat([t[:count], torch.zeros(1, t.shape[1])]).amax(dim=0) for t in TABLES]

    best, rows = best_of(2), torch.cat([t[:2].amax(dim=1) for t in TABLES[:2]])
    right, each = passed(torch.cat(best)).mean(), [passed(b).mean() for b in best[:3]]
    nothing = [torch.zeros(2, 0), torch.zeros(0, 0)], 2
    return stages(
        lambda: likely(call(answer, TABLES, 2), right, {
            "each picture has a recall of its own, and you take their mean: count the objects of "
            "all pictures together.": sum(each) / 3,
            "a picture without an object has no recall: it must not count as 0.": sum(each) / 4,
            "a picture without an object has no recall: it must not count as 1.":
                (sum(each) + 1) / 4,
            "all proposals were taken: only the first `count` of each picture may help.":
                passed(torch.cat(best_of(9))).mean(),
            "that is the recall at 0.5 alone: take the mean over ten thresholds.":
                (torch.cat(best) >= 0.5).double().mean(),
            "that is the mean best overlap: count at each threshold who reaches it.":
                torch.cat(best).mean(),
            "an object in a picture without proposals is missed, not left out.":
                passed(torch.cat(best[:2])).mean(),
            "that is the share of good proposals: the best proposal for each object, a column, "
            "was asked for.": passed(rows).mean(),
            "a proposal may serve two objects: there is no matching here.":
                passed(torch.tensor([0.72, 0.58, 0.57, 0.0])).mean(),
            "the ten thresholds end at 0.95: 1 is not one of them.": right * 10 / 11,
            "the thresholds are added: take their mean.": right * 10,
        }, "four pictures and the first two proposals of each"),
        lambda: likely(call(answer, *nothing, rare="right, but there may be no object at all: then "
                            "there is nothing to recall, NaN."), torch.tensor(torch.nan), {
            "right, but without any object there is nothing to recall: NaN, not 0.": 0.0,
        }, "two pictures without an object"))


OVERLAPS = torch.tensor([[0.5, 0.2], [0.3, 0.62], [0.1, 0.05], [0.4, 0.49], [0.02, 0.0],
                         [0.55, 0.7], [0.09, 0.08]])


def roles(answer: object) -> str | None:
    """Check `roles(overlaps)` for seven regions, two of them right on a limit; then no object."""
    best, which = OVERLAPS.max(dim=1)

    def role(least: Tensor | bool, low: Tensor | bool, row: Tensor = which, background: int = -1,
             out: int = -2) -> Tensor:
        given = torch.where(torch.as_tensor(low), background, out)
        return row.where(torch.as_tensor(least), given)

    right = role(best >= 0.5, best >= 0.1)
    return stages(
        lambda: likely(call(answer, OVERLAPS), right, {
            "below 0.1 a region is left out, -2: here it is background.": role(best >= 0.5, True),
            "an overlap of 0.5 is enough for an object.": role(best > 0.5, best >= 0.1),
            "an overlap of 0.1 is enough for background.": role(best >= 0.5, best > 0.1),
            "background and what is left out are swapped: -1 is background.":
                role(best >= 0.5, best >= 0.1, background=-2, out=-1),
            "rows count from 0: the first object is 0.":
                role(best >= 0.5, best >= 0.1, row=which + 1),
            "a region that meets two objects belongs to the one it overlaps more.":
                role(best >= 0.5, best >= 0.1, row=(OVERLAPS >= 0.5).int().argmax(dim=1)),
            "background is -1 here: 0 is the first object.":
                role(best >= 0.5, best >= 0.1, background=0),
            "what is left out is -2: here it is 0, the first object.":
                role(best >= 0.5, best >= 0.1, out=0),
            "every region has its best object, however little they overlap.": which,
        }, "seven regions and two objects"),
        lambda: likely(call(answer, OVERLAPS[:, :0], rare="right with objects; without any, no "
                            "overlap reaches 0.1, and all are left out."), torch.full((7,), -2), {
            "right with objects, but without any no overlap reaches 0.1: all are left out, -2.":
                torch.full((7,), -1),
        }, "seven regions and no object"))


ROLES = torch.tensor([-1, 2, -2, 0, -1, 1, -1, -1, -2, 0])
ORDER = torch.tensor([3, 0, 8, 5, 2, 7, 1, 4, 9, 6])


def choose(answer: object) -> str | None:
    """Check `choose(roles, order, count, share)`; then few positives; then little background."""
    given = ROLES, ORDER, 4, 0.4
    few = torch.tensor([-1, -1, 0, -1, -2]), torch.tensor([4, 3, 2, 1, 0]), 4, 0.5
    rich = torch.tensor([0, 1, 2, -1]), torch.tensor([2, 3, 0, 1]), 4, 0.5
    return stages(
        lambda: likely(call(answer, *given), torch.tensor([3, 0, 7, 4]), {
            "the number of positives is rounded down: 0.4 of 4 is 1.": torch.tensor([3, 5, 0, 7]),
            "regions that are left out, -2, were drawn as background.": torch.tensor([3, 0, 8, 2]),
            "you go row by row: go in the order that is given.": torch.tensor([1, 0, 4, 6]),
            "role 0 is an object, too, the first one.": torch.tensor([5, 0, 7, 4]),
            "those are places in `order`: give the rows that stand there.":
                torch.tensor([0, 1, 5, 7]),
            "background came first: the positives come first.": torch.tensor([0, 7, 4, 3]),
            "sorted by row: keep the order in which they are drawn.": torch.tensor([0, 3, 4, 7]),
            "the first ones of `order` were taken, whatever they are.": ORDER[:4],
            "too many positives: at most the share of `count`.": torch.tensor([3, 5, 1, 9]),
            "`order` holds rows, the first to be drawn in front: it is no rank of each row.":
                torch.tensor([1, 6, 4, 0]),
        }, "ten regions, count 4 and share 0.4"),
        lambda: likely(call(answer, *few), torch.tensor([2, 3, 1, 0]), {
            "right where there are enough positives; where they are few, background fills up.":
                torch.tensor([2, 3, 1]),
        }, "the roles -1 -1 0 -1 -2 in falling order, count 4 and share 0.5"),
        lambda: likely(call(answer, *rich), torch.tensor([2, 0, 3]), {
            "right where there is enough background; where there is too little, fewer are drawn, "
            "and no more positives.": torch.tensor([2, 0, 1, 3]),
            "right where there is enough background; where there is too little, fewer are drawn, "
            "and none twice.": torch.tensor([2, 0, 3, 3]),
        }, "the roles 0 1 2 -1, count 4 and share 0.5"),
        lambda: likely(call(answer, ROLES[:0], ORDER[:0], 4, 0.5, rare="right for some regions; "
                            "without any, an empty result was expected."), torch.zeros(0), {},
                       "no region"))


CHECKS = {
    "C.average_recall": average_recall,
    "C.roles": roles,
    "C.choose": choose,
    **lab_c_boxes.CHECKS,
    **lab_c_head.CHECKS,
}
