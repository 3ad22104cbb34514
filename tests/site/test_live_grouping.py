"""The figure 'grouping' by keyboard alone; its numbers are the package's."""

import json

import numpy as np
import pytest
import torch
from test_live_figures import server, text, visit  # noqa: F401

from coursekit.boxes import iou
from coursekit.figures import HERE

pytestmark = pytest.mark.site
DATA = json.loads((HERE / "data" / "grouping.json").read_text(encoding="utf-8"))


def all_boxes():
    """Boxes of first regions and unions, from the stored labels and merges."""
    values, lengths = np.array(DATA["labels"]).reshape(-1, 2).T
    labels = np.repeat(values, lengths).reshape(DATA["scene"]["height"], DATA["scene"]["width"])
    boxes = []
    for region in range(labels.max() + 1):
        y, x = np.nonzero(labels == region)
        boxes.append([x.min(), y.min(), x.max() + 1, y.max() + 1])
    for i, j in DATA["merges"]:
        a, b = boxes[i], boxes[j]
        boxes.append([*map(min, a[:2], b[:2]), *map(max, a[2:], b[2:])])
    return torch.tensor(boxes).float()


def test_every_steps_numbers_are_the_packages(visit):  # noqa: F811
    page, boxes = visit("grouping", step=0), all_boxes()
    overlaps = iou(torch.tensor(DATA["objects"]).float(), boxes)              # (M, N)
    first = len(boxes) - len(DATA["merges"])
    for step in range(len(DATA["merges"]) + 1):
        best = overlaps[:, :first + step].amax(dim=1)
        assert text(page, ".boxes") == str(first + step)
        assert abs(float(text(page, ".overlap")) - best.mean().item()) < 0.0006
        assert abs(float(text(page, ".recall")) - (best >= 0.5).float().mean().item()) < 0.006
        if step < len(DATA["merges"]):
            shown = [float(text(page, f".{kind}")) for kind in ("colour", "texture", "size",
                                                                 "fill")]
            assert shown == pytest.approx(DATA["similarities"][step], abs=0.0006)
        page.locator("[name=next]").press("Enter")


def test_task_wants_the_union_that_fits_an_animal_best(visit):  # noqa: F811
    page, boxes = visit("grouping", step=0), all_boxes()
    first = len(boxes) - len(DATA["merges"])
    fits = iou(torch.tensor(DATA["objects"]).float(), boxes[first:]).amax(dim=0)
    page.locator("[name=claim]").press("Enter")
    assert "nothing has been joined" in text(page, ".verdict")
    for step in range(1, len(fits) + 1):
        page.locator("canvas[tabindex]").press("ArrowRight")
        page.locator("[name=claim]").press("Enter")
        solved = text(page, ".verdict").startswith("✓ Solved")
        assert solved == bool(fits[step - 1] == fits.max())
        assert page.locator(".task.solved").count() == solved
