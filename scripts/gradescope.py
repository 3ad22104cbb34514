"""A lab as a zip for Gradescope: otter-grader makes it, from a notebook in otter's form.

The zip holds each function's tests, the hidden ones too, the course's own package as a wheel, and
the class's seed in `run_autograder`; none of that goes into the repository. Gradescope builds its
image from `environment.yml` (PyTorch for the CPU) and gives the automatic points; the answers that
a person marks are questions of their own there.
"""
from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from textwrap import indent

import nbformat
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_raw_cell

import labs
from coursekit.checks.seeded import CLASS_SEED

CPU = "--extra-index-url https://download.pytorch.org/whl/cpu"   # as in scripts/venv
SOURCE = "/autograder/source/files"                              # where Gradescope unpacks files
DATE = (2026, 1, 1, 0, 0, 0)                                     # of every file: equal zips
ASSIGN = """\
import sys
from otter.assign import main
for lab in sys.argv[1:]:
    main(f"{lab}.ipynb", lab, no_pdfs=True)"""
PACKAGED = "pyproject.toml", "README.md", "LICENSE", "src"


def raw(title: str, settings: dict | None = None) -> NotebookNode:
    """One of otter's raw cells."""
    return new_raw_cell(f"# {title}\n" + (yaml.safe_dump(settings) if settings else ""))


def test_cell(question: labs.Question, lines: str, mark: str = "") -> NotebookNode:
    """Tests as otter's: a function of the student's function, and of nothing else of theirs."""
    return new_code_cell(f"{mark}def test({question.name}):\n{indent(lines, '    ')}")


def master(solved: NotebookNode, wheel: str, root: Path = labs.ROOT) -> NotebookNode:
    """The lab in otter's form; `wheel` is a file beside it.

    It has no name: otter would refuse notebooks that it did not make itself.
    """
    pins = dict(re.findall(r"^(torch|torchvision)==([\d.]+)",
                           (root / "requirements.txt").read_text(encoding="utf-8"), re.M))
    settings = {
        "init_cell": False, "export_cell": False, "python_version": "3.12",
        "tests": {"ok_format": False}, "autograder_files": [wheel], "run_tests": False,
        "requirements": [CPU, *(f"{package}=={version}+cpu" for package, version in pins.items()),
                         f"{SOURCE}/{wheel}"]}
    before = labs.imports(solved)
    cells = [raw("ASSIGNMENT CONFIG", settings), new_code_cell(before)]
    for question in labs.questions(solved):
        solution = question.solution.replace("### BEGIN", "# BEGIN").replace("### END", "# END")
        cells += [
            raw("BEGIN QUESTION", {"name": question.name, "points": question.points,
                                   "all_or_nothing": True}),
            raw("BEGIN SOLUTION"), new_code_cell(solution), raw("END SOLUTION"),
            raw("BEGIN TESTS"), test_cell(question, before + question.visible),
            test_cell(question, before + question.hidden, "# HIDDEN\n"), raw("END TESTS"),
            raw("END QUESTION")]
    return nbformat.v4.new_notebook(cells=cells, metadata=solved.metadata)


def build_wheel(folder: Path, root: Path = labs.ROOT) -> Path:
    """The course's package as a wheel, built from a copy: nothing is left beside the source."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for part in PACKAGED:
            if (root / part).is_dir():
                shutil.copytree(root / part, copy / part,
                                ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
            else:
                shutil.copy(root / part, copy / part)
        subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check",
                        "--no-deps", "--no-build-isolation", "-w", folder, copy], check=True)
    return next(folder.glob("pixels_to_instances-*.whl"))


def with_seed(script: str, seed: str) -> str:
    """Otter's `run_autograder` with the class's seed in its environment."""
    first, rest = script.split("\n", 1)
    if not first.startswith("#!"):
        raise ValueError(f"run_autograder begins with {first!r}, but a line with #! was expected: "
                         "has otter-grader changed? Its version is in requirements-teach.txt.")
    return f"{first}\nexport {CLASS_SEED}={shlex.quote(seed)}\n{rest}"


def pack(made: Path, target: Path, seed: str) -> None:
    """Write otter's zip again, with the class's seed and without the time of day."""
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(target, "w") as new:
        for item in sorted(old.namelist()):
            data, entry = old.read(item), zipfile.ZipInfo(item, DATE)
            if item == "run_autograder":
                data = with_seed(data.decode(), seed).encode()
            entry.external_attr = 0o755 << 16
            entry.compress_type = (zipfile.ZIP_STORED if item.endswith(".whl")
                                   else zipfile.ZIP_DEFLATED)
            new.writestr(entry, data)


def write(targets: dict[str, Path], wheel: Path, seed: str, root: Path = labs.ROOT) -> None:
    """Write labs' zips for Gradescope; the same lab, package and seed give the same bytes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        shutil.copy(wheel, folder)
        for lab in targets:
            nbformat.write(master(labs.read(lab, root), wheel.name, root), folder / f"{lab}.ipynb")
        done = subprocess.run([sys.executable, "-c", ASSIGN, *targets], cwd=folder,
                              capture_output=True, text=True)
        if done.returncode:
            raise ValueError(f"otter cannot make the zips: {done.stderr.strip()}")
        for lab, target in targets.items():
            pack(next((folder / lab / "autograder").glob("*.zip")), target, seed)
