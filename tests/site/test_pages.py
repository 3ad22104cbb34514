"""What a reader does on the pages: walk by Tab, search, change the colors, turn scripts off."""

import pytest
from built_pages import BOOK, FIGURES, OF_EACH_KIND
from conftest import PROBE
from looks import SCROLL, violations, walk

pytestmark = [pytest.mark.site, pytest.mark.timeout(300)]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_tab_goes_through_the_whole_page_from_its_start(name, width, page):
    found = walk(page(name, width=width), "body")
    assert found.pop("stops") > 10
    assert found == dict.fromkeys(found, [])


@pytest.mark.parametrize("key, wrong", [
    ("missed", '<input aria-label="a" onkeydown="event.preventDefault()"><a href="#b">b</a>'),
    ("jumps", '<p><a href="#a">a</a></p><p><a href="#b" tabindex="1">b</a></p>'),
    ("jumps", '<p style="display: flex; flex-direction: column-reverse"><a href="#a">a</a><br>'
              '<a href="#b">b</a></p>'),
    ("faint", '<a href="#a" style="outline: none !important">a</a>'),
    ("covered", '<p style="position: relative"><a href="#a">a</a><span style="position: absolute;'
                'inset: -9px; background: white">over it</span></p>'),
])
def test_the_walk_finds_what_stands_in_a_readers_way(key, wrong, page):
    window = page("404.html")
    assert walk(window, "main")[key] == []
    window = page("404.html")
    window.locator("main").evaluate("(main, wrong) => main.insertAdjacentHTML('beforeend', wrong)",
                                    wrong)
    assert any("#" in found for found in walk(window, "main")[key])


@pytest.mark.parametrize("look, wrong, words", [
    ("unreachable()", '<p style="cursor: pointer">Click me</p>', "<p style"),
    ("unreachable()", '<p id="listens">Click me</p>', "listens"),
    ("nameless()", '<canvas width="9" height="9" tabindex="0"></canvas>', "<canvas"),
    ("nameless()", '<button style="height: 9px"></button>', "<button"),
    ("nameless()", "<ck-figure>no shadow</ck-figure>", "the figure itself"),
    ("motion()", '<p style="transition: opacity 1s">Soon</p>', "<p style"),
    ("motion()", '<p style="animation: none 1s; overflow: auto; scroll-behavior: smooth">a</p>',
     "<p style"),
    ("motion()", '<p id="turns">Round and round</p>', "frames asked for"),
    ("motion()", '<p id="scrolls">Smoothly</p>', "scrollIntoView on"),
    ("dead()", '<button>Press me</button>', "<button"),
    ("dead()", '<input aria-label="a">', "<input"),
])
def test_each_look_at_a_page_finds_what_it_is_for(look, wrong, words, page):
    window = page("404.html")
    violations(window)                                   # brings axe
    assert window.evaluate(f"probe.{look}") == []
    window.evaluate("""wrong => {
        document.querySelector("main").insertAdjacentHTML("beforeend", wrong);
        document.querySelector("#listens")?.addEventListener("click", () => null);
        document.querySelector("#scrolls")?.scrollIntoView({behavior: "smooth"});
        const turn = () => requestAnimationFrame(turn);
        if (document.querySelector("#turns")) turn();
    }""", wrong)
    found, = window.evaluate(f"probe.{look}")
    assert words in found


@pytest.mark.parametrize("width", [1280, 1920, 390])
@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_page_hardly_shifts_on_a_machine_a_sixth_as_fast(name, width, page):
    window = page(name, width=width, slower=6)
    window.evaluate(SCROLL)
    window.wait_for_load_state("networkidle")
    assert window.evaluate("window.layoutShift") < 0.05


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_color_scheme_is_there_before_anything_is_drawn(scheme, page):
    window = page("book/teach/index.html", scheme=scheme)
    assert set(window.evaluate("schemes")) == {scheme}
    assert window.locator(".navbar-brand img:visible").count() == 1      # the logo, once


def test_the_front_door_leads_to_the_first_page(page):
    window = page("index.html")
    window.wait_for_url("**/book/index.html")
    assert window.locator("article h1").inner_text().startswith("Pixels to Instances")
    assert window.outside == [] and window.errors == []


def test_a_lost_reader_finds_the_way_back(page, site):
    window = page("book/index.html")
    window.goto(site + "no/such/page.html")
    window.locator("main a").click()
    window.wait_for_url("**/book/index.html")
    assert window.locator("article h1").inner_text().startswith("Pixels to Instances")


def test_search_finds_the_iou(page, site):
    window = page("search.html?q=IoU")
    window.wait_for_function("/finished/.test(document.querySelector('.search-summary')?.innerText)")
    titles = window.locator("#search-results li > a").all_inner_texts()
    assert any("Pixel classification" in title for title in titles), titles
    assert any("boxes" in title for title in titles), titles
    window.locator("#search-results li > a").first.click()
    window.wait_for_load_state("load")
    assert window.url.startswith(site) and "search.html" not in window.url
    assert window.locator("article h1").count() == 1 and window.errors == []


def test_the_search_field_is_reached_and_used_by_keyboard(page):
    window = page("book/index.html")
    window.keyboard.press("Control+k")
    window.keyboard.type("void")
    window.keyboard.press("Enter")
    window.wait_for_url("**/search.html?q=void")
    window.wait_for_selector("#search-results li")
    assert window.errors == []


def test_the_colour_scheme_can_be_changed_and_stays(page, site):
    window = page("book/index.html")
    seen = set()
    for _ in range(3):
        window.locator("button.theme-switch-button:visible").first.click()
        seen.add(window.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(seen) == 2
    chosen = window.evaluate("document.documentElement.dataset.mode")
    window.goto(site + "book/glossary.html")
    assert window.evaluate("document.documentElement.dataset.mode") == chosen


@pytest.mark.parametrize("name", [*BOOK, "search.html"])
def test_without_scripts_a_page_shows_its_text_and_pictures_and_nothing_that_is_dead(name, page):
    window = page(name, scripts=False)
    assert len(window.locator("main").inner_text()) > 120
    for figure in FIGURES[name]:
        picture = window.locator(f"{figure} img").first
        picture.scroll_into_view_if_needed()
        assert picture.bounding_box()["width"] > 250
    for width in (1280, 360):
        window.set_viewport_size({"width": width, "height": 900})
        window.evaluate(PROBE)
        assert (width, window.evaluate("probe.dead()")) == (width, [])
