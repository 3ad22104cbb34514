"""Every page of the built book, as a stranger's browser meets it, with no other host in reach.

A page is opened once, wide and light, and once small and dark; its tests look at what was noted.
They stay in one file, and so on one worker.
"""

import re

import pytest
from built_pages import FIGURES, LOOKED_AT, OUTLINES, READ, article
from looks import read_to_the_end, violations, walk

pytestmark = [pytest.mark.site, pytest.mark.timeout(300)]
TEXT_LIMIT, FORMULA_LIMIT, PICTURE_LIMIT = 400_000, 700_000, 1_500_000
MAX_SHIFT = 0.1
# what depends on colors alone; all else that axe looks at is the same in the other scheme
COLOR_RULES = ["color-contrast", "link-in-text-block"]


def set_scheme(page, scheme):
    """Let the reader's machine turn light or dark, and the page follow."""
    page.emulate_media(color_scheme=scheme)
    if not page.url.endswith("404.html"):
        page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")


def sideways(page):
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def skip_and_walk(page):
    """The way of somebody without a mouse: skip to the text, then Tab to the page's end."""
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.innerText")
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash !== ''")          # the jump follows the key, not at once
    return {"first": first, "at": page.evaluate("location.hash"), **walk(page, "main")}


def use_figures(page):
    """Whether each interactive figure says something when a key changes it."""
    silent = []
    for figure in page.locator("[data-params], ck-playground").all():
        control = figure.locator("input[type=range]:enabled, canvas[tabindex]").first
        before = figure.evaluate("probe.told")
        for key in ("ArrowRight", "ArrowLeft"):               # at an end, only one moves
            control.press(key)
            page.wait_for_timeout(50)
            if figure.evaluate("probe.told") != before:
                break
        else:
            silent.append(figure.evaluate("figure => figure.localName"))
    return silent


def look_at(page, name, weigh):
    """All that is measured of a page on a wide, light screen, and then in the dark."""
    seen = {"shift": read_to_the_end(page)}
    seen["paint"] = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]"
                                  ".startTime / 1000")
    seen["pictures"], seen["text"] = weigh(page.answers)
    if name in LOOKED_AT:
        seen["sideways"] = sideways(page)
        for tag in FIGURES[name]:
            page.wait_for_function(f"document.querySelector('{tag}').shadowRoot !== null")
        seen["axe"] = {"light 1280": violations(page)}
        seen["nameless"] = page.evaluate("probe.nameless()")
        seen["motion"] = page.evaluate("probe.motion()")
        seen["unreachable"] = page.evaluate("probe.unreachable()")
        seen["keys"] = {} if name == "404.html" else skip_and_walk(page)
        seen["silent"] = use_figures(page)
        seen["motion"] += page.evaluate("probe.motion()")
        page.evaluate("window.scrollTo(0, 0)")
        set_scheme(page, "dark")
        seen["axe"]["dark 1280"] = violations(page, COLOR_RULES)
    return seen


def look_at_phone(page):
    """And on a small, dark one."""
    seen = {"shift": read_to_the_end(page), "sideways": sideways(page),
            "axe": {"dark 360": violations(page)}}
    set_scheme(page, "light")
    seen["axe"]["light 360"] = violations(page, COLOR_RULES)
    return {**seen, "outside": page.outside, "errors": page.errors}


@pytest.fixture(scope="session")
def visited(open_page, weigh, report):
    """visited(name): what was measured of a page, opened once wide and light, once small and dark.

    The pages of code, all alike but for the first two, are only opened and read.
    """
    memory = {}

    def visit(name):
        if name not in memory:
            page = open_page(name)
            seen = look_at(page, name, weigh)
            memory[name] = {**seen, "outside": page.outside, "errors": page.errors}
            page.context.close()
            report[name] = {key: seen[key] for key in ("text", "pictures", "shift", "paint")}
            if name in LOOKED_AT:
                page = open_page(name, scheme="dark", width=360)
                memory[name]["phone"] = phone = look_at_phone(page)
                page.context.close()
                found = [*seen["axe"].values(), *phone["axe"].values()]
                report[name] |= {"phone": phone["shift"], "axe": sum(map(len, found))}
        return memory[name]

    return visit


@pytest.mark.parametrize("name", READ)
def test_page_asks_no_other_host_for_anything(name, visited):
    seen = visited(name)
    assert seen["outside"] == [] and seen.get("phone", seen)["outside"] == []
    elsewhere = [url for url in OUTLINES[name].loads if re.match(r"(https?:)?//", url)]
    assert elsewhere == []


@pytest.mark.parametrize("name", READ)
def test_page_logs_no_error(name, visited):
    seen = visited(name)
    assert seen["errors"] == [] and seen.get("phone", seen)["errors"] == []


@pytest.mark.parametrize("name", READ)
def test_page_stays_within_its_bytes(name, visited):
    limit = FORMULA_LIMIT if 'class="katex' in article(name) else TEXT_LIMIT
    seen = visited(name)
    assert 0 < seen["text"] <= limit
    assert seen["pictures"] <= PICTURE_LIMIT


@pytest.mark.parametrize("name", READ)
def test_page_does_not_shift_while_it_loads(name, visited):
    seen = visited(name)
    assert seen["shift"] < MAX_SHIFT and seen.get("phone", seen)["shift"] < MAX_SHIFT


@pytest.mark.parametrize("name", LOOKED_AT)
def test_axe_finds_nothing(name, visited):
    seen = visited(name)
    found = seen["axe"] | seen["phone"]["axe"]
    assert found == dict.fromkeys(found, [])


@pytest.mark.parametrize("name", LOOKED_AT)
def test_no_page_scrolls_sideways(name, visited):
    seen = visited(name)
    assert seen["sideways"] <= 0 and seen["phone"]["sideways"] <= 0


@pytest.mark.parametrize("name", LOOKED_AT)
def test_all_that_can_be_clicked_can_be_reached_by_keys(name, visited):
    assert visited(name)["unreachable"] == []


@pytest.mark.parametrize("name", [name for name in LOOKED_AT if name != "404.html"])
def test_tab_skips_to_the_text_and_goes_through_it_in_reading_order(name, visited):
    keys = visited(name)["keys"]
    assert "Skip to main content" in keys["first"] and keys["at"] == "#main-content"
    assert keys["stops"] > 3
    assert (keys["missed"], keys["jumps"]) == ([], [])


@pytest.mark.parametrize("name", [name for name in LOOKED_AT if name != "404.html"])
def test_one_sees_where_the_focus_is(name, visited):
    keys = visited(name)["keys"]
    assert (keys["faint"], keys["covered"]) == ([], [])


@pytest.mark.parametrize("name", LOOKED_AT)
def test_nothing_moves_for_a_reader_who_asked_for_no_motion(name, visited):
    assert visited(name)["motion"] == []


@pytest.mark.parametrize("name", LOOKED_AT)
def test_all_that_is_used_has_a_name_for_screen_readers(name, visited):
    assert visited(name)["nameless"] == []


@pytest.mark.parametrize("name", [name for name in LOOKED_AT if FIGURES[name]])
def test_screen_readers_are_told_what_a_figure_shows_once_a_key_has_changed_it(name, visited):
    assert visited(name)["silent"] == []
