"""RoIAlign beside RoI pooling, by keyboard, mouse and touch; numbers are those of the package."""

import json
import re
from itertools import product

import pytest
import torch
from test_live_figures import choose, claim, label, server, swipe, text, visit  # noqa: F401
from test_live_roi import arrows, box_of, go, place_of, row

from coursekit.figures import HERE
from coursekit.roi import roi_align, roi_pool

pytestmark = pytest.mark.site
NAME = "roi-align"
STORED = json.loads((HERE / f"data/{NAME}.json").read_text(encoding="utf-8"))
START = STORED["box"]
MIDDLES = 8.0 * torch.arange(16) + 4
MAPS = {"channel": torch.tensor(STORED["map"]).float().view(1, 1, 16, 16),
        "x": MIDDLES.expand(16, 16)[None, None], "y": MIDDLES[:, None].expand(16, 16)[None, None]}
BOXES = {"start": START, "beyond the edge": [-8, -5, 30, 136], "below a cell": [61, 70, 64, 73],
         "corners at half cells": [36, 44, 60, 100], "off the map": [129, 40, 136, 61],
         "low and wide": [3, 84, 119, 91]}


def both(box, bins, view="channel"):
    """What the package's RoI pooling and RoIAlign make of a region: (bins, bins) each."""
    region = [torch.tensor([box]).float()]
    return (roi_pool(MAPS[view], region, bins, 1 / 8)[0, 0],
            roi_align(MAPS[view], region, bins, 1 / 8, 2, aligned=True)[0, 0])


def numbers(words):
    return [float(word.replace("−", "-")) for word in re.findall(r"[−-]?\d+(?:\.\d+)?", words)]


def shown(page, name):
    """The numbers of one of both, row by row."""
    lines = label(page, f"canvas.{name}").split(": ")[1].rstrip(".").split(", ")
    return torch.tensor([numbers(line) for line in lines])


def shares(box, bins, i, j):
    """The share of each of the map's cells in RoIAlign's number of bin i, j."""
    features = MAPS["channel"].clone().requires_grad_()
    region = [torch.tensor([box]).float()]
    roi_align(features, region, bins, 1 / 8, 2, aligned=True)[0, 0, i, j].backward()
    return features.grad[0, 0]


def point(page):
    """The point that is written out: its weights laid onto a map, and its value."""
    words = text(page, ".point")
    found, value = torch.zeros(16, 16), 0.0
    if "beyond the map: 0." not in words:
        at = [min(max(place, 0), 15) for place in numbers(words.split(":")[0])[2:4]]
        rows, columns = ([int(place), min(int(place) + 1, 15)] for place in at)
        terms, value = words.split(": ")[1].rstrip(".").split(" = ")
        value = numbers(value)[0]
        for (r, c), term in zip(product(rows, columns), terms.split(" + "), strict=True):
            weight, cell = numbers(term)
            assert cell == MAPS["channel"][0, 0, r, c]
            found[r, c] += weight
        assert abs((found * MAPS["channel"][0, 0]).sum() - value) < 0.2    # weights: 3 decimals
        assert abs(found.sum() - 1) < 0.003
    return found, value


def compare(page, box, bins):
    """Both tables of numbers, and of every bin its points, its sum, and where both looked."""
    pooled, aligned = both(box, bins)
    assert torch.equal(shown(page, "pooled"), pooled)
    torch.testing.assert_close(shown(page, "aligned"), aligned, rtol=0, atol=0.0051)
    choose(page, "2", "bins")
    choose(page, str(bins), "bins")
    while not text(page, ".reading").startswith("Bin 0, 0."):
        page.locator("[name=back]").press("Enter")
    for i, j in product(range(bins), range(bins)):
        assert text(page, ".reading").startswith(f"Bin {i}, {j}. RoI pooling: {pooled[i, j]:.0f}")
        laid, values = torch.zeros(16, 16), []
        for _ in range(4):
            weights, value = point(page)
            laid, values = laid + weights / 4, [*values, value]
            page.locator("[name=point]").press("Enter")
        torch.testing.assert_close(laid, shares(box, bins, i, j), rtol=0, atol=6e-4)
        written = numbers(text(page, ".reading").split("RoIAlign: ")[1])
        assert written[:4] == values and abs(written[5] - aligned[i, j]) < 0.0051
        middle = [box[k] + (n + 0.5) * (box[k + 2] - box[k]) / bins for k, n in ((0, j), (1, i))]
        assert [float(v) for v in row(page, "middle")] == pytest.approx(middle, abs=0.051)
        looked = [numbers(words) for words in row(page, "aligned")]
        assert [v[0] for v in looked] == pytest.approx(middle, abs=0.051)
        assert [v[1] for v in looked] == [0, 0]
        page.locator("[name=next]").press("Enter")


@pytest.mark.parametrize("place", BOXES)
def test_numbers_points_and_weights_are_the_packages(visit, place):  # noqa: F811
    page = visit(NAME)
    go(page, BOXES[place])
    for bins in (2, 3):
        choose(page, str(bins), "bins")
        compare(page, BOXES[place], bins)
    choose(page, "7", "bins")
    pooled, aligned = both(BOXES[place], 7)
    assert torch.equal(shown(page, "pooled"), pooled)
    torch.testing.assert_close(shown(page, "aligned"), aligned, rtol=0, atol=0.0051)


def test_all_of_it_works_on_a_phone_in_the_dark(visit):  # noqa: F811
    compare(visit(NAME, width=360, scheme="dark", bins=2), START, 2)


def test_the_modules_function_is_roi_align_on_random_regions(visit):  # noqa: F811
    generator = torch.Generator().manual_seed(0)
    values = torch.randperm(13 * 17, generator=generator).view(1, 1, 13, 17).float() - 100
    corners = torch.rand(400, 2, 2, generator=generator) * 200 - 30
    corners[:200] = (corners[:200] / 2).round() * 2                    # points on and between cells
    boxes = corners.sort(dim=1).values.flatten(1)
    page = visit(NAME)
    for bins, points in product((1, 2, 3, 5, 7), (1, 2, 3)):
        found = page.evaluate("""async ([values, boxes, bins, points]) => {
            const { roiAlign } = await import('/region.js');
            const map = { values, rows: 13, columns: 17 };
            return boxes.map((box) => roiAlign(map, box, 1 / 8, bins, points).map((b) => b.value));
        }""", [values.flatten().tolist(), boxes.tolist(), bins, points])
        wanted = roi_align(values, [boxes], bins, 1 / 8, points, aligned=True).flatten(1)
        torch.testing.assert_close(torch.tensor(found), wanted, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("view", ["x", "y"])
@pytest.mark.parametrize("box", [START, [30, 41, 55, 90]])
def test_on_a_ramp_the_error_in_pixels_is_read(visit, view, box):  # noqa: F811
    page = visit(NAME, box=box)
    choose(page, view, "view")
    pooled, aligned = both(box, 3, view)
    assert torch.equal(shown(page, "pooled"), pooled)
    torch.testing.assert_close(shown(page, "aligned"), aligned, rtol=0, atol=0.0051)
    k, errors = "xy".index(view), set()
    for _ in range(9):
        words = text(page, ".reading")
        i, j = (int(n) for n in re.match(r"Bin (\d), (\d) ", words).groups())
        middle = box[k] + ((j, i)[k] + 0.5) * (box[k + 2] - box[k]) / 3
        assert numbers(words.split(f"{view} = ")[1])[0] == pytest.approx(middle, abs=0.0051)
        mine, theirs = words.split("RoI pooling reads ")
        assert abs(numbers(mine.split(" ÷ 4 = ")[1])[0] - aligned[i, j]) < 0.0051
        off = numbers(mine.split("off by ")[1])[0]
        assert off == pytest.approx(aligned[i, j].item() - middle, abs=0.0051) and off == 0
        reads, cells, off = numbers(theirs)
        assert reads == pooled[i, j]
        assert off == pytest.approx(cells - middle, abs=0.0051)
        assert numbers(row(page, "pooled")[k])[1] == pytest.approx(off, abs=0.051)
        errors.add(off)
        page.locator("[name=next]").press("Enter")
    assert max(map(abs, errors)) > 2


def test_a_point_beyond_the_map_counts_nothing_and_one_at_its_edge_the_edges_own(visit):  # noqa: F811
    page = visit(NAME, box=[-8, 40, 0, 48], bins=2)
    page.locator("[name=back]").press("Enter")
    assert "column −1.375, is more than a cell beyond the map: 0." in text(page, ".point")
    page.locator("[name=next]").press("Enter")
    assert "column −0.875, taken at the map’s edge: " in text(page, ".point")
    assert both([-8, 40, 0, 48], 2)[1][1, 1] == shown(page, "aligned")[1, 1]


# ---- moving

def test_mouse_and_finger_drag_the_region(visit):  # noqa: F811
    page = visit(NAME, box=[20, 30, 60, 80])
    page.mouse.move(*place_of(page, 40, 55))
    page.mouse.down()
    page.mouse.move(*place_of(page, 52, 48), steps=4)
    page.mouse.up()
    assert box_of(page) == pytest.approx([32, 23, 72, 73], abs=1)
    page = visit(NAME, touch=True, width=360, box=[20, 30, 60, 80])
    swipe(page, place_of(page, 60, 80), place_of(page, 75, 70))
    assert box_of(page) == pytest.approx([20, 30, 75, 70], abs=1)


@pytest.mark.parametrize("name", ["pooled", "aligned"])
def test_a_click_on_either_table_chooses_the_bin(visit, name):  # noqa: F811
    page = visit(NAME)
    page.locator(f"canvas.{name}").scroll_into_view_if_needed()
    bounds = page.locator(f"canvas.{name}").bounding_box()
    page.mouse.click(bounds["x"] + bounds["width"] * 5 / 6, bounds["y"] + bounds["height"] / 6)
    assert text(page, ".reading").startswith("Bin 0, 2.")


# ---- the task

def right(start, dx, dy, bins=3):
    """Whether such a move solves the task, by the package."""
    moved = [a + b for a, b in zip(start, (dx, dy, dx, dy), strict=True)]
    (pool, align), (then_pool, then_align) = both(moved, bins), both(start, bins)
    return (4 <= max(abs(dx), abs(dy)) < 8 and torch.equal(pool, then_pool)
            and bool(((align - then_align).abs() >= 0.05).any()))


def test_task_is_confirmed_for_just_those_moves_that_only_roi_align_notices(visit):  # noqa: F811
    page, found = visit(NAME), []
    for dx in range(9):
        arrows(page, "whole", 1 if dx else 0, 0)
        for dy in range(9):
            assert claim(page)[0] == right(START, dx, dy)
            found += [(dx, dy)] * right(START, dx, dy)
            arrows(page, "whole", 0, 1 if dy < 8 else -8)
    assert 3 <= len(found) < 40
    page.locator("[name=reset]").press("Enter")
    arrows(page, "whole", *found[0])
    solved, words = claim(page)
    assert solved and "RoI pooling’s 9 numbers do not tell" in words
    arrows(page, "whole", 1, 0)
    assert page.locator(".task.solved").count() == 0


def test_on_a_ramp_roi_aligns_numbers_follow_by_as_far(visit):  # noqa: F811
    page = visit(NAME, view="x")
    arrows(page, "whole", 5, 0)
    assert claim(page) == (True, "✓ Solved. The region moved by 5 px: RoI pooling’s 9 numbers do "
                           "not tell, RoIAlign’s have all changed by +5, just as far as the region "
                           "moved along this ramp.")
    choose(page, "y", "view")
    assert "RoI pooling’s and 0 of RoIAlign’s have changed" in claim(page)[1]


def test_mistakes_are_named(visit):  # noqa: F811
    page = visit(NAME)
    assert "has not moved since" in claim(page)[1]
    arrows(page, "whole", 3, 1)
    assert "3 px is less than half a cell, which is 4 px" in claim(page)[1]
    arrows(page, "whole", 5, 0)
    assert "8 px is no less than a cell, which is 8 px" in claim(page)[1]
    arrows(page, "whole", -1, 0)
    (pool, align), (then_pool, then_align) = both([60, 39, 108, 119], 3), both(START, 3)
    changed = int((pool != then_pool).sum()), int(((align - then_align).abs() >= 0.05).sum())
    assert f"{changed[0]} of RoI pooling’s and {changed[1]} of RoIAlign’s have" in claim(page)[1]
    assert changed[0] > 0
    page.locator("[name=remember]").press("Enter")
    assert "This region is remembered" in text(page, ".verdict")
    arrows(page, "last", -1, 0)
    assert "another size" in claim(page)[1]
