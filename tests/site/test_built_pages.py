"""Every page of the built book as it lies on the disk: links, pictures, formulas, titles."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from built_pages import BOOK, FIGURES, OUTLINES, PAGES, TEXTS, article, target_of
from conftest import BUILT, FOLDER, ROOT

pytestmark = pytest.mark.site
SMALLEST_ALT = 15          # letters: shorter is a name, not a description


def test_the_book_has_been_built_and_holds_every_page_of_the_table_of_contents():
    assert PAGES, "There is no built book in _build/html: run `make book` first."
    named = re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text())
    assert {f"{name}.html" for name in named} <= set(PAGES)


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
    assert len(re.findall(r"<h1[ >]", article(name))) == 1
    assert len(re.findall(r"<title>[^<]+</title>", TEXTS[name])) == 1
    assert "prev-next-footer" in TEXTS[name]


def test_launch_buttons_are_hidden_while_the_address_is_the_placeholder():
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    text = TEXTS["notebooks/01_four_tasks.html"]
    assert ("colab.research.google.com" in text) == ("YOUR_ORG" not in address)
