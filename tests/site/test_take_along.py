"""What can be taken along: a printed page, the book as a PDF, the site as a zip read from files."""

import re
from zipfile import ZipFile

import make_pdf
import make_zip
import paper
import pikepdf
import pytest
import take_along
import yaml
from build_book import ROOT, SITE, toc_pages

from coursekit.figures import FIGURES

pytestmark = [pytest.mark.site, pytest.mark.timeout(300)]
LIVE = {page: tags for page in toc_pages(yaml.safe_load((ROOT / "_toc.yml").read_text()))
        if (tags := set(re.findall(r"<(ck-[a-z-]+) data-params",
                                   (SITE / f"{page}.html").read_text(encoding="utf-8"))))}
A_PART = {"root": "book/index", "parts": [
    {"caption": "Every pixel", "chapters": [{"file": "notebooks/04_transposed_convolution"}]},
    {"caption": "Solutions", "chapters": [{"file": "notebooks/solutions/04_solutions"}]},
    {"caption": "Reference", "chapters": [{"file": "book/notation"}, {"file": "book/glossary"},
                                          {"file": "book/bibliography"}]}]}
PAPER = {"width": 657, "height": 972}        # what A4 leaves between its margins, in CSS pixels


# ---- one page, printed ----

def test_on_paper_a_page_has_text_and_pictures_and_nothing_of_the_screen(page):
    window = page("notebooks/04_transposed_convolution.html", scheme="dark")
    window.emulate_media(media="print", color_scheme="dark")
    window.evaluate("dispatchEvent(new Event('beforeprint'))")
    window.set_viewport_size(PAPER)
    shown = window.evaluate("""() => [...document.querySelectorAll(
      'nav, button, .bd-sidebar-primary, .bd-header-article, .cell.tag_setup, .headerlink')]
      .filter(element => element.checkVisibility()).map(element => element.outerHTML)""")
    assert shown == []
    figure = window.locator("ck-transposed-convolution")
    assert figure.locator("img").bounding_box()["height"] > 200
    assert not figure.evaluate("host => host.shadowRoot.querySelector('figure').checkVisibility()")
    assert window.locator("details:not(.setup) p").first.is_visible()          # a folded answer
    assert window.locator("h1:visible").count() == 1
    ground = window.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    assert window.evaluate("document.documentElement.dataset.theme") == "light"
    window.evaluate("dispatchEvent(new Event('afterprint'))")
    assert window.evaluate("document.documentElement.dataset.theme") == "dark"


# ---- the book as a PDF ----

@pytest.fixture(scope="module")
def toc(tmp_path_factory):
    path = tmp_path_factory.mktemp("part") / "toc.yml"
    path.write_text(yaml.safe_dump(A_PART))
    return path


@pytest.fixture(scope="module")
def printed(browser, toc, tmp_path_factory):
    """(the part's one page, its PDF as printed, its finished PDF)."""
    text = paper.assemble(toc)
    pdf = make_pdf.print_book(browser, text)
    out = tmp_path_factory.mktemp("pdf") / "part.pdf"
    make_pdf.finish(pdf, {"author": "somebody"}, out)
    with pikepdf.open(out) as book:
        yield text, pdf, book


def tagged(book) -> list[tuple[str, str]]:
    """(kind, alternative text) of every element of a PDF's structure."""
    return [(str(found.S), str(found.get("/Alt", ""))) for found in book.objects
            if isinstance(found, pikepdf.Dictionary) and found.get("/Type") == "/StructElem"]


def bookmarks(items) -> dict:
    return {item.title: bookmarks(item.children) for item in items}


def test_the_pdf_is_tagged_and_names_itself(printed):
    book = printed[2]
    assert book.Root.MarkInfo.Marked and "/StructTreeRoot" in book.Root
    assert str(book.Root.Lang) == "en" and book.Root.ViewerPreferences.DisplayDocTitle
    assert str(book.docinfo["/Title"]) == "Pixels to Instances"
    assert str(book.docinfo["/Author"]) == "somebody"


def test_every_picture_and_formula_of_the_pdf_has_its_words(printed):
    text, _, book = printed
    found = tagged(book)
    alts = [paper.html.unescape(alt) for alt in re.findall(r'<img [^>]*alt="([^"]*)"', text)]
    assert len(alts) > 5
    assert sorted(words for kind, words in found if kind == "/Figure") == sorted(alts)
    sources = [words for kind, words in found if kind == "/Formula"]
    assert len(sources) == text.count('aria-label="formula: ') > 50 and all(sources)


def test_the_pdfs_bookmarks_are_parts_chapters_and_sections(printed):
    with printed[2].open_outline() as outline:
        found = bookmarks(outline.root)
    assert list(found)[-3:] == ["Every pixel", "Solutions", "Reference"]
    assert list(found["Reference"]) == ["Notation", "Glossary", "Bibliography"]
    assert "4.1 A kernel as a stamp" in found["Every pixel"]["4. Transposed convolution"]


def test_links_jump_inside_the_pdf_and_none_leads_into_this_machine(printed):
    book = printed[2]
    links = [note for page in book.pages for note in page.get("/Annots", [])]
    inside = [str(link.Dest).removeprefix("/") for link in links if "/Dest" in link]
    outside = [str(link.A.URI) for link in links if "/A" in link]
    assert len(inside) > 100 and set(inside) <= {name[1:] for name in book.Root.Dests.keys()}
    assert outside and all(re.match("https://", address) for address in outside)


def test_chapters_follow_one_another_and_answers_stand_at_their_chapters_end(printed):
    at = make_pdf.page_numbers(printed[1])
    chapter, solutions = "notebooks-04_transposed_convolution", "notebooks-solutions-04_solutions"
    assert 1 < at[chapter] < at[f"{chapter}--answer-4.1"] < at[solutions] < at["book-glossary"]
    assert "<details>" not in printed[0] and "tag_setup" in printed[0]


def test_page_numbers_that_never_settle_are_told(browser, monkeypatch):
    numbers = iter(range(9))
    monkeypatch.setattr(make_pdf, "page_numbers", lambda pdf: {"a": next(numbers)})
    with pytest.raises(RuntimeError, match="After 4 prints the page numbers still change"):
        make_pdf.print_book(browser, "<!doctype html><title>short</title>")


def test_nothing_in_the_whole_book_is_wider_or_higher_than_the_paper(browser):
    text = paper.assemble(ROOT / "_toc.yml")
    assert "book-api" not in text
    with make_pdf.opened(browser, text) as window:            # raises where a picture is missing
        window.emulate_media(media="print")
        window.set_viewport_size(PAPER)
        wide = window.evaluate("""([width, height]) => [...document.querySelectorAll(
          'article *:not(.katex *):not(svg *)')].filter(element => {
            const box = element.getBoundingClientRect();
            return box.right > width + 2 || (element.matches('img') && box.height > height);
          }).map(element => element.outerHTML.slice(0, 200))""", list(PAPER.values()))
    assert wide == []


# ---- the site as a zip ----

@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zip")
    make_zip.pack(folder / "site.zip")
    with ZipFile(folder / "site.zip") as archive:
        archive.extractall(folder)
    return folder / make_zip.ROOT_FOLDER


@pytest.fixture
def from_files(browser, unpacked):
    """from_files(path) opens a page of the zip as a file; its errors are in `errors`."""
    contexts = []

    def open_file(path, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda message: page.errors.append(message.text)
                if message.type in ("error", "warning") else None)
        page.on("requestfailed", lambda request: page.errors.append(request.url))
        page.goto((unpacked / path.partition("?")[0]).as_uri() + path[len(path.partition("?")[0]):])
        return page

    yield open_file
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", [*LIVE, "book/index", "book/glossary", "book/api/boxes"])
def test_a_page_opened_as_a_file_is_whole_and_its_figures_are_alive(name, from_files):
    page = from_files(f"{name}.html")
    for tag in LIVE.get(name, set()) - {"ck-playground"}:
        page.wait_for_function(f"document.querySelector('{tag}').shadowRoot !== null")
    page.evaluate("""() => Promise.all([...document.images].map(image => {
      image.loading = 'eager'; return image.checkVisibility() ? image.decode() : null; }))""")
    assert page.locator("fieldset.quiz").count() == page.locator("fieldset.quiz button").count()
    assert "python -m http.server" in page.locator("p.from-files").inner_text()
    assert page.evaluate("document.fonts.check('1rem \"Source Serif 4\"')")
    assert page.errors == []


def test_without_scripts_a_file_shows_the_figures_picture(from_files):
    page = from_files("notebooks/01_four_tasks.html", java_script_enabled=False)
    picture = page.locator("ck-five-outputs img")
    picture.scroll_into_view_if_needed()
    assert picture.bounding_box()["width"] > 250


def test_the_playground_as_a_file_shows_its_stored_answer(from_files):
    page = from_files("book/playground.html")
    assert page.locator("ck-playground img").is_visible()
    assert page.evaluate("document.querySelector('ck-playground').shadowRoot") is None


def test_the_search_works_in_files(from_files):
    page = from_files("search.html?q=IoU")
    page.wait_for_selector("#search-results li > a")
    assert page.errors == []


def test_the_unpacked_zip_served_is_the_site(browser, unpacked):
    with make_pdf.served(unpacked) as address:
        page = browser.new_page()
        page.goto(f"{address}book/playground.html")
        page.wait_for_selector("ck-playground button[name=run]:enabled")
        assert page.locator("p.from-files").count() == 0
        page.close()


def test_every_figure_travels_as_a_script_that_files_may_run(unpacked):
    for name in FIGURES:
        script = (unpacked / f"_static/figures/{name}.classic.js").read_text()
        assert not re.search(r"^(import|export) ", script, re.M)
    pages = "".join(path.read_text() for path in unpacked.rglob("*.html"))
    assert '<script type="module"' not in pages and "take-along/pixels" not in pages


# ---- the links to both ----

def test_a_link_is_there_exactly_where_its_file_is():
    built = take_along.without_links(take_along.PAGE.read_text(encoding="utf-8"))
    assert take_along.with_links(built, {}) == built and "take-along/pixels" not in built
    linked = take_along.with_links(built, {"pixels-to-instances.pdf": 21_400_000})
    assert 'href="../take-along/pixels-to-instances.pdf"' in linked and "(21 MB)" in linked
    assert "pixels-to-instances.zip" not in linked
    assert take_along.without_links(linked) == built


def test_the_page_links_what_is_there():
    text = take_along.PAGE.read_text(encoding="utf-8")
    for file in take_along.FILES:
        assert (f"../take-along/{file.name}" in text) == file.exists()
