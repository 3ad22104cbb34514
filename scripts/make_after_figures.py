"""Draw the pictures of the page 'What came after' into `book/_static/after/`, as SVG.

Run: `python scripts/make_after_figures.py`, or with the names of some.
"""

import sys
from pathlib import Path

from after_diagrams import DIAGRAMS
from after_scenes import SCENES

FOLDER = Path(__file__).resolve().parent.parent / "book/_static/after"
DRAWINGS = SCENES | DIAGRAMS


def main() -> None:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or DRAWINGS:
        path = FOLDER / f"{name}.svg"
        path.write_text(DRAWINGS[name](), encoding="utf-8")
        print(f"book/_static/after/{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
