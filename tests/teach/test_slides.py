"""The slides: every deck whole, timed as its lesson plan says, and as Chromium shows it."""

import re
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import handouts
import make_slides
import nbformat
import pikepdf
import pytest
import slide_deck
from make_pdf import Quiet, chromium

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [path.stem[:2] for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]
AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
# everything seen, answers too, that leaves its slide's frame, or a line of code that leaves its box
OVERFLOW = """() => {
  for (const late of document.querySelectorAll(".answer, .later")) {
    late.open = true; late.style.display = "block";
  }
  const seen = "h1, h2, p, li, pre, table, img, .live > *, details, blockquote, .katex-display";
  return [...document.querySelectorAll(".slide")].flatMap((slide, n) => {
    const frame = slide.getBoundingClientRect();
    return [...slide.querySelectorAll(seen)].filter(part => {
      const box = part.getBoundingClientRect();
      return box.width && (box.left < frame.left || box.right > frame.right - 20
        || box.bottom > frame.bottom - 8 || part.localName === "pre"
        && part.scrollWidth > part.clientWidth + 1);
    }).map(part => `${n + 1}: ${part.localName} ${part.textContent.slice(0, 30)}`);
  });
}"""


def deck(number):
    text = ROOT / f"slides/{number}.md"
    return slide_deck.read(text, make_slides.chapter_of(text))


def plan(number):
    """The minutes of the lesson plan's rows."""
    text = next((ROOT / "book/teach").glob(f"{number}_*.md")).read_text(encoding="utf-8")
    table = re.search(r"^\| minutes \|.*\n\|[-| ]+\n((?:\|.*\n)+)", text, re.MULTILINE)[1]
    return [float(row) for row in re.findall(r"^\| *([\d.]+) *\|", table, re.MULTILINE)]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """All decks, below a folder of another name, with one handout."""
    out = tmp_path_factory.mktemp("site") / "some" / "slides"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_slides, "OUT", out)
        patch.setattr(make_slides, "TEACHERS", out / "no-site")
        patch.setattr(sys, "argv", ["make_slides.py"])
        make_slides.main()
    handouts.print_decks(["03"], out)
    return out


@pytest.fixture(scope="module")
def address(built):
    top = built.parents[1]
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=top)) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/some/slides/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser(built):        # which prints with a browser of its own, one after the other
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser, address):
    """page(path, …): a window whose requests and complaints are noted in `wrong`."""
    opened = []

    def page(path, width=1280, height=720, scheme="light"):
        window = browser.new_page(viewport={"width": width, "height": height},
                                  color_scheme=scheme, reduced_motion="reduce")
        opened.append(window)
        window.wrong = []
        window.on("pageerror", lambda error: window.wrong.append(str(error)))
        window.on("console", lambda said: window.wrong.append(said.text)
                  if said.type in ("error", "warning") else None)
        window.on("request", lambda asked: window.wrong.append(asked.url)
                  if not asked.url.startswith((address, "data:", "blob:", "about:")) else None)
        window.on("response", lambda answer: window.wrong.append(f"{answer.status} {answer.url}")
                  if answer.status >= 400 else None)
        window.goto(address + path, wait_until="load")
        return window

    yield page
    for window in opened:
        window.close()


@pytest.mark.parametrize("number", CHAPTERS)
def test_a_deck_has_notes_on_every_slide_and_takes_the_minutes_of_its_lesson(number):
    slides, rows = deck(number).slides, plan(number)
    assert 12 <= len(slides) <= 22 and all(len(slide.notes) > 30 for slide in slides)
    assert slides[-1].heading == "What this cannot do"
    begins = {sum(slide.minutes for slide in slides[:n]) for n in range(len(slides) + 1)}
    assert sum(slide.minutes for slide in slides) == sum(rows) > 0
    assert {sum(rows[:n]) for n in range(len(rows))} <= begins, "a row begins within a slide"


@pytest.mark.parametrize("number", CHAPTERS)
def test_every_slide_fits_its_frame(number, page):
    window = page(f"{number}.html?handout", width=1400)
    window.evaluate("document.fonts.ready")
    window.wait_for_function("[...document.querySelectorAll('.live')].every("
                             "place => place.style.getPropertyValue('--scale'))")
    assert window.evaluate(OVERFLOW) == [] and window.wrong == []


@pytest.mark.parametrize("number, scheme", [("03", "light"), ("04", "dark"), ("12", "light")])
def test_a_deck_is_accessible_slide_by_slide(number, scheme, page):
    window = page(f"{number}.html", scheme=scheme)
    window.evaluate(AXE)
    found = []
    for n in range(len(deck(number).slides)):
        window.evaluate("n => Reveal.slide(n, 0, 99)", n)
        found += [(n + 1, fault["id"], fault["nodes"][0]["html"][:90]) for fault in window.evaluate(
            "axe.run('section.present, .controls').then(result => result.violations)")]
    assert found == [] and window.wrong == []


@pytest.mark.parametrize("number", CHAPTERS)
def test_figures_live_inside_the_slides_and_keep_their_keys(number, page):
    window = page(f"{number}.html")
    for n in window.evaluate("[...document.querySelectorAll('section.slide')].flatMap("
                             "(slide, n) => slide.querySelector('.live') ? [n] : [])"):
        window.evaluate("n => Reveal.slide(n)", n)
        figure = window.locator("section.present .live > *").first
        inner = figure.locator("input:enabled:visible, button:enabled:visible, canvas[tabindex]")
        assert inner.count() > 0
        assert figure.evaluate("figure => figure.getBoundingClientRect().width") > 0.8 * 640
        inner.first.focus()
        window.keyboard.press("ArrowRight")
        assert window.evaluate("Reveal.getIndices().h") == n
        window.keyboard.press("Escape")
        window.keyboard.press("ArrowRight")
        assert window.evaluate("Reveal.getIndices().h") == n + 1
    assert window.wrong == []


def test_a_key_in_a_figure_changes_it(page):
    window = page("03.html#/7")
    figure = window.locator("section.present ck-upsampling-grid")
    first = figure.locator(".reading").inner_text()
    figure.locator("canvas[tabindex]").first.focus()
    window.keyboard.press("ArrowRight")
    assert figure.locator(".reading").inner_text() != first


def test_on_a_telephone_a_deck_is_a_column_with_folded_answers(page):
    window = page("03.html", width=390, height=844)
    assert window.evaluate("document.documentElement.scrollWidth") <= 390
    assert window.locator(".reveal").count() == 0 and window.locator("details[open]").count() == 0


def test_a_handout_has_two_slides_on_a_sheet_and_a_last_page_of_answers(built):
    with pikepdf.open(built / "03.pdf") as pdf:
        assert len(pdf.pages) == -(-len(deck("03").slides) // 2) + 1


def test_the_list_of_decks_leads_to_each(built):
    text = (built / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'href="(\d\d)\.html"', text) == CHAPTERS


def test_the_link_for_teachers_comes_once_however_often(tmp_path):
    plain = "<p data-slides>There are <code>none</code>.</p>"
    once = make_slides.announced(plain, 13)
    assert '<a class="button" href="../../slides/index.html">' in once
    assert make_slides.announced(once, 13) == once


CELL = nbformat.v4.new_code_cell("x = 1", metadata={"slide": "one"}, outputs=[
    nbformat.v4.new_output("stream", text="1\n")])


@pytest.mark.parametrize("text, error", [
    ("Words.\n\n{{ one }}\n\nNotes (1 min): Well.\n\n## No notes\n", "0 notes came"),
    ("{{ two }}\n\nNotes (1 min): Well.\n", "no cell is marked 'two'"),
    ("Words.\n\nNotes (1 min): Well.\n", r"uses none of the marks \['one'\]"),
    ("{{ one }}\n\nNotes (1 min): So $x$.\n", "the notes hold a formula"),
    ("{{ one: lines 7-9 }}\n\nNotes (1 min): Well.\n", "has no lines 7 to 9"),
])
def test_a_deck_that_is_wrong_is_refused_in_words(text, error, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 1. Title"), CELL])
    nbformat.write(notebook, tmp_path / "01_x.ipynb")
    (tmp_path / "01.md").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=error):
        slide_deck.read(tmp_path / "01.md", tmp_path / "01_x.ipynb")
