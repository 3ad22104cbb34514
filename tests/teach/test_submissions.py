"""Whose file is which, in what Moodle, Canvas and nbgrader download; what is no notebook."""
import json
import os
from pathlib import Path

import grade
import pytest
import small_lab
import submissions

LAB = small_lab.small_lab()
GRADER = small_lab.grader(LAB)
WRITTEN = {"double": small_lab.DOUBLE, "mean": small_lab.MEAN, "why": "No number."}


def tree(folder: Path, *names: str) -> Path:
    for name in names:
        small_lab.hand_in(folder / name, small_lab.submission(LAB, WRITTEN))
    return folder


def found(folder: Path) -> list[tuple]:
    return [(student.key, student.number, student.system, len(student.files))
            for student in submissions.find(folder)[0]]


def test_moodles_folders_and_files(tmp_path):
    tree(tmp_path, "Jane Doe_123_assignsubmission_file_/S_small.ipynb",
         "Jane Doe_124_assignsubmission_file_/S_small (2).ipynb",
         "José Núñez_125_assignsubmission_file_S_small.ipynb",
         "Mary_Ann Lee_126_assignsubmission_file/S_small.ipynb")
    (tmp_path / "Kim Low_127_assignsubmission_file_").mkdir()
    assert found(tmp_path) == [
        ("Jane Doe_123", "123", "moodle", 1), ("Jane Doe_124", "124", "moodle", 1),
        ("José Núñez_125", "125", "moodle", 1), ("Kim Low_127", "127", "moodle", 0),
        ("Mary_Ann Lee_126", "126", "moodle", 1)]


def test_canvass_files_late_and_handed_in_again(tmp_path):
    tree(tmp_path, "doejane_12_34_S_small.ipynb", "doejane_LATE_12_39_S_small-1.ipynb",
         "doejane_12_41_S_small-10.ipynb", "leekim_13_35_my lab.ipynb")
    assert found(tmp_path) == [("doejane_12", "12", "canvas", 3), ("leekim_13", "13", "canvas", 1)]
    files = submissions.find(tmp_path)[0][0].files
    assert submissions.choose(files, "S_small").name == "doejane_12_41_S_small-10.ipynb"


def test_nbgraders_folders_and_one_notebook_a_student(tmp_path):
    tree(tmp_path, "jane/S_small/S_small.ipynb", "jane/S_small/scratch.ipynb", "kim.ipynb")
    (tmp_path / "notes.txt").write_text("of the teacher", encoding="utf-8")
    (tmp_path / "jane/S_small/timestamp.txt").write_text("2026", encoding="utf-8")
    (tmp_path / "jane/S_small/.ipynb_checkpoints").mkdir()
    (tmp_path / "jane/S_small/.ipynb_checkpoints/S_small-checkpoint.ipynb").touch()
    (tmp_path / "__MACOSX").mkdir()
    assert found(tmp_path) == [("jane", "", "", 2), ("kim", "", "", 1)]
    students, nobodys = submissions.find(tmp_path)
    assert nobodys == ["notes.txt"]
    assert submissions.choose(students[0].files, "S_small").name == "S_small.ipynb"


@pytest.mark.parametrize("make, said", [
    (lambda path: None, "but a folder was expected"),
    (lambda path: path.write_bytes(b""), "but a folder was expected"),
    (lambda path: path.mkdir(), "holds no submission"),
], ids=["missing", "a file", "empty"])
def test_a_folder_without_submissions_is_refused(make, said, tmp_path):
    make(tmp_path / "in")
    with pytest.raises(ValueError, match=said):
        submissions.find(tmp_path / "in")


BROKEN = {
    "empty": (b"", "the file is empty"), "blank": (b" \n", "the file is empty"),
    "half": (b'{"cells": [', "not JSON"), "pdf": (b"%PDF-1.7", "not JSON"),
    "binary": (bytes(range(256)), "not JSON"), "deep": (b"[" * 10**6, "not JSON"),
    "list": (b"[1, 2]", "no cells"), "number": (b"7", "no cells"),
    "cells": (b'{"cells": {"a": 1}}', "no cells"),
    "none": (b'{"cells": []}', "no cell of this lab"),
    "odd": (b'{"cells": [1, null, {}, {"metadata": 3}, {"metadata": {"nbgrader": []}}]}',
            "no cell of this lab"),
    "other": (json.dumps({"cells": [{"cell_type": "code", "source": "x = 1", "metadata": {
        "nbgrader": {"grade_id": "of_another_lab"}}}]}).encode(), "no cell of this lab"),
}


def test_what_is_no_notebook_of_the_lab_is_0_with_a_remark_and_nothing_is_lost(tmp_path):
    folder = tree(tmp_path / "in", "zoe.ipynb")
    for name, (content, _) in BROKEN.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    with (folder / "huge.ipynb").open("wb") as file:
        file.truncate(10**10)                    # sparse: takes no room
    (folder / "link.ipynb").symlink_to(folder / "zoe.ipynb")
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "nothing").mkdir()
    rows = {row.key: row for row in grade.grade_all(submissions.find(folder)[0], GRADER,
                                                    tmp_path / "out")}
    remarks = {name: said for name, (_, said) in BROKEN.items()} | {
        "huge": "9537 MB; 20 MB are the most", "link": "the file is a link",
        "pipe": "this is no file", "nothing": "no notebook was handed in"}
    assert set(rows) == {*remarks, "zoe"}
    for name, said in remarks.items():
        assert rows[name].total == 0 and said in "; ".join(rows[name].remarks), name
    assert rows["zoe"].total == 5 and not rows["zoe"].remarks


def notebook(*cells: tuple[str, str], kind: str = "code") -> list[dict]:
    return [{"cell_type": kind, "source": source, "metadata": {"nbgrader": {"grade_id": name}}
             if name else {}} for name, source in cells]


def read(*cells: tuple[str, str]) -> tuple[dict, list[str]]:
    return submissions.answers(notebook(*cells), {"a": "stub", "b": "stub"}, {"import math"})


@pytest.mark.parametrize("folder", ["", ".", Path(grade.__file__).parent.parent])
def test_the_course_itself_is_no_class(folder, monkeypatch):
    monkeypatch.chdir(Path(grade.__file__).parent)
    with pytest.raises(ValueError, match="but a folder was expected"):
        submissions.find(folder)


def test_only_the_cells_to_write_are_taken():
    taken, remarks = read(("a", "x = 1"), ("b", "y = 2"), ("test_a", "pass"), ("", "import math"))
    assert taken == {"a": "x = 1", "b": "y = 2"} and remarks == []
    taken, remarks = read(("a", "x = 1"), ("", "helper = 3"))
    assert taken == {"a": "x = 1"}
    assert remarks == ["missing cells: b", "1 code cells of the student's own were not run"]


def test_a_cell_that_was_split_or_copied_is_put_together():
    taken, remarks = read(("a", "x = 1"), ("b", "stub"), ("a", "y = x"), ("a", "stub"), ("b", "z"))
    assert taken == {"a": "x = 1\n\ny = x", "b": "z"}
    assert remarks == ["a stood in 2 cells: put together"]


def test_sources_as_lines_or_as_no_text():
    cells = notebook(("a", ["x = 1\n", "y = 2"]), ("b", ["x", 3]))
    assert submissions.answers(cells, {"a": "stub", "b": "stub"}, set())[0] == {
        "a": "x = 1\ny = 2", "b": ""}
    assert submissions.text({"source": "\ud800"}) == "?"
    taken, remarks = read(("a", "x" * 200_000), ("b", "y"))
    assert taken["a"] == "" and "a is longer than 100000 characters" in remarks[0]


def test_a_notebook_that_begins_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"cells": notebook(("a", "x"))}).encode())
    assert len(submissions.read(path)) == 1


def test_edited_removed_and_doubled_tests_change_nothing(tmp_path):
    cells = {"test_double": "pass", "test_mean": "assert True", "mean": "def mean(values): ...",
             "double": small_lab.DOUBLE}
    edited = small_lab.submission(LAB, cells)
    for cell in edited["cells"]:
        cell["metadata"].get("nbgrader", {}).update(points=100, locked=False)
        cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "100"}}]
    removed = small_lab.submission(LAB, cells)
    removed["cells"] = [cell for cell in removed["cells"]
                        if "test" not in cell["metadata"].get("nbgrader", {}).get("grade_id", "")]
    doubled = {**edited, "cells": edited["cells"][::-1] * 2}
    for name, content in [("edited", edited), ("removed", removed), ("doubled", doubled)]:
        small_lab.hand_in(tmp_path / "in" / f"{name}.ipynb", content)
    rows = grade.grade_all(submissions.find(tmp_path / "in")[0], GRADER, tmp_path / "out", jobs=2)
    assert [row.points for row in rows] == [{"test_double": 2, "test_mean": 0, "why": 0}] * 3
