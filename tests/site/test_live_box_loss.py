"""The figure of chapter 6 by keyboard alone; its numbers are those of `coursekit.box_losses`."""

import json

import pytest
import torch
from test_live_figures import choose, server, text, visit  # noqa: F401
from test_live_grids import press

from coursekit.box_losses import giou_loss, iou_loss
from coursekit.figures import HERE

pytestmark = pytest.mark.site
STORED = json.loads((HERE / "data/box-loss.json").read_text(encoding="utf-8"))
X1, Y1, X2, Y2 = STORED["truth"]
LOSSES = {"l1": lambda p, t: (p - t).abs().sum(), "l2": lambda p, t: (p - t).square().sum(),
          "iou": lambda p, t: iou_loss(p, t).sum(), "giou": lambda p, t: giou_loss(p, t).sum()}
BOXES = {"overlapping": [X1 - 20, Y1 - 11, X2 - 8, Y2 - 5], "apart": [2, 3, 30, 21],
         "touching": [X1 - 30, Y1 + 4, X1, Y2 + 3], "inside": [X1 + 5, Y1 + 6, X2 - 9, Y2 - 3],
         "around": [X1 - 5, Y1 - 6, X2 + 9, Y2 + 3], "equal": STORED["truth"],
         "one side equal": [X1, Y1 - 4, X2 + 10, Y2 + 2]}


def wanted(box, name):
    """Value and gradient by the package, in fractions of the scene's 128 pixels."""
    p = (torch.tensor([box], dtype=torch.float64) / 128).requires_grad_()
    loss = LOSSES[name](p, torch.tensor([STORED["truth"]], dtype=torch.float64) / 128)
    (gradient,) = torch.autograd.grad(loss, p)
    return [loss.item(), *gradient[0].tolist()]


def shown(page, name):
    cells = page.locator(f"tr.{name} td").all_text_contents()
    return [float(cell.replace("−", "-")) for cell in cells]


def answer(page):
    words = text(page, ".reading").split(" is ")[1].split(";")[0]
    return [float(number) for number in words.split(", ")]


@pytest.mark.parametrize("place", BOXES)
def test_losses_and_gradients_are_the_packages(visit, place):  # noqa: F811
    page = visit("box-loss", box=BOXES[place])
    for name in LOSSES:
        for got, right in zip(shown(page, name), wanted(BOXES[place], name), strict=True):
            assert abs(got - right) < 0.0006, (name, got, right)


def test_arrow_keys_move_the_part_that_is_chosen_and_stay_inside(visit):  # noqa: F811
    page = visit("box-loss", box=[10, 20, 50, 70])
    canvas = page.locator("canvas[tabindex]")
    canvas.focus()
    press(page, "ArrowRight", 3)
    press(page, "Shift+ArrowDown")
    assert answer(page) == [13, 28, 53, 78]
    choose(page, "first", "part")
    canvas.focus()
    press(page, "ArrowLeft", 20)
    assert answer(page) == [0, 28, 53, 78]
    choose(page, "last", "part")
    canvas.focus()
    press(page, "Shift+ArrowUp", 9)
    assert answer(page) == [0, 28, 53, 32]                # never thinner than four pixels
    page.locator("[name=reset]").press("Enter")
    assert answer(page) == [10, 20, 50, 70]


@pytest.mark.parametrize("name", ["l1", "giou"])
def test_steps_downhill_are_those_of_gradient_descent(visit, name):  # noqa: F811
    start = BOXES["overlapping"]
    page = visit("box-loss", box=start, loss=name)
    page.locator("[name=down]").press("Enter")
    p = torch.tensor([start], dtype=torch.float64) / 128
    for _ in range(20):
        p = p - 0.002 * torch.tensor([wanted((128 * p[0]).tolist(), name)[1:]])
    assert answer(page) == pytest.approx((128 * p[0]).tolist(), abs=0.06)


def test_apart_descent_on_iou_stays_and_on_giou_moves(visit):  # noqa: F811
    page = visit("box-loss", box=BOXES["apart"], loss="iou")
    assert "has no gradient here" in text(page, ".reading")
    page.locator("[name=down]").press("Enter")
    assert answer(page) == BOXES["apart"]
    choose(page, "giou", "loss")
    page.locator("[name=down]").press("Enter")
    assert answer(page)[2] > BOXES["apart"][2]


@pytest.mark.parametrize("place, words", [
    ("overlapping", "the boxes overlap"), ("touching", "✓ Solved"), ("equal", "overlap"),
    ("apart", "✓ Solved")])
def test_task_wants_boxes_that_share_nothing(visit, place, words):  # noqa: F811
    page = visit("box-loss", box=BOXES[place])
    page.locator("canvas[tabindex]").press("Enter")
    assert words in text(page, ".verdict")
    assert page.locator(".task.solved").count() == (place in ("apart", "touching"))


def test_task_is_solved_by_arrow_keys_alone(visit):  # noqa: F811
    page = visit("box-loss")
    canvas = page.locator("canvas[tabindex]")
    canvas.press("Enter")
    assert "the boxes overlap" in text(page, ".verdict")
    for _ in range(16):
        canvas.press("Shift+ArrowLeft")
    canvas.press("Enter")
    flat = all(abs(slope) < 1e-9 for slope in wanted(answer(page), "iou")[1:])
    assert flat and text(page, ".verdict").startswith("✓ Solved")
    canvas.press("ArrowRight")
    assert page.locator(".task.solved").count() == 0


def test_mouse_drags_the_box_and_its_corner(visit):  # noqa: F811
    page = visit("box-loss", box=[20, 20, 60, 60])
    bounds = page.locator("canvas[tabindex]").bounding_box()

    def at(x, y):
        return (bounds["x"] + x * bounds["width"] / 128, bounds["y"] + y * bounds["height"] / 128)

    for begin, end, right in [((40, 40), (50, 35), [30, 15, 70, 55]),
                              ((70, 55), (80, 75), [30, 15, 80, 75])]:
        page.mouse.move(*at(*begin))
        page.mouse.down()
        page.mouse.move(*at(*end), steps=4)
        page.mouse.up()
        assert answer(page) == pytest.approx(right, abs=1)
