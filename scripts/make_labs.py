"""The graded labs in all their forms: `make labs`, or `make labs LAB=A` for one of them.

    labs/A_upsampling.ipynb             what students get; commit it
    _build/labs/A_upsampling.html       the solution page
    _build/labs/A_upsampling.zip        the tests for Gradescope
    _build/labs/nbgrader                a course folder for nbgrader's own commands

The last three hold solutions and hidden tests; the zip holds the class's seed, too, which comes
from the environment variable that course.yml names: they are the teacher's, not the students'.
"""
from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import course
import gradescope
import lab_page
import sync
from nbclient.exceptions import CellExecutionError

import labs
from coursekit.checks.seeded import CLASS_SEED

CONFIG = '''\
"""For nbgrader's own commands, run in this folder: nbgrader generate_assignment A_upsampling.

`nbgrader autograde` runs students' code with your rights and keeps nothing from it: see the page
on grading (book/teach/grading.md) for a run that does.
"""
import os

c = get_config()
c.CourseDirectory.course_id = "{name}"
c.ExecutePreprocessor.timeout = 120   # seconds a cell
os.environ["{own}"] = os.environ.get("{variable}", "")   # the class's seed, for the hidden tests
'''


def write_student(lab: str, root: Path = labs.ROOT) -> Path:
    """Write the notebook that students get."""
    path = labs.notebook_path(lab, root)
    path.write_text(sync.dumps(labs.student(labs.read(lab, root))), encoding="utf-8")
    return path


def write_nbgrader(lab: str, out: Path, root: Path = labs.ROOT) -> Path:
    """Write the lab into a course folder for nbgrader."""
    said, name = course.read(root), labs.text(lab, root).stem
    source = out / "nbgrader/source" / name / f"{name}.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(sync.dumps(labs.read(lab, root)), encoding="utf-8")
    (out / "nbgrader/nbgrader_config.py").write_text(CONFIG.format(
        name=said.name, own=CLASS_SEED, variable=said.seed_variable), encoding="utf-8")
    return source


def write_page(lab: str, out: Path, root: Path = labs.ROOT) -> Path:
    """Run the solved lab and write its page."""
    with tempfile.TemporaryDirectory() as folder:
        done = lab_page.run(labs.read(lab, root), labs.seeded(root), folder)
    path, title = out / f"{labs.text(lab, root).stem}.html", done.cells[0].source.split("\n")[0]
    path.write_text(lab_page.page(done, f"{title.strip('# ')}: solutions"), encoding="utf-8")
    return path


def write_zips(wanted: list[str], out: Path, root: Path = labs.ROOT) -> list[Path]:
    """Write the zips for Gradescope."""
    targets = {lab: out / f"{labs.text(lab, root).stem}.zip" for lab in wanted}
    with tempfile.TemporaryDirectory() as folder:
        wheel = gradescope.build_wheel(Path(folder), root)
        gradescope.write(targets, wheel, labs.class_seed(root), root)
    return [*targets.values()]


def main(wanted: list[str]) -> None:
    """Make the labs that are named, or all."""
    for lab in wanted:
        labs.text(lab)   # a wrong name is told before anything is written
    wanted, out = wanted or [*labs.texts()], labs.ROOT / "_build/labs"
    out.mkdir(parents=True, exist_ok=True)
    for lab in wanted:
        for path in write_student(lab), write_nbgrader(lab, out), write_page(lab, out):
            print(f"wrote {path.relative_to(labs.ROOT)}")
    for path in write_zips(wanted, out):
        print(f"wrote {path.relative_to(labs.ROOT)}")
    if labs.class_seed() == "practice":
        print("The zips' tests use the seed 'practice', which everybody knows. Before you upload "
              f"one, set {course.read().seed_variable} to a word of your own and make it again.")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
    except CellExecutionError as error:
        sys.exit(f"The solved lab does not run: {error}")
