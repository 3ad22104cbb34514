"""The files that a teacher takes away: what Moodle and Canvas import, marks by hand, feedback."""
import csv
import json
import re
from pathlib import Path

import grade
import gradebook
import grading
import mock_class
import pytest
import roster
import sandbox
import sandbox_process
import small_lab
import submissions
from gradebook import Row

import labs

LAB = small_lab.small_lab()
MOODLE = ("First name,Last name,ID number,Email address\n"
          "Jane,Doe,u1,jane@example.org\nKim,Low,u2,kim@example.org\n")
CANVAS = ("Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n"
          '"Doe, Jane",12,s1,jane,One\n"Low, Kim",13,s2,kim,Two\n')


@pytest.fixture
def grader(monkeypatch) -> grading.Grader:
    """All tests pass without a sandbox, which other tests look at; `runs` counts."""
    runs = []

    def run(cells, command, limits):
        runs.append(cells)
        return sandbox_process.Outcome([{"cell": number} for number in range(len(cells))])
    monkeypatch.setattr(sandbox_process, "run", run)
    made = small_lab.grader(LAB)
    made.runs = runs
    return made


def hand_in(folder: Path, *names: str, why: str = "Nothing to divide by.") -> list:
    for name in names:
        cells = {"double": small_lab.DOUBLE, "mean": small_lab.MEAN, "why": why}
        small_lab.hand_in(folder / name, small_lab.submission(LAB, cells))
    return submissions.find(folder)[0]


def table(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def people(tmp_path: Path, text: str) -> list[dict]:
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    return roster.read_roster(tmp_path / "roster.csv")


def test_moodle_gets_a_grading_worksheet_with_what_its_import_maps(tmp_path, grader):
    students = hand_in(tmp_path / "in", "Jane Doe_123_assignsubmission_file_/S_small.ipynb",
                       "Max Foo_124_assignsubmission_file_/S_small.ipynb")
    grade.grade_all(students, grader, tmp_path / "out", people=people(tmp_path, MOODLE))
    lines = table(tmp_path / "out/moodle.csv")
    assert list(lines[0]) == ["Identifier", "Full name", "ID number", "Email address", "Grade",
                              "Maximum Grade", "Last modified (grade)"]
    assert list(lines[0].values()) == ["Participant 123", "Jane Doe", "u1", "jane@example.org",
                                       "5", "6", ""]
    assert list(lines[1].values()) == ["Participant 124", "Max Foo", "", "", "5", "6", ""]
    rows = table(tmp_path / "out/grades.csv")
    assert [(row["name"], row["total"], row["to mark"], row["remarks"]) for row in rows] == [
        ("Jane Doe", "5", "1", ""), ("Max Foo", "5", "1", "not found on the roster"),
        ("Kim Low", "0", "0", "nothing handed in")]


def test_canvas_gets_its_five_columns_and_the_row_of_points(tmp_path, grader):
    students = hand_in(tmp_path / "in", "doejane_12_99_S_small.ipynb", "foomax_14_98_S.ipynb")
    grade.grade_all(students, grader, tmp_path / "out", people=people(tmp_path, CANVAS),
                    column="Lab S (77)")
    with (tmp_path / "out/canvas.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Lab S (77)"],
            ["    Points Possible", "", "", "", "", "6"],
            ["Doe, Jane", "12", "s1", "jane", "One", "5"],
            ["foomax", "14", "", "", "", "5"]]


@pytest.mark.parametrize("text, row", [
    (MOODLE, Row("Jane Doe_1", "Jane Doe", {})), (MOODLE, Row("jane", "jane", {})),
    (MOODLE, Row("u1", "u1", {})), (CANVAS, Row("doejane_9", "doejane", {})),
    (CANVAS, Row("x_12", "x", {}, canvas="12")), (CANVAS, Row("jane", "jane", {})),
    (CANVAS, Row("Jane Doe_1", "Jane Doe", {})), (CANVAS.replace(",", ";"), Row("jane", "j", {})),
    ("Identifier,Full name\nParticipant 55,JANÉ  DOE\n", Row("Jane Doe_1", "Jane Doe", {})),
    ("Identifier,Full name\nParticipant 55,Jane D\n", Row("k", "Jane", {}, participant="55")),
])
def test_a_submission_finds_its_person(text, row, tmp_path):
    if ";" in text:
        text = text.replace('"Doe; Jane"', "Jane Doe").replace('"Low; Kim"', "Kim Low")
    found = roster.match(row, people(tmp_path, text))
    assert found and "jan" in (found["name"] + found["email"]).lower()


def test_of_two_with_one_name_neither_is_guessed(tmp_path):
    twice = people(tmp_path, "Full name,Email address\nJane Doe,a@x.org\nJane Doe,b@x.org\n")
    assert roster.match(Row("Jane Doe_1", "Jane Doe", {}), twice) is None
    assert roster.match(Row("b", "b", {}), twice)["email"] == "b@x.org"


@pytest.mark.parametrize("content, said", [
    (None, "cannot be read as a CSV"), (b"", "no column that names"),
    (b"colour,size\nred,3\n", "no column that names"), (b"\xff\xfe\x00", "in UTF-8"),
    (b'Full name\n"Jane', "cannot be read as a CSV")])
def test_a_roster_that_is_none_is_refused(content, said, tmp_path):
    if content is not None:
        (tmp_path / "roster.csv").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        roster.read_roster(tmp_path / "roster.csv")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text):
    assert gradebook.safe(text)[0] in "' "
    line = gradebook.grades([Row(text, text, {"a": 1.0}, [text])], {"a": 1.0}).splitlines()[1]
    assert not [cell for cell in next(csv.reader([line])) if cell.startswith(gradebook.FORMULA)]


def test_numbers_stay_numbers():
    assert gradebook.safe(2.0) == "2" and gradebook.safe(0.5) == "0.5" and gradebook.safe("") == ""


def test_marks_by_hand_are_asked_for_kept_and_added(tmp_path, grader):
    students = hand_in(tmp_path / "in", "=cmd.ipynb", "kim.ipynb", "stub.ipynb")
    small_lab.hand_in(tmp_path / "in/stub.ipynb", small_lab.submission(LAB, {}))
    out = tmp_path / "out"
    grade.grade_all(students, grader, out)
    lines = table(out / "by_hand.csv")
    assert [(line["student"], line["cell"], line["points"]) for line in lines] == [
        ("'=cmd", "why", ""), ("kim", "why", ""), ("stub", "why", "0")]
    assert "## kim\n\nNothing to divide by." in (out / "answers/why.md").read_text("utf-8")
    text = (out / "by_hand.csv").read_text("utf-8")
    text = text.replace("'=cmd,=cmd", "'=cmd,x").replace("kim,kim,why,1,,", "kim,kim,why,1,1,Good!")
    (out / "by_hand.csv").write_text(text, encoding="utf-8")
    rows = grade.grade_all(students, grader, out)
    assert [row.total for row in rows] == [5, 6, 5]
    assert len(grader.runs) == 3                 # nothing was run again
    assert "why: 1 of 1 – Good!" in (out / "feedback/kim.txt").read_text("utf-8")
    assert "to be marked by hand" in next((out / "feedback").glob("cmd-*.txt")).read_text("utf-8")


@pytest.mark.parametrize("points, said", [("2", "from 0 to 1"), ("-1", "from 0"),
                                          ("good", "'good'"), ("nan", "from 0")])
def test_a_mark_by_hand_that_is_none_stops_before_anything_is_written(points, said, tmp_path,
                                                                      grader):
    students, out = hand_in(tmp_path / "in", "kim.ipynb"), tmp_path / "out"
    grade.grade_all(students, grader, out)
    text = (out / "by_hand.csv").read_text("utf-8").replace("why,1,,", f"why,1,{points},")
    (out / "by_hand.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"line 2.*{said}"):
        grade.grade_all(students, grader, out)
    assert (out / "by_hand.csv").read_text("utf-8") == text


def test_a_run_that_was_cut_off_goes_on_where_it_was(tmp_path, grader, monkeypatch):
    students, out = hand_in(tmp_path / "in", "a.ipynb", "b.ipynb", "c.ipynb"), tmp_path / "out"
    whole = sandbox_process.run

    def cut(cells, command, limits):
        if len(grader.runs) == 2:
            raise KeyboardInterrupt
        return whole(cells, command, limits)
    monkeypatch.setattr(sandbox_process, "run", cut)
    with pytest.raises(KeyboardInterrupt):
        grade.grade_all(students, grader, out)
    monkeypatch.setattr(sandbox_process, "run", whole)
    assert [row.total for row in grade.grade_all(students, grader, out)] == [5, 5, 5]
    assert len(grader.runs) == 3
    (out / "results/a.json").write_text("{", encoding="utf-8")      # half a file
    grade.grade_all(students, grader, out)
    assert len(grader.runs) == 4
    grader.seed = "another class"
    grade.grade_all(students, grader, out)
    assert len(grader.runs) == 7


def test_feedback_stays_in_its_folder_and_says_what_was_lost(tmp_path, grader, monkeypatch):
    def run(cells, command, limits):
        error = {"ename": "ValueError", "evalue": "a\nb\x1b[31m" + "c" * 500}
        return sandbox_process.Outcome([{"cell": 0}, {"cell": 1}, {"cell": 2, "error": error},
                                        {"cell": 3}], "it took longer than 9 s")
    monkeypatch.setattr(sandbox_process, "run", run)
    rows = [grade.grade(student, grader, tmp_path / "out/results") for student in hand_in(
        tmp_path / "in", "..%2f..%2fx.ipynb", "a b.ipynb", "a_b.ipynb")]
    grade.files(rows, LAB, tmp_path / "out", "Lab S")
    written = sorted(path.name for path in (tmp_path / "out/feedback").iterdir())
    assert len(written) == 3 and not [name for name in written if "/" in name or name[0] == "."]
    said = (tmp_path / "out/feedback/a_b.txt").read_text("utf-8")
    assert said.startswith("Lab S: 0 of 6 points\na_b\n")
    assert "test_double: 0 of 2 – ValueError: a b [31mccc" in said and max(
        map(len, said.splitlines())) < 400
    assert "Remarks: stopped at test_mean: it took longer than 9 s" in said


@pytest.mark.parametrize("arguments, said", [
    (["Q", "in"], "LAB is 'Q', but one of A"), (["A", "nowhere"], "but a folder was expected"),
    (["A", "in", "--jobs", "0"], "JOBS is 0"), (["A", "in", "--roster", "no.csv"], "ROSTER")])
def test_the_command_says_in_one_line_what_is_wrong(arguments, said, tmp_path, monkeypatch,
                                                    capsys):
    hand_in(tmp_path / "in", "kim.ipynb")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        grade.main(arguments)
    lines = (str(stopped.value.code) + capsys.readouterr().err).splitlines()
    assert said in lines[0] + lines[-1] and stopped.value.code


def test_the_page_names_the_limits_the_files_and_the_layouts_that_there_are(tmp_path):
    page = (Path(grade.__file__).parent.parent / "book/teach/grading.md").read_text("utf-8")
    limits = sandbox.Limits()
    for said in (f"time of a cell | {limits.cell} s", f"time of everything | {limits.wall} s",
                 f"a process | {limits.memory / 1000} GB", f"processes | {limits.total // 1000} GB",
                 f"threads | {limits.processes} |", f"{limits.files} MB in `/tmp`",
                 f"printed | {limits.output:,} char", f"over {submissions.MOST_BYTES >> 20} MB"):
        assert said in page, said
    layouts = re.findall(r"^\| \S.*? \| `([^`]+\.ipynb)`.* \| (.+) \|$", page, re.MULTILINE)
    assert len(layouts) == 4
    for layout, who in layouts:
        student = submissions.owner(tuple(layout.split("/")))
        assert who == student.name + {"moodle": f", participant {student.number}", "":
                                      "", "canvas": f", user {student.number}"}[student.system]


def test_a_mock_class_gets_the_points_that_it_must(tmp_path, monkeypatch):
    lab = grading.Lab("A", labs.read("A"), "A_upsampling")
    cases = {name: 5 for name in lab.given if f"test_{name}" in lab.most}
    members = mock_class.make(tmp_path / "in", lab, 30, cases)
    students = submissions.find(tmp_path / "in")[0]
    assert {student.key for student in students} == {
        member.folder.removesuffix("_assignsubmission_file_") for member in members}
    assert members[0].points == lab.most and not sum(members[2].points.values())
    source = json.loads((students[-1].files[0]).read_text("utf-8"))
    assert "WRONG" in str(source) and "HIDDEN" not in str(source)
    with pytest.raises(ValueError, match="size: got 31"):
        mock_class.make(tmp_path / "in", lab, 31, cases)
