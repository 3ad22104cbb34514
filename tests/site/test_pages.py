"""Every page of the built book, as a stranger's browser meets it, with no other host in reach."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import yaml
from conftest import FOLDER, PROBE

pytestmark = [pytest.mark.site, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "_build" / "html"
PAGES = sorted(path.relative_to(BUILT).as_posix() for path in BUILT.rglob("*.html"))
READ = [name for name in PAGES if name != "index.html"]      # index.html only leads on
SOURCES = [name for name in READ if name.startswith("_modules/")]
LOOKED_AT = [name for name in READ if name not in SOURCES[2:]]   # the code's pages are all alike
BOOK = [name for name in PAGES if name.startswith(("book/", "notebooks/"))]
OF_EACH_KIND = ["book/index.html", "book/teach/index.html", "notebooks/01_four_tasks.html",
                "notebooks/solutions/02_solutions.html", "book/api/boxes.html"]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
TEXT_LIMIT, FORMULA_LIMIT, PICTURE_LIMIT = 400_000, 700_000, 1_500_000
SMALLEST_ALT = 15          # letters: shorter is a name, not a description
MAX_SHIFT = 0.1
# what depends on colors alone; all else that axe looks at is the same in the other scheme
COLOR_RULES = ["color-contrast", "link-in-text-block"]
# from the top to the bottom, a screen at a time, so that every waiting picture comes
SCROLL = """async () => {
  for (let y = 0; y < document.body.scrollHeight; y += 700) {
    window.scrollTo(0, y); await new Promise(done => setTimeout(done, 25));
  }
  const late = () => new Promise(done => setTimeout(done, 9000));
  for (const image of document.images) {                       // hidden ones wait, and may
    if (image.complete || !image.checkVisibility()) continue;
    image.scrollIntoView();                                    // a lazy one begins, if it has not
    await Promise.race([image.decode().catch(() => null), late()]);
  }
}"""


class Outline(HTMLParser):
    """A page's links, pictures and anchors."""

    def __init__(self, text):
        super().__init__()
        self.links, self.images, self.ids, self.loads = [], [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, pairs):
        attributes = dict(pairs)
        self.ids |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append(attributes)
        if tag in ("img", "script", "source", "iframe", "video") and attributes.get("src"):
            self.loads.append(attributes["src"])
        if tag == "link" and attributes.get("rel") != "canonical" and attributes.get("href"):
            self.loads.append(attributes["href"])


OUTLINES = {name: Outline((BUILT / name).read_text(encoding="utf-8")) for name in PAGES}
FIGURES = {name: set(re.findall(r"<(ck-[a-z0-9-]+)", (BUILT / name).read_text(encoding="utf-8")))
           for name in PAGES}


def article(name):
    """The text of a page's article, without the surroundings that all pages share."""
    text = (BUILT / name).read_text(encoding="utf-8")
    found = re.search(r"<article.*</article>", text, re.S)
    return found[0] if found else text


def target_of(page, link):
    """(file, anchor) inside the book that a link leads to, from below the repository's name."""
    parts = urlsplit(urljoin(f"http://book/{FOLDER}/{page}", html.unescape(link)))
    path = unquote(parts.path).removeprefix(f"/{FOLDER}/")    # what leads out of it stays as it is
    return path or "index.html", unquote(parts.fragment)


def violations(page, only=None):
    """What axe finds, each with the first place where it is; `only` names a few of its rules."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    chosen = {"type": "rule", "values": only} if only else {"type": "tag", "values": TAGS}
    # the pieces of a drawn formula are hidden from readers' aids, which get its MathML
    found = page.evaluate("""runOnly => axe.run({include: document, exclude: ['.katex-html']},
        {runOnly, resultTypes: ['violations'], preload: false})""", chosen)
    return [f"{rule['id']}: {rule['help']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for rule in found["violations"] for node in rule["nodes"][:3]]


def set_scheme(page, scheme):
    """Let the reader's machine turn light or dark, and the page follow."""
    page.emulate_media(color_scheme=scheme)
    if not page.url.endswith("404.html"):
        page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")


def sideways(page):
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def read_to_the_end(page):
    """Scroll through a page and back to its start; how far its text has moved by itself."""
    page.evaluate(SCROLL)
    page.wait_for_load_state("networkidle")
    page.evaluate("window.scrollTo(0, 0)")     # where no button back to it lies over the text
    page.wait_for_function("!document.querySelector('#pst-back-to-top')?.checkVisibility()")
    return page.evaluate("window.layoutShift")


def walk(page, within):
    """Tab through a part of the page; what was missed, out of order, without a ring, covered."""
    for _ in range(page.evaluate("probe.walk", within)):
        page.keyboard.press("Tab")
    return page.evaluate("probe.walked()")


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


def test_the_book_has_been_built_and_holds_every_page_of_the_table_of_contents():
    assert PAGES, "There is no built book in _build/html: run `make book` first."
    named = re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text())
    assert {f"{name}.html" for name in named} <= set(PAGES)


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


@pytest.mark.parametrize("name", LOOKED_AT)
def test_nothing_moves_for_a_reader_who_asked_for_no_motion(name, visited):
    assert visited(name)["motion"] == []


@pytest.mark.parametrize("name", LOOKED_AT)
def test_all_that_is_used_has_a_name_for_screen_readers(name, visited):
    assert visited(name)["nameless"] == []


@pytest.mark.parametrize("name", [name for name in LOOKED_AT if FIGURES[name]])
def test_screen_readers_are_told_what_a_figure_shows_once_a_key_has_changed_it(name, visited):
    assert visited(name)["silent"] == []


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


@pytest.mark.parametrize("name", PAGES)
def test_links_and_anchors_of_the_page_lead_somewhere(name):
    broken = []
    for link in OUTLINES[name].links + OUTLINES[name].loads:
        if re.match(r"(https?|mailto|data|javascript):", link):
            continue
        path, anchor = target_of(name, link)
        if not (BUILT / path).is_file():
            broken.append(link)
        elif anchor and path in OUTLINES and anchor not in OUTLINES[path].ids:
            broken.append(link)
    assert broken == []


def test_a_link_that_leaves_the_books_folder_is_broken_on_pages():
    assert target_of("book/index.html", "../notebooks/01_four_tasks.html#top") == (
        "notebooks/01_four_tasks.html", "top")
    assert target_of("404.html", f"/{FOLDER}/book/index.html") == ("book/index.html", "")
    for link in ("/book/index.html", "../../book/index.html"):
        assert not (BUILT / target_of("book/glossary.html", link)[0]).is_file()


@pytest.mark.parametrize("name", PAGES)
def test_links_to_elsewhere_are_secure_and_lead_to_no_placeholder(name):
    outside = [link for link in OUTLINES[name].links if re.match(r"https?:", link)]
    assert [link for link in outside if link.startswith("http:")] == []
    assert [link for link in outside if "YOUR_ORG" in link] == []


@pytest.mark.parametrize("name", PAGES)
def test_pictures_have_a_size_and_wait_until_they_are_near(name):
    for image in OUTLINES[name].images:
        assert image.get("width") and image.get("height"), image
        first = {"hero", "logo__image"} & set(image.get("class", "").split())
        assert first or image.get("loading") == "lazy" or image["src"].startswith("data:"), image


@pytest.mark.parametrize("name", PAGES)
def test_alternative_texts_were_written_by_a_person(name):
    for image in OUTLINES[name].images:
        assert "alt" in image, image
        if "logo__image" in image.get("class", ""):
            continue                            # the book's name stands beside it
        assert len(image["alt"]) >= SMALLEST_ALT and " " in image["alt"], image
        assert not re.search(r"_images/|\.(png|jpe?g|svg|webp)\b", image["alt"]), image


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


@pytest.mark.parametrize("name", BOOK)
def test_figures_come_with_their_pages_and_with_no_other(name):
    modules = {url for url in OUTLINES[name].loads if "figures/" in url}
    assert {Path(urlsplit(url).path).stem for url in modules} == {tag[3:] for tag in FIGURES[name]}


@pytest.mark.parametrize("name", BOOK)
def test_formulas_are_on_the_page_without_a_script(name):
    text = re.sub("<pre.*?</pre>", "", article(name), flags=re.S)    # code may have these signs
    assert "\\(" not in text and "\\[" not in text
    loads = " ".join(OUTLINES[name].loads)
    assert "mathjax" not in loads.lower()
    assert ("katex.min.css" in loads) == ('class="katex' in text)


@pytest.mark.parametrize("name", BOOK)
def test_page_has_one_title_and_a_way_to_go_on(name):
    text = (BUILT / name).read_text(encoding="utf-8")
    assert len(re.findall(r"<h1[ >]", article(name))) == 1
    assert len(re.findall(r"<title>[^<]+</title>", text)) == 1
    assert "prev-next-footer" in text


def test_launch_buttons_are_hidden_while_the_address_is_the_placeholder():
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    text = (BUILT / "notebooks/01_four_tasks.html").read_text(encoding="utf-8")
    assert ("colab.research.google.com" in text) == ("YOUR_ORG" not in address)
