"""What is wide: a line of code between the side columns, a row of pictures on a phone."""

import pytest

pytestmark = [pytest.mark.site, pytest.mark.timeout(300)]
CHAPTER = "notebooks/12_mask_rcnn.html"
CUT = """() => [...document.querySelectorAll(".cell_input pre")]
  .filter(code => code.scrollWidth > code.clientWidth + 1).map(code => code.textContent)"""
# width of each picture of a row, whether it can be scrolled, and by the keys
ROWS = """() => [...document.querySelectorAll("img.wide")].map(picture => [
  picture.getBoundingClientRect().width, getComputedStyle(picture.parentElement).overflowX,
  picture.parentElement.tabIndex])"""


@pytest.mark.parametrize("width", [1280, 1420, 1421, 1920])
def test_a_line_of_100_columns_is_seen_whole(width, page):
    window = page(CHAPTER, width=width)
    assert window.locator(".cell_input pre").count() > 50
    assert window.evaluate(CUT) == []


def test_a_row_of_pictures_is_not_shrunk_on_a_phone_but_scrolls(page):
    rows = page(CHAPTER, width=390).evaluate(ROWS)
    assert len(rows) > 3
    for width, overflow, tab_index in rows:
        assert width >= 600 and (overflow, tab_index) == ("auto", 0)


def test_a_row_of_pictures_fits_a_wide_page(page):
    rows = page(CHAPTER, width=1280).evaluate(ROWS)
    assert rows and all(width < 800 and tab_index == -1 for width, _, tab_index in rows)
