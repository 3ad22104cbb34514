"""What one submission gets: the student's answers in the lab's frame, run in a sandbox.

Points are given by nbgrader's own `determine_grade`: all of a test's, where it ran to its last
line, or none. Where a submission stops early, the tests before keep their points and those after
it have none.
"""

import re
import sys
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import sandbox
import sandbox_process
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import determine_grade, is_grade, is_solution

import labs


@dataclass
class Lab:
    """A lab to grade: the solved notebook, and what students got."""

    name: str
    solved: NotebookNode
    file: str = ""                                        # as in labs/A_upsampling.ipynb

    def __post_init__(self):
        self.student = labs.student(self.solved)
        cells = labs.graded(self.solved)
        self.most = {name: float(cell.metadata.nbgrader.points)
                     for name, cell in cells.items() if is_grade(cell)}
        self.by_hand = [name for name, cell in cells.items() if labs.is_manual(cell)]
        self.given = {name: cell.source for name, cell in labs.graded(self.student).items()
                      if is_solution(cell)}
        self.frame = {cell.source.strip() for cell in self.student.cells
                      if cell.cell_type == "code"}

    def answers(self) -> dict[str, str]:
        """The course's own, which get every point."""
        return {name: cell.source for name, cell in labs.graded(self.solved).items()
                if name in self.given}


@dataclass
class Grader:
    """How one submission is run."""

    lab: Lab
    seed: str = "practice"
    python: str = sys.executable
    limits: sandbox.Limits = field(default_factory=sandbox.Limits)
    image: str = ""                                       # of a container, instead of bubblewrap
    engine: str = "docker"

    def command(self) -> list[str]:
        """The sandbox's command line."""
        variables = sandbox.environment(self.python, self.seed)
        if self.image:
            return sandbox.container(self.image, self.engine, variables, self.limits)
        return sandbox.bubblewrap(self.python, variables, self.limits)

    def fingerprint(self, content: bytes) -> str:
        """Changes with the submission, the lab, the seed, the limits and this program."""
        programs = [Path(__file__), *sorted(Path(__file__).parent.glob("sandbox*.py"))]
        code = b"".join(path.read_bytes() for path in programs)
        settings = repr((self.seed, self.limits, self.image, self.lab.solved)).encode()
        return sha256(content + code + settings).hexdigest()

    def marks(self, answers: dict[str, str]) -> tuple[dict, dict, list[str]]:
        """Points and comments by cell, and remarks, for what a student wrote."""
        cells, places = frame(self.lab, answers)
        outcome = sandbox_process.run(cells, self.command(), self.limits)
        errors = {report["cell"]: report.get("error") for report in outcome.reports}
        points, comments = {}, {}
        for name, cell in labs.graded(self.lab.student).items():
            if name not in self.lab.most:
                continue
            cell, comments[name] = deepcopy(cell), ""
            if name in places:
                error = errors.get(places[name], {"ename": "not reached"})
                cell.outputs = [failure(error)] if error else []
                comments[name] = explain(error, errors.get(places.get(name[len("test_"):])))
            else:
                cell.source = answers.get(name, cell.source)
            points[name] = determine_grade(cell)[0]
        return points, comments, remark(outcome, places)


def explain(error: dict | None, before: dict | None) -> str:
    """Why a test gave no points: its own error, or that of the student's cell."""
    if not error:
        return ""
    return f"the cell stopped with {said(before)}" if before else said(error)


def remark(outcome: sandbox_process.Outcome, places: dict[str, int]) -> list[str]:
    """Where and why a submission stopped early."""
    if not outcome.ended:
        return []
    reached = len(outcome.reports)
    where = next((name for name, place in places.items() if place == reached), "the lab's own cell")
    return [f"stopped at {where}: {outcome.ended}"]


def frame(lab: Lab, answers: dict[str, str]) -> tuple[list[dict], dict[str, int]]:
    """The lab's code cells, the student's own set into them, and where each stands."""
    cells, places = [], {}
    for cell in lab.solved.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if cell.cell_type != "code":
            continue
        places.update({name: len(cells)} if name else {})
        if name in lab.most and name not in lab.given:
            cells.append({"kind": "grade", "source": cell.source})
        elif name in lab.given:
            cells.append({"kind": "solution", "source": answers.get(name, ""),
                          "solved": cell.source})
        else:
            cells.append({"kind": "frame", "source": cell.source})
    last = max((place for name, place in places.items() if name in lab.most), default=-1)
    return cells[:last + 1], places


def said(error: dict) -> str:
    """An error in one line, for a student to read."""
    name, value = (str(error.get(key, "")) for key in ("ename", "evalue"))
    line = " ".join(re.sub(r"[^\x20-\x7e\xa0-\U0010ffff]", " ", f"{name}: {value}").split())
    return line.removesuffix(":")[:300]


def failure(error: dict) -> NotebookNode:
    """The error as a notebook's output, which costs the cell's points."""
    return new_output("error", ename=str(error.get("ename")), evalue=said(error), traceback=[])


def check(grader: Grader) -> None:
    """Make sure that the lab's own solution gets every point here, before students are marked.

    Raises:
        ValueError: it does not, and which cells fail with what.
    """
    points, comments, remarks = grader.marks(grader.lab.answers())
    lost = [f"{name} ({comments[name]})" for name, most in grader.lab.most.items()
            if points[name] is not None and points[name] < most]
    if lost:
        raise ValueError(f"Lab {grader.lab.name}'s own solution loses points here, so nobody was "
                         f"graded: {'; '.join(lost + remarks)}.")
