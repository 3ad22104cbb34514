"""Lab D's checks, third part: masks pasted, laid over one another, and scored."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, stages

CELLS = torch.tensor([[0.9, 0.2, 0.6], [0.5, 0.8, 0.7]])                 # (2, 3)
FRAME = torch.tensor([1.75, 1.25, 9.75, 4.75])                           # cells of 8/3 × 7/4 pixels
ROOM = (7, 11)                                                           # height, width


def laid_down(grid: Tensor, box: Tensor, size: tuple[int, int], threshold: float = 0.5,
              middle: float = 0.5, edge: bool = False, cut: object = torch.floor,
              equal: bool = False) -> Tensor:
    """Every pixel takes the cell that its middle lies in, but for what is changed."""
    (S, T), (H, W), (x1, y1, x2, y2) = grid.shape, size, box.tolist()
    i = cut((torch.arange(H) + middle - y1) * S / (y2 - y1)).long()
    j = cut((torch.arange(W) + middle - x1) * T / (x2 - x1)).long()
    there = ((i >= 0) & (i < S))[:, None] & ((j >= 0) & (j < T)) | edge
    values = grid[i.clamp(0, S - 1)][:, j.clamp(0, T - 1)]
    return there & ((values >= threshold) if equal else (values > threshold))


def paste(answer: object) -> str | None:
    """Check `paste(grid, box, size, threshold)` for a grid of 2 x 3, inside and beyond."""
    right, beyond = laid_down(CELLS, FRAME, ROOM), torch.tensor([-3.25, 4.5, 2.75, 10.5])
    there = laid_down(torch.ones(2, 3), FRAME, ROOM)
    return stages(
        lambda: likely(call(answer, CELLS, FRAME, ROOM, 0.5), right, {
            "a pixel just before the box landed in cell 0: .long() cuts -0.4 to 0, .floor() gives "
            "-1.": laid_down(CELLS, FRAME, ROOM, cut=torch.trunc),
            "ask where the pixel's middle lies: it is half a pixel from its corner.":
                laid_down(CELLS, FRAME, ROOM, middle=0),
            "a place of 0.9 lies in cell 0: take the whole part, do not round.":
                laid_down(CELLS, FRAME, ROOM, cut=torch.round),
            "nothing is rounded: the box keeps its quarter pixels.":
                laid_down(CELLS, FRAME.floor(), ROOM),
            "nothing is rounded: the box keeps its quarter pixels, and a half.":
                laid_down(CELLS, FRAME.round(), ROOM),
            "beyond the box there is no object: there the cells at the edge went on.":
                laid_down(CELLS, FRAME, ROOM, edge=True),
            "a cell of exactly the threshold is not above it.":
                laid_down(CELLS, FRAME, ROOM, equal=True),
            "every pixel of the box was taken: only those whose cell is above the threshold.":
                there,
            "those are the cells' values: say which are above the threshold.":
                torch.where(there, laid_down_values(CELLS), 0.0),
            "the size is (height, width).": laid_down(CELLS, FRAME, ROOM[::-1]),
            "the box is x1, y1, x2, y2: x runs along the columns.":
                laid_down(CELLS, FRAME[[1, 0, 3, 2]], ROOM),
        }, "a grid of 2 × 3 in a picture of 7 × 11"),
        lambda: likely(call(answer, CELLS, beyond, ROOM, 0.5, rare="right, but a box may reach "
                            "beyond the picture."), laid_down(CELLS, beyond, ROOM), {},
                       "a box that reaches beyond the picture"),
        lambda: likely(call(answer, CELLS, FRAME, ROOM, 0.75), laid_down(CELLS, FRAME, ROOM, 0.75),
                       {"right for 0.5, but here the threshold is 0.75.": right}, "threshold 0.75"))


def laid_down_values(grid: Tensor) -> Tensor:
    """The cells' values at every pixel of FRAME, for the hint about a missing threshold."""
    steps = sorted(set(grid.flatten().tolist()))
    return torch.stack([laid_down(grid, FRAME, ROOM, step, equal=True) * step
                        for step in steps]).amax(dim=0)


LAYERS = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 0, 0],                      # (4, 9): a row of pixels
                       [1, 1, 1, 1, 0, 0, 0, 0, 0],
                       [0, 1, 1, 1, 1, 0, 0, 0, 0],
                       [0, 0, 0, 0, 0, 0, 1, 1, 0]]).bool()[:, None]     # (4, 1, 9)
SURE = torch.tensor([0.6, 0.9, 0.7, 0.5])


def owned(order: list[int], least: float = 0.5, strict: bool = False, whole: bool = False,
          blocked: bool = False) -> Tensor:
    """(1, 9): the owner of every pixel, by the lab's rules but for what is changed."""
    owner, taken = torch.full((1, 9), -1), torch.zeros(1, 9, dtype=torch.bool)
    for n in order:
        free = LAYERS[n] & ~taken
        share = free.sum() / LAYERS[n].sum()
        kept = share > least if strict else share >= least
        if kept:
            owner[LAYERS[n] if whole else free] = n
        if kept or blocked:
            taken |= LAYERS[n]
    return owner


def owners(answer: object) -> str | None:
    """Check `owners(masks, scores, least)` for four masks on nine pixels, and for rare ones."""
    order = [1, 2, 0, 3]
    right, ranks = owned(order), torch.tensor([2, 0, 1, 3, -1])
    pair = torch.stack([LAYERS[0], LAYERS[0] & False])
    return stages(
        lambda: likely(call(answer, LAYERS, SURE, 0.5), right, {
            "an instance is left out where less than `least` of its mask is still free.":
                owned(order, 0),
            "exactly `least` is enough to stay.": owned(order, strict=True),
            "the masks come in the order of their scores, highest first, not in the list's.":
                owned([0, 1, 2, 3]),
            "the lowest score came first: begin with the highest.": owned(order[::-1]),
            "a mask that was left out takes no pixel: yours keeps them from those who follow.":
                owned(order, blocked=True),
            "an instance takes the free pixels of its mask only: what has an owner keeps it.":
                owned(order, whole=True),
            "all of a mask must be free for you: `least` of it is enough.": owned(order, 1),
            "a pixel without an owner is -1.": right.clamp(min=0),
            "instances are counted from 0, and nobody is -1.": right + 1,
            "those are places in the order of scores: give the masks' own rows.": ranks[right],
        }, "four masks on nine pixels"),
        lambda: likely(call(answer, pair, SURE[:2], 0.5, rare="right, but a mask may have no "
                            "pixel."), torch.where(LAYERS[0], 0, -1), {}, "a mask without a pixel"),
        lambda: likely(call(answer, LAYERS[:0], SURE[:0], 0.5, rare="right, but a picture may have "
                            "no instance: then all is -1."), torch.full((1, 9), -1), {},
                       "no instance"))


FOUND = torch.tensor([[2, 2, 0, 0, 0, -1],
                      [2, 2, -1, 0, 0, 3],
                      [-1, 5, -1, -1, 7, -1]])
TRUE = torch.tensor([[0, 0, 0, 1, 1, -1],
                     [0, 0, 0, 1, 1, 6],
                     [4, 4, -1, -1, 6, 6]])


def overlaps(found: Tensor, true: Tensor, least: int = 0) -> Tensor:
    """(N, M): IoU of every region with a number from `least` on with every true one."""
    a, b = ([part == n for n in part.unique() if n >= least] for part in (found, true))
    return torch.tensor([[((x & y).sum() / (x | y).sum()).item() for y in b] for x in a])


def panoptic_quality(answer: object) -> str | None:
    """Check `panoptic_quality(found, true)` for five regions and four true ones, and for none."""
    table, empty = overlaps(FOUND, TRUE), torch.full((3, 6), -1)
    kept = table[table > 0.5]                                            # 2/3 and 4/5
    right, half = kept.sum() / 4.5, sum(table.shape) / 2
    all_ids = overlaps(FOUND, TRUE, -1)
    own = [iou for n, iou in zip([0, 2, 3, 5, 7], table[:, 0], strict=True) if n == 0]
    return stages(
        lambda: likely(call(answer, FOUND, TRUE), right, {
            "an IoU of exactly 0.5 is no match: it must be above.":
                table[table >= 0.5].sum() / half,
            "-1 is nobody, and no region: leave it out on both sides.":
                all_ids[all_ids > 0.5].sum() / (sum(all_ids.shape) / 2),
            "the regions left over count half: (matched + half of those left over).":
                kept.sum() / 7,
            "that is the mean IoU of the matched pairs: regions left over cost nothing in it.":
                kept.mean(),
            "that counts the matched pairs: add up their IoUs instead.": 2 / half,
            "found regions without a match cost something, too.": kept.sum() / 4,
            "true regions without a match cost something, too.": kept.sum() / 5,
            "numbers are only names: found region 0 may match any true one. Compare all pairs.":
                sum(iou for iou in own if iou > 0.5) / half,
            "pairs of 0.5 or less are no match: their IoU does not count.": table.sum() / half,
            "each true region took its best IoU, matched or not: only those above 0.5 count.":
                table.amax(dim=0).sum() / half,
        }, "five regions and four true ones"),
        lambda: likely(call(answer, empty, TRUE, rare="right, but nothing may have been found: "
                            "then it is 0."), torch.tensor(0.0), {
            "right, but where nothing was found among true regions, it is 0.": torch.nan,
        }, "no region and four true ones"),
        lambda: likely(call(answer, empty, empty, rare="right, but there may be neither regions "
                            "nor true ones: NaN."), torch.tensor(torch.nan), {
            "right, but with nothing on both sides there is nothing to measure: NaN.": 0.0,
        }, "no region on both sides"))


CHECKS = {
    "D.paste": paste,
    "D.owners": owners,
    "D.panoptic_quality": panoptic_quality,
}
