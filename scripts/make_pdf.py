"""Print the whole book as one tagged PDF with headless Chromium: `make pdf`.

`paper.py` puts the built site's pages together into one. Chromium prints that twice: the first
print shows on which page each chapter and answer begins, the second has those numbers in it.

    python scripts/make_pdf.py                          into _build/html/take-along
    python scripts/make_pdf.py --toc FILE --out FILE    a part of the book, the site left as it is
"""

import argparse
import io
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import paper
import pikepdf
import take_along
import yaml
from build_book import ROOT, SITE
from playwright.sync_api import Browser, Page, sync_playwright

OPTIONS = {"tagged": True, "outline": True, "prefer_css_page_size": True, "print_background": True}
PRINTS = 4                      # at most: numbers that grow a digit may move what follows
FORMULA = "formula: "           # what paper.py writes before a formula's TeX
READY = """async () => {
  await document.fonts.ready;
  await Promise.all([...document.images].map(image => image.decode().catch(() => {
    throw new Error(`no picture at ${image.src}`);
  })));
}"""
FILL_IN = """at => {
  for (const place of document.querySelectorAll('.at')) place.textContent = at[place.dataset.to];
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and tells nobody."""

    def log_message(self, *args) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    browser_path = subprocess.run([ROOT / "scripts/browser"], check=True, capture_output=True,
                                  text=True).stdout.strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, text: str) -> Iterator[Page]:
    """The book's one page, with every picture and font there."""
    style = (SITE / "_static/course.css").read_text(encoding="utf-8")
    style = style.replace("font-display: optional", "font-display: block")    # paper can wait
    with served(SITE) as address:
        page = browser.new_page()
        page.set_default_timeout(600_000)
        page.route("**/paper.html", lambda route: route.fulfill(
            body=text, content_type="text/html; charset=utf-8"))
        page.route("**/course.css*", lambda route: route.fulfill(
            body=style, content_type="text/css"))
        page.goto(f"{address}paper.html", wait_until="load")
        page.evaluate(READY)
        yield page
        page.close()


def page_numbers(pdf: bytes) -> dict[str, int]:
    """On which page, from 1, each anchor of a printed page stands that a link leads to."""
    with pikepdf.open(io.BytesIO(pdf)) as book:
        numbers = {page.objgen: number for number, page in enumerate(book.pages, start=1)}
        return {name.removeprefix("/"): numbers[place[0].objgen]
                for name, place in book.Root.Dests.items()}


def print_book(browser: Browser, text: str) -> bytes:
    """The book's PDF, with the numbers of its pages in its contents."""
    at = {}
    with opened(browser, text) as page:
        for _ in range(PRINTS):
            pdf = page.pdf(**OPTIONS)
            before, at = at, page_numbers(pdf)
            if at == before:
                return pdf
            page.evaluate(FILL_IN, at)
    raise RuntimeError(f"After {PRINTS} prints the page numbers still change: each print must put "
                       f"every heading on the same page. Shorten the contents.")


def finish(pdf: bytes, settings: dict, out: Path) -> int:
    """Name the author, tag formulas as what they are, write the file; return its pages."""
    with pikepdf.open(io.BytesIO(pdf)) as book:
        for found in book.objects:
            if isinstance(found, pikepdf.Dictionary) and found.get("/S") == "/Figure":
                words = str(found.get("/Alt", ""))
                if not words:                   # what holds a picture and its caption
                    found.S = pikepdf.Name.Sect
                elif words.startswith(FORMULA):
                    found.S, found.Alt = pikepdf.Name.Formula, words.removeprefix(FORMULA)
        book.docinfo["/Author"] = settings["author"]
        book.docinfo["/Creator"] = "scripts/make_pdf.py"
        book.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return len(book.pages)


def main() -> None:
    """Print the book, link it from the site, and say how long it is."""
    parser = argparse.ArgumentParser(description="Print the whole book as one PDF.")
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    start = time.perf_counter()
    take_along.ensure_book()
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    out = asked.out or take_along.PDF
    with chromium() as browser:
        pdf = print_book(browser, paper.assemble(asked.toc))
    pages = finish(pdf, settings, out)
    if not asked.out:
        take_along.announce()
    print(f"pdf: {pages} pages, {out.stat().st_size / 1e6:.0f} MB, "
          f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
