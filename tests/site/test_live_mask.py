"""A mask on its way into the picture, by keyboard alone; its numbers are those of `paste`."""

import base64
import json
import re

import pytest
import torch
from test_live_figures import choose, label, server, swipe, text, visit  # noqa: F401
from test_live_grids import press

from coursekit.figures import HERE
from coursekit.masks import paste

pytestmark = pytest.mark.site
NAME = "mask-paste"
STORED = json.loads((HERE / f"data/{NAME}.json").read_text(encoding="utf-8"))
S, BOX = STORED["side"], torch.tensor([STORED["box"]])
NAMES = ("cat", "dog", "rabbit", "target")
OWN = NAMES[STORED["label"] - 1]
BYTES = torch.frombuffer(bytearray(base64.b64decode(STORED["masks"])), dtype=torch.uint8)
GRIDS = dict(zip(NAMES, ((BYTES + 0.5) / 256).view(4, 1, S, S), strict=True))
PASTED = {name: paste(grid, BOX, (128, 128))[0] for name, grid in GRIDS.items()}
TRUTH = torch.tensor(STORED["truth"]).view(-1, 2)
TRUTH = TRUTH[:, 0].repeat_interleave(TRUTH[:, 1]).view(128, 128) == 1


def overlap(name, step):
    """Pixels of the mask, of both, and IoU, by the package's pasting."""
    mine = PASTED[name] > step / 20
    both = int((mine & TRUTH).sum())
    return int(mine.sum()), both, both / int((mine | TRUTH).sum())


def shown(page):
    """Threshold, pixels of the mask, of the true one, of both, and IoU."""
    words = re.findall(r"\d[\d,]*(?:\.\d+)?", text(page, ".answer"))
    return [float(word.replace(",", "")) for word in words]


@pytest.mark.parametrize("name", NAMES)
def test_every_threshold_gives_the_packages_mask_and_iou(visit, name):  # noqa: F811
    page = visit(NAME)
    choose(page, name)
    page.locator("input[name=threshold]").press("Home")
    for step in range(21):
        at, mask, true, both, iou = shown(page)
        assert at == pytest.approx(step / 20)
        assert (mask, both) == overlap(name, step)[:2] and true == int(TRUTH.sum())
        assert abs(iou - overlap(name, step)[2]) < 0.00051
        above = int((GRIDS[name] > step / 20).sum())
        assert f"; {above} of {S * S} cells are above {step / 20:.2f}." in label(page, ".grid")
        page.locator("input[name=threshold]").press("ArrowRight")
    tried = re.findall(r"(\d\.\d+) at (\d\.\d+)", label(page, ".curve"))
    assert [float(at) for _, at in tried] == pytest.approx([n / 20 for n in range(21)])
    assert [float(iou) for iou, _ in tried] == pytest.approx(
        [overlap(name, step)[2] for step in range(21)], abs=0.00051)


def test_pixels_are_read_with_the_cells_that_they_mix(visit):  # noqa: F811
    cells = torch.eye(S * S).view(-1, S, S)
    shares = paste(cells, BOX.expand(S * S, 4), (128, 128))         # of every cell in every pixel
    page = visit(NAME)
    x1, y1, x2, y2 = (int(side) for side in STORED["box"])
    x, y = (int(part) for part in re.search(r"x (\d+), y (\d+):", text(page, ".reading")).groups())
    scene = page.locator("canvas.scene")
    scene.focus()
    press(page, "ArrowLeft", x - x1 + 3)
    press(page, "ArrowUp", y - y1 - 2)
    x, y, seen = x1 - 3, y1 + 2, set()
    while x < min(x2 + 4, 127):
        words = text(page, ".reading")
        assert words.startswith(f"Pixel x {x}, y {y}: {PASTED[OWN][y, x]:.3f}, ")
        mine = bool(PASTED[OWN][y, x] > 0.5)
        assert f"{'In' if mine else 'Not in'} the mask" in words
        assert ("rightly" in words) == (mine == bool(TRUTH[y, x]))
        for k, axis in enumerate(("rows", "columns")):
            cells = shares[:, y, x].view(S, S).nonzero()[:, k].unique().tolist()
            if cells:
                named = re.search(rf"{axis} ([\w ]+?)(?:,| of)", words).group(1).split(" and ")
                assert {int(one) for one in named if one != "rim"} >= set(cells)
            else:
                assert "outside of the grid" in words or "rim" in words
        seen |= {"rim" in words, "outside" in words}
        press(page, "ArrowRight", 2)
        x += 2
    assert seen == {True, False}


def test_the_modules_function_is_paste_on_random_boxes(visit):  # noqa: F811
    generator = torch.Generator().manual_seed(0)
    grid = torch.rand(1, 7, 7, generator=generator)
    boxes = (torch.rand(300, 2, 2, generator=generator) * 60 - 10).sort(dim=1).values.flatten(1)
    boxes[:100] = (boxes[:100] * 2).round() / 2
    found = visit(NAME).evaluate("""async ([grid, boxes]) => {
        const { paste } = await import('/mask-paste.js');
        return boxes.map((box) => Array.from(paste(grid, 7, box, 40, 44)));
    }""", [grid.flatten().tolist(), boxes.tolist()])
    wanted = paste(grid.expand(300, 7, 7), boxes, (40, 44)).flatten(1)
    torch.testing.assert_close(torch.tensor(found), wanted, rtol=0, atol=1e-5)


def test_task_is_confirmed_at_the_best_threshold_of_the_box_heads_class_alone(visit):  # noqa: F811
    page = visit(NAME)
    ious = [overlap(OWN, step)[2] for step in range(21)]
    page.locator("input[name=threshold]").press("Home")
    solved = []
    for step in range(21):
        page.locator("[name=claim]").press("Enter")
        words = text(page, ".verdict")
        solved.append(page.locator(".task.solved").count() == 1)
        assert solved[-1] == words.startswith("✓ Solved")
        if solved[-1]:
            near = [n for n in range(21) if ious[n] > max(ious) - 0.02]
            assert words == (
                f"✓ Solved. {max(ious):.3f} at {step / 20:.2f}; at 0.50, the usual threshold, it "
                f"is {ious[10]:.3f}. From {near[0] / 20:.2f} to {near[-1] / 20:.2f} it is less "
                f"than 0.02 below the highest.")
            assert len(near) == near[-1] - near[0] + 1
        else:
            assert f"the IoU is {ious[step]:.3f}, and another threshold reaches more" in words
        page.locator("input[name=threshold]").press("ArrowRight")
    assert solved == [iou == max(ious) for iou in ious]
    for _ in range(20 - solved.index(True)):
        page.locator("input[name=threshold]").press("ArrowLeft")
    choose(page, next(name for name in NAMES if name != OWN))
    page.locator("canvas.scene").press("Enter")
    assert f"not the mask of the class that the box head says, {OWN}" in text(page, ".verdict")


def test_mouse_and_finger_choose_a_pixel_on_a_phone_in_the_dark(visit):  # noqa: F811
    page = visit(NAME, touch=True, width=360, scheme="dark")
    bounds = page.locator("canvas.scene").bounding_box()
    for x, y, act in ((30, 100, page.mouse.move), (90, 50, page.touchscreen.tap)):
        act(bounds["x"] + (x + 0.5) * bounds["width"] / 128,
            bounds["y"] + (y + 0.5) * bounds["height"] / 128)
        assert text(page, ".reading").startswith(f"Pixel x {x}, y {y}: {PASTED[OWN][y, x]:.3f}, ")


def test_a_finger_drags_the_pixel_and_scrolls_the_page_elsewhere(visit):  # noqa: F811
    page = visit(NAME, touch=True, width=360)
    bounds = page.locator("canvas.scene").bounding_box()
    x, y = (int(part) for part in re.search(r"x (\d+), y (\d+):", text(page, ".reading")).groups())

    def at(x, y):
        return (bounds["x"] + (x + 0.5) * bounds["width"] / 128,
                bounds["y"] + (y + 0.5) * bounds["height"] / 128)

    swipe(page, at(x, y - 40), at(x + 10, y - 20))
    assert text(page, ".reading").startswith(f"Pixel x {x}, y {y}:")
    swipe(page, at(x + 3, y), at(x + 20, y - 15))
    assert text(page, ".reading").startswith(f"Pixel x {x + 20}, y {y - 15}:")


def test_it_starts_with_the_class_and_threshold_that_it_is_given(visit):  # noqa: F811
    page = visit(NAME, view="rabbit", threshold=0.25)
    assert shown(page)[:2] == [0.25, overlap("rabbit", 5)[0]]
