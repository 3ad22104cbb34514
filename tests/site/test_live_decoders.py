"""The figure of chapter 5 by keyboard alone; its numbers are those of `coursekit.metrics`."""

import json

import pytest
import torch
import torch.nn.functional as F
from test_live_figures import choose, label, server, text, visit  # noqa: F401
from test_live_grids import press

from coursekit.data import CLASSES, PetScenes
from coursekit.figures import HERE
from coursekit.metrics import confusion_matrix, mean_iou, pixel_accuracy

pytestmark = pytest.mark.site
STORED = json.loads((HERE / "data/decoders.json").read_text(encoding="utf-8"))


def decode(code, shape):
    values = torch.tensor(code).reshape(-1, 2)
    return values[:, 0].repeat_interleave(values[:, 1]).reshape(shape)


@pytest.fixture(scope="module")
def maps():
    """The truth as PetScenes draws it, what is near an outline, and the nine answers."""
    truth = PetScenes("test")[STORED["index"]][1]["semantic"]
    ids = F.pad(truth[None, None].float(), (2, 2, 2, 2), mode="replicate")
    near = F.max_pool2d(ids, 5, 1)[0, 0] != -F.max_pool2d(-ids, 5, 1)[0, 0]
    answers = {name: decode(code, truth.shape)
               for name, code in zip(STORED["names"], STORED["answers"], strict=True)}
    return truth, near & (truth != 255), answers


def share_near(maps, name):
    truth, near, answers = maps
    return (answers[name] == truth)[near].float().mean().item()


def test_the_numbers_are_those_of_the_metrics(visit, maps):  # noqa: F811
    truth, _, answers = maps
    page = visit("decoders")
    for name, answer in answers.items():
        choose(page, name, "decoder")
        matrix = confusion_matrix(answer, truth, len(CLASSES))
        assert abs(float(text(page, ".right").split()[0]) - 100 * pixel_accuracy(matrix)) < 0.051
        assert abs(float(text(page, ".iou")) - mean_iou(matrix)) < 0.00051
        assert abs(float(text(page, ".edge").split()[0]) - 100 * share_near(maps, name)) < 0.051


def test_a_pixel_is_read_as_the_maps_have_it(visit, maps):  # noqa: F811
    truth, _, answers = maps
    page = visit("decoders", decoder="SegNet", view="wrong")
    page.locator("canvas[tabindex]").focus()
    press(page, "Shift+ArrowRight", 3)
    press(page, "ArrowDown", 5)
    x, y = 64 + 24, 64 + 5
    said, true = (CLASSES[int(ids[y, x])] for ids in (answers["SegNet"], truth))
    assert text(page, ".reading") == f"x {x}, y {y}: SegNet says {said}, the truth is {true}."
    assert "wrong pixels of SegNet" in label(page, "canvas.main")


def test_task_wants_the_decoder_that_is_best_near_the_outlines(visit, maps):  # noqa: F811
    best = max(maps[2], key=lambda name: share_near(maps, name))
    page = visit("decoders")
    for name in maps[2]:
        choose(page, name, "decoder")
        page.locator("[name=claim]").press("Enter")
        assert text(page, ".verdict").startswith("✓ Solved") == (name == best)
        assert page.locator(".task.solved").count() == (name == best)
