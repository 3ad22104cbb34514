"""How long grading takes: a mock class of 30, isolated, beside nbgrader's own autograde.

    .venv-teach/bin/python scripts/measure_grading.py [LAB] [--size 30] [--jobs 2] [--peer 3]

The class (mock_class.py) is graded as `make grade` does; every point is compared with what the
student must get. nbgrader grades some of the same submissions one after the other, not isolated.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import grade
import mock_class
import nbformat
import submissions
from grading import Grader, Lab, check

import labs

CLASS = 500


def wrong_answers(lab: Lab) -> dict[str, int]:
    """How many wrong answers tests/answers has, by function."""
    sys.path.insert(0, str(labs.ROOT / "tests"))
    cases = import_module(f"answers.lab_{lab.name.lower()}").WRONG
    return {name.partition(".")[2]: len(found) for name, found in cases.items()}


def ours(lab: Lab, folder: Path, members: list[mock_class.Member], jobs: int) -> float:
    """Seconds to grade the class; stops where a student got other points than must be."""
    grader, start = Grader(lab, "a class for measuring"), time.monotonic()
    check(grader)
    rows = grade.grade_all(submissions.find(folder / "in")[0], grader, folder / "out", jobs)
    seconds = time.monotonic() - start
    expected = {member.folder.removesuffix("_assignsubmission_file_"): member.points
                for member in members}
    for row in rows:
        marks = {cell: mark for cell, mark in row.points.items() if cell not in lab.by_hand}
        must = {cell: expected[row.key][cell] for cell in marks}
        assert marks == must, f"{row.key}: {marks}, but {must} was expected"
    print((folder / "out/grades.csv").read_text(encoding="utf-8"))
    print(f"{len(rows)} submissions, {sum(len(row.points) for row in rows)} cells: every point as "
          "it must be")
    return seconds


def peers(lab: Lab, folder: Path, names: list[str]) -> float:
    """Seconds that nbgrader's autograde takes for some of the class, in series."""
    course = folder / "nbgrader"
    source = course / "source" / lab.name / f"{lab.file}.ipynb"
    source.parent.mkdir(parents=True)
    nbformat.write(lab.solved, source)
    for number, name in enumerate(names):
        there = course / "submitted" / f"s{number}" / lab.name / source.name
        there.parent.mkdir(parents=True)
        there.write_bytes((folder / "in" / name / source.name).read_bytes())
    call = [sys.executable, "-m", "nbgrader"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"     # it calls alembic

    def run(command: str) -> None:
        subprocess.run([*call, command, lab.name, f"--CourseDirectory.root={course}"], cwd=course,
                       check=True, capture_output=True, env={**os.environ, "PATH": path})

    run("generate_assignment")
    start = time.monotonic()
    run("autograde")
    return time.monotonic() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lab", nargs="?", default="A")
    for name, number in (("--size", 30), ("--jobs", 2), ("--peer", 3)):
        parser.add_argument(name, type=int, default=number)
    said = parser.parse_args()
    lab = Lab(said.lab, labs.read(said.lab), labs.text(said.lab).stem)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        members = mock_class.make(folder / "in", lab, said.size, wrong_answers(lab))
        seconds = ours(lab, folder, members, said.jobs)
        each = seconds / said.size
        load = os.getloadavg()[0]
        print(f"{said.size} submissions of lab {lab.name}, {said.jobs} at a time: {seconds:.0f} s, "
              f"{each:.1f} s each; {CLASS} would take {each * CLASS / 60:.0f} min")
        if said.peer:
            whole = [member.folder for member in members if sum(member.points.values())][2:]
            peer = peers(lab, folder, whole[:said.peer]) / said.peer
            print(f"nbgrader autograde, not isolated, one after the other: {peer:.1f} s each; "
                  f"{CLASS} would take {peer * CLASS / 60:.0f} min")
        print(json.dumps({"cpus": os.cpu_count(), "load": round(load, 1)}))


if __name__ == "__main__":
    main()
