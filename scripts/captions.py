"""Numbered figures: how a caption and a reference are written, and whether a notebook keeps to it.

A cell with a picture or an interactive figure is followed by a Markdown cell that is its caption,
`**Figure 12.3.** What is seen.`, and the prose says "figure 12.3". The numbers run in reading order
through a chapter (1.1, 1.2, ...) and through its solutions (S1.1, S1.2, ...). On the website
`book/_ext/figure_links.py` makes the references links.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NUMBER = r"S?\d+\.\d+"
CAPTION = re.compile(rf"\*\*Figure ({NUMBER})\.\*\* +(?=\S)")
# "figure 12.3", "Figures 12.3 and 12.4", "figures 12.3, 12.4 and S12.1", "figures 12.3 to 12.5"
REFERENCE = re.compile(rf"\b[Ff]igures?\s+{NUMBER}(?:(?:,|,?\s+(?:and|or|to)|\s*–)\s*{NUMBER})*\b")
NOT_PROSE = re.compile(r"^(```|~~~).*?^\1|`+[^`]+`+|^#+ .*?$", re.DOTALL | re.MULTILINE)


def chapter_of(path: Path) -> str:
    """What a notebook's figure numbers begin with: 12 for a chapter, S12 for its solutions."""
    number = str(int(path.stem.split("_")[0]))
    return f"S{number}" if path.stem.endswith("_solutions") else number


def has_figure(cell: NotebookNode) -> bool:
    """Whether a cell shows a picture or an interactive figure."""
    shown = [out.get("data", {}) for out in cell.get("outputs", [])]
    return any(kind.startswith("image/") for data in shown for kind in data) or any(
        "<ck-" in data.get("text/html", "") for data in shown)


def caption_number(cell: NotebookNode) -> str | None:
    """The number of the figure that a cell is the caption of."""
    found = CAPTION.match(cell.source) if cell.cell_type == "markdown" else None
    return found and found[1]


def captions(notebook: NotebookNode) -> list[str]:
    """The numbers of all captions, in reading order."""
    return [number for cell in notebook.cells if (number := caption_number(cell))]


def references(text: str) -> list[str]:
    """The numbers of the figures that Markdown text speaks of, outside code and headings."""
    prose = NOT_PROSE.sub(" ", text)
    return [number for found in REFERENCE.findall(prose) for number in re.findall(NUMBER, found)]


@cache
def known_figures() -> frozenset[str]:
    """The numbers of every figure of the book: the notebooks', and those on its own pages."""
    notebooks = [path for folder in (ROOT / "notebooks", ROOT / "notebooks/solutions")
                 for path in folder.glob("*.ipynb")]
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "book").rglob("*.md")]
    return frozenset(
        [number for path in notebooks for number in captions(nbformat.read(path, as_version=4))]
        + [number for page in pages for number in re.findall(f"^{CAPTION.pattern}", page, re.M)])


def problems(notebook: NotebookNode, chapter: str, known: Iterable[str] = ()) -> list[str]:
    """Everything wrong with a notebook's captions; `known` are the figures of the other ones."""
    own = captions(notebook)
    found = [*caption_cells(notebook, chapter)]
    spoken_of = [(place, number) for place, cell in enumerate(notebook.cells, start=1)
                 if cell.cell_type == "markdown" and not caption_number(cell)
                 for number in references(cell.source)]
    found += [f"cell {place} speaks of figure {number}, which has no caption anywhere"
              for place, number in spoken_of if number not in {*own, *known}]
    found += [f"figure {number} is not spoken of in the text: say \"figure {number}\" near it"
              for number in own if number not in {number for _, number in spoken_of}]
    return found


def caption_cells(notebook: NotebookNode, chapter: str) -> Iterator[str]:
    """What is wrong with the caption cells themselves: one is missing, misplaced or misnumbered."""
    running = 0
    for place, cell in enumerate(notebook.cells, start=1):
        if not has_figure(cell):
            if place == 1 or not has_figure(notebook.cells[place - 2]):
                if number := caption_number(cell):
                    yield f"cell {place} is the caption of figure {number}, but cell {place - 1} " \
                          "shows no figure"
            continue
        running += 1
        wanted = f"**Figure {chapter}.{running}.**"
        after = notebook.cells[place] if place < len(notebook.cells) else None
        first = cell.source.strip().splitlines()[-1]
        if after is None or caption_number(after) is None:
            yield (f"cell {place} (... {first!r}) shows a figure, but the next cell is no caption: "
                   f"it must be a Markdown cell that begins {wanted!r}")
        elif caption_number(after) != f"{chapter}.{running}":
            yield (f"the caption in cell {place + 1} says figure {caption_number(after)}, but it "
                   f"is figure {chapter}.{running} in reading order")
        if after is not None and caption_number(after) and "\n\n" in after.source.strip():
            yield (f"the caption in cell {place + 1} has a second paragraph: put `+++` between "
                   "the caption and the prose that follows")
