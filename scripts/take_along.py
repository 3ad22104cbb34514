"""The site's links to what can be taken along: the book as one PDF, the site as one zip.

`make pdf` and `make zip` put their file into the built site's folder `take-along/`, and then
`announce` turns the words of the page "Take it along" into a link. A plain `make book` has neither
files nor links, so no link is dead.
"""

import re
import subprocess
import sys

from build_book import ROOT, SITE

FOLDER = SITE / "take-along"
PAGE = SITE / "book" / "take-it-along.html"
PDF, ZIP = FOLDER / "pixels-to-instances.pdf", FOLDER / "pixels-to-instances.zip"
FILES = {PDF: "Download the book as a PDF", ZIP: "Download the site as a zip"}


def without_links(text: str) -> str:
    """The page as it was built."""
    return re.sub(r'(<p data-take="[^"]+">)<a .*?<!--(.*?)--></p>', r"\1\2</p>", text, flags=re.S)


def with_links(text: str, sizes: dict[str, int]) -> str:
    """The page with a link to each of the files; `sizes` are their bytes, by name."""
    text = without_links(text)
    for file, words in FILES.items():
        if file.name in sizes:
            link = (f'<a class="button" href="../take-along/{file.name}">{words}</a> '
                    f"({sizes[file.name] / 1e6:.0f} MB)")
            text = re.sub(rf'(<p data-take="{file.suffix[1:]}">)(.*?)</p>',
                          rf"\1{link}<!--\2--></p>", text, flags=re.S)
    return text


def announce() -> None:
    """Link what is there from the site's page."""
    sizes = {file.name: file.stat().st_size for file in FILES if file.exists()}
    PAGE.write_text(with_links(PAGE.read_text(encoding="utf-8"), sizes), encoding="utf-8")


def ensure_book() -> None:
    """Build the site where there is none."""
    if not PAGE.exists():
        subprocess.run([sys.executable, str(ROOT / "scripts/build_book.py")], check=True)
    FOLDER.mkdir(exist_ok=True)
