"""What makes the site: addresses, finished pages, the palette's copy in the style sheet."""

import importlib.util
import re
from pathlib import Path

import build_book
import pytest
from PIL import Image

from coursekit.style import CLASS_COLORS

pytestmark = pytest.mark.site
ROOT = Path(__file__).resolve().parents[2]


def sitefix():
    spec = importlib.util.spec_from_file_location("sitefix", ROOT / "book/_ext/sitefix.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("repository, address", [
    ("https://github.com/YOUR_ORG/pixels-to-instances", ""),
    ("https://github.com/Ada/course", "https://ada.github.io/course/"),
    ("https://github.com/ada/course/", "https://ada.github.io/course/"),
    ("https://github.com/ada/ada.github.io", "https://ada.github.io/"),
])
def test_the_sites_address_follows_from_the_repositorys(repository, address):
    assert sitefix().site_address(repository) == address


def test_scripts_and_styles_stay_only_where_they_are_used():
    is_used = sitefix().is_used
    assert is_used("course.css", "")
    assert not is_used("sphinx-thebe.js", "<pre>everything</pre>")
    assert is_used("vendor/katex/katex.min.css", '<span class="katex">')
    assert not is_used("vendor/katex/katex.min.css", "<p>katex in words</p>")
    assert is_used("clipboard.min.js", "<pre>code</pre>") and not is_used("clipboard.min.js", "")


def test_the_style_sheet_has_the_palette_of_the_plots():
    style = (ROOT / "book/_static/course.css").read_text()
    copies = dict(re.findall(r"--ck-([a-z]+): (#[0-9A-F]{6})", style))
    assert copies == {name: color for name, color in CLASS_COLORS.items() if name in copies}
    assert len(copies) == 7


def test_a_picture_gets_its_size_and_waits(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    page = tmp_path / "page.html"
    assert (build_book.finish_image('<img alt="x" src="a.png">', page)
            == '<img width="30" height="20" loading="lazy" decoding="async" alt="x" src="a.png">')
    assert 'fetchpriority="high"' in build_book.finish_image('<img class="hero" src="a.png">', page)
    assert "width" not in build_book.finish_image('<img src="elsewhere.png">', page)
    sized = '<img loading="lazy" width="3" height="2" src="a.png">'
    assert build_book.finish_image(sized, page) == sized


def test_a_drawing_has_the_size_of_its_view_box():
    assert build_book.image_size(ROOT / "book/_static/logo.svg") == (64, 64)


def test_pages_are_listed_in_reading_order():
    toc = {"root": "a", "parts": [{"chapters": [{"file": "b", "sections": [{"file": "c"}]}]},
                                  {"chapters": [{"file": "d"}]}]}
    assert build_book.toc_pages(toc) == ["a", "b", "c", "d"]


def test_the_lock_file_names_no_host_to_fetch_from():
    lock = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') == lock.count('"node_modules/')


def test_nothing_of_a_third_party_is_kept_in_the_books_folder():
    kept = [path.name for path in (ROOT / "book/_static").rglob("*") if path.suffix in
            (".woff", ".woff2", ".ttf", ".mjs") or path.name.endswith(".min.js")]
    assert kept == []
    assert not (ROOT / "_static").exists()    # Jupyter Book would load all of it on every page
