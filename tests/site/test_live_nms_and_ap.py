"""The figure of chapter 7, by keyboard alone: what is kept, and AP, are the package's."""

import json
import re

import pytest
import torch
from test_live_figures import label, server, text, visit  # noqa: F401

from coursekit.boxes import nms
from coursekit.figures import HERE
from coursekit.metrics import coco_ap

pytestmark = pytest.mark.site
NAME = "nms-and-ap"
DATA = json.loads((HERE / "data" / f"{NAME}.json").read_text(encoding="utf-8"))
BOXES, SCORES = torch.tensor(DATA["boxes"]).float(), torch.tensor(DATA["scores"])
TRUTH = torch.tensor(DATA["truth"]).float()


def set_to(page, name, value):
    slider = page.locator(f"input[name={name}]")
    slider.press("Home")
    for _ in range(value):
        slider.press("ArrowRight")


def ap_of(kept):
    found = {"boxes": BOXES[kept], "scores": SCORES[kept], "labels": torch.ones_like(kept)}
    return coco_ap([found], [{"boxes": TRUTH, "labels": torch.ones(len(TRUTH)).long()}])["AP50"]


@pytest.mark.parametrize("threshold", [0, 4, 5, 10, 13, 15, 20])
def test_boxes_kept_and_ap_are_the_packages(visit, threshold):  # noqa: F811
    page = visit(NAME)
    set_to(page, "nms", threshold)
    kept = nms(BOXES, SCORES, threshold / 20)
    shown = re.search(r"boxes ([\d, ]+) are kept", label(page, "canvas.scene")).group(1)
    assert [int(i) for i in shown.split(", ")] == kept.tolist()
    for counted in (0, 3, 9):
        set_to(page, "counted", counted)
        ap = float(re.search(r"AP ([\d.]+)\.", text(page, ".score")).group(1))
        assert abs(ap - ap_of(kept[kept < counted])) < 6e-5
    assert page.trouble == []


def test_arrow_keys_step_through_the_boxes(visit):  # noqa: F811
    page = visit(NAME, nms=10)
    page.locator("canvas.scene").focus()
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    assert text(page, ".reading") == "No box looked at yet."
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert text(page, ".reading").startswith("Box 2 goes: its IoU with box 0")


def test_the_task_is_confirmed_only_at_the_highest_ap(visit):  # noqa: F811
    page = visit(NAME)
    page.locator("[name=claim]").press("Enter")
    assert "another threshold reaches more" in text(page, ".verdict")
    set_to(page, "nms", 8)
    set_to(page, "counted", 5)
    page.locator("[name=claim]").press("Enter")
    assert "only 5 of 9 boxes count" in text(page, ".verdict")
    set_to(page, "counted", 9)
    page.locator("canvas.scene").press("Enter")
    assert text(page, ".verdict").startswith("✓ Solved")
