"""The figure of chapter 9 by keyboard alone; its suppression is that of `coursekit.boxes`."""

import base64
import json
import re

import pytest
import torch
from test_live_figures import choose, label, server, text, visit  # noqa: F401
from test_live_grids import press

from coursekit.boxes import iou, nms
from coursekit.figures import HERE

pytestmark = pytest.mark.site
NAMES = ("cat", "dog", "rabbit")


@pytest.fixture(scope="module")
def stored():
    """What the figure carries, as tensors: scores (R, 3), refined boxes (R, 3, 4)."""
    data = json.loads((HERE / "data/rcnn-walk.json").read_text(encoding="utf-8"))
    scores = torch.tensor(data["scores"]).view(-1, 3) / 100
    sides = torch.tensor(list(base64.b64decode(data["refined"])), dtype=torch.float64)
    refined = sides.view(-1, 3, 4) * data["scene"]["width"] / 255
    return data, scores, refined


def fate_of(stored, region):
    """The region's best class, and whether NMS keeps it; None where its score is too low."""
    data, scores, refined = stored
    k = int(scores[region].argmax())
    able = (scores[:, k] > data["least"]).nonzero().flatten()
    kept = able[nms(refined[able, k], scores[able, k], data["overlap"])].tolist()
    return k, (region in kept) if region in able.tolist() else None


def test_every_region_has_the_packages_scores_boxes_and_fate(visit, stored):  # noqa: F811
    data, scores, refined = stored
    page = visit("rcnn-walk", stage="nms")
    page.locator("canvas.main").focus()
    for region in range(len(data["scores"]) // 3):
        words = text(page, ".reading")
        assert words.startswith(f"Region {region} of {len(data['scores']) // 3}.")
        rows = [row.split("\t") for row in text(page, "tbody").splitlines()]
        for k, row in enumerate(rows):
            assert row[0] == NAMES[k] and abs(float(row[1]) - scores[region, k].item()) < 0.0051
            shown = torch.tensor([float(value) for value in row[2].split()])
            assert (shown - refined[region, k]).abs().max() <= 0.5001
        k, kept = fate_of(stored, region)
        wanted = {None: "is too low for a detection", True: f"Kept: {NAMES[k]}",
                  False: f"is a better {NAMES[k]}, and overlaps it by"}[kept]
        assert wanted in words
        if kept is False:
            other, shown = re.search(r"region (\d+) is a better.* by ([\d.]+)\.$", words).groups()
            pair = refined[[int(other), region], k]
            assert abs(iou(pair[:1], pair[1:]).item() - float(shown)) < 0.0051
        press(page, "ArrowRight")


def test_the_clock_adds_up_the_stages(visit, stored):  # noqa: F811
    data = stored[0]
    page, R = visit("rcnn-walk"), len(data["scores"]) // 3
    for at, stage in enumerate(("propose", "warp", "network", "svm", "regress", "nms")):
        choose(page, stage, "stage")
        for region in (0, 10):
            share = (region + 1) / R
            wanted = sum(ms * (1 if n in (0, 5) else share)
                         for n, ms in enumerate(data["ms"][:at + 1]))
            shown = float(text(page, ".clock").split(" ms")[0])
            assert abs(shown - wanted) <= (0.5001 if wanted >= 10 else 0.0501)
            press_on(page, "ArrowDown" if region == 0 else "ArrowUp")


def press_on(page, key):
    page.locator("canvas.main").focus()
    press(page, key)


def test_buttons_walk_in_order_and_by_falling_score(visit, stored):  # noqa: F811
    data, scores, _ = stored
    page = visit("rcnn-walk", region=3)
    page.locator("[name=next]").press("Enter")
    assert "region 4." in label(page, "canvas.main")
    page.locator("[name=back]").press("Enter")
    page.locator("[name=back]").press("Enter")
    assert "region 2." in label(page, "canvas.main")
    for region in scores.amax(dim=1).argsort(descending=True, stable=True)[:4].tolist():
        page.locator("[name=best]").press("Enter")
        assert f"region {region}." in label(page, "canvas.main")


def test_task_wants_a_region_that_is_sure_and_struck_out(visit, stored):  # noqa: F811
    data, scores, _ = stored
    fates = {"none": None, "kept": None, "struck": None}
    for region in range(len(data["scores"]) // 3):
        _, kept = fate_of(stored, region)
        name = "none" if scores[region].max() <= 0 else "kept" if kept else "struck"
        fates[name] = region if fates[name] is None else fates[name]
    for name, words in (("none", "no SVM takes it"), ("kept", "is kept, as"),
                        ("struck", "✓ Solved")):
        page = visit("rcnn-walk")
        page.locator("canvas.main").focus()
        press(page, "ArrowDown", fates[name] // 10)
        press(page, "ArrowRight", fates[name] % 10)
        page.keyboard.press("Enter")
        assert words in text(page, ".verdict")
        assert page.locator(".task.solved").count() == (name == "struck")
