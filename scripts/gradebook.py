"""Marks as files: one CSV to look at, one each as Moodle and Canvas import them, a text a student.

Every file is written whole or not at all. A cell that a spreadsheet would take for a formula gets a
`'` before it: names come from students.
"""

import csv
import io
import os
import re
import tempfile
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from roster import read_csv

FORMULA = ("=", "+", "-", "@", "\t", "\r")
BY_HAND = ["student", "name", "cell", "out of", "points", "comment"]


@dataclass
class Row:
    """One student's marks; a cell that nobody has marked yet is None."""

    key: str
    name: str
    points: dict[str, float | None]
    remarks: list[str] = field(default_factory=list)
    person: dict[str, str] = field(default_factory=dict)    # of the roster
    participant: str = ""                                   # Moodle's number
    canvas: str = ""                                        # Canvas's
    handed_in: bool = True
    comments: dict[str, str] = field(default_factory=dict)  # by cell, for the student
    written: dict[str, str] = field(default_factory=dict)   # answers for a person to mark

    @property
    def total(self) -> float:
        """The marks so far."""
        return sum(mark or 0 for mark in self.points.values())


def safe(value) -> str:
    """A CSV cell that no spreadsheet runs."""
    if isinstance(value, float):
        return f"{value:g}"
    value = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", str(value))
    return f"'{value}" if value.startswith(FORMULA) else value


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", suffix=".part",
                                     encoding="utf-8", newline="", delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)


def table(rows: list[list]) -> str:
    """CSV, each cell made safe."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[safe(cell) for cell in row] for row in rows])
    return text.getvalue()


def file_name(key: str) -> str:
    """A name for a student's files: letters and digits, and different for different students."""
    plain = re.sub(r"[^\w.-]+", "_", key).strip("._")[:60]
    return plain if plain == key else f"{plain or 'student'}-{sha256(key.encode()).hexdigest()[:8]}"


def grades(rows: list[Row], most: dict[str, float]) -> str:
    """The table to look at: every cell's marks, the total, remarks."""
    heading = ["student", "name", "id number", "email", *most, "total", "out of", "to mark",
               "remarks"]
    return table([heading, *(
        [row.key, row.name, row.person.get("number", ""), row.person.get("email", ""),
         *("" if row.points.get(cell) is None else float(row.points[cell]) for cell in most),
         float(row.total), float(sum(most.values())),
         sum(row.points.get(cell, 0) is None for cell in most), "; ".join(row.remarks)]
        for row in rows)])


def moodle(rows: list[Row], most: float) -> str:
    """For Moodle: an assignment's grading worksheet, which its gradebook's CSV import takes too."""
    heading = ["Identifier", "Full name", "ID number", "Email address", "Grade", "Maximum Grade",
               "Last modified (grade)"]
    lines = []
    for row in rows:
        number = row.participant or "".join(re.findall(r"\d+$", row.person.get("participant", "")))
        lines.append([f"Participant {number}" if number else "", row.person.get("name") or row.name,
                      row.person.get("number", ""), row.person.get("email", ""),
                      float(row.total), float(most), ""])
    return table([heading, *lines])


def canvas(rows: list[Row], most: float, column: str) -> str:
    """For Canvas's gradebook: its five columns, the assignment's, and the row of points."""
    heading = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", column]
    lines = [[row.person.get("name") or row.name, row.canvas or row.person.get("canvas", ""),
              row.person.get("sis", ""), row.person.get("login", ""),
              row.person.get("section", ""), float(row.total)] for row in rows]
    return table([heading, ["    Points Possible", "", "", "", "", float(most)], *lines])


def read_by_hand(path: Path, most: dict[str, float]) -> dict[tuple[str, str], tuple[float, str]]:
    """The marks that a person has filled in, with comments, by student and cell.

    Raises:
        ValueError: points that are no number from 0 to the cell's own.
    """
    if not path.exists():
        return {}
    marks = {}
    for number, line in enumerate(read_csv(path, "by_hand.csv"), 2):
        points = line.get("points", "")
        if not points:
            continue
        cell = line.get("cell", "")
        try:
            mark = float(points.replace(",", "."))
            if not 0 <= mark <= most[cell]:
                raise ValueError
        except (ValueError, KeyError):
            raise ValueError(f"{path}, line {number}: points are {points!r} for '{cell}', but a "
                             f"number from 0 to {most.get(cell, 'its points'):g}" if cell in most
                             else f"{path}, line {number}: the lab has no cell '{cell}'.") from None
        marks[line.get("student", ""), cell] = mark, line.get("comment", "")
    return marks


def by_hand(rows: list[Row], most: dict[str, float], cells: list[str]) -> str:
    """The table for a person to fill in: a line for each answer that needs a reader."""
    return table([BY_HAND, *([row.key, row.name, cell, float(most[cell]),
                              "" if row.points[cell] is None else float(row.points[cell]),
                              row.comments.get(cell, "")]
                             for cell in cells for row in rows if row.handed_in
                             and cell in row.points)])


def feedback(row: Row, lab: str, most: dict[str, float]) -> str:
    """What the student gets to read."""
    lines = [f"Lab {lab}: {row.total:g} of {sum(most.values()):g} points", row.name, ""]
    for cell, out_of in most.items():
        mark = row.points.get(cell)
        said = "to be marked by hand" if mark is None else f"{mark:g} of {out_of:g}"
        comment = row.comments.get(cell, "")
        lines.append(f"{cell}: {said}{' – ' + comment if comment else ''}")
    if row.remarks:
        lines += ["", "Remarks: " + "; ".join(row.remarks)]
    return "\n".join(lines) + "\n"


def answers(rows: list[Row], cell: str) -> str:
    """All answers to one question, one below the other, for the person who marks them."""
    return f"# {cell}\n" + "".join(f"\n## {row.key}\n\n{row.written[cell].strip()}\n"
                                  for row in rows if row.written.get(cell))
