"""Every page of the built book, as a stranger's browser meets it, with no other host in reach."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import yaml

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
# from the top to the bottom, a screen at a time, so that every waiting picture comes
SCROLL = """async () => {
  for (let y = 0; y < document.body.scrollHeight; y += 700) {
    window.scrollTo(0, y); await new Promise(done => setTimeout(done, 40));
  }
  const shown = [...document.images].filter(image => image.checkVisibility());  // others wait
  await Promise.all(shown.map(image => image.decode().catch(() => null)));
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


def article(name):
    """The text of a page's article, without the surroundings that all pages share."""
    text = (BUILT / name).read_text(encoding="utf-8")
    found = re.search(r"<article.*</article>", text, re.S)
    return found[0] if found else text


def target_of(page, link):
    """(file, anchor) inside the book that a link on a page leads to."""
    parts = urlsplit(urljoin(f"http://book/{page}", html.unescape(link)))
    path = unquote(parts.path).lstrip("/")
    if page == "404.html":                      # its addresses start from the host, as on Pages
        path = path.split("/", 1)[-1]
    return path or "index.html", unquote(parts.fragment)


def violations(page):
    """What axe finds, each with the first place where it is."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    # the pieces of a drawn formula are hidden from readers' aids, which get its MathML
    found = page.evaluate("""tags => axe.run({include: document, exclude: ['.katex-html']},
                             {runOnly: {type: 'tag', values: tags}})""", TAGS)
    return [f"{rule['id']}: {rule['help']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for rule in found["violations"] for node in rule["nodes"][:3]]


@pytest.fixture(scope="module")
def visited(open_page, weigh, report):
    """visited(name): what happened when the page was opened and read to its end; opened once."""
    memory = {}

    def visit(name):
        if name not in memory:
            page = open_page(name)
            page.evaluate(SCROLL)
            page.wait_for_load_state("networkidle")
            pictures, text = weigh(page.answers)
            memory[name] = {"outside": page.outside, "errors": page.errors, "pictures": pictures,
                            "text": text, "shift": page.evaluate("window.layoutShift")}
            report[name] = memory[name]
            page.context.close()
        return memory[name]

    return visit


def test_the_book_has_been_built_and_holds_every_page_of_the_table_of_contents():
    assert PAGES, "There is no built book in _build/html: run `make book` first."
    named = re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text())
    assert {f"{name}.html" for name in named} <= set(PAGES)


@pytest.mark.parametrize("name", READ)
def test_page_asks_no_other_host_for_anything(name, visited):
    assert visited(name)["outside"] == []
    elsewhere = [url for url in OUTLINES[name].loads if re.match(r"(https?:)?//", url)]
    assert elsewhere == []


@pytest.mark.parametrize("name", READ)
def test_page_logs_no_error(name, visited):
    assert visited(name)["errors"] == []


@pytest.mark.parametrize("name", READ)
def test_page_stays_within_its_bytes(name, visited):
    limit = FORMULA_LIMIT if 'class="katex' in article(name) else TEXT_LIMIT
    seen = visited(name)
    assert 0 < seen["text"] <= limit
    assert seen["pictures"] <= PICTURE_LIMIT


@pytest.mark.parametrize("name", READ)
def test_page_does_not_shift_while_it_loads(name, visited):
    assert visited(name)["shift"] < 0.1


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


@pytest.mark.parametrize("name", LOOKED_AT)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(name, page):
    window = page(name)
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 360)):
        window.emulate_media(color_scheme=scheme)
        window.set_viewport_size({"width": width, "height": 900})
        if name != "404.html":
            window.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
        assert (scheme, width, violations(window)) == (scheme, width, [])
        inner, outer = window.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert inner <= outer, (scheme, width)


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


def test_search_finds_the_iou(page):
    window = page("search.html?q=IoU")
    window.wait_for_function("/finished/.test(document.querySelector('.search-summary')?.innerText)")
    titles = window.locator("#search-results li > a").all_inner_texts()
    assert any("Pixel classification" in title for title in titles), titles
    assert any("boxes" in title for title in titles), titles


def test_the_search_field_is_reached_and_used_by_keyboard(page):
    window = page("book/index.html")
    window.keyboard.press("Control+k")
    window.keyboard.type("void")
    window.keyboard.press("Enter")
    window.wait_for_url("**/search.html?q=void")
    window.wait_for_selector("#search-results li")
    assert window.errors == []


def test_the_first_tab_offers_to_skip_to_the_text(page):
    window = page("book/glossary.html")
    window.keyboard.press("Tab")
    assert "Skip to main content" in window.evaluate("document.activeElement.innerText")
    window.keyboard.press("Enter")
    assert window.url.endswith("#main-content")


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


@pytest.mark.parametrize("name", BOOK)
def test_without_scripts_a_page_shows_its_text_and_the_figures_pictures(name, page):
    window = page(name, scripts=False)
    assert len(window.locator("article").inner_text()) > 200
    for figure in re.findall(r"<(ck-[a-z0-9-]+)", article(name)):
        picture = window.locator(f"{figure} img").first
        picture.scroll_into_view_if_needed()
        assert picture.bounding_box()["width"] > 250


@pytest.mark.parametrize("name", BOOK)
def test_figures_come_alive_on_their_pages_and_nowhere_else(name, page):
    figures = set(re.findall(r"<(ck-[a-z0-9-]+)", article(name)))
    modules = {url for url in OUTLINES[name].loads if "figures/" in url}
    assert {Path(urlsplit(url).path).stem for url in modules} == {tag[3:] for tag in figures}
    if figures:
        window = page(name)
        for tag in figures:
            window.wait_for_function(f"document.querySelector('{tag}').shadowRoot !== null")


@pytest.mark.parametrize("name", BOOK)
def test_formulas_are_on_the_page_without_a_script(name):
    text = article(name)
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
