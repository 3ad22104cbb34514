"""A class that nobody belongs to: submissions from a lab's solution and its typical wrong answers.

Which answers are wrong is drawn at random, so that the points that each student must get are known
without grading anybody.
"""

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from grading import Lab

import labs

FIRST = "Ada Ben Cleo Dan Eve Finn Gia Hugo Ines Jon".split()
LAST = "Ash Birch Cedar".split()
HARM = "import os\nwhile True:\n    os.fork()\n"      # for one cell of the second student


@dataclass(frozen=True)
class Member:
    """A student of the class: the folder that Moodle would name, and the points to come."""

    folder: str
    points: dict[str, float]


def wrong(lab: Lab, name: str, number: int) -> str:
    """A cell that answers with one of tests/answers' wrong functions."""
    text = (labs.ROOT / f"tests/answers/lab_{lab.name.lower()}.py").read_text(encoding="utf-8")
    case = f'["WRONG"]["{lab.name}.{name}"][{number}]'
    return f"space = {{}}\nexec({text!r}, space)\n{name} = space{case}[0]\n"


def make(folder: Path, lab: Lab, size: int, cases: dict[str, int], seed: int = 0) -> list[Member]:
    """Write `size` submissions as Moodle lays them out; returns who gets what.

    The first is all right, the second harmful, the third as students got it, the fourth no JSON;
    of the others each answer is wrong once in four.

    Args:
        folder: emptied first.
        lab: to hand in.
        size: of the class, up to 30.
        cases: how many wrong answers there are, by function.
        seed: another one makes another class.
    """
    if not 1 <= size <= len(FIRST) * len(LAST):
        raise ValueError(f"size: got {size}, but 1 to {len(FIRST) * len(LAST)} was expected.")
    shutil.rmtree(folder, ignore_errors=True)
    draw, members = random.Random(seed), []
    for number in range(size):
        name = f"{FIRST[number % len(FIRST)]} {LAST[number // len(FIRST)]}"
        written, points = dict(lab.answers()), dict(lab.most)
        for question, many in cases.items():
            bad = draw.random() < 0.25 and number > 3
            if number == 1 and question == list(cases)[-1]:
                written[question], points[f"test_{question}"] = HARM, 0.0
            elif bad:
                written[question] = wrong(lab, question, draw.randrange(many))
                points[f"test_{question}"] = 0.0
        if number == 2:
            written, points = {}, dict.fromkeys(points, 0.0)
        path = folder / f"{name}_{1000 + number}_assignsubmission_file_" / f"{lab.file}.ipynb"
        path.parent.mkdir(parents=True)
        content = json.dumps(notebook(lab, written))
        if number == 3:
            content, points = content[:len(content) // 2], dict.fromkeys(points, 0.0)
        path.write_text(content, encoding="utf-8")
        members.append(Member(path.parent.name, points))
    return members


def notebook(lab: Lab, written: dict[str, str]) -> dict:
    """The student's notebook with answers in it."""
    made = json.loads(json.dumps(lab.student))
    for cell in made["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = written.get(name, cell["source"])
    return made
