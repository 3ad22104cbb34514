"""The built book's pages as they lie on the disk: what there is, and what each holds and names."""

import html
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from conftest import BUILT, FOLDER

PAGES = sorted(path.relative_to(BUILT).as_posix() for path in BUILT.rglob("*.html"))
READ = [name for name in PAGES if name != "index.html"]      # index.html only leads on
SOURCES = [name for name in READ if name.startswith("_modules/")]
LOOKED_AT = [name for name in READ if name not in SOURCES[2:]]   # the code's pages are all alike
BOOK = [name for name in PAGES if name.startswith(("book/", "notebooks/"))]
OF_EACH_KIND = ["book/index.html", "book/teach/index.html", "notebooks/01_four_tasks.html",
                "notebooks/solutions/02_solutions.html", "book/api/boxes.html"]


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


TEXTS = {name: (BUILT / name).read_text(encoding="utf-8") for name in PAGES}
OUTLINES = {name: Outline(text) for name, text in TEXTS.items()}
FIGURES = {name: set(re.findall(r"<(ck-[a-z0-9-]+)", text)) for name, text in TEXTS.items()}


def article(name):
    """The text of a page's article, without the surroundings that all pages share."""
    found = re.search(r"<article.*</article>", TEXTS[name], re.S)
    return found[0] if found else TEXTS[name]


def target_of(page, link):
    """(file, anchor) inside the book that a link leads to, from below the repository's name."""
    parts = urlsplit(urljoin(f"http://book/{FOLDER}/{page}", html.unescape(link)))
    path = unquote(parts.path).removeprefix(f"/{FOLDER}/")    # what leads out of it stays as it is
    return path or "index.html", unquote(parts.fragment)
