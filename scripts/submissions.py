"""What students handed in: whose file is which, and the answers in it.

A folder is read as Moodle, Canvas or nbgrader lays it out, or with one notebook a student. Nothing
in it is trusted: links are not followed, sizes are bounded, and of a notebook only the sources of
the cells that a student was asked to write are taken.
"""

import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

MOST_BYTES = 20 * 2**20          # a notebook with many pictures has some megabytes
MOST_CHARACTERS = 100_000        # of one answer
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_.*)?")
CANVAS = re.compile(r"(?P<name>[^_]+?)(?:_LATE)?_(?P<number>\d+)_\d+_.+")
AGAIN = re.compile(r"-(\d+)\.ipynb$")   # Canvas numbers what is handed in again
LEFT_OUT = re.compile(r"__MACOSX|\.ipynb_checkpoints|\.DS_Store|\.git|\._.*")


class Unreadable(ValueError):
    """A file that is no notebook of this lab; the message is the student's remark."""


@dataclass
class Student:
    """One student's files, and what the names of the files say."""

    key: str                     # the same in each run: names the feedback file
    name: str
    number: str = ""             # Moodle's participant or Canvas's user
    system: str = ""             # moodle, canvas, or none
    files: list[Path] = field(default_factory=list)


def owner(parts: tuple[str, ...], is_folder: bool = False) -> Student | None:
    """Whose file `parts` (a path inside the folder) is; None where nobody's name stands in it."""
    first = parts[0]
    if match := MOODLE.fullmatch(first):
        name, number = match["name"], match["number"]
        return Student(f"{name}_{number}", name, number, "moodle")
    alone = len(parts) == 1 and not is_folder
    if alone and (match := CANVAS.fullmatch(first)):
        name, number = match["name"], match["number"]
        return Student(f"{name}_{number}", name, number, "canvas")
    if alone and not first.endswith(".ipynb"):
        return None
    name = first.removesuffix(".ipynb") if alone else first
    return Student(name, name)


def find(folder: Path | str) -> tuple[list[Student], list[str]]:
    """All students of a folder, by name, and the files that are nobody's.

    Raises:
        ValueError: no such folder, the course's own, or nothing of any student in it.
    """
    here = Path(__file__).resolve()
    if not str(folder) or not Path(folder).is_dir() or here.is_relative_to(Path(folder).resolve()):
        raise ValueError(f"SUBMISSIONS: got '{folder}', but a folder was expected, unpacked, as "
                         "Moodle, Canvas or nbgrader made it, or with one notebook a student.")
    folder, students, nobodys = Path(folder), {}, []
    for path in sorted(walk(folder)):
        parts = path.relative_to(folder).parts
        found = owner(parts, path.is_dir())
        if found is None:
            nobodys.append("/".join(parts))
            continue
        student = students.setdefault(found.key, found)
        if path.suffix == ".ipynb" and not path.is_dir():
            student.files.append(path)
    if not students:
        raise ValueError(f"SUBMISSIONS: '{folder}' holds no submission; expected are names such "
                         "as 'Jane Doe_12_assignsubmission_file_/A_upsampling.ipynb' (Moodle), "
                         "'doejane_12_34_A_upsampling.ipynb' (Canvas) or 'jane/…/x.ipynb'.")
    return sorted(students.values(), key=lambda student: student.key), nobodys


def walk(folder: Path):
    """Every file of a folder, and each folder right inside it; links are not followed."""
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not LEFT_OUT.fullmatch(name)]
        if Path(here) == folder:
            yield from (folder / name for name in folders)
        yield from (Path(here, name) for name in files if not LEFT_OUT.fullmatch(name))


def choose(files: list[Path], lab: str) -> Path:
    """Of several notebooks the lab's own, and of those the one handed in last."""
    def order(path: Path):
        again = AGAIN.search(path.name)
        return lab in path.name, int(again[1]) if again else 0, str(path)
    return max(files, key=order)


def read(path: Path) -> list[dict]:
    """The cells of a notebook, as they lie in the file."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as problem:
        raise Unreadable("the file is a link, or cannot be opened") from problem
    with open(number, "rb") as file:
        kind = os.fstat(number)
        if not stat.S_ISREG(kind.st_mode):
            raise Unreadable("this is no file")
        if kind.st_size > MOST_BYTES:
            raise Unreadable(f"the file has {kind.st_size / 2**20:.0f} MB; "
                             f"{MOST_BYTES // 2**20} MB are the most")
        content = file.read(MOST_BYTES)
    if not content.strip():
        raise Unreadable("the file is empty")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise Unreadable("the file is no notebook: it is not JSON") from problem
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("the file is no notebook: it has no cells")
    return [cell for cell in cells if isinstance(cell, dict)]


def text(cell: dict) -> str:
    """A cell's source; what is no text counts as nothing."""
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        return ""
    return "".join(lines).encode("utf-8", "replace").decode()   # half of a character: a "?"


def grade_id(cell: dict) -> str:
    """Nbgrader's name of a cell, or nothing."""
    nbgrader = cell.get("metadata", {})
    nbgrader = nbgrader.get("nbgrader", {}) if isinstance(nbgrader, dict) else {}
    found = nbgrader.get("grade_id", "") if isinstance(nbgrader, dict) else ""
    return found if isinstance(found, str) else ""


def answers(cells: list[dict], given: dict[str, str],
            frame: set[str]) -> tuple[dict[str, str], list[str]]:
    """What the student wrote, by grade_id, and remarks.

    Args:
        cells: of the submission.
        given: what students got in the cells that they write, by grade_id.
        frame: the sources of the lab's own code cells.
    Returns:
        The sources of the cells that are there. A cell that was split or copied, so that its
        grade_id stands in several, is put together again, without copies that are as given.
    Raises:
        Unreadable: none of the lab's cells is there.
    """
    parts, remarks = {}, []
    for cell in cells:
        name = grade_id(cell)
        if name in given:
            parts.setdefault(name, []).append(text(cell))
    if not parts:
        raise Unreadable("no cell of this lab is in it: another lab, or a notebook whose cells' "
                         "marks were lost")
    found = {}
    for name, sources in parts.items():
        written = [source for source in dict.fromkeys(sources) if source != given[name]]
        found[name] = "\n\n".join(written) if written else given[name]
        if len(written) > 1:
            remarks.append(f"{name} stood in {len(written)} cells: put together")
        if len(found[name]) > MOST_CHARACTERS:
            found[name] = ""
            remarks.append(f"{name} is longer than {MOST_CHARACTERS} characters: not read")
    missing = [name for name in given if name not in found]
    if missing:
        remarks.append(f"missing cells: {', '.join(missing)}")
    own = [cell for cell in cells if cell.get("cell_type") == "code" and not grade_id(cell)
           and text(cell).strip() and text(cell).strip() not in frame]
    if own:
        remarks.append(f"{len(own)} code cells of the student's own were not run")
    return found, remarks
