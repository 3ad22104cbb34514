"""Photograph the interactive figures for readers without scripts, and for print.

Opens each figure in Chromium as a notebook's output would (one page, no network) at the width of
its fallback picture, and writes `src/coursekit/figures/fallback/NAME.webp`. Prints the heights that
`coursekit.figures.FIGURES` should keep free. Run it after `make_figure_data.py`.

    python scripts/make_fallbacks.py            (or with the names of some)
"""

import io
import os
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
os.environ.pop("COURSEKIT_PLAIN", None)

from coursekit.figures import FIGURES, show  # noqa: E402

FOLDER = ROOT / "src/coursekit/figures/fallback"
START = {"five-outputs": {"view": "instance"},       # what a figure shows, where not its own start
         "rcnn-walk": {"stage": "regress", "region": 41}}
QUALITY = {"roi-pooling": 26, "roi-align": 18}      # so many numbers would weigh too much at 38
PHONE = 326                                         # width of a figure on a screen of 360 px
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>figure</title>
<style>body {{ margin: 0; font-family: "Liberation Sans", Arial, sans-serif; width: {width}px }}
ck-{name} {{ margin: 0 !important }}</style>{figure}</html>"""


def photograph(page: Page, name: str, width: int) -> bytes:
    """The figure as a PNG, `width` CSS pixels wide."""
    figure = show(name, **START.get(name, {}))._repr_html_()
    page.set_content(PAGE.format(name=name, width=width, figure=figure))
    page.wait_for_function(f"document.querySelector('ck-{name}').shadowRoot !== null")
    return page.locator(f"ck-{name}").screenshot()


def complain(error: Exception) -> None:
    """Stop: a figure whose script fails must not be photographed."""
    raise error


def main() -> None:
    """Write every figure's picture; say how high the figure is, wide and on a phone."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 800, "height": 600})
        page.on("pageerror", complain)
        for name in sys.argv[1:] or FIGURES:
            kind = FIGURES[name]
            file = FOLDER / f"{name}.webp"
            file.parent.mkdir(exist_ok=True)
            file.touch()                            # the very first time there is none
            wide = Image.open(io.BytesIO(photograph(page, name, kind.size[0])))
            narrow = Image.open(io.BytesIO(photograph(page, name, PHONE)))
            wide.convert("RGB").save(file, "WEBP", quality=QUALITY.get(name, 38), method=6)
            print(f"{name}: {wide.width} x {wide.height}, {narrow.height} high on a "
                  f"phone, {file.stat().st_size / 1000:.0f} kB")
        browser.close()


if __name__ == "__main__":
    main()
