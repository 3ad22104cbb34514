"""Photograph the interactive figures for readers without scripts, and for print.

Opens each figure in Chromium as a notebook's output would (one page, no network, the site's fonts)
at the width of its fallback picture, and writes `src/coursekit/figures/fallback/NAME.webp`, and the
heights that a page keeps free into `fallback/sizes.json`. Then the stored outputs of notebooks get
the new pictures, as a run would give them. Run it after `make_figure_data.py`, and `npm ci`.

    python scripts/make_fallbacks.py            (or with the names of some)
"""

import base64
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
os.environ.pop("COURSEKIT_PLAIN", None)

from coursekit.figures import FIGURES, SIZES, show  # noqa: E402

FONT = "source-sans-3"                               # that of the site
FOLDER = ROOT / "src/coursekit/figures/fallback"
START = {"five-outputs": {"view": "instance"},       # what a figure shows, where not its own start
         "nms-and-ap": {"nms": 10},
         "rcnn-walk": {"stage": "regress", "region": 41}}
QUALITY = {"roi-pooling": 26, "roi-align": 18, "rcnn-walk": 33}    # else they would weigh too much
WIDE, PHONE = 704, 326                              # of a figure in a page, and on 360 px
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>figure</title><style>
@font-face {{ font-family: Site; font-weight: 200 900; src: url(data:font/woff2;base64,{font}) }}
body {{ margin: 0; font-family: Site, sans-serif; width: {width}px }}
ck-{name} {{ margin: 0 !important }}</style>{figure}</html>"""


def site_font() -> str:
    """The site's font for text beside figures, in base64."""
    file = f"@fontsource-variable/{FONT}/files/{FONT}-latin-wght-normal.woff2"
    return base64.b64encode((ROOT / "node_modules" / file).read_bytes()).decode()


def photograph(page: Page, name: str, width: int) -> bytes:
    """The figure as a PNG, `width` CSS pixels wide."""
    figure = show(name, **START.get(name, {}))._repr_html_()
    page.set_content(PAGE.format(name=name, width=width, figure=figure, font=site_font()))
    page.wait_for_function(f"document.querySelector('ck-{name}').shadowRoot !== null")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(200)                      # drawn once more, in that font
    return page.locator(f"ck-{name}").screenshot()


def complain(error: Exception) -> None:
    """Stop: a figure whose script fails must not be photographed."""
    raise error


def refresh(name: str) -> None:
    """Put the figure as it is now into the stored outputs of the cells that show it."""
    os.environ["COURSEKIT_PLAIN"] = "1"             # as a run has it, whose outputs are stored
    shown = json.dumps(show(name)._repr_html_(), ensure_ascii=False)
    del os.environ["COURSEKIT_PLAIN"]
    old = re.compile(rf'"<ck-{name} data-params=(?:[^"\\]|\\.)*</ck-{name}>"')
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        if (new := old.sub(lambda _: shown, text)) != text:
            path.write_text(new, encoding="utf-8")
            print(f"  {path.name}")


def main() -> None:
    """Write every figure's picture; say how high the figure is, wide and on a phone."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 800, "height": 600})
        page.on("pageerror", complain)
        for name in sys.argv[1:] or FIGURES:
            file = FOLDER / f"{name}.webp"
            file.touch()                            # the very first time there is none
            SIZES.setdefault(name, [WIDE, WIDE, WIDE])
            wide = Image.open(io.BytesIO(photograph(page, name, WIDE)))
            narrow = Image.open(io.BytesIO(photograph(page, name, PHONE)))
            wide.convert("RGB").save(file, "WEBP", quality=QUALITY.get(name, 38), method=6)
            SIZES[name] = [*wide.size, narrow.height]
            print(f"{name}: {wide.width} x {wide.height}, {narrow.height} high on a "
                  f"phone, {file.stat().st_size / 1000:.0f} kB")
            refresh(name)
        browser.close()
    lines = ",\n".join(f"  {json.dumps(name)}: {SIZES[name]}" for name in sorted(SIZES))
    (FOLDER / "sizes.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
