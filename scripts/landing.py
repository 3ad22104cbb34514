"""The chart on the landing page: chapter 12's own, taken from the notebook's stored outputs.

So the page shows what that notebook measured when it last ran, and nothing that was copied by hand.
"""

import base64
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "12_mask_rcnn.ipynb"
AXIS = 'xlabel="seconds an image'           # in the source of the cell that draws the chart


def chart() -> tuple[bytes, str]:
    """The picture (PNG) of accuracy against seconds, and its alternative text."""
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells
             if cell.cell_type == "code" and AXIS in cell.source]
    pictures = [(output.data["image/png"], cell.metadata.mystnb.image.alt)
                for cell in cells for output in cell.outputs
                if "image/png" in output.get("data", {})]
    if len(pictures) != 1:
        raise ValueError(f"{NOTEBOOK.name}: one picture of a cell with {AXIS!r} was expected, "
                         f"{len(pictures)} found: name the cell for the landing page anew.")
    picture, alt = pictures[0]
    return base64.b64decode(picture), " ".join(alt.split())


def stage(static: Path) -> None:
    """Write the chart to where the site serves it."""
    folder = static / "landing"
    folder.mkdir(parents=True)
    (folder / "chart.png").write_bytes(chart()[0])


if __name__ == "__main__":
    print(chart()[1])
