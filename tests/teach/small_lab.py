"""A small lab to grade in tests, and notebooks as students hand them in."""
import json
import shutil
from pathlib import Path

import jupytext
import mock_class
import sandbox
from grading import Grader, Lab

TEXT = Path(__file__).with_suffix(".md")
LIMITS = sandbox.Limits(wall=40, cell=4, cpu=15, memory=700, total=1200, processes=60, files=16,
                        output=200_000)
DOUBLE = "def double(values):\n    return [value * 2 for value in values]\n"
MEAN = "def mean(values):\n    return sum(values) / len(values)\n"
submission = mock_class.notebook      # the student's notebook with answers in it


def small_lab() -> Lab:
    return Lab("S", jupytext.reads(TEXT.read_text(encoding="utf-8"), fmt="md:myst"), "S_small")


def grader(lab: Lab) -> Grader:
    return Grader(lab, limits=LIMITS)


def hand_in(path: Path, notebook: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
