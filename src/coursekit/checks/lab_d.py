"""Lab D's checks: anchors and who gets them; RoIAlign and masks have modules of their own."""

import torch
from torch import Tensor

from coursekit.checks import lab_d_align, lab_d_masks
from coursekit.checks.compare import call, likely, stages

GRID, STRIDES, AREAS, ASPECTS = (2, 3), (10, 8), [64, 144], [4, 1]
FLAT = [(16.0, 4.0), (24.0, 6.0), (8.0, 8.0), (12.0, 12.0)]      # (width, height) of each shape


def laid(sides: list[tuple[float, float]] = FLAT, grid: tuple[int, int] = GRID,
         strides: tuple[int, int] = STRIDES, inside: float = 0.5) -> Tensor:
    """(A, H, W, 4): boxes of these sides around every cell, `inside` of a cell from its corner."""
    return torch.tensor([[[[x - w / 2, y - h / 2, x + w / 2, y + h / 2]
                           for x in ((j + inside) * strides[1] for j in range(grid[1]))]
                          for y in ((i + inside) * strides[0] for i in range(grid[0]))]
                         for w, h in sides])


def anchor_grid(answer: object) -> str | None:
    """Check `anchor_grid(grid, strides, areas, aspects)` on a map of 2 x 3 with four shapes."""
    right, slim = laid(), laid([(5.0, 10.0)], (1, 2), (16, 4))
    middle, sides = (right[..., :2] + right[..., 2:]) / 2, right[..., 2:] - right[..., :2]
    limit = torch.tensor([24.0, 20, 24, 20])
    return stages(
        lambda: likely(call(answer, GRID, STRIDES, AREAS, ASPECTS), right, {
            "an aspect is width / height here, and yours is height / width: 4 is wide and low.":
                laid([(h, w) for w, h in FLAT]),
            "strides are (down, across): y takes the first, x the second.": laid(strides=(8, 10)),
            "those are the cells' corners: a middle is half a cell further on, along both axes.":
                laid(inside=0),
            "what came is an area, not a side: width times height must be 64 for the first.":
                laid([(a * r ** 0.5, a / r ** 0.5) for r in ASPECTS for a in AREAS]),
            "the area must stay: if the width grows by the root of the aspect, the height shrinks "
            "by it.": laid([(a ** 0.5 * r, a ** 0.5) for r in ASPECTS for a in AREAS]),
            "the aspect comes out squared: each side takes its root only.":
                laid([(a ** 0.5 * r, a ** 0.5 / r) for r in ASPECTS for a in AREAS]),
            "the order of the shapes is aspect by aspect, and for each aspect area by area.":
                laid([FLAT[n] for n in (0, 2, 1, 3)]),
            "the anchors are right, but lie cell by cell: the shape's axis comes first, as in a "
            "convolution's answer.": right.permute(1, 2, 0, 3),
            "the anchors are right, but keep the axes: the shape is (A, H, W, 4).":
                right.flatten(0, 2),
            "the order is right, but rows and columns are swapped: the shape is (A, H, W, 4).":
                right.transpose(1, 2),
            "those are middle and sides: give the corners, xyxy.":
                torch.cat([middle, sides], dim=-1),
            "that is xywh: give both corners, xyxy.": torch.cat([right[..., :2], sides], dim=-1),
            "half of the width lies on each side of the middle, and half of the height.":
                torch.cat([middle - sides, middle + sides], dim=-1),
            "x comes from the column and the stride across, y from the row: yours are swapped.":
                torch.cat([middle.flip(-1) - sides / 2, middle.flip(-1) + sides / 2], dim=-1),
            "an anchor may reach beyond the picture: nothing is clipped.":
                right.clamp(min=0).minimum(limit),
        }, "a map of 2 × 3, strides 10 and 8, areas 64 and 144, aspects 4 and 1"),
        lambda: likely(call(answer, (1, 2), (16, 4), [50.0], [0.5]), slim, {
            "right for whole numbers, but a side or an aspect may be a fraction.":
                laid([(0.0, 0.0)], (1, 2), (16, 4)),
        }, "a map of 1 × 2, strides 16 and 4, area 50, aspect 1/2"))


OVERLAPS = torch.tensor([[0.7, 0.8, 0.0],                            # (6 anchors, 3 objects)
                         [0.6, 0.2, 0.1],
                         [0.3, 0.7, 0.2],
                         [0.0, 0.0, 0.2],
                         [0.0, 0.625, 0.1],
                         [0.0, 0.65, 0.0]])
LEAST = 0.625


def matched(table: Tensor, least: float, last: bool = False, strict: bool = False) -> Tensor:
    """Pairs by falling overlap, each anchor and each object once; then the threshold's rule."""
    N, M = table.shape
    pairs = sorted((-table[n, m].item(), -n if last else n, m) for n in range(N) for m in range(M))
    given, done = torch.full((N,), -1), set()
    for overlap, n, m in pairs:
        if overlap < 0 and given[abs(n)] < 0 and m not in done:
            given[abs(n)] = m
            done.add(m)
    return filled(table, least, given, strict)


def filled(table: Tensor, least: float, given: Tensor, strict: bool = False) -> Tensor:
    """Free anchors go to the object that they overlap most, if by `least`."""
    best, which = table.max(dim=1)
    enough = (best > least) if strict else (best >= least)
    return torch.where((given < 0) & enough, which, given)


def one_each(answer: object) -> str | None:
    """Check `one_each(overlaps, least)`: six anchors and three objects, and two rare tables."""
    right, nobody = matched(OVERLAPS, LEAST), torch.full((6,), -1)
    only = matched(OVERLAPS, 2.0)
    threshold = filled(OVERLAPS, LEAST, nobody)
    lonely = torch.tensor([[0.3, 0.0, 0.4], [0.0, 0.0, 0.1]])
    return stages(
        lambda: likely(call(answer, OVERLAPS, LEAST), right, {
            "objects took their turn in the order of the table: the greatest overlap that is left "
            "comes first, whosever it is.": torch.tensor([0, -1, 1, 2, 1, 1]),
            "an anchor that one object has got is taken: strike out its row.":
                filled(OVERLAPS, LEAST, torch.tensor([1, -1, 2, -1, -1, -1])),
            "that is chapter 11's rule: an object's best anchor goes to whichever object *it* "
            "overlaps most, and here the cat goes without.": torch.tensor([1, -1, 1, 2, 1, 1]),
            "the threshold alone leaves objects without an anchor: first each object gets one.":
                threshold,
            "each object has its one anchor, but the free anchors from `least` on are missing.":
                only,
            "the second rule is for free anchors only: it took one away from an object.":
                torch.where(threshold >= 0, threshold, right),
            "an overlap of exactly `least` is enough.": matched(OVERLAPS, LEAST, strict=True),
            "of equal overlaps the first in the table counts, row by row.":
                matched(OVERLAPS, LEAST, last=True),
            "one number for each anchor, not for each object.": torch.tensor([1, 0, 2]),
            "the object's column belongs in the anchor's place, not a mere yes.":
                (right >= 0).long(),
            "those are overlaps: give the objects' columns.": OVERLAPS.amax(dim=1),
        }, "six anchors and three objects"),
        lambda: likely(call(answer, lonely, 0.5, rare="right, but there may be more objects than "
                            "anchors, and objects that no anchor overlaps."),
                       torch.tensor([2, -1]), {
            "right, but an overlap of 0 is none: an object that no free anchor overlaps gets none.":
                torch.tensor([2, 0]),
        }, "two anchors and three objects"),
        lambda: likely(call(answer, torch.zeros(4, 0), 0.5, rare="right, but a picture may have no "
                            "object: then every anchor gets -1."), torch.full((4,), -1), {},
                       "four anchors and no object"))


CHECKS = {
    "D.anchor_grid": anchor_grid,
    "D.one_each": one_each,
} | lab_d_align.CHECKS | lab_d_masks.CHECKS
