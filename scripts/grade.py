"""Grade the submissions of a lab: `make grade LAB=A SUBMISSIONS=folder [ROSTER=file.csv]`.

Of each submission only what the student was asked to write is taken, and set into the lab's own
notebook; that runs in a sandbox of its own, and nbgrader says how many points each cell gets.
Everything that comes out lies in _build/grades/A. A run that was cut off goes on where it was: what
has been graded is not graded again, unless the submission, the lab or the class's seed changed.
"""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradebook
import roster
import sandbox
import submissions
from gradebook import Row
from grading import Grader, Lab, check
from submissions import Student, Unreadable

import labs

ROOT = labs.ROOT


def grade(student: Student, grader: Grader, results: Path) -> Row:
    """One student's marks: as they were graded before, or run now; whatever comes, a row."""
    lab = grader.lab
    row = Row(student.key, student.name, dict.fromkeys(lab.most, 0.0),
              participant=student.number if student.system == "moodle" else "",
              canvas=student.number if student.system == "canvas" else "")
    if not student.files:
        row.remarks.append("no notebook was handed in")
        return row
    path = submissions.choose(student.files, lab.file or lab.name)
    if len(student.files) > 1:
        row.remarks.append(f"of {len(student.files)} notebooks '{path.name}' was graded")
    try:
        cells = submissions.read(path)
        answers, remarks = submissions.answers(cells, lab.given, lab.frame)
    except Unreadable as problem:
        row.remarks.append(str(problem))
        return row
    row.remarks += remarks
    mark = grader.fingerprint(json.dumps(answers, sort_keys=True).encode())
    kept = results / f"{gradebook.file_name(student.key)}.json"
    result = earlier(kept, mark)
    if result is None:
        points, comments, remarks = grader.marks(answers)
        result = {"of": mark, "points": points, "comments": comments, "remarks": remarks,
                  "written": {name: answers.get(name, "") for name in lab.by_hand}}
        gradebook.write(kept, json.dumps(result, indent=1))
    row.points, row.comments, row.written = (
        result["points"], result["comments"], result["written"])
    row.remarks += result["remarks"]
    return row


def earlier(path: Path, mark: str) -> dict | None:
    """The result of an earlier run, if it is of the very same submission."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        return result if result["of"] == mark else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def grade_all(students: list[Student], grader: Grader, out: Path, jobs: int = 1,
              people: list[dict] | None = None, column: str = "") -> list[Row]:
    """Grade a class and write its files; returns the rows."""
    lab, results = grader.lab, out / "results"
    hand = gradebook.read_by_hand(out / "by_hand.csv", lab.most)
    with ThreadPoolExecutor(jobs) as pool:
        rows = []
        for row in pool.map(lambda student: grade(student, grader, results), students):
            rows.append(row)
            print(f"{len(rows):4} of {len(students)}  {row.total:5g}  {row.key}  "
                  f"{'; '.join(row.remarks)}", flush=True)
    for row in rows:
        for cell in lab.by_hand:
            mark, comment = hand.get((gradebook.safe(row.key), cell), (row.points[cell], ""))
            row.points[cell], row.comments[cell] = mark, comment
    enrol(rows, people or [], lab)
    files(rows, lab, out, column or f"Lab {lab.name}")
    return rows


def enrol(rows: list[Row], people: list[dict], lab: Lab) -> None:
    """Find each student on the roster, and add those of it who handed in nothing."""
    if not people:
        return
    for row in rows:
        person = roster.match(row, people)
        row.person = person or {}
        if not person:
            row.remarks.append("not found on the roster")
    found = [id(row.person) for row in rows]
    for person in people:
        if id(person) not in found:
            name = person["name"] or person["login"] or person["email"]
            rows.append(Row(name, name, dict.fromkeys(lab.most, 0.0), ["nothing handed in"],
                            person, handed_in=False))


def files(rows: list[Row], lab: Lab, out: Path, column: str) -> None:
    """Write everything that a teacher takes away."""
    most, handed_in = sum(lab.most.values()), [row for row in rows if row.handed_in]
    gradebook.write(out / "grades.csv", gradebook.grades(rows, lab.most))
    gradebook.write(out / "moodle.csv", gradebook.moodle(handed_in, most))
    gradebook.write(out / "canvas.csv", gradebook.canvas(handed_in, most, column))
    gradebook.write(out / "by_hand.csv", gradebook.by_hand(rows, lab.most, lab.by_hand))
    for cell in lab.by_hand:
        gradebook.write(out / "answers" / f"{cell}.md", gradebook.answers(handed_in, cell))
    for row in handed_in:
        gradebook.write(out / "feedback" / f"{gradebook.file_name(row.key)}.txt",
                        gradebook.feedback(row, lab.name, lab.most))


def arguments(given: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lab", help="the lab's letter")
    parser.add_argument("submissions", help="the unpacked folder")
    parser.add_argument("--roster", type=Path, help="the class, as Moodle or Canvas exports it")
    parser.add_argument("--jobs", type=int, default=1, help="submissions at a time")
    parser.add_argument("--column", default="", help="the heading in Canvas, 'Lab A (1234)'")
    parser.add_argument("--out", type=Path, help="a folder (_build/grades/A)")
    parser.add_argument("--container", default="", metavar="IMAGE", help="instead of bubblewrap")
    parser.add_argument("--engine", default="docker", help="that runs the container, or podman")
    said = parser.parse_args(given)
    if said.jobs < 1:
        parser.error(f"JOBS is {said.jobs}, but 1 or more is wanted")
    return said


def main(given: list[str] | None = None) -> None:
    """Grade a class; anything that is wrong with the command is said in one line."""
    said, start = arguments(given), time.monotonic()
    try:
        lab = Lab(said.lab, labs.read(said.lab), labs.text(said.lab).stem)
        students, nobodys = submissions.find(said.submissions)
        people = roster.read_roster(said.roster) if said.roster else None
        grader = Grader(lab, labs.class_seed(), image=said.container, engine=said.engine)
        if not said.container:
            isolated = subprocess.run([ROOT / "scripts/bubblewrap"], capture_output=True, text=True)
            if isolated.returncode:
                raise sandbox.NoSandbox(isolated.stderr.strip().splitlines()[-1])
        out = said.out or ROOT / "_build/grades" / said.lab
        check(grader)
        rows = grade_all(students, grader, out, said.jobs, people, said.column)
    except (ValueError, sandbox.NoSandbox, OSError) as problem:
        sys.exit(f"{problem}")
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command goes on where it was.")
    for path in nobodys:
        print(f"left out, nobody's: {path}")
    if grader.seed == "practice":
        print("The class's seed is not set, so the tests ran on the numbers of practice.")
    waiting = sum(mark is None for row in rows for mark in row.points.values())
    if waiting:
        print(f"{waiting} answers wait for a mark by hand, in {out / 'by_hand.csv'}; the totals "
              "are without them. Fill it in and run this again.")
    print(f"{len(students)} submissions in {time.monotonic() - start:.0f} s; see {out}")


if __name__ == "__main__":
    main()
