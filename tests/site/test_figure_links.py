"""Numbered figures on the website: captions with anchors, references that lead to them."""

import re
import subprocess
import sys
from pathlib import Path

import build_book
import captions
import nbformat
import pytest
import run_nbval

pytestmark = pytest.mark.site
ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "_build" / "html"
NOTEBOOKS = run_nbval.notebooks()
SETTINGS = f"""import sys
sys.path.insert(0, {str(ROOT / "book/_ext")!r})
extensions = ["myst_parser", "figure_links"]
root_doc = "book/index"
"""
CHAPTER = """# 12. Masks, and figure 12.1 in a heading

Figure 12.1 is here, and so is `figure 12.1`, and [figure 12.1](https://a.org) as a link.

**Figure 12.1.** A dog, as in figure 12.2.

Figures 12.1, 12.2 and S12.1 are three;
the line breaks within figure
12.2, and figure 99.1 is nowhere. Figure 3 of a paper has no point.

**Figure 12.2.** Another dog.

**Figures** are not captions.

    print("figure 12.1")
"""
FOLDED = ('<details><summary>code</summary><div class="cell_output"><img alt="a" width="300">'
          '</div></details>\n</div>\n<p class="ck-caption" id="f">')


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The pages of a small book: a chapter, its solutions, and a page of the book's own."""
    folder = tmp_path_factory.mktemp("book")
    texts = {"conf.py": SETTINGS, "notebooks/12_masks.md": CHAPTER,
             "notebooks/solutions/12_solutions.md": "# Solved\n\n**Figure S12.1.** It is solved.",
             "book/what-came-after.md": "# After\n\n**Figure 14.1.** Later.",
             "book/index.md": "# A book\n\nSee figures 12.2 and 14.1.\n\n```{toctree}\n"
                              "../notebooks/12_masks\n../notebooks/solutions/12_solutions\nwhat-came-after\n```\n"}
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", folder,
                    folder / "out"], check=True)
    return {name: (folder / "out" / f"{name}.html").read_text(encoding="utf-8") for name in
            ("notebooks/12_masks", "notebooks/solutions/12_solutions", "book/index")}


def links(text):
    """(words, address) of a page's links to figures."""
    return [(" ".join(re.sub("<[^>]*>", "", words).split()), address) for address, words in
            re.findall(r'<a class="reference internal" href="([^"]*#figure-[^"]*)">(.*?)</a>',
                       text, re.S)]


def test_captions_have_an_anchor_and_a_class(made):
    found = re.findall(r'<p class="ck-caption" id="(figure-[^"]*)">', "".join(made.values()))
    assert found == ["figure-12-1", "figure-12-2", "figure-s12-1"]


def test_references_in_prose_are_links_and_nothing_else_is(made):
    assert links(made["notebooks/12_masks"]) == [
        ("Figure 12.1", "#figure-12-1"),
        ("Figures 12.1", "#figure-12-1"), ("12.2", "#figure-12-2"),
        ("S12.1", "solutions/12_solutions.html#figure-s12-1"), ("figure 12.2", "#figure-12-2")]


def test_other_pages_lead_to_the_figures_page(made):
    assert links(made["book/index"]) == [("figures 12.2", "../notebooks/12_masks.html#figure-12-2"),
                                         ("14.1", "what-came-after.html#figure-14-1")]


@pytest.mark.parametrize("above, width", [
    (FOLDED, 400),                                            # a caption is never very narrow
    (FOLDED.replace("300", "765"), 765),
    (FOLDED.replace("<img", '<img alt="b" width="500"> <img'), 500),
    ('<div class="cell_output"><img alt="b" width="900"></div><p>Text.</p>' + FOLDED, 400)])
def test_a_caption_is_as_wide_as_what_is_above_it(above, width):
    made = re.sub(build_book.CAPTIONED, build_book.narrow_caption, above, flags=re.S)
    assert made == above.replace(' id="f"', f' style="max-width: {width}px" id="f"')


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_built_page_has_its_captions_and_their_links(path):
    page = BUILT / path.relative_to(ROOT).with_suffix(".html")
    text = re.search(r"<article.*</article>", page.read_text(encoding="utf-8"), re.S)[0]
    notebook = nbformat.read(path, as_version=4)
    wanted = [f"figure-{number.lower().replace('.', '-')}"
              for number in captions.captions(notebook)]
    assert re.findall(r'<p class="ck-caption"[^>]* id="([^"]*)"', text) == wanted
    assert set(wanted) <= {address.split("#")[1] for _, address in links(text)}
