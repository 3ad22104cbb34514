"""Answers to lab D: a right one for each function, typical wrong ones, words of their hints."""

import math

import torch
import torch.nn.functional as F

from coursekit.masks import paste as soft_paste

# 1. Anchors


def lay(grid, strides, sides, inside=0.5):
    y, x = ((torch.arange(n) + inside) * step for n, step in zip(grid, strides, strict=True))
    w, h = torch.tensor(sides, dtype=torch.float32).T
    x, y, w, h = torch.broadcast_tensors(x, y[:, None], w[:, None, None], h[:, None, None])
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1)


def sides(areas, aspects):
    return [(math.sqrt(a * r), math.sqrt(a / r)) for r in aspects for a in areas]


def anchor_grid(grid, strides, areas, aspects):
    return lay(grid, strides, sides(areas, aspects))


def tall(grid, strides, areas, aspects):
    return lay(grid, strides, [(h, w) for w, h in sides(areas, aspects)])


def swapped_strides(grid, strides, areas, aspects):
    return anchor_grid(grid, strides[::-1], areas, aspects)


def cornered(grid, strides, areas, aspects):
    return lay(grid, strides, sides(areas, aspects), inside=0)


def areas_as_sides(grid, strides, areas, aspects):
    return anchor_grid(grid, strides, [a * a for a in areas], aspects)


def width_alone(grid, strides, areas, aspects):
    return lay(grid, strides, [(a ** 0.5 * r, a ** 0.5) for r in aspects for a in areas])


def aspect_squared(grid, strides, areas, aspects):
    return anchor_grid(grid, strides, areas, [r * r for r in aspects])


def area_by_area(grid, strides, areas, aspects):
    return lay(grid, strides, [sides([a], [r])[0] for a in areas for r in aspects])


def cell_by_cell(*inputs):
    return anchor_grid(*inputs).permute(1, 2, 0, 3)


def one_list(*inputs):
    return anchor_grid(*inputs).view(-1, 4)


def columns_first(*inputs):
    return anchor_grid(*inputs).transpose(1, 2)


def middle_and_sides(*inputs):
    boxes = anchor_grid(*inputs)
    a, b = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(a + b) / 2, b - a], dim=-1)


def corner_and_sides(*inputs):
    boxes = anchor_grid(*inputs)
    return torch.cat([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], dim=-1)


def twice_as_large(grid, strides, areas, aspects):
    return anchor_grid(grid, strides, [4 * a for a in areas], aspects)


def clipped(grid, strides, areas, aspects):
    boxes = anchor_grid(grid, strides, areas, aspects).clamp(min=0)
    height, width = (n * step for n, step in zip(grid, strides, strict=True))
    return boxes.minimum(torch.tensor([width, height, width, height]))


def x_and_y(grid, strides, areas, aspects):
    """The middles of the cells as (y, x)."""
    boxes = middle_and_sides(grid, strides, areas, aspects)
    middle, half = boxes[..., :2].flip(-1), boxes[..., 2:] / 2
    return torch.cat([middle - half, middle + half], dim=-1)


def whole_aspects(grid, strides, areas, aspects):
    w, h = zip(*sides(areas, [max(int(r), 1) for r in aspects]), strict=True)
    return lay(grid, strides, list(zip(w, h, strict=True)))


# 2. One anchor for each object


def one_each(overlaps, least):
    table, M = overlaps.clone(), overlaps.shape[1]
    given = torch.full((len(table),), -1)
    while table.numel() and table.max() > 0:
        n, m = divmod(int(table.argmax()), M)
        given[n] = m
        table[n] = table[:, m] = 0
    return rest(overlaps, least, given)


def rest(overlaps, least, given, free=True):
    if overlaps.shape[1]:
        best, which = overlaps.max(dim=1)
        take = (best >= least) & ((given < 0) if free else True)
        given = torch.where(take, which, given)
    return given


def in_turn(overlaps, least):
    """Object by object, as they stand in the table."""
    table, given = overlaps.clone(), torch.full((len(overlaps),), -1)
    for m in range(overlaps.shape[1]):
        if table.numel() and table[:, m].max() > 0:
            n = table[:, m].argmax()
            given[n] = m
            table[n] = 0
    return rest(overlaps, least, given)


def anchors_twice(overlaps, least):
    """An object's best anchor, also where another has it."""
    given = torch.full((len(overlaps),), -1)
    for m in overlaps.amax(dim=0).argsort().tolist():
        given[overlaps[:, m].argmax()] = m
    return rest(overlaps, least, given)


def as_in_chapter_11(overlaps, least):
    if not overlaps.shape[1]:
        return torch.full((len(overlaps),), -1)
    best, which = overlaps.max(dim=1)
    given = torch.where(best >= least, which, -1)
    saved = (overlaps == overlaps.amax(dim=0)).any(dim=1)
    return torch.where(saved, which, given)


def threshold_alone(overlaps, least):
    return rest(overlaps, least, torch.full((len(overlaps),), -1))


def first_rule_alone(overlaps, least):
    return one_each(overlaps, 2.0)


def taken_away(overlaps, least):
    return rest(overlaps, least, one_each(overlaps, 2.0), free=False)


def more_than_least(overlaps, least):
    return one_each(overlaps, least + 1e-4)


def last_of_equals(overlaps, least):
    return one_each(overlaps.flip(0), least).flip(0)


def by_object(overlaps, least):
    given = one_each(overlaps, 2.0).tolist()
    return torch.tensor([given.index(m) if m in given else -1 for m in range(overlaps.shape[1])])


def also_without_overlap(overlaps, least):
    table, M = overlaps.clone(), overlaps.shape[1]
    given = torch.full((len(table),), -1)
    for _ in range(min(table.shape)):
        n, m = divmod(int(table.argmax()), M)
        given[n] = m
        table[n] = table[:, m] = -1
    return rest(overlaps, least, given)


def needs_an_object(overlaps, least):
    overlaps.max(dim=1)
    return one_each(overlaps, least)


def in_place(overlaps, least):
    given = one_each(overlaps, least)
    overlaps[0] = 0
    return given


# 3. The shares of a place


def shares_at(places, cells, before=1.0, after=1.0, at=None):
    at = places.clamp(0, cells - 1) if at is None else at
    inside = (places >= -before) & (places <= cells - 1 + after)
    shares = (1 - (at[:, None] - torch.arange(cells)).abs()).clamp(min=0)
    return shares * inside[:, None]


def faded_at_the_edge(places, cells):
    return shares_at(places, cells, 99, 99, at=places)


def edge_without_end(places, cells):
    return shares_at(places, cells, 99, 99)


def nothing_beyond(places, cells):
    return shares_at(places, cells, 0, 0)


def half_a_cell_beyond(places, cells):
    return shares_at(places, cells, 0.5, 0.5)


def less_than_a_cell_beyond(places, cells):
    return shares_at(places, cells, 0.9999, 0.9999)


def up_to_the_last_middle(places, cells):
    return shares_at(places, cells, 1, 0)


def nearest_alone(places, cells):
    return shares_at(places, cells, at=places.clamp(0, cells - 1).round())


def shares_swapped(places, cells):
    at = places.clamp(0, cells - 1)
    low = at.floor()
    swapped = torch.where(low < cells - 1, 2 * low + 1 - at, at)
    return shares_at(places, cells, at=swapped)


def from_the_left_edge(places, cells):
    return shares_at(places - 0.5, cells)


def on_its_side(places, cells):
    return shares_at(places, cells).T


def two_neighbors(places, cells):
    """Writes to the cell on the right, too, which a map of one cell does not have."""
    at = places.clamp(0, cells - 1)
    low = at.long().clamp(max=max(cells - 2, 0))
    out, rows = torch.zeros(len(places), cells), torch.arange(len(places))
    out[rows, low], out[rows, low + 1] = 1 - (at - low), at - low
    return out * ((places >= -1) & (places <= cells))[:, None]


# 4. RoIAlign


def points(features, rows, columns, size, n=None, m=None):
    """(C, P, n, Q, m)"""
    P, Q = size
    values = rows @ features @ columns.T
    return values.view(len(features), P, n or len(rows) // P, Q, m or len(columns) // Q)


def align(features, rows, columns, size):
    return points(features, rows, columns, size).mean(dim=(2, 4))


def summed(*inputs):
    return points(*inputs).sum(dim=(2, 4))


def greatest(*inputs):
    return points(*inputs).amax(dim=(2, 4))


def apart(features, rows, columns, size):
    """Takes points P and Q apart as one bin's."""
    P, Q = size
    values = rows @ features @ columns.T
    return values.view(len(features), len(rows) // P, P, len(columns) // Q, Q).mean(dim=(1, 3))


def all_the_points(features, rows, columns, size):
    return rows @ features @ columns.T


def first_point(*inputs):
    return points(*inputs)[:, :, 0, :, 0]


def over_channels(*inputs):
    return align(*inputs).mean(dim=0)


def first_channel(features, *others):
    return align(features[:1], *others)


def bins_swapped(*inputs):
    return align(*inputs).transpose(1, 2)


def square_bins(features, rows, columns, size):
    """As many points across as down."""
    n = len(rows) // size[0]
    values = F.avg_pool2d(rows @ features @ columns.T, n)
    if values.shape[1:] != torch.Size(size):
        raise ValueError("other sizes")
    return values


def always_two_by_three(features, rows, columns, size):
    return align(features, rows, columns, (2, 3))


# 5. Pasting


def paste(grid, box, size, threshold, cut=torch.floor, middle=0.5, edge=False, equal=False):
    (S, T), (H, W), (x1, y1, x2, y2) = grid.shape, size, box.tolist()
    i = cut((torch.arange(H) + middle - y1) / (y2 - y1) * S).long()
    j = cut((torch.arange(W) + middle - x1) / (x2 - x1) * T).long()
    there = ((i >= 0) & (i < S))[:, None] & ((j >= 0) & (j < T)) | edge
    values = grid[i.clamp(0, S - 1)][:, j.clamp(0, T - 1)]
    return there & (values >= threshold if equal else values > threshold)


def cut_off(*inputs):
    return paste(*inputs, cut=torch.trunc)


def from_the_corner(*inputs):
    return paste(*inputs, middle=0)


def rounded_cell(*inputs):
    return paste(*inputs, cut=torch.round)


def box_cut(grid, box, *others):
    return paste(grid, box.floor(), *others)


def box_rounded(grid, box, *others):
    return paste(grid, box.round(), *others)


def goes_on(*inputs):
    return paste(*inputs, edge=True)


def at_least_the_threshold(*inputs):
    return paste(*inputs, equal=True)


def whole_box(grid, *others):
    return paste(torch.ones_like(grid), *others)


def only_half(grid, box, size, threshold):
    return paste(grid, box, size, 0.5)


def width_first(grid, box, size, threshold):
    return paste(grid, box, size[::-1], threshold)


def y_first(grid, box, *others):
    return paste(grid, box[[1, 0, 3, 2]], *others)


def inside_only(grid, box, size, threshold):
    """Paints the box's slice: below 0, a slice begins at the other end."""
    x1, y1, x2, y2 = box.tolist()
    if x1 < 0 or y1 < 0:
        raise IndexError("shape mismatch")
    return paste(grid, box, size, threshold)


def as_torchvision(grid, box, size, threshold):
    square = F.interpolate(grid[None, None], (6, 6), mode="nearest")[0]
    return soft_paste(square, box[None], size)[0] > threshold


# 6. Owners


def owners(masks, scores, least, order=None, whole=False, blocked=False, more=0.0):
    owner = torch.full(masks.shape[1:], -1)
    taken = torch.zeros(masks.shape[1:], dtype=torch.bool)
    for n in scores.argsort(descending=True).tolist() if order is None else order:
        free = masks[n] & ~taken
        kept = free.sum() >= least * masks[n].sum() + more
        if kept:
            owner[masks[n] if whole else free] = n
        if kept or blocked:
            taken |= masks[n]
    return owner


def nobody_left_out(masks, scores, least):
    return owners(masks, scores, 0)


def more_than_that(*inputs):
    return owners(*inputs, more=0.01)


def in_the_lists_order(masks, scores, least):
    return owners(masks, scores, least, range(len(masks)))


def lowest_first(masks, scores, least):
    return owners(masks, -scores, least)


def left_out_but_there(*inputs):
    return owners(*inputs, blocked=True)


def painted_over(*inputs):
    return owners(*inputs, whole=True)


def all_or_nothing(masks, scores, least):
    return owners(masks, scores, 1)


def nobody_is_0(*inputs):
    return owners(*inputs).clamp(min=0)


def from_1(*inputs):
    return owners(*inputs) + 1


def ranks(masks, scores, least):
    order = scores.argsort(descending=True)
    return owners(masks[order], scores[order], least)


def share_of_nothing(masks, scores, least):
    owner = torch.full(masks.shape[1:], -1)
    for n in scores.argsort(descending=True).tolist():
        free = masks[n] & (owner < 0)
        if int(free.sum()) / int(masks[n].sum()) >= least:
            owner[free] = n
    return owner


def needs_an_instance(masks, scores, least):
    scores.max()
    return owners(masks, scores, least)


# 7. Panoptic quality


def table_of(found, true, least=0):
    a, b = ([part == n for n in part.unique() if n >= least] for part in (found, true))
    rows = [((x & y).sum() / (x | y).sum()).item() for x in a for y in b]
    return torch.tensor(rows).view(len(a), len(b))


def panoptic_quality(found, true):
    table = table_of(found, true)
    return table[table > 0.5].sum() / (sum(table.shape) / 2)         # 0 / 0 is NaN


def half_is_enough(found, true):
    table = table_of(found, true)
    return table[table >= 0.5].sum() / (sum(table.shape) / 2)


def nobody_is_a_region(found, true):
    table = table_of(found, true, -1)
    return table[table > 0.5].sum() / (sum(table.shape) / 2)


def whole_leftovers(found, true):
    table = table_of(found, true)
    kept = table[table > 0.5]
    return kept.sum() / (sum(table.shape) - len(kept))


def mean_of_the_matched(found, true):
    table = table_of(found, true)
    return table[table > 0.5].mean()


def counted(found, true):
    table = table_of(found, true)
    return (table > 0.5).sum() / (sum(table.shape) / 2)


def by_the_true(found, true):
    table = table_of(found, true)
    return table[table > 0.5].sum() / table.shape[1]


def by_the_found(found, true):
    table = table_of(found, true)
    return table[table > 0.5].sum() / table.shape[0]


def same_numbers(found, true):
    a, b = found.unique().tolist(), true.unique().tolist()
    pairs = [((found == n) & (true == n)).sum() / ((found == n) | (true == n)).sum()
             for n in set(a) & set(b) - {-1}]
    return torch.tensor([p.item() for p in pairs if p > 0.5]).sum() / (
        torch.tensor(len(set(a) - {-1}) + len(set(b) - {-1})) / 2)


def every_overlap(found, true):
    table = table_of(found, true)
    return table.sum() / (sum(table.shape) / 2)


def best_of_each(found, true):
    table = table_of(found, true)
    best = table.amax(dim=0) if table.numel() else table
    return best.sum() / (sum(table.shape) / 2)


def zero_for_nothing(found, true):
    return panoptic_quality(found, true).nan_to_num()


def nan_for_nothing_found(found, true):
    table = table_of(found, true)
    return panoptic_quality(found, true) if len(table) else torch.tensor(math.nan)


RIGHT = {
    "D.anchor_grid": anchor_grid,
    "D.one_each": one_each,
    "D.shares_at": shares_at,
    "D.align": align,
    "D.paste": paste,
    "D.owners": owners,
    "D.panoptic_quality": panoptic_quality,
}
WRONG = {
    "D.anchor_grid": [
        (tall, "4 is wide and low"),
        (swapped_strides, "(down, across)"),
        (cornered, "half a cell further on"),
        (areas_as_sides, "an area, not a side"),
        (width_alone, "the height shrinks"),
        (aspect_squared, "takes its root only"),
        (area_by_area, "aspect by aspect"),
        (cell_by_cell, "the shape's axis comes first"),
        (one_list, "keep the axes"),
        (columns_first, "rows and columns are swapped"),
        (middle_and_sides, "those are middle and sides"),
        (corner_and_sides, "that is xywh"),
        (twice_as_large, "lies on each side"),
        (clipped, "nothing is clipped"),
        (x_and_y, "yours are swapped"),
        (whole_aspects, "strides 16 and 4"),
    ],
    "D.one_each": [
        (in_turn, "the greatest overlap that is left"),
        (anchors_twice, "strike out its row"),
        (as_in_chapter_11, "that is chapter 11's rule"),
        (threshold_alone, "first each object gets one"),
        (first_rule_alone, "are missing"),
        (taken_away, "for free anchors only"),
        (more_than_least, "is enough"),
        (last_of_equals, "row by row"),
        (by_object, "not for each object"),
        (also_without_overlap, "an overlap of 0 is none"),
        (needs_an_object, "may have no object"),
        (in_place, "changes the tensor"),
    ],
    "D.shares_at": [
        (faded_at_the_edge, "the edge's own value, in full"),
        (edge_without_end, "its row is 0"),
        (nothing_beyond, "beyond the edges nothing was read"),
        (half_a_cell_beyond, "not half a one"),
        (less_than_a_cell_beyond, "still counts"),
        (up_to_the_last_middle, "on the right the limit"),
        (nearest_alone, "two neighbours share"),
        (shares_swapped, "the shares are swapped"),
        (from_the_left_edge, "take no half cell off"),
        (on_its_side, "lies on its side"),
        (two_neighbors, "one cell wide"),
    ],
    "D.align": [
        (summed, "that is the sum"),
        (greatest, "that is the greatest"),
        (apart, "one after another"),
        (all_the_points, "those are the points"),
        (first_point, "each bin is its first point"),
        (over_channels, "over the channels, too"),
        (first_channel, "only the first channel"),
        (bins_swapped, "rows and columns are swapped"),
        (square_bins, "other numbers of points"),
        (always_two_by_three, "read `size`"),
    ],
    "D.paste": [
        (cut_off, ".long() cuts"),
        (from_the_corner, "the pixel's middle"),
        (rounded_cell, "do not round"),
        (box_cut, "keeps its quarter pixels."),
        (box_rounded, "and a half"),
        (goes_on, "beyond the box there is no object"),
        (at_least_the_threshold, "is not above it"),
        (whole_box, "every pixel of the box was taken"),
        (only_half, "the threshold is 0.75"),
        (width_first, "the size is (height, width)"),
        (y_first, "x runs along the columns"),
        (inside_only, "may reach beyond the picture"),
        (as_torchvision, "for a grid of 2 × 3"),
    ],
    "D.owners": [
        (nobody_left_out, "is left out where"),
        (more_than_that, "enough to stay"),
        (in_the_lists_order, "not in the list's"),
        (lowest_first, "begin with the highest"),
        (left_out_but_there, "takes no pixel"),
        (painted_over, "keeps it"),
        (all_or_nothing, "all of a mask must be free for you"),
        (nobody_is_0, "without an owner is -1"),
        (from_1, "counted from 0"),
        (ranks, "give the masks' own rows"),
        (share_of_nothing, "may have no pixel"),
        (needs_an_instance, "no instance"),
    ],
    "D.panoptic_quality": [
        (half_is_enough, "it must be above"),
        (nobody_is_a_region, "leave it out on both sides"),
        (whole_leftovers, "left over count half"),
        (mean_of_the_matched, "the mean IoU of the matched"),
        (counted, "add up their IoUs"),
        (by_the_true, "found regions without a match"),
        (by_the_found, "true regions without a match"),
        (same_numbers, "numbers are only names"),
        (every_overlap, "their IoU does not count"),
        (best_of_each, "matched or not"),
        (nan_for_nothing_found, "it is 0"),
        (zero_for_nothing, "nothing to measure: NaN"),
    ],
}
