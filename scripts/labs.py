"""The graded labs: from a solved text to the notebook that students get.

labs/text/A_upsampling.md, solved and with hidden tests and mark schemes, is a lab's only source:
jupytext's md:myst with nbgrader's metadata. nbgrader's own preprocessors make the student's
notebook of it. For each function there are two cells: its solution (`grade_id: nearest`) and its
tests (`grade_id: test_nearest`), of which students see `assert check("A.nearest", nearest)` only.
"""
from __future__ import annotations

import ast
import os
import re
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import course
import jupytext
import nbformat
import sync
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)

from coursekit.checks.seeded import CLASS_SEED

ROOT = sync.ROOT
STEPS = (LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ComputeChecksums,
         ClearHiddenTests, ClearMarkScheme, ComputeChecksums)   # as `nbgrader generate_assignment`
MARKS = re.compile(r"^ *(### (BEGIN|END) (SOLUTION|HIDDEN TESTS)|=== (BEGIN|END) MARK SCHEME ===)"
                   r" *\n?", re.M)
HIDDEN = re.compile(r"^### BEGIN HIDDEN TESTS\n(.*)^### END HIDDEN TESTS\n?", re.M | re.S)
SOLVED = re.compile(r"^ *### BEGIN SOLUTION\n(.*)^ *### END SOLUTION", re.M | re.S)
SCHEME = re.compile(r"^=== BEGIN MARK SCHEME ===\n(.*)^=== END MARK SCHEME ===", re.M | re.S)


@dataclass(frozen=True)
class Question:
    """A function to write: its solution, what students see of its tests, and what they do not."""

    name: str
    points: float
    solution: str
    visible: str
    hidden: str


def texts(root: Path = ROOT) -> dict[str, Path]:
    """The labs' texts by letter."""
    return {path.stem.split("_")[0]: path for path in sorted(root.glob("labs/text/*.md"))}


def text(lab: str, root: Path = ROOT) -> Path:
    """One lab's text; a ValueError if there is no such lab."""
    found = texts(root)
    if lab not in found:
        raise ValueError(f"LAB is {lab!r}, but one of {', '.join(found) or 'no labs at all'} is "
                         "wanted: name one, as in LAB=A.")
    return found[lab]


def notebook_path(lab: str, root: Path = ROOT) -> Path:
    """Where the notebook lies that students get."""
    return root / "labs" / f"{text(lab, root).stem}.ipynb"


def class_seed(root: Path = ROOT) -> str:
    """The class's seed, from the environment variable that course.yml names; else "practice"."""
    return os.environ.get(course.read(root).seed_variable) or "practice"


def seeded(root: Path = ROOT) -> dict[str, str]:
    """The environment in which a class's tests run."""
    return {**os.environ, CLASS_SEED: class_seed(root)}


def read(lab: str, root: Path = ROOT) -> NotebookNode:
    """A solved lab as a notebook: set-up cell filled in, no outputs, nbgrader's metadata.

    Raises:
        ValueError: no such lab; or what `complaints` says of it.
    """
    file, said, ids = text(lab, root), course.read(root), []
    notebook = jupytext.reads(file.read_text(encoding="utf-8"), fmt="md:myst")
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in ("tags", "nbgrader") if key in cell.metadata}
        cell.metadata = NotebookNode(kept)
        if sync.is_setup(cell):
            cell.source = sync.setup_cell(said.url, said.branch)
        own = kept.get("nbgrader", {}).get("grade_id")
        ids.append(own or sha256(cell.source.encode()).hexdigest()[:8])
        cell.id = own or f"{ids[-1]}-{ids.count(ids[-1])}"
    notebook.metadata = nbformat.from_dict(sync.METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    if found := complaints(notebook, lab):
        raise ValueError("\n".join(f"{file.name}: {line}" for line in found))
    return notebook


def is_known(cell: NotebookNode) -> bool:
    """Whether nbgrader knows a cell."""
    return "grade_id" in cell.metadata.get("nbgrader", {})


def graded(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The cells that nbgrader knows, by their grade_id."""
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells
            if is_known(cell)}


def is_manual(cell: NotebookNode) -> bool:
    """Whether a cell is an answer that a person marks."""
    return utils.is_grade(cell) and utils.is_solution(cell)


def questions(solved: NotebookNode) -> list[Question]:
    """The functions to write, in order."""
    cells = graded(solved)
    return [Question(name, tests.metadata.nbgrader.points, cells[name].source,
                     HIDDEN.sub("", tests.source).rstrip() + "\n",
                     HIDDEN.search(tests.source)[1].rstrip() + "\n")
            for tests in cells.values() if utils.is_grade(tests) and not is_manual(tests)
            for name in [tests.metadata.nbgrader.grade_id.removeprefix("test_")]]


def complaints(solved: NotebookNode, lab: str) -> list[str]:
    """What keeps a solved lab from being graded as the labs are; empty if nothing does."""
    known = [cell.metadata.nbgrader.grade_id for cell in solved.cells
             if is_known(cell)]
    found = [f"two cells have the grade_id {name}" for name in sorted(set(known))
             if known.count(name) > 1]
    if not any(map(sync.is_setup, solved.cells)):
        found.append("no cell has the tag setup")
    for name, cell in graded(solved).items():
        if is_manual(cell):
            if cell.cell_type != "markdown" or not SCHEME.search(cell.source):
                found.append(f"{name} is marked by hand, but is not text with a mark scheme")
        elif utils.is_grade(cell):
            own = name.removeprefix("test_")
            shown = f'assert check("{lab}.{own}", {own})\n'
            if not HIDDEN.search(cell.source) or HIDDEN.sub("", cell.source).strip("\n") + "\n" != (
                    shown):
                found.append(f"{name} must be {shown.strip()!r} and hidden tests, no more")
            if own == name or own not in known:
                found.append(f"{name} has no solution cell of the same name without test_")
        elif utils.is_solution(cell) and f"test_{name}" in known and not SOLVED.search(cell.source):
            found.append(f"{name} has no lines between ### BEGIN SOLUTION and ### END SOLUTION")
    return found


def student(solved: NotebookNode) -> NotebookNode:
    """The notebook that students get: no solution, no hidden test, no mark scheme, no output."""
    notebook, resources = deepcopy(solved), {"metadata": {"path": "."}}
    for step in STEPS:
        notebook, resources = step().preprocess(notebook, resources)
    return notebook


def secrets(solved: NotebookNode) -> set[str]:
    """The lines of solutions, hidden tests, model answers and mark schemes that say something."""
    shown = "\n".join(cell.source for cell in student(solved).cells)
    hidden = []
    for cell in graded(solved).values():
        whole = is_manual(cell) or not (SOLVED.search(cell.source) or utils.is_grade(cell))
        hidden += [cell.source] if whole else [
            part[1] for rule in (SOLVED, HIDDEN) for part in rule.finditer(cell.source)]
    lines = {line.strip() for part in hidden for line in MARKS.sub("", part).splitlines()}
    return {line for line in lines if len(line) > 8 and line not in shown}


def imports(solved: NotebookNode) -> str:
    """What the lab's ungraded cells import: the lines that a test needs before its own."""
    found = ["import torch"]                                         # of the set-up cell
    for cell in solved.cells:
        if cell.cell_type == "code" and not is_known(cell) and (
                not sync.is_setup(cell)):
            found += [ast.unparse(node) for node in ast.parse(cell.source).body
                      if isinstance(node, (ast.Import, ast.ImportFrom))]
    return "\n".join(dict.fromkeys(found)) + "\n"
