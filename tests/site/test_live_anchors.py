"""The figure of chapter 11 by keyboard, mouse and touch; its numbers are the package's."""

import json
import re

import pytest
import torch
from test_live_figures import ROOT, choose, claim, label, put, server, text, visit  # noqa: F401
from test_live_grids import press

from coursekit.anchors import grid_anchors, shapes
from coursekit.assignment import IGNORED, NEGATIVE, assign
from coursekit.boxes import iou, nms
from coursekit.data import CLASSES
from coursekit.figures import HERE

pytestmark = pytest.mark.site
NAME = "anchors"
STORED = json.loads((HERE / f"data/{NAME}.json").read_text(encoding="utf-8"))
OBJECTS = torch.tensor(STORED["objects"]).float()
AROUND = shapes(STORED["sizes"], STORED["ratios"])
ANCHORS = grid_anchors((16, 16), 8, AROUND)
PROPOSALS, SCORES = torch.tensor(STORED["proposals"]).float(), torch.tensor(STORED["scores"])
VIEWS = ("anchors", "assignment", "proposals")


def rows_of(page, table):
    """The cells of a table's body, without its first column of names."""
    return [row.locator("td").all_inner_texts() for row in page.locator(f".{table} tbody tr").all()]


def to(page, **values):
    """Set sliders, in hundredths or boxes, by keyboard alone: from one end."""
    for name, value in values.items():
        page.locator(f"input[name={name}]").press("Home")
        press(page, "ArrowRight", value)


def said(page, view):
    return text(page, f".{view} .reading")


# ---- the module's functions, bit by bit

def test_anchors_are_the_packages_on_a_map_that_is_not_square(visit):  # noqa: F811
    found = visit(NAME).evaluate("""async () => {
        const { shapes, gridAnchors } = await import('/boxes.js');
        return gridAnchors(5, 7, 6, shapes([7, 20, 33], [0.3, 1, 2, 4.5]));
    }""")
    wanted = grid_anchors((5, 7), 6, shapes([7, 20, 33], [0.3, 1, 2, 4.5]))
    assert torch.equal(torch.tensor(found), wanted)


def test_assignment_is_the_packages_on_random_boxes_and_ties(visit):  # noqa: F811
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(400, 2, 2, generator=generator) * 60
    corners[:150] = (corners[:150] / 12).round() * 12                  # many ties, some empty
    boxes = corners.sort(dim=1).values.flatten(1)
    objects = torch.cat([boxes[40:47], boxes[42:43], boxes[200:204]])   # one of them twice
    page = visit(NAME)
    for positive, negative in [(0.7, 0.3), (0.5, 0.5), (1, 0), (0.2, 0), (0, 0), (0.25, 0.2)]:
        for rescue in (False, True):
            found = page.evaluate("""async ([objects, boxes, ...rest]) => {
                const { assign, iou } = await import('/boxes.js');
                return assign(objects.map((a) => boxes.map((b) => iou(a, b))), ...rest);
            }""", [objects.tolist(), boxes.tolist(), positive, negative, rescue])
            assert found == assign(boxes, objects, positive, negative, rescue).tolist()


def test_suppression_is_the_packages_at_every_threshold(visit):  # noqa: F811
    found = visit(NAME).evaluate("""async (boxes) => {
        const { strikes } = await import('/boxes.js');
        return Array.from({ length: 101 }, (_, k) =>
            strikes(boxes, k / 100).flatMap((by, i) => (by === null ? [i] : [])));
    }""", STORED["proposals"])
    falling = -torch.arange(len(PROPOSALS)).float()
    wanted = [nms(PROPOSALS, falling, k / 100).tolist() for k in range(101)]
    assert found == wanted and len(set(map(len, found))) > 5


# ---- a cell's anchors

@pytest.mark.parametrize("row, column", [(10, 7), (0, 0), (9, 12), (15, 3)])
def test_a_cell_chosen_by_keyboard_shows_its_twelve_anchors(visit, row, column):  # noqa: F811
    page = visit(NAME)
    page.locator("canvas.scene").focus()
    press(page, "Shift+ArrowUp", 2)
    press(page, "Shift+ArrowLeft", 2)
    press(page, "ArrowDown", row)
    press(page, "ArrowRight", column)
    first = (16 * row + column) * 12
    mine = ANCHORS[first:first + 12]
    fits, which = iou(mine, OBJECTS).max(dim=1)
    wanted = [f"{fit:.2f}\n{round(x2 - x1)} × {round(y2 - y1)}"
              for fit, (x1, y1, x2, y2) in zip(fits.tolist(), mine.tolist(), strict=True)]
    assert sum(rows_of(page, "cell"), []) == wanted
    beyond = int(((mine[:, :2] < 0) | (mine[:, 2:] > 128)).any(dim=1).sum())
    words = said(page, "anchors")
    assert f"around ({8 * column + 4}, {8 * row + 4}); {beyond or 'none'} of them" in words
    if fits.max() > 0:
        best = int(fits.argmax())
        nearest = int(which[best])
        assert f"meets {CLASSES[STORED['labels'][nearest]]} {nearest} at" in words
        assert f"at IoU {fits[best]:.2f}." in words
        assert page.locator(".cell td.best").inner_text() == wanted[best]
    else:
        assert words.endswith("None meets an animal.") and page.locator("td.best").count() == 0


def place_of(page, x, y):
    """Where a pixel of the picture lies on the screen: a margin of 8 pixels is around it."""
    bounds = page.locator("canvas.scene").bounding_box()
    return (bounds["x"] + (x + 8) * bounds["width"] / 144,
            bounds["y"] + (y + 8) * bounds["height"] / 144)


def test_cells_are_chosen_by_arrow_keys_to_the_edge_by_mouse_and_by_touch(visit):  # noqa: F811
    page = visit(NAME, row=0, column=14)
    page.locator("canvas.scene").focus()
    press(page, "ArrowRight", 3)
    press(page, "ArrowUp")
    assert "Row 0, column 15:" in label(page, "canvas.scene")
    page.mouse.click(*place_of(page, 43, 30))
    assert "Row 3, column 5:" in label(page, "canvas.scene")
    page.mouse.move(*place_of(page, 43, 30))
    page.mouse.down()
    page.mouse.move(*place_of(page, 81, 62), steps=3)
    page.mouse.up()
    assert "Row 7, column 10:" in label(page, "canvas.scene")
    page = visit(NAME, touch=True, width=360)
    page.touchscreen.tap(*place_of(page, 3, 125))
    assert said(page, "anchors").startswith("Row 15, column 0:")


# ---- assignment

@pytest.mark.parametrize("rescue", [True, False])
def test_what_all_anchors_learn_is_the_packages(visit, rescue):  # noqa: F811
    page = visit(NAME, view="assignment", rescue=not rescue)
    page.locator("[name=rescue]").press("Space")
    for positive, negative in [(70, 30), (60, 60), (61, 0), (100, 99), (45, 12), (0, 0), (30, 30)]:
        to(page, positive=positive, negative=negative)
        given = assign(ANCHORS, OBJECTS, positive / 100, negative / 100, rescue)
        plain = assign(ANCHORS, OBJECTS, positive / 100, negative / 100)
        shares = [int((given >= 0).sum()), *(int((given == m).sum()) for m in (IGNORED, NEGATIVE))]
        assert rows_of(page, "shares") == [[f"{n:,}" for n in shares]]
        assert sum(shares) == 3072
        wanted = [[f"{best:.3f}", str(int((given == m).sum())),
                   str(int(((given == m) & (plain < 0)).sum()))]
                  for m, best in enumerate(iou(OBJECTS, ANCHORS).amax(dim=1).tolist())]
        assert rows_of(page, "gains") == wanted
        verb = "is" if shares[0] == 1 else "are"
        assert f"{shares[0]:,} of 3,072 anchors {verb} positive" in said(page, "assignment")
        only = int(((given >= 0) & (plain < 0)).sum())
        assert (f", {only} of them only by the rescue." in said(page, "assignment")) == (only > 0)
        bare = sum(row[1] == "0" for row in wanted)
        assert said(page, "assignment").endswith(
            f"{bare} of 3 animals {'has' if bare == 1 else 'have'} none." if bare
            else "Every animal has at least one.")


def test_the_lower_threshold_never_passes_the_upper_one(visit):  # noqa: F811
    page = visit(NAME, view="assignment")
    values = page.locator(".assignment .slider b")
    assert values.all_inner_texts() == ["0.70", "0.30"]
    to(page, positive=20)
    assert values.all_inner_texts() == ["0.20", "0.20"]                # it gives way
    to(page, positive=55)
    assert values.all_inner_texts() == ["0.55", "0.30"]                # and comes back
    to(page, negative=80)
    assert values.all_inner_texts() == ["0.55", "0.55"]
    to(page, positive=90)
    assert values.all_inner_texts() == ["0.90", "0.55"]
    assert page.locator("[name=negative]").get_attribute("aria-valuetext") == "0.55"


# ---- proposals

@pytest.mark.parametrize("threshold, most", [(70, 10), (70, 60), (0, 60), (50, 3), (100, 60),
                                             (30, 0), (85, 1)])
def test_kept_boxes_and_recall_are_the_packages(visit, threshold, most):  # noqa: F811
    page = visit(NAME, view="proposals")
    to(page, nms=threshold, kept=most)
    left = nms(PROPOSALS, -torch.arange(len(PROPOSALS)).float(), threshold / 100)
    kept = left[:most]
    fits = iou(10 * OBJECTS, PROPOSALS[kept])                          # (3, kept)
    hits = [int((fits >= least).any(dim=1).sum()) for least in (0.5, 0.7)]
    words = said(page, "proposals")
    counts = [int(n) for n in re.findall(r"\d+", words)[:4]]
    assert counts == [60 - len(left), 60, len(left), len(kept)]
    assert words.endswith(f"Recall: {hits[0]} of 3 at IoU 0.5, {hits[1]} of 3 at IoU 0.7.")
    if not most:
        assert rows_of(page, "found") == [["–"] * 3] * 3
        return
    best, rank = fits.max(dim=1)
    assert rows_of(page, "found") == [
        [f"{fit:.2f}", str(k + 1), f"{SCORES[kept[k]]:.3f}"]
        for fit, k in zip(best.tolist(), rank.tolist(), strict=True)]


# ---- the task

def test_task_is_confirmed_by_keyboard_alone_at_the_one_threshold(visit):  # noqa: F811
    page = visit(NAME)
    choose(page, "assignment")
    assert "the rescue is on" in claim(page, "[name=claim]")[1]
    page.locator("[name=rescue]").press("Space")
    to(page, positive=50)
    right = []
    for k in range(50, 80):
        learns = [set(assign(ANCHORS, OBJECTS, at / 100, 0.3).tolist()) >= {0, 1, 2}
                  for at in (k, k + 1)]
        solved, words = claim(page, "[name=claim]")
        assert solved == (learns == [True, False])
        assert ("also at a higher" in words) == learns[1]
        assert (" no anchor." in words) == (not learns[0])
        right += [k] * solved
        page.locator("[name=positive]").press("ArrowRight")
        assert page.locator(".task.solved").count() == 0
    assert len(right) == 1 and right[0] < 70
    to(page, positive=right[0])
    bare = {0, 1, 2} - set(assign(ANCHORS, OBJECTS, 0.7, 0.3).tolist())
    words = claim(page, "[name=claim]")[1]
    assert f"At the usual 0.70, {len(bare)} of 3 animals would have none" in words


# ---- every view

@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900])
def test_every_view_fits_keeps_its_height_and_pleases_axe(visit, width, scheme):  # noqa: F811
    page = visit(NAME, width=width, scheme=scheme)
    page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text())
    heights = set()
    for view in VIEWS:
        choose(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a',"
                              " 'wcag21aa', 'wcag22aa', 'best-practice']})")
        assert [(v["id"], v["nodes"][0]["html"][:120]) for v in found["violations"]] == []
        heights.add(page.locator(f"ck-{NAME}").bounding_box()["height"])
    assert len(heights) == 1 and page.trouble == []


@pytest.mark.parametrize("view", VIEWS)
def test_only_the_chosen_views_controls_can_be_reached(visit, view):  # noqa: F811
    page = visit(NAME, view=view)
    page.locator("input[name=view]:checked").focus()
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.querySelector('ck-anchors').shadowRoot"
                                     ".activeElement?.getAttribute('name')"))
        if reached[-1] == "claim":
            break
    wanted = {"anchors": [None, "reset"], "assignment": ["reset", "positive", "negative", "rescue"],
              "proposals": ["reset", "nms", "kept"]}[view]
    assert reached == [*wanted, "claim"]


def test_figure_begins_as_it_is_told(visit):  # noqa: F811
    page = visit(NAME, view="assignment", positive=0.5, negative=0.29, rescue=False)
    given = assign(ANCHORS, OBJECTS, 0.5, 0.29)
    assert rows_of(page, "shares")[0][0] == str(int((given >= 0).sum()))
    assert page.locator("[name=negative]").input_value() == "29"
    put(page, positive=70)
    assert rows_of(page, "shares")[0][0] == str(int((assign(ANCHORS, OBJECTS, 0.7, 0.29) >= 0)
                                                    .sum()))
