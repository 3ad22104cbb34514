"""Lab D's checks, second part: RoIAlign, by the shares of places along each axis."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, stages

PLACES = torch.tensor([1.25, 3.75, -0.25, 4.5, -1.0, 4.0, -1.25, 2.0])


def hats(places: Tensor, cells: int, clamp: bool = True, least: float = -1.0,
         most: float | None = None) -> Tensor:
    """(n, cells): 1 minus the distance; places are moved to the edge first, or not."""
    inside = (places >= least) & (places <= (cells if most is None else most))
    at = places.clamp(0, cells - 1) if clamp else places
    shares = (1 - (at[:, None] - torch.arange(cells)).abs()).clamp(min=0)
    return shares * inside[:, None]


def shares_at(answer: object) -> str | None:
    """Check `shares_at(places, cells)` for eight places on four cells, for one cell, for none."""
    right = hats(PLACES, 4)
    low = PLACES.clamp(0, 3).floor().long()
    inside = ((PLACES >= -1) & (PLACES <= 4)).float()[:, None]
    part = (PLACES.clamp(0, 3) - low)[:, None]
    above = (low + 1).clamp(max=3)
    eye = torch.eye(4)
    return stages(
        lambda: likely(call(answer, PLACES, 4), right, {
            "up to one cell beyond the edge, a place reads the edge's own value, in full.":
                hats(PLACES, 4, clamp=False, least=-9, most=9),
            "what lies more than one cell beyond the edge reads nothing: its row is 0.":
                hats(PLACES, 4, least=-9, most=9),
            "beyond the edges nothing was read: up to one cell beyond, it is the edge's value.":
                hats(PLACES, 4, least=0, most=3),
            "the limit is a whole cell beyond the outermost middles, -1 and `cells`, not half a "
            "one.": hats(PLACES, 4, least=-0.5, most=3.5),
            "exactly one cell beyond still counts.": hats(PLACES, 4, least=-0.99, most=3.99),
            "on the right the limit is `cells`, one cell beyond the last middle.":
                hats(PLACES, 4, most=3),
            "that is the nearest cell alone: two neighbours share.":
                eye[PLACES.round().clamp(0, 3).long()] * inside,
            "the shares are swapped: the nearer cell takes the larger one.":
                (part * eye[low] + (1 - part) * eye[above]) * inside,
            "places are counted from the cells' middles already: take no half cell off.":
                hats(PLACES - 0.5, 4),
            "one row for each place, one column for each cell: yours lies on its side.": right.T,
        }, "eight places on four cells"),
        lambda: likely(call(answer, torch.tensor([0.0, 0.75, -1.5]), 1, rare="right, but a map may "
                            "be one cell wide."), torch.tensor([[1.0], [1], [0]]), {
            "right for four cells, but a single cell has no neighbour: it is read in full.":
                torch.tensor([[1.0], [0.25], [0]]),
        }, "three places on one cell"),
        lambda: likely(call(answer, torch.zeros(0), 4, rare="right, but there may be no place."),
                       torch.zeros(0, 4), {}, "no place"))


MAP = torch.tensor([[[4.0, 0, 8, 1], [2, 5, 1, 7], [6, 3, 9, 2]],
                    [[1.0, 3, 0, 2], [8, 4, 6, 5], [0, 7, 2, 9]]])       # (2, 3, 4)
DOWN = hats(torch.tensor([0.0, 0.5, 1.0, 2.0]), 3)                       # (4, 3)
ACROSS = hats(torch.tensor([0.0, 0.25, 1.0, 2.0, 2.5, 3.0]), 4)          # (6, 4)


def align(answer: object) -> str | None:
    """Check `align(features, rows, columns, size)` for 2 x 3 bins, and for 2 x 2 and one."""
    values = DOWN @ MAP @ ACROSS.T                                       # (2, 4, 6)
    blocks = values.view(2, 2, 2, 3, 2)
    right = blocks.mean(dim=(2, 4))
    wide = values.view(2, 2, 2, 2, 3)
    return stages(
        lambda: likely(call(answer, MAP, DOWN, ACROSS, (2, 3)), right, {
            "that is the sum over a bin's points: take their mean.": blocks.sum(dim=(2, 4)),
            "that is the greatest of a bin's points: take their mean.": blocks.amax(dim=(2, 4)),
            "the points of a bin stand one after another: yours are taken a bin's width apart.":
                values.view(2, 2, 2, 2, 3).mean(dim=(1, 3)),
            "those are the points: each bin is the mean of its own.": values,
            "each bin is its first point: take the mean of all of them.": blocks[:, :, 0, :, 0],
            "the mean went over the channels, too: each channel is aligned by itself.":
                right.mean(dim=0),
            "only the first channel was read: there are as many blocks as channels.":
                right[:1],
            "rows and columns are swapped: the size is (bins down, bins across).":
                right.transpose(1, 2),
            "the mean was taken along the rows only: a bin has points down and across.":
                values.view(2, 2, 2, 6).mean(dim=2),
        }, "two channels of 3 × 4 cells and 2 × 3 bins of 2 × 2 points"),
        lambda: likely(call(answer, MAP, DOWN, ACROSS, (2, 2), rare="right, but a bin may have "
                            "other numbers of points down and across: count each by itself."),
                       wide.mean(dim=(2, 4)), {
            "right for 2 × 3 bins, but 2 × 2 were asked for: read `size`.": right,
        }, "2 × 2 bins of 2 × 3 points"),
        lambda: likely(call(answer, MAP[:0], DOWN, ACROSS, (1, 1), rare="right, but there may be "
                            "no channel."), torch.zeros(0, 1, 1), {}, "no channel and one bin"))


CHECKS = {
    "D.shares_at": shares_at,
    "D.align": align,
}
