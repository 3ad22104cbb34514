"""The figure of chapter 10 by keyboard, mouse and touch; what it shows is what `roi_pool` gives."""

import itertools
import json
import re

import pytest
import torch
from test_live_figures import choose, claim, label, server, swipe, text, visit  # noqa: F401
from test_live_grids import press

from coursekit.boxes import iou
from coursekit.figures import HERE
from coursekit.roi import cells, roi_pool

pytestmark = pytest.mark.site
NAME = "roi-pooling"
STORED = json.loads((HERE / f"data/{NAME}.json").read_text(encoding="utf-8"))
MAP = torch.tensor(STORED["map"], dtype=torch.float32).view(1, 1, 16, 16)
START = STORED["box"]
BOXES = {"start": START, "beyond the edge": [-8, -5, 30, 136], "below a cell": [61, 70, 64, 73],
         "corners at half cells": [36, 44, 60, 100], "half cells around zero": [-4, 4, 12, 20],
         "one pixel": [71, 71, 72, 72], "off the map": [129, 40, 136, 61],
         "all of the picture": [0, 0, 128, 128], "low and wide": [3, 84, 119, 91]}


def pooled(box, bins):
    return roi_pool(MAP, [torch.tensor([box]).float()], bins, 1 / 8)[0, 0].int().tolist()


def winner(box, bins, i, j):
    """(row, column) of the cell to which bin i, j sends its gradient; None for an empty bin."""
    features = MAP.clone().requires_grad_()
    roi_pool(features, [torch.tensor([box]).float()], bins, 1 / 8)[0, 0, i, j].backward()
    found = features.grad[0, 0].nonzero().tolist()
    return tuple(found[0]) if found else None


def shown(page):
    """The pooled numbers, row by row."""
    words = label(page, "canvas.pooled").split(": ")[1].rstrip(".")
    return [[int(number) for number in row.split()] for row in words.split(", ")]


def row(page, name):
    """What the table says across and down."""
    return [words.replace("−", "-") for words in page.locator(f"tr.{name} td").all_inner_texts()]


def box_of(page):
    """The region that the table says is asked for."""
    (x1, x2), (y1, y2) = (map(float, words.split(" … ")) for words in row(page, "asked"))
    return [x1, y1, x2, y2]


def whole(first, stop):
    """Cells as the table names them."""
    if stop - first <= 1:
        return str(first) if stop > first else "none"
    return f"{first} to {stop - 1}"


def arrows(page, part, dx, dy):
    """Move a part of the region by keyboard: Shift for eight pixels at once."""
    choose(page, part, "part")
    page.locator("canvas.scene").focus()
    for distance, keys in ((dx, ("ArrowLeft", "ArrowRight")), (dy, ("ArrowUp", "ArrowDown"))):
        press(page, f"Shift+{keys[distance > 0]}", abs(distance) // 8)
        press(page, keys[distance > 0], abs(distance) % 8)


def go(page, box):
    """To a region by keyboard: small first, then to its place, then to its size."""
    arrows(page, "last", -160, -160)
    x, y = (int(side) for side in box_of(page)[:2])
    arrows(page, "whole", box[0] - x, box[1] - y)
    arrows(page, "last", box[2] - box[0] - 1, box[3] - box[1] - 1)
    assert box_of(page) == box


def compare(page, box, bins):
    """Everything that the figure says of a region, against the package."""
    assert shown(page) == pooled(box, bins)
    sides = torch.tensor(box).float()
    axes = [cells(sides[None, k::2], 1 / 8, bins, 16) for k in (0, 1)]
    first, last = ([int((abs(v) / 8 + 0.5) // 1) * (-1 if v < 0 else 1) for v in box[k:k + 2]]
                   for k in (0, 2))
    assert row(page, "first") == [whole(a, b + 1) for a, b in zip(first, last, strict=True)]
    assert row(page, "scaled") == [f"{box[k] / 8:.5g} … {box[k + 2] / 8:.5g}" for k in (0, 1)]
    off = [[float(v.strip("+ px")) for v in words.split(",")] for words in row(page, "off")]
    for k in (0, 1):
        assert off[k] == [8 * first[k] - box[k], 8 * (last[k] + 1) - box[k + 2]]
    region = torch.tensor([[8 * v for v in first] + [8 * (v + 1) for v in last]]).float()
    overlap = float(re.search(r"IoU ([\d.]+)\.$", text(page, ".reading")).group(1))
    assert abs(overlap - iou(region, sides[None]).item()) < 0.0051
    kinds = {winner(box, bins, i, j) for i in range(bins) for j in range(bins)} - {None}
    assert f"{bins ** 2} bins, {len(kinds)} winner" in text(page, ".reading")
    for i in range(bins):
        for j in range(bins):
            words = text(page, ".reading")
            assert words.startswith(f"Bin {i}, {j} holds ")
            (left, right), (top, low) = (
                [int(part[0, at]) for part in axis] for axis, at in zip(axes, (j, i), strict=True))
            assert row(page, "second") == [whole(left, right), whole(top, low)]
            many = max(right - left, 0) * max(low - top, 0)
            wins = winner(box, bins, i, j)
            if many == 0:
                assert "no cell of the map: 0" in words and wins is None
            else:
                assert f"holds {many} cell" in words
                best = re.search(r"greatest, (\d+) at row (\d+), column (\d+)", words).groups()
                assert tuple(map(int, best)) == (pooled(box, bins)[i][j], *wins)
                inside = MAP[0, 0, top:low, left:right]
                equals = int((inside == inside.max()).sum())
                assert (f"first of {equals} equal" in words) == (equals > 1)
            page.locator("[name=next]").press("Enter")


@pytest.mark.parametrize("place", BOXES)
def test_every_bin_of_a_region_is_the_packages(visit, place):  # noqa: F811
    page = visit(NAME)
    go(page, BOXES[place])
    for bins in (2, 3):
        choose(page, str(bins), "bins")
        compare(page, BOXES[place], bins)
    choose(page, "7", "bins")
    assert shown(page) == pooled(BOXES[place], 7)


def test_seven_bins_overlap_where_the_region_is_smaller_than_they_are_many(visit):  # noqa: F811
    compare(visit(NAME, box=[53, 38, 101, 70], bins=7), [53, 38, 101, 70], 7)


def test_a_region_of_real_numbers_is_shown_and_pooled_as_it_is(visit):  # noqa: F811
    box = [41.3, 20.7, 77.0, 99.9]
    page = visit(NAME, box=box)
    assert row(page, "asked") == ["41.3 … 77", "20.7 … 99.9"]
    assert row(page, "scaled") == ["5.163 … 9.625", "2.588 … 12.488"]
    assert row(page, "first") == ["5 to 10", "3 to 12"]
    assert row(page, "off") == ["-1.3, +11 px", "+3.3, +4.1 px"]
    assert shown(page) == pooled(box, 3)


def test_the_modules_function_is_roi_pool_on_random_regions(visit):  # noqa: F811
    generator = torch.Generator().manual_seed(0)
    values = torch.randperm(13 * 17, generator=generator).view(1, 1, 13, 17).float() - 100
    corners = torch.rand(600, 2, 2, generator=generator) * 200 - 30
    corners[:200] = (corners[:200] / 4).round() * 4                    # half and whole cells
    boxes = corners.sort(dim=1).values.flatten(1)
    page = visit(NAME)
    for bins in range(1, 9):
        found = page.evaluate("""async ([values, boxes, bins]) => {
            const { roiPool } = await import('/region.js');
            const map = { values, rows: 13, columns: 17 };
            return boxes.map((box) => roiPool(map, box, 1 / 8, bins).pooled.map((b) => b.value));
        }""", [values.flatten().tolist(), boxes.tolist(), bins])
        wanted = roi_pool(values, [boxes], bins, 1 / 8).flatten(1)
        assert torch.equal(torch.tensor(found).float(), wanted)


# ---- moving

def test_arrow_keys_move_the_part_that_is_chosen_a_cell_beyond_the_picture(visit):  # noqa: F811
    page = visit(NAME, box=[10, 20, 50, 70])
    arrows(page, "whole", 3, 9)
    assert box_of(page) == [13, 29, 53, 79]
    arrows(page, "first", -5, 60)
    assert box_of(page) == [8, 78, 53, 79]                           # a pixel remains
    arrows(page, "last", 160, -8)
    assert box_of(page) == [8, 78, 136, 79]
    arrows(page, "whole", -160, 160)
    assert box_of(page) == [-8, 135, 120, 136]
    page.locator("[name=reset]").press("Enter")
    assert box_of(page) == [10, 20, 50, 70]


def place_of(page, x, y):
    """Where a pixel of the picture lies on the screen: a margin of 8 pixels is around it."""
    bounds = page.locator("canvas.scene").bounding_box()
    return (bounds["x"] + (x + 8) * bounds["width"] / 144,
            bounds["y"] + (y + 8) * bounds["height"] / 144)


@pytest.mark.parametrize("part", ["whole", "x1 y1", "x2 y1", "x1 y2", "x2 y2"])
def test_mouse_drags_the_region_and_each_corner(visit, part):  # noqa: F811
    box = [20, 30, 60, 80]
    sides = [("x1", "y1", "x2", "y2").index(side) for side in part.split()[:2] if side != "whole"]
    begin = [box[i] for i in sides] or [40, 55]
    wanted = [value + (12, -7)[i % 2] * (not sides or i in sides) for i, value in enumerate(box)]
    page = visit(NAME, box=box)
    page.mouse.move(*place_of(page, *begin))
    page.mouse.down()
    page.mouse.move(*place_of(page, begin[0] + 12, begin[1] - 7), steps=4)
    page.mouse.up()
    assert box_of(page) == pytest.approx(wanted, abs=1)
    page.mouse.move(*place_of(page, 110, 110))                       # released: it stays
    assert box_of(page) == pytest.approx(wanted, abs=1)


def test_a_finger_drags_the_region_and_scrolls_the_page_elsewhere(visit):  # noqa: F811
    page = visit(NAME, touch=True, width=360, box=[20, 30, 60, 80])
    swipe(page, place_of(page, 110, 20), place_of(page, 90, 40))
    assert box_of(page) == [20, 30, 60, 80]
    swipe(page, place_of(page, 40, 55), place_of(page, 55, 45))
    assert box_of(page) == pytest.approx([35, 20, 75, 70], abs=1)


def test_bins_are_chosen_by_buttons_in_order_and_by_clicks(visit):  # noqa: F811
    page = visit(NAME)
    page.locator("[name=back]").press("Enter")
    assert text(page, ".reading").startswith("Bin 2, 2 holds")
    page.locator("canvas.pooled").scroll_into_view_if_needed()
    bounds = page.locator("canvas.pooled").bounding_box()
    page.mouse.click(bounds["x"] + bounds["width"] / 6, bounds["y"] + bounds["height"] / 2)
    assert text(page, ".reading").startswith("Bin 1, 0 holds")
    choose(page, "2", "bins")
    assert text(page, ".reading").startswith("Bin 1, 0 holds")
    page.locator("[name=next]").press("Enter")
    assert text(page, ".reading").startswith("Bin 1, 1 holds")


# ---- the task

def test_task_is_confirmed_for_just_those_moves_that_change_nothing(visit):  # noqa: F811
    start = [START[0] - 1, START[1] - 2, START[2] - 1, START[3] - 2]   # just above half a cell
    page = visit(NAME, box=start)
    found = []
    for dx in range(9):
        arrows(page, "whole", 1 if dx else 0, 0)
        for dy in range(9):
            box = [a + b for a, b in zip(start, (dx, dy, dx, dy), strict=True)]
            right = min(dx, dy) >= 6 and pooled(box, 3) == pooled(start, 3)
            assert claim(page)[0] == right
            found += [(dx, dy)] * right
            arrows(page, "whole", 0, 1 if dy < 8 else -8)
    assert found == [(6, 6), (6, 7), (7, 6), (7, 7)]
    arrows(page, "whole", -1, 7)
    assert claim(page) == (True, "✓ Solved. 7 px across and 7 px down, and the same cells: all 128 "
                           "channels agree. The layers after the pooling cannot tell the two "
                           "regions apart.")
    arrows(page, "whole", 1, 0)
    assert page.locator(".task.solved").count() == 0


def test_mistakes_are_named(visit):  # noqa: F811
    page = visit(NAME)
    assert "has not moved since" in claim(page)[1]
    arrows(page, "whole", 1, 1)
    assert "nothing changed, but it moved by +1 px across and +1 px down" in claim(page)[1]
    arrows(page, "whole", 24, 0)
    changed = sum(a != b for a, b in zip(
        itertools.chain(*shown(page)), itertools.chain(*pooled(START, 3)), strict=True))
    assert f"{changed} of 9 numbers have changed" in claim(page)[1] and changed > 1
    page.locator("[name=remember]").press("Enter")
    assert "This region is remembered" in text(page, ".verdict")
    arrows(page, "last", -1, 0)
    assert "another size" in claim(page)[1]


def test_a_region_of_zeros_does_not_count(visit):  # noqa: F811
    assert not any(map(any, pooled([80, 16, 96, 32], 3)))
    page = visit(NAME, box=[80, 16, 96, 32])
    arrows(page, "whole", 6, 6)
    assert not any(map(any, shown(page)))
    solved, words = claim(page)
    assert not solved and "every number is 0" in words


def test_the_same_winners_in_other_cells_count_and_are_told_apart(visit):  # noqa: F811
    start, moved = [0, 4, 72, 72], [10, 10, 82, 78]
    assert pooled(start, 2) == pooled(moved, 2)
    page = visit(NAME, box=start, bins=2)
    arrows(page, "whole", 10, 6)
    solved, words = claim(page)
    assert solved and "the same winners, though the cells differ" in words
