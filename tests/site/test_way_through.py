"""The way through the book: the first page, the map, reading progress, the way on, the search."""

import base64
import importlib.util
import json
import re
from html import unescape
from pathlib import Path

import nbformat
import pytest
import yaml

pytestmark = [pytest.mark.site, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text())   # in reading order
CHAPTERS = [name for name in PAGES if re.match(r"notebooks/\d", name)]
HOME = "book/index.html"
THIRD, FOURTH = f"{CHAPTERS[2]}.html", f"{CHAPTERS[3]}.html"
KEPT = "pixels-to-instances"
NOWHERE = """Object.defineProperty(window, 'localStorage', {configurable: true, get() {
  throw new DOMException('The operation is insecure.', 'SecurityError'); }})"""
# where the curves of the map begin and end, and the middles of the squares, on the screen
CURVES = """() => [...document.querySelectorAll('.map path')].map(path => {
  const ends = [0, path.getTotalLength()].map(length => {
    const point = path.getPointAtLength(length).matrixTransform(path.getScreenCTM());
    return [point.x, point.y];
  });
  return [Number(path.closest('li').value), ...ends];
})"""
SQUARES = """() => [...document.querySelectorAll('.map .number')].map(square => {
  const box = square.getBoundingClientRect();
  return [box.left, box.top + box.height / 2];
})"""


def way():
    spec = importlib.util.spec_from_file_location("way", ROOT / "book/_ext/way.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def article(name):
    """The text of a built page's article."""
    text = (BUILT / f"{name}.html").read_text(encoding="utf-8")
    return re.search(r"<article.*</article>", text, re.DOTALL)[0]


def plain(text):
    return " ".join(unescape(re.sub(r"<[^>]+>", "", text)).split())


def chapters_in(text):
    """The numbers of the chapters that a piece of a page links to."""
    return {int(number) for number in re.findall(r'href="[^"#]*?(\d\d)_\w+\.html"', text)}


def said_needs(name):
    """What a chapter's own page says under 'You need': numbers of chapters."""
    paragraph = re.search(r"<p><strong>You need</strong>.*?</p>", article(name), re.DOTALL)[0]
    return chapters_in(paragraph.split("<strong>Time")[0])


def question_of(name):
    """The question under a chapter's title, on its own page."""
    return plain(re.search(r'<p class="question">(.*?)</p>', article(name), re.DOTALL)[1])


@pytest.fixture(scope="module")
def rows():
    """The rows of the built map."""
    text = re.search(r'<div class="map".*?</ol>\s*</div>', article("book/index"), re.DOTALL)[0]
    return re.findall(r'<li value="(\d+)">(.*?)</li>', text, re.DOTALL)


# ---- the map ----

def test_the_map_has_every_chapter_once_and_in_order(rows):
    assert [int(number) for number, _ in rows] == list(range(1, len(CHAPTERS) + 1))
    for (number, row), name in zip(rows, CHAPTERS, strict=True):
        link, title = re.search(r'to-chapter" href="\.\./(.*?)\.html">(.*?)</a>', row).groups()
        assert link == name
        heading = re.search(r"<h1>(.*?)<a", article(name), re.DOTALL)[1]
        assert plain(heading) == f"{number}. {plain(title)}"


def test_the_maps_needs_are_what_the_chapters_themselves_say(rows):
    edges = 0
    for (number, row), name in zip(rows, CHAPTERS, strict=True):
        shown = chapters_in(re.search(r'<p class="needs">.*', row)[0])
        assert shown == said_needs(name), name
        assert all(needed < int(number) for needed in shown), name
        assert len(re.findall("<path", row)) == len(shown - {int(number) - 1}), name
        edges += len(shown)
    assert edges > 2 * (len(CHAPTERS) - 1)        # else the links would no longer be found


def test_every_chapter_but_the_first_needs_the_one_before_it():
    """So the straight line from square to square says the truth."""
    for number, name in enumerate(CHAPTERS[1:], start=1):
        assert number in said_needs(name), name
    assert said_needs(CHAPTERS[0]) == set()


def test_the_maps_questions_are_the_chapters_own(rows):
    for (_, row), name in zip(rows, CHAPTERS, strict=True):
        asked = plain(re.search(r"</a>(.*?)</p>", row)[1])
        assert asked == question_of(name)
        assert asked.endswith("?")


@pytest.mark.parametrize("width", [1280, 800])
def test_the_maps_curves_lead_from_square_to_square(width, page, rows):
    window = page(HOME, width=width)
    squares, curves = window.evaluate(SQUARES), window.evaluate(CURVES)
    drawn = {}
    for number, start, end in curves:
        nearest = [min(range(len(squares)), key=lambda n, at=at: abs(squares[n][1] - at[1])) + 1
                   for at in (start, end)]
        for square, at in zip(nearest, (start, end), strict=True):
            assert abs(squares[square - 1][1] - at[1]) < 3
            assert abs(squares[square - 1][0] - at[0]) < 3
        assert nearest[0] == number
        drawn.setdefault(number, set()).add(nearest[1])
    assert drawn == {int(number): far for number, row in rows
                     if (far := chapters_in(row.split('"needs"')[1]) - {int(number) - 1})}


def test_the_map_is_a_plain_list_on_a_telephone(page):
    window = page(HOME, width=390)
    assert window.locator(".map svg:visible").count() == 0
    assert window.locator(".map li:visible").count() == len(CHAPTERS)
    right = window.evaluate("Math.max(...[...document.querySelectorAll('.map *')]"
                            ".map(part => part.getBoundingClientRect().right))")
    assert right <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_map_shows_what_the_chapter_under_the_keys_needs(scheme, page):
    window = page(HOME, scheme=scheme)
    window.locator(".map .to-chapter").first.focus()
    window.keyboard.press("Tab")                                  # to the second chapter
    assert window.evaluate("document.activeElement.pathname").endswith(f"{CHAPTERS[1]}.html")
    for _ in range(3):                                            # its need, the third, its need
        window.keyboard.press("Tab")
    color = "getComputedStyle(document.querySelector('.map li[value=\"7\"] path')).stroke"
    before = window.evaluate(color)
    window.locator(".map li[value='7'] .to-chapter").focus()
    assert window.evaluate(color) != before
    window.keyboard.press("Enter")
    window.wait_for_url(f"**/{CHAPTERS[6]}.html")


def test_the_map_is_printed_and_what_only_the_screen_can_do_is_not(page):
    window = page(HOME)
    window.emulate_media(media="print")
    assert window.locator(".map li:visible").count() == len(CHAPTERS)
    assert window.locator(".map .needs:visible").count() == len(CHAPTERS)
    assert window.locator(".kept:visible, .resume:visible, .begin:visible").count() == 0


def test_a_chapter_that_does_not_open_with_its_question_ends_the_build():
    text = (ROOT / "notebooks/text/07_many_objects.md").read_text(encoding="utf-8")
    read = way().read_chapter
    chapter = read("notebooks/07_many_objects", text)
    assert (chapter.number, chapter.title) == (7, "From one object to many")
    assert all(what for what in chapter.needs.values())
    with pytest.raises(ValueError, match="a question"):
        read("notebooks/07_many_objects", text.replace(f"*{chapter.question}*\n\n", ""))


def test_the_times_are_the_chapters_own():
    table = re.findall(r"<tr.*?</tr>", article("book/how-to-use"), re.DOTALL)
    for name in CHAPTERS:
        row, = (row for row in table if f"{name}.html" in row)
        minutes = re.search(r"about (\d+) minutes", row)[1]
        assert f"Time:</strong> about {minutes} minutes" in article(name)


# ---- the chart of the first page ----

def test_the_chart_is_the_one_that_chapter_12_printed():
    notebook = nbformat.read(ROOT / "notebooks/12_mask_rcnn.ipynb", as_version=4)
    cells = {base64.b64decode(output.data["image/png"]): cell
             for cell in notebook.cells if cell.cell_type == "code"
             for output in cell.outputs if "image/png" in output.get("data", {})}
    cell = cells[(BUILT / "_static/landing/chart.png").read_bytes()]
    figure = re.search(r'<figure>(?:(?!</figure>).)*chart\.png.*?</figure>', article("book/index"),
                       re.DOTALL)[0]
    alt = unescape(re.search(r'alt="([^"]*)"', figure)[1])
    assert alt == " ".join(cell.metadata.mystnb.image.alt.split())
    caption = plain(re.search(r"<figcaption>.*</figcaption>", figure, re.DOTALL)[0])
    for words in ("40 test scenes", "one"):       # what the caption says was run, the chart says
        assert words in caption and words in cell.source
    assert "Measured" in caption
    assert 'href="../notebooks/12_mask_rcnn.html#the-famous-figure"' in figure


def test_both_pictures_of_the_first_page_lead_on(page):
    window = page(HOME)
    for place, target in (("chart", "12_mask_rcnn.html#the-famous-figure"),
                          ("answer", "playground.html")):
        picture = window.locator(f".ends img[src*={place}]")
        picture.scroll_into_view_if_needed()
        window.wait_for_function("picture => picture.complete && picture.naturalWidth",
                                 arg=picture.element_handle())
        assert picture.locator("..").get_attribute("href").endswith(target)


# ---- reading progress ----

def kept(window):
    return json.loads(window.evaluate(f"localStorage.getItem('{KEPT}')") or "{}")


def ticks(window, where):
    """The numbers of the chapters that carry a tick."""
    links = window.locator(f"{where} a.read").evaluate_all("links => links.map(a => a.pathname)")
    return sorted(int(re.search(r"/(\d\d)_", path)[1]) for path in links)


def test_nothing_is_kept_before_a_chapter_is_opened(page):
    window = page(HOME)
    assert kept(window) == {}
    assert window.locator(".resume:visible").count() == 0
    assert window.locator(".kept").is_visible()              # what the ticks will mean
    assert window.locator(".kept button:visible").count() == 0


def test_a_chapter_read_to_its_end_is_ticked_and_the_first_page_leads_back(page, site):
    window = page(THIRD)
    assert ticks(window, ".bd-links") == []
    heading = window.locator("article h2").nth(2)
    title, anchor = heading.evaluate(
        "part => [part.firstChild.textContent, part.closest('section').id]")
    heading.evaluate("part => part.scrollIntoView()")
    window.goto(site + HOME)
    resume = window.locator(".resume a")
    assert resume.inner_text() == title and title.startswith("3.3")
    assert ticks(window, ".map") == []
    resume.click()
    window.wait_for_url(f"**/{THIRD}#{anchor}")
    assert not window.locator(".done input").is_checked()
    window.locator(".prev-next-area").scroll_into_view_if_needed()
    window.wait_for_function("document.querySelector('.done input').checked")
    assert ticks(window, ".bd-links") == [3]
    window.goto(site + HOME)
    assert ticks(window, ".map") == ticks(window, ".bd-links") == [3]
    assert f"So far: 1 of {len(CHAPTERS)}." in window.locator(".kept").inner_text()
    assert resume.get_attribute("href").endswith(FOURTH)      # at the end: on to the next
    assert resume.inner_text() == "Transposed convolution"
    assert window.outside == [] and window.errors == []
    assert "read: 3. Upsampling without learning" in " ".join(
        window.locator(".bd-links").first.aria_snapshot().split())


def test_a_tick_taken_away_stays_away(page, site):
    window = page(THIRD)
    window.locator(".prev-next-area").scroll_into_view_if_needed()
    box = window.locator(".done input")
    window.wait_for_function("document.querySelector('.done input').checked")
    box.focus()
    window.keyboard.press("Space")
    assert not box.is_checked() and ticks(window, ".bd-links") == []
    window.goto(site + HOME)
    window.goto(site + THIRD)
    window.locator(".prev-next-area").scroll_into_view_if_needed()
    window.wait_for_timeout(300)
    assert not box.is_checked() and ticks(window, ".bd-links") == []


def test_one_button_forgets_all_of_it(page, site):
    window = page(HOME)
    window.evaluate("localStorage.setItem('mode', 'dark')")
    keep(window, read={"01_four_tasks": True, "05_encoder_decoders": True})
    window.reload()
    assert ticks(window, ".map") == [1, 5]
    said = window.locator(".kept").inner_text()
    assert "kept in this browser and sent nowhere" in said and "2 of 13" in said
    window.locator(".kept button").focus()
    window.keyboard.press("Enter")
    assert kept(window) == {} and ticks(window, ".map") == ticks(window, ".bd-links") == []
    assert window.locator(".resume:visible, .kept button:visible").count() == 0
    assert "Forgotten." in window.locator(".kept").inner_text()
    assert window.evaluate("document.activeElement.className") == "kept"
    assert window.evaluate("localStorage.getItem('mode')") == "dark"     # nothing else is lost


def keep(window, read, chapter="03_upsampling"):
    at = {"chapter": chapter, "title": "3.3 Bilinear", "anchor": "#bilinear", "end": False}
    window.evaluate("([key, value]) => localStorage.setItem(key, value)",
                    [KEPT, json.dumps({"read": read, "at": at})])


@pytest.mark.parametrize("stored", ["not JSON", "null", '{"read": 7}', '{"at": {"chapter": "x"}}'])
def test_a_record_that_nobody_can_read_does_no_harm(stored, page):
    window = page(HOME)
    window.evaluate("([key, value]) => localStorage.setItem(key, value)", [KEPT, stored])
    window.reload()
    assert window.errors == [] and ticks(window, ".map") == []
    assert window.locator(".resume:visible").count() == 0


@pytest.mark.parametrize("name", [HOME, THIRD, "search.html?q=IoU"])
def test_where_the_browser_keeps_nothing_the_page_works_and_says_nothing_of_it(name, page, site):
    window = page("404.html")
    window.add_init_script(NOWHERE)
    window.errors.clear()
    window.goto(site + name)
    window.wait_for_load_state("networkidle")
    window.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    window.wait_for_timeout(300)
    assert window.errors == []
    assert window.locator(".kept:visible, .resume:visible, .done:visible, a.read").count() == 0
    assert window.evaluate("document.documentElement.dataset.theme") == "light"


@pytest.mark.parametrize("name", [HOME, THIRD])
def test_without_scripts_nothing_of_the_progress_is_seen(name, page):
    window = page(name, scripts=False)
    assert window.locator(".kept:visible, .resume:visible, .done:visible").count() == 0
    assert window.locator(".prev-next-area .why:visible").count() > 0
    if name == HOME:
        assert window.locator(".map li:visible").count() == len(CHAPTERS)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", [HOME, THIRD])
def test_ticks_and_the_way_back_move_nothing(name, width, page, site):
    window = page(name, width=width, slower=4)
    keep(window, read={Path(chapter).name: True for chapter in CHAPTERS[:2]})
    window.goto(site + name)
    window.wait_for_function("document.querySelector('.bd-links a.read')")
    window.wait_for_load_state("networkidle")
    assert window.evaluate("window.layoutShift") < 0.01


# ---- the way on ----

@pytest.mark.parametrize("name", PAGES)
def test_the_links_to_the_neighbours_say_why(name):
    """A chapter's question; of any other page one sentence, what it says of itself."""
    text = (BUILT / f"{name}.html").read_text(encoding="utf-8")
    place = PAGES.index(name)
    for side, other in (("left-prev", PAGES[place - 1] if place else None),
                        ("right-next", (PAGES[place + 1:] or [None])[0])):
        link = re.search(rf'<a class="{side}".*?</a>', text, re.DOTALL)
        assert bool(link) == bool(other)
        if not other:
            continue
        why = plain(re.search(r'<p class="why">(.*?)</p>', link[0], re.DOTALL)[1])
        if other in CHAPTERS:
            assert why == question_of(other)
        else:
            assert re.fullmatch(r"[A-Z].{15,}\.", why), (other, why)
            described = re.search(r'name="description" content="([^"]*)"',
                                  (BUILT / f"{other}.html").read_text(encoding="utf-8"))
            if described:
                assert plain(described[1]).replace("'", "’").startswith(why)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapters_question_is_what_search_engines_show(name):
    text = (BUILT / f"{name}.html").read_text(encoding="utf-8")
    described = re.findall(r'<meta name="description" content="([^"]*)"', text)
    assert [plain(words) for words in described] == [question_of(name)]


def test_the_last_words_of_a_chapter_are_not_said_twice_on_the_screen(page):
    window = page(THIRD)
    last = window.locator(".next-in-words")
    assert last.inner_text() == "" or not last.is_visible()
    window.emulate_media(media="print")
    assert last.is_visible() and window.locator(".prev-next-area:visible").count() == 0


# ---- the search ----

@pytest.mark.parametrize("words, entry, chapter", [
    ("IoU", "term-IoU", None), ("NMS", "term-NMS", 7), ("RoIAlign", "term-RoIAlign", 12),
    ("mAP", "term-mAP", None), ("anchor", "term-anchor", 11),
    ("transposed convolution", "term-transposed-convolution", 4),
    ("average precision", "term-average-precision", 7), ("checkerboard", "term-checkerboard", 4),
    ("hard negatives", None, 9), ("U-Net", None, 5),
])
def test_the_search_finds_first_what_defines_and_teaches_a_word(words, entry, chapter, page):
    window = page(f"search.html?q={words}")
    window.wait_for_function("/finished/.test(document.querySelector('.search-summary')?.innerText)")
    found = window.locator("#search-results li > a").evaluate_all(
        "links => links.slice(0, 3).map(link => link.getAttribute('href'))")
    if entry:
        assert found[0] == f"book/glossary.html#{entry}"
        first = window.locator("#search-results li > a").first.inner_text()
        assert first == f"Glossary: {words}"
        window.wait_for_selector("#search-results li:first-child .context")
        said = window.locator("#search-results li .context").first.inner_text()
        assert said.startswith(f"{words}: ") and len(said) > 60           # the definition itself
    if chapter:
        assert any(address.startswith(CHAPTERS[chapter - 1]) for address in found), found
    assert not any("solutions" in address or "teach" in address for address in found), found
