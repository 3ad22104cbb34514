"""The figures that are grids of numbers, by keyboard alone; every number is the package's."""

import re

import pytest
import torch
from test_live_figures import choose, label, server, text, visit  # noqa: F401

from coursekit import upsample

pytestmark = pytest.mark.site
GRID = torch.tensor([[[[1.0, 2.0, 4.0], [3.0, 0.0, 8.0]]]])
INDICES = torch.tensor([[[[6, 3, 11], [12, 21, 16]]]])
RULES = {
    "nearest": lambda x: upsample.nearest(x, 2),
    "squares": lambda x: upsample.bilinear(x, (4, 6)),
    "points": lambda x: upsample.bilinear(x, (4, 6), align_corners=True),
    "nails": lambda x: upsample.bed_of_nails(x, 2),
    "unpool": lambda x: upsample.max_unpool(x, INDICES, (4, 6)),
}


def press(page, key, times=1):
    for _ in range(times):
        page.keyboard.press(key)


def shown(page):
    """Row, column and value that the enlarged map's label names."""
    row, column, value = re.search(r"Row (\d+), column (\d+) is (-?[\d.]+?)\.$",
                                   label(page, "canvas[tabindex]")).groups()
    return int(row), int(column), float(value)


@pytest.mark.parametrize("rule", RULES)
def test_every_output_pixel_is_the_packages(visit, rule):  # noqa: F811
    page, wanted = visit("upsampling-grid"), RULES[rule](GRID)[0, 0]
    choose(page, rule, "rule")
    page.locator("canvas[tabindex]").focus()
    press(page, "ArrowUp", 4)
    press(page, "ArrowLeft", 6)
    for k in range(24):
        row, column, value = shown(page)
        assert (row, column) == divmod(k, 6)
        assert abs(value - wanted[row, column].item()) < 0.0051
        written = re.split(" [=≈] ", text(page, ".reading").split(": ")[1])[0]
        terms = re.findall(r"(?:([\d.]+) · )?(-?[\d.]+)", written)
        if "no input" not in text(page, ".reading"):
            assert abs(sum(float(a or 1) * float(b) for a, b in terms) - value) < 0.02
        page.locator("[name=next]").press("Enter")
    assert shown(page)[:2] == (0, 0)


def test_numbers_can_be_typed(visit):  # noqa: F811
    page = visit("upsampling-grid", rule="nearest", row=3, column=5)
    page.locator("[name='x1-2']").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("-7.5")
    assert shown(page) == (3, 5, -7.5)
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    assert shown(page) == (3, 5, 0)


def test_task_of_the_two_sources_is_confirmed_and_others_are_named(visit):  # noqa: F811
    page = visit("upsampling-grid")
    page.locator("canvas[tabindex]").focus()
    page.keyboard.press("Enter")
    assert "4 input values have a share" in text(page, ".verdict")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert text(page, ".verdict").startswith("✓ Solved")
    assert page.locator(".task.solved").count() == 1
    choose(page, "nearest", "rule")
    assert page.locator(".task.solved").count() == 0
    page.locator("[name=claim]").press("Enter")
    assert "one input value has" in text(page, ".verdict")


# ---- transposed convolution

NAME = "transposed-convolution"
X = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
TABLE = torch.tensor([[1.0, 0, 2, 1], [2, 1, 0, 3], [0, 1, 1, 2], [1, 3, 2, 0]])


def set_to(page, **values):
    """Sliders by keyboard: to their start, then to the value."""
    for name, value in values.items():
        slider = page.locator(f"input[name={name}]")
        slider.press("Home")
        for _ in range(value - int(slider.get_attribute("min"))):
            slider.press("ArrowRight")


def to_the_corner(page):
    page.locator("canvas[tabindex]").focus()
    press(page, "ArrowUp", 12)
    press(page, "ArrowLeft", 12)


def cell(page):
    """Row, column and value of the chosen output pixel; None for row and column if it is cut."""
    words = label(page, "canvas[tabindex]")
    place = re.search(r"Output row (\d+), column (\d+), is", words)
    value = float(re.search(r"is (-?[\d.]+?)\.$", words).group(1))
    return (*(map(int, place.groups()) if place else (None, None)), value)


@pytest.mark.parametrize("size, stride, padding, extra", [
    (2, 1, 0, 0), (3, 2, 1, 1), (4, 3, 0, 2), (2, 3, 2, 2), (1, 2, 0, 1)])
def test_every_stamped_output_is_the_packages(visit, size, stride, padding, extra):  # noqa: F811
    page = visit(NAME)
    set_to(page, size=size, stride=stride, padding=padding, extra=extra)
    wanted = upsample.conv_transpose2d(X, TABLE[:size, :size][None, None], None, stride, padding,
                                       extra)[0, 0]
    height, width = wanted.shape
    assert f"= {height} rows and columns" in text(page, ".size")
    side = stride + size + max(extra - padding, 0)
    to_the_corner(page)
    found = torch.full_like(wanted, float("nan"))
    for i in range(side):
        for j in range(side):
            row, column, value = cell(page)
            assert (row is None) == (not (padding <= i < padding + height
                                          and padding <= j < padding + width))
            if row is not None:
                found[row, column] = value
            press(page, "ArrowRight")
        press(page, "ArrowLeft", side)
        press(page, "ArrowDown")
    assert torch.equal(found, wanted)


def test_stamps_come_one_by_one(visit):  # noqa: F811
    page = visit(NAME)
    values = []
    for placed in [0, 1, 2, 3, 4]:
        page.locator("[name=next]").press("Enter")
        assert f"Stamps placed: {placed} of 4" in text(page, ".reading")
        values.append(cell(page)[2])
    assert values == [0, 1, 5, 5, 9]                # the middle: 1, then + 2 · 2, + 3 · 0, + 4 · 1
    page.locator("[name=back]").press("Enter")
    assert "Stamps placed: 3 of 4" in text(page, ".reading")


@pytest.mark.parametrize("size, stride", [(3, 2), (4, 2), (1, 3)])
def test_counts_are_those_of_a_kernel_of_ones(visit, size, stride):  # noqa: F811
    page = visit(NAME, view="counts")
    set_to(page, size=size, stride=stride)
    page.locator("[name=back]").press("Enter")
    assert "Stamps placed: 24 of 25" in text(page, ".reading")
    page.locator("[name=next]").press("Enter")
    wanted = upsample.conv_transpose2d(torch.ones(1, 1, 5, 5), torch.ones(1, 1, size, size),
                                       stride=stride)[0, 0]
    to_the_corner(page)
    for i in range(6):
        for j in range(6):
            assert cell(page) == (i, j, wanted[i, j].item())
            press(page, "ArrowRight")
        press(page, "ArrowLeft", 6)
        press(page, "ArrowDown")


def test_switching_the_view_places_all_its_stamps(visit):  # noqa: F811
    page = visit(NAME)
    page.locator("[name=back]").press("Enter")
    choose(page, "counts", "view")
    assert "Stamps placed: 25 of 25" in text(page, ".reading")
    assert page.locator(".numbers input:visible").count() == 0
    choose(page, "sums", "view")
    assert "Stamps placed: 4 of 4" in text(page, ".reading")
    assert page.locator(".numbers input:visible").count() == 8


def test_task_wants_a_stride_that_divides_the_kernel(visit):  # noqa: F811
    page = visit(NAME, view="counts")
    for size in (1, 2, 3, 4):
        for stride in (1, 2, 3):
            set_to(page, size=size, stride=stride)
            page.locator("[name=claim]").press("Enter")
            solved = text(page, ".verdict").startswith("✓ Solved")
            assert solved == (stride > 1 and size % stride == 0)
            assert page.locator(".task.solved").count() == solved


def test_the_kernel_shows_its_own_numbers_and_they_can_be_typed(visit):  # noqa: F811
    page = visit(NAME)
    assert page.locator(".kernel input:visible").count() == 4
    page.locator("[name='k1-1']").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("-2")
    assert cell(page) == (1, 1, 1 * -2 + 2 * 2 + 3 * 0 + 4 * 1)
