"""What every stored notebook must be; tests/test_notebooks.py runs each check, also on bad ones.

A check takes a notebook and yields one sentence for each thing that is wrong with it.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import course
import mirror
import nbformat
import sync
from nbformat import NotebookNode

MAX_LINES, MAX_MIRRORED_LINES, MAX_BYTES = 25, 40, 1_500_000
MACHINE_PATH = re.compile(r"(?<![\w/.])/(?:root|home|Users|tmp|work|mnt|opt)/|\b[A-Z]:\\\w")
IMAGE_TAG = re.compile(r"<img\b[^>]*>|!\[[^\]]*\]\([^)]*\)")


def problems(path: Path, url: str) -> list[str]:
    """Everything wrong with the notebook at `path`; `url` is the repository's address."""
    notebook = nbformat.read(path, as_version=4)
    size = path.stat().st_size
    found = [f"{size} bytes, {MAX_BYTES} at most"] if size > MAX_BYTES else []
    return found + [problem for check in CHECKS for problem in check(notebook, url)]


def code_cells(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    """The code cells, counted from 1."""
    return list(enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1))


def printed(cell: NotebookNode, kinds: tuple[str, ...] = ("text/plain", "text/html")) -> str:
    """All text among a cell's outputs."""
    texts = [out.get("text", "") + "".join(out.get("data", {}).get(kind, "") for kind in kinds)
             for out in cell.outputs]
    return "\n".join(texts)


def has_image(cell: NotebookNode) -> bool:
    """Whether a cell stored a picture."""
    return any(kind.startswith("image/") for out in cell.outputs for kind in out.get("data", {}))


def order(notebook: NotebookNode, url: str) -> Iterator[str]:
    """Executed from top to bottom, once, by a fresh kernel."""
    for number, cell in code_cells(notebook):
        if cell.execution_count != number:
            yield (f"code cell {number} has execution count {cell.execution_count}: "
                   "run `make outputs`")


def outputs_stored(notebook: NotebookNode, url: str) -> Iterator[str]:
    """What a cell shows is in the file."""
    cells = code_cells(notebook)
    if not any(cell.outputs for _, cell in cells):
        yield "no outputs are stored: run `make outputs`"
    for number, cell in cells:
        if re.search(r"^plt\.show\(\)", cell.source, re.MULTILINE) and not has_image(cell):
            yield f"code cell {number} calls plt.show() but has no picture: run `make outputs`"


def no_errors(notebook: NotebookNode, url: str) -> Iterator[str]:
    """No cell fails, and none warns."""
    for number, cell in code_cells(notebook):
        for out in cell.outputs:
            if out.output_type == "error":
                yield f"code cell {number} stores the error {out.ename}: {out.evalue}"
            if out.get("name") == "stderr":
                yield f"code cell {number} writes to stderr: {out.text.strip()[:200]}"


def alternative_text(notebook: NotebookNode, url: str) -> Iterator[str]:
    """A person has written what every picture shows."""
    for number, cell in code_cells(notebook):
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if has_image(cell) and (len(alt.split()) < 4 or "_images/" in alt):
            yield (f"code cell {number} has a picture with the alternative text {alt!r}: say in a "
                   "sentence what it shows, under `mystnb: {image: {alt: ...}}`")
    for cell in notebook.cells:
        text = cell.source if cell.cell_type == "markdown" else printed(cell, ("text/html",))
        for tag in IMAGE_TAG.findall(text):
            if not re.search(r"\balt=([\"'])(?!\1).+?\1|!\[[^\]]*\w[^\]]*\]", tag):
                yield f"{tag[:80]} has no alternative text"


def setup_cell(notebook: NotebookNode, url: str) -> Iterator[str]:
    """One set-up cell, which comes first and is as the template has it."""
    marks = [sync.is_setup(cell) for _, cell in code_cells(notebook)]
    if marks[:1] != [True] or sum(marks) != 1:
        yield "the first code cell, and no other, must be tagged `setup`"
    for number, cell in code_cells(notebook):
        if sync.is_setup(cell) and cell.source != sync.setup_cell(url, course.read().branch):
            yield f"the set-up cell (code cell {number}) is not the template's: run `make sync`"


def trailing_semicolon(notebook: NotebookNode, url: str) -> Iterator[str]:
    """No cell ends in `;`: nbval shows the value all the same."""
    for number, cell in code_cells(notebook):
        if cell.source.rstrip().endswith(";"):
            yield f"code cell {number} ends in `;`: end it with plt.show(), or assign to `_`"


def measured_values(notebook: NotebookNode, url: str) -> Iterator[str]:
    """A cell that prints a measured value (`≈`) asserts its bound; a line on weights need not."""
    for number, cell in code_cells(notebook):
        lines = [line for line in printed(cell).splitlines() if not line.startswith("weights: ≈ ")]
        if any("≈" in line for line in lines) and not asserts(cell.source):
            yield f"code cell {number} prints a measured value (≈) but asserts no bound for it"


def asserts(source: str) -> bool:
    """Whether a cell holds an `assert` or calls a function such as torch.testing.assert_close."""
    nodes = list(ast.walk(ast.parse(re.sub(r"^(\s*)[%!].*", r"\1pass", source, flags=re.M))))
    called = [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]
    return (any(isinstance(node, ast.Assert) for node in nodes)
            or any(name.rpartition(".")[2].startswith("assert_") for name in called))


def opt_outs(notebook: NotebookNode, url: str) -> Iterator[str]:
    """No cell is kept from the comparison."""
    for number, cell in code_cells(notebook):
        marks = [tag for tag in cell.metadata.get("tags", [])
                 if tag.lower().startswith(("nbval", "raises-exception", "skip-execution"))]
        for mark in marks + re.findall(r"NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT", cell.source):
            yield f"code cell {number} opts out of the comparison ({mark}): make its output exact"
        if extra := set(cell.metadata) - set(sync.METADATA_KEPT):
            yield f"code cell {number} has metadata {sorted(extra)}: run `make sync`"


def length(notebook: NotebookNode, url: str) -> Iterator[str]:
    """A cell is one idea; a mirrored class of the package may take a little more room."""
    for number, cell in code_cells(notebook):
        most = MAX_MIRRORED_LINES if mirror.request(cell.source) else MAX_LINES
        if (lines := len(cell.source.splitlines())) > most:
            yield f"code cell {number} has {lines} lines, {most} at most: split it"


def places(notebook: NotebookNode, url: str) -> Iterator[str]:
    """The repository's address is in the set-up cell alone, and no path of a machine anywhere."""
    for number, cell in enumerate(notebook.cells, start=1):
        text = cell.source + "\n" + (printed(cell) if cell.cell_type == "code" else "")
        if url in text and not sync.is_setup(cell):
            yield f"cell {number} holds the repository's address, which belongs in course.yml"
        for path in MACHINE_PATH.findall(text):
            yield f"cell {number} holds a path of one machine ({path}...)"


CHECKS = (order, outputs_stored, no_errors, alternative_text, setup_cell, trailing_semicolon,
          measured_values, opt_outs, length, places)
