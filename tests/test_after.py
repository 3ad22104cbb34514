"""The page 'What came after': its numbers, its code and its pictures are what they say."""

import contextlib
import io
import math
import re
from pathlib import Path

import after_diagrams
import after_scenes
import captions
import make_after_figures
import pytest
import svg
import torch
import torchvision
from torchvision.models import list_models
from torchvision.ops import sigmoid_focal_loss

from coursekit.boxes import iou
from coursekit.roi.levels import level_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "book/what-came-after.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
METHODS = list(SECTIONS)[:-2]                       # then the table, and where to go
CODE = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.S)


def numbers(pattern: str) -> list[float]:
    """The numbers of the one place of the page that the pattern finds."""
    found = re.findall(pattern, PAGE)
    assert len(found) == 1, (pattern, found)
    found = found[0] if isinstance(found[0], tuple) else found
    return [float(text.replace(" ", "").replace("\u00a0", "")) for text in found]


def test_every_method_cites_its_paper_shows_something_and_says_what_it_keeps_and_drops():
    assert len(METHODS) == 10
    for name in METHODS:
        text = SECTIONS[name]
        assert "{cite:" in text and ("$$" in text or "{image}" in text), name
        kept, dropped = text.split("**Keeps:**")[1].split("**Drops:**")
        assert "](../notebooks/" in kept + dropped, name
        assert dropped.strip(), name


def test_every_picture_has_its_numbered_caption_and_is_spoken_of():
    pictures = re.split(r"^```\{image\}.*?^```\n", PAGE, flags=re.M | re.S)[1:]
    wanted = [f"14.{n}" for n in range(1, len(pictures) + 1)]
    starts = [captions.CAPTION.match(after.lstrip()) for after in pictures]
    assert len(pictures) == PAGE.count("{image}") == 7
    assert [start and start[1] for start in starts] == wanted
    prose = "\n".join(line for line in PAGE.splitlines() if not captions.CAPTION.match(line))
    assert sorted(set(captions.references(prose))) == wanted


@pytest.mark.parametrize("code, said", CODE)
def test_code_on_the_page_prints_what_stands_below_it(code, said):
    # offline and small: random weights, few classes, a side of 128 in place of 800
    offline = code.replace('weights="DEFAULT"',
                           "weights=None, weights_backbone=None, min_size=128, num_classes=3")
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        exec(compile(offline, "what-came-after.md", "exec"), {})
    assert heard.getvalue() == said


def test_all_code_on_the_page_is_run():
    assert len(CODE) == PAGE.count("```python") == 3


def test_ssd_has_the_anchors_of_torchvisions():
    makers = torchvision.models.detection.ssd.DefaultBoxGenerator(
        [[2], [2, 3], [2, 3], [2, 3], [2], [2]])
    shapes = makers.num_anchors_per_location()
    terms = re.findall(r"(\d) \\cdot (\d+)\^2", PAGE)
    assert [int(a) for a, _ in terms] == shapes
    assert sum(int(a) * int(side) ** 2 for a, side in terms) == numbers(r"1\^2 = (\d+)")[0]


def test_yolos_map_and_boxes():
    side, boxes, classes, whole, count = numbers(
        r"7 \\times (7) \\times \((\d) \\cdot 5 \+ (\d+)\)\$ numbers, "
        r"\$7 \\times 7 \\times (\d+)\$, and (\d+) boxes")
    assert (boxes * 5 + classes, side * side * boxes) == (whole, count)


def test_the_pyramid_takes_each_region_from_the_map_that_the_page_names():
    pairs = re.findall(r"(?:of|one of) (\d+) (?:pixels )?from \$P_(\d)\$", PAGE)
    assert len(pairs) == 3
    sides = torch.tensor([float(side) for side, _ in pairs])
    boxes = torch.stack([0 * sides, 0 * sides, sides, sides], dim=1)
    assert (level_of(boxes, (4, 8, 16, 32)) + 2).tolist() == [int(level) for _, level in pairs]


def test_retinanets_cells_and_anchors():
    height, width, cells, anchors = numbers(
        r"picture of (\d+) × (\d+) pixels their RetinaNet has (\d+ \d+) cells .*?: (\d+ \d+) ex")
    own = sum(math.ceil(height / s) * math.ceil(width / s) for s in (8, 16, 32, 64, 128))
    shapes = torchvision.models.detection.retinanet._default_anchorgen().num_anchors_per_location()
    assert own == cells and set(shapes) == {9} and len(shapes) == 5
    assert 9 * own == anchors


def test_the_focal_loss_is_torchvisions_and_as_much_smaller_as_the_page_says():
    for p in (0.1, 0.5, 0.9, 0.99):
        for gamma in after_diagrams.GAMMAS:
            logit = torch.tensor(math.log(p / (1 - p)), dtype=torch.float64)
            theirs = sigmoid_focal_loss(logit, torch.ones_like(logit), alpha=-1, gamma=gamma)
            assert math.isclose(after_diagrams.focal_loss(p, gamma), theirs, rel_tol=1e-9)
    easy, easy_ratio, hard, hard_ratio = numbers(
        r"\$p = (0\.9)\$ costs (\d+) times less than before, one with \$p = (0\.1)\$ only ([\d.]+)")
    for p, ratio in ((easy, easy_ratio), (hard, hard_ratio)):
        own = after_diagrams.focal_loss(p, 0) / after_diagrams.focal_loss(p, 2)
        assert round(own, 2) == ratio


def test_the_distances_are_the_scenes_and_so_is_the_centerness():
    left, top, right, bottom, value = numbers(
        r"\$l = (\d+)\$, \$t = (\d+)\$, \$r = (\d+)\$ and \$b = (\d+)\$.*? = ([\d.]+)\$")
    x, y = after_scenes.PLACE
    x1, y1, x2, y2 = after_scenes.true_boxes()[1].tolist()
    assert (x - x1, y - y1, x2 - x, y2 - y) == (left, top, right, bottom)
    assert round(after_scenes.centerness(left, top, right, bottom), 2) == value
    assert round(after_scenes.centerness(1, 1, 3, 1), 2) == numbers(r"the left side ([\d.]+);")[0]
    assert x % after_scenes.STRIDE == y % after_scenes.STRIDE == after_scenes.STRIDE / 2


def test_the_costs_in_the_code_are_those_of_the_picture():
    table = re.search(r"cost = torch.tensor\((\[\[.*?\]\])\)", PAGE, re.S)[1]
    rows = [re.findall(r"-?\d+\.\d+", line) for line in table.splitlines()]
    written = torch.tensor([[float(text) for text in row] for row in rows])
    torch.testing.assert_close(written, after_scenes.costs(), atol=0.005, rtol=0)
    answers = torch.tensor([box for _, box in after_scenes.QUERIES], dtype=torch.float32)
    assert iou(answers[:2], after_scenes.true_boxes()[:1]).min() > 0.7       # both fit dog A


def test_panoptic_quality_by_hand():
    ious = numbers(r"with IoUs of ([\d.]+), ([\d.]+) and ([\d.]+)\.")
    matched = [value for value in ious if value > 0.5]
    left_over = len(ious) - len(matched)                       # found, and likewise true
    pq, fit, share = numbers(r"tfrac12\) = (0\.\d+)\$, which is a fit of (0\.\d+) times a share of "
                             r"(0\.\d+)")
    own = sum(matched) / (len(matched) + left_over)
    assert (round(own, 3), round(sum(matched) / len(matched), 3)) == (pq, fit)
    assert round(len(matched) / (len(matched) + left_over), 3) == share


def test_torchvision_has_the_detectors_that_the_page_names():
    named = set(re.findall(r"`(\w+_\w+)`", SECTIONS["Where to go from here"]))
    assert len(named) > 8
    assert named <= set(list_models(module=torchvision.models.detection))


@pytest.mark.parametrize("name", make_after_figures.DRAWINGS)
def test_the_pictures_are_what_the_script_draws(name):
    def strokes(text):
        return re.sub(r"base64,[^\"]*", "", text)

    stored = (make_after_figures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert strokes(stored) == strokes(make_after_figures.DRAWINGS[name]())
    assert f"_static/after/{name}.svg" in PAGE


@pytest.mark.parametrize("name", make_after_figures.DRAWINGS)
def test_letters_in_the_pictures_can_be_read_on_a_telephone(name):
    stored = (make_after_figures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', stored)]
    assert min(sizes) * 350 / svg.WIDTH > 9.5
