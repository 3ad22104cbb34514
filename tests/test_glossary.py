"""The glossary, and the links of chapters and pages that lead to its entries."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is missing: no book is built with Colab's versions")
ROOT = Path(__file__).resolve().parents[1]
GLOSSARY = (ROOT / "book/glossary.md").read_text(encoding="utf-8")
ENTRIES = GLOSSARY.split(":::{glossary}\n")[1].split("\n:::")[0]
TERMS = re.findall(r"^\S.*$", ENTRIES, re.MULTILINE)
LINK = re.compile(r"\[([^]]+)\]\((?:\.\./)*(?:book/)?glossary\.md\)")
PAGES = sorted([*ROOT.glob("notebooks/**/text/*.md"), *ROOT.glob("book/**/*.md")])


def extension():
    spec = importlib.util.spec_from_file_location("glossary_links",
                                                  ROOT / "book/_ext/glossary_links.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_terms_and_none_twice():
    assert len(TERMS) > 100 and "receptive field" in TERMS
    assert len({term.lower() for term in TERMS}) == len(TERMS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_the_glossary_names_an_entry(page):
    terms = {term.lower() for term in TERMS}
    texts = [re.sub(r"[*`]", "", text) for text in LINK.findall(page.read_text(encoding="utf-8"))]
    lost = [text for text in texts
            if text != "glossary" and not extension().term_of(text, terms)]
    assert lost == []


@pytest.mark.parametrize("text, term", [
    ("Feature\nmaps", "feature map"), ("warped", "warping"), ("frozen", "frozen batch norm"),
    ("batch", "batch"), ("panoptic", None), ("feature", "feature map"), ("nothing", None)])
def test_a_text_names_its_entry_in_other_forms_too(text, term):
    terms = {"feature map", "warping", "frozen batch norm", "batch", "batch norm",
             "panoptic quality", "panoptic segmentation"}
    assert extension().term_of(text, terms) == term


def test_links_get_the_anchor_of_their_entry(tmp_path):
    (tmp_path / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'book/_ext')!r})\n"
        "extensions = ['myst_parser', 'glossary_links']\n"
        "myst_enable_extensions = ['colon_fence']\nroot_doc = 'book/index'\n", encoding="utf-8")
    pages = {"index": "# Book\n\n```{toctree}\nglossary\n```\n\n"
                      "See **[Feature\nmaps](glossary.md)**, [`align_corners`](glossary.md), "
                      "[glossary](glossary.md), [no](glossary.md).",
             "glossary": "# Glossary\n\n:::{glossary}\nfeature map\n  A.\n\n"
                         "align_corners\n  B.\n:::"}
    for name, text in pages.items():
        (tmp_path / "book").mkdir(exist_ok=True)
        (tmp_path / f"book/{name}.md").write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", tmp_path,
                    tmp_path / "out"], check=True)
    made = (tmp_path / "out/book/index.html").read_text(encoding="utf-8")
    leads = re.findall(r'<p>See .*?</p>', made, re.DOTALL)[0]
    assert re.findall(r'href="([^"]+)"', leads) == [
        "glossary.html#term-feature-map", "glossary.html#term-align_corners",
        "glossary.html", "glossary.html"]
