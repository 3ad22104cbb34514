"""Print decks as handouts: two slides on a sheet, room to write, the answers on a last page."""

from pathlib import Path

from make_pdf import READY, chromium, served

OPTIONS = {"tagged": True, "outline": True, "prefer_css_page_size": True, "print_background": True}


def print_decks(numbers: list[str], folder: Path) -> None:
    """Write NN.pdf beside the NN.html of each of the decks in `folder`."""
    with served(folder) as address, chromium() as browser:
        for number in numbers:
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(f"{address}{number}.html?handout", wait_until="load")
            page.evaluate(READY)
            (folder / f"{number}.pdf").write_bytes(page.pdf(**OPTIONS))
            page.close()
