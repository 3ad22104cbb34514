"""The graded labs: what students get holds no answer, and each form of a lab gives its marks."""

import json
import os
import re
import subprocess
import sys
import zipfile
from copy import deepcopy
from functools import cache
from pathlib import Path

import gradescope
import lab_page
import make_labs
import nbformat
import pytest
import sync
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import determine_grade, is_grade

import labs
from coursekit.checks.seeded import CLASS_SEED

pytestmark = pytest.mark.timeout(300)     # a lab runs in a kernel, twice
LABS = sorted(labs.texts())
AUTOMATIC, BY_HAND, SECONDS = 16, 4, 60
MARKERS = "BEGIN SOLUTION", "HIDDEN TESTS", "MARK SCHEME"
EMPTY = ("import os, time\nos.environ['COURSEKIT_CLASS'] = 'spring'\nprint(time.process_time())",
         "for _name in [n for n in dir() if n[0] != '_']:\n    del globals()[_name]")


@cache
def solved(lab):
    return labs.read(lab)


@cache
def student(lab):
    return labs.student(solved(lab))


def found(lab, text):
    """The lines that no student may see, as JSON would hold them, that a text holds."""
    return {line for line in labs.secrets(solved(lab))
            if json.dumps(line, ensure_ascii=False)[1:-1] in text}


def test_there_are_four_labs():
    assert [*LABS] == ["A", "B", "C", "D"]


@pytest.mark.parametrize("lab", LABS)
def test_nbgrader_takes_the_metadata_and_the_points_add_up(lab):
    MetadataValidator().validate_nb(solved(lab))
    cells = labs.graded(solved(lab)).values()
    points = {by_hand: sum(cell.metadata.nbgrader.points for cell in cells
                           if is_grade(cell) and labs.is_manual(cell) == by_hand)
              for by_hand in (False, True)}
    assert points == {False: AUTOMATIC, True: BY_HAND}
    assert 5 <= len(labs.questions(solved(lab))) <= 8
    assert sum(map(labs.is_manual, cells)) == 2     # a question in words, an open task


@pytest.mark.parametrize("lab", LABS)
def test_the_committed_notebook_is_what_its_text_gives(lab):
    committed = labs.notebook_path(lab).read_text(encoding="utf-8")
    assert committed == sync.dumps(student(lab)), f"run `make labs LAB={lab}` and commit"


@pytest.mark.parametrize("lab", LABS)
def test_the_student_s_file_holds_no_solution_no_hidden_test_and_no_mark_scheme(lab):
    text = labs.notebook_path(lab).read_text(encoding="utf-8")
    assert found(lab, text) == set()
    assert [mark for mark in MARKERS if mark in text] == []
    assert all(not cell.outputs for cell in student(lab).cells if cell.cell_type == "code")


@pytest.mark.parametrize("lab", LABS)
def test_that_search_finds_every_secret_of_the_solved_file(lab):
    """Hidden lines, solutions, model answers: some of each cell that has any."""
    text = sync.dumps(solved(lab))
    assert found(lab, text) == labs.secrets(solved(lab))
    for name, cell in labs.graded(solved(lab)).items():
        assert any(line in cell.source for line in labs.secrets(solved(lab))), name


@cache
def run(lab):
    """A kernel's answers: the solved lab, its tests for another class, then the student's version.

    Returns:
        The solved lab's cells, the tests' cells of the second class, the student's cells, and the
        processor's seconds for the first, on one thread, as when it is graded: no fewer than a
        quiet clock's, and more threads would count their waiting, too.
    """
    notebook, second = deepcopy(solved(lab)), [
        new_code_cell(cell.source) for cell in labs.graded(solved(lab)).values()
        if is_grade(cell) and not labs.is_manual(cell)]
    first, own = len(notebook.cells), deepcopy(student(lab)).cells
    notebook.cells += [new_code_cell(EMPTY[0]), *second, new_code_cell(EMPTY[1]), *own]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    environment = {**os.environ, CLASS_SEED: "autumn", "MPLBACKEND": "agg",
                   "OMP_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    client = NotebookClient(notebook, timeout=200, kernel_name="python3", allow_errors=True)
    client.execute(env=environment)
    return notebook.cells[:first], notebook.cells[first + 1:first + 1 + len(second)], (
        notebook.cells[-len(own):]), float(printed(notebook.cells[first]))


def errors(cells):
    return [(cell.source.splitlines()[0], output.ename, output.evalue) for cell in cells
            if cell.cell_type == "code" for output in cell.outputs if output.output_type == "error"]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


@pytest.mark.parametrize("lab", LABS)
def test_the_solved_lab_passes_for_two_classes_in_time(lab):
    first, second, _, took = run(lab)
    assert errors(first) == errors(second) == []
    assert [determine_grade(cell) for cell in first if is_grade(cell)
            and not labs.is_manual(cell)] == [(q.points, q.points)
                                              for q in labs.questions(solved(lab))]
    assert 0 < took < SECONDS


@pytest.mark.parametrize("lab", LABS)
def test_the_student_s_version_fails_only_with_not_written_yet(lab):
    own = run(lab)[2]
    tests = [cell for cell in own if is_grade(cell) and not labs.is_manual(cell)]
    for cell in tests:
        name = re.match(r'assert check\("(.+?)"', cell.source)[1]
        assert printed(cell) == f"{name}: not written yet.\n"
        assert [kind for _, kind, _ in errors([cell])] == ["AssertionError"]
        assert determine_grade(cell)[0] == 0
    assert {kind for _, kind, _ in errors([cell for cell in own if cell not in tests])} <= {
        "NotImplementedError"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return gradescope.build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def zips(tmp_path_factory, wheel):
    folder = tmp_path_factory.mktemp("zips")
    targets = {lab: folder / f"{lab}.zip" for lab in LABS}
    gradescope.write(targets, wheel, "it's autumn")
    return targets


def solution_lines(lab):
    """Lines of the functions' solutions that no test needs, too."""
    asked = labs.questions(solved(lab))
    lines = {line.strip() for q in asked for line in labs.SOLVED.search(q.solution)[1].splitlines()}
    return {line for line in lines & labs.secrets(solved(lab))
            if not any(line in q.hidden for q in asked)}


@pytest.mark.parametrize("lab", LABS)
def test_the_zip_holds_the_tests_the_package_and_the_class_s_seed(lab, zips):
    with zipfile.ZipFile(zips[lab]) as made:
        names = made.namelist()
        tests = {name: made.read(name).decode() for name in names if name.startswith("tests/")}
        script, needs = (made.read(name).decode() for name in ("run_autograder", "environment.yml"))
    assert [*tests] == sorted(f"tests/{q.name}.py" for q in labs.questions(solved(lab)))
    assert all(text.count("hidden=True") == text.count("hidden=False") == 1
               for text in tests.values())
    assert solution_lines(lab) and not {line for line in solution_lines(lab)
                                        if line in "".join(tests.values())}
    wheel = next(name for name in names if name.endswith(".whl"))
    assert f"/autograder/source/{wheel}" in needs and re.search(r"torch==[\d.]+\+cpu", needs)
    told = subprocess.run(["bash", "-c", f"{script.splitlines()[1]}; printenv {CLASS_SEED}"],
                          capture_output=True, text=True, check=True).stdout
    assert told == "it's autumn\n"


def test_the_zip_is_the_same_when_it_is_made_again_but_for_the_seed(zips, wheel, tmp_path):
    gradescope.write({"A": tmp_path / "A.zip"}, wheel, "another")
    with zipfile.ZipFile(zips["A"]) as first, zipfile.ZipFile(tmp_path / "A.zip") as again:
        assert first.namelist() == again.namelist()
        assert {item.date_time for item in again.infolist()} == {gradescope.DATE}
        assert [name for name in first.namelist() if first.read(name) != again.read(name)] == [
            "run_autograder"]


def partly_written():
    """The student's version with `stamp` written, and `merged` written wrongly: 3 points."""
    notebook = deepcopy(student("A"))
    cells = labs.graded(notebook)
    cells["stamp"].source = labs.graded(solved("A"))["stamp"].source
    cells["merged"].source = "def merged(kernel, scale):\n    return kernel"
    return notebook


@pytest.mark.parametrize("notebook, points", [(lambda: solved("A"), AUTOMATIC),
                                              (partly_written, 3)], ids=["solved", "partly"])
def test_otter_gives_the_marks_from_the_zip(notebook, points, zips, tmp_path):
    """As Gradescope runs it, but on this machine, and without building its image."""
    (tmp_path / "handed_in.ipynb").write_text(sync.dumps(notebook()), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "otter", "run", "-a", zips["A"], "-o", tmp_path,
                           "handed_in.ipynb"], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, CLASS_SEED: "it's autumn"})
    assert done.returncode == 0, done.stderr
    marks = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["tests"]
    assert sum(mark.get("score", 0) for mark in marks) == points
    assert sum(mark.get("max_score", 0) for mark in marks) == AUTOMATIC


def test_nbgrader_s_own_command_makes_the_same_student_version(tmp_path):
    """In the course folder that `make labs` writes, with nothing changed."""
    make_labs.write_nbgrader("A", tmp_path)
    name = labs.text("A").stem
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"    # it calls alembic
    done = subprocess.run([sys.executable, "-m", "nbgrader", "generate_assignment", name],
                          cwd=tmp_path / "nbgrader", capture_output=True, text=True,
                          env={**os.environ, "PATH": path})
    assert done.returncode == 0, done.stderr
    released = nbformat.read(tmp_path / f"nbgrader/release/{name}/{name}.ipynb", as_version=4)
    assert [(cell.source, cell.metadata.get("nbgrader")) for cell in released.cells] == [
        (cell.source, cell.metadata.get("nbgrader")) for cell in student("A").cells]


def test_the_solution_page_asks_no_other_place_for_anything_and_shows_its_formulas():
    done = deepcopy(solved("A"))
    for cell in done.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="A.nearest: right.\n")]
    page = lab_page.page(done, "Lab A: solutions")
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {"http://www.w3.org/1998/Math/MathML"}
    assert "<script" not in page and "<link" not in page
    assert page.count("<math") > 10 and "FORMULA" not in page
    assert not any(mark in page for mark in MARKERS)
    assert "index_add" in page and "How it is marked" in page and "A.nearest: right." in page


def test_formulas_are_told_from_code_and_from_prices():
    apart = []
    text = "a $x_1$ and `$y$`, $$z\n+1$$, ``code $`$``, costs $5 or \\$6"
    assert lab_page.formulas_apart(text, apart) == (
        "a FORMULA0X and `$y$`, FORMULA1X, ``code $`$``, costs $5 or \\$6")
    assert apart == [("x_1", False), ("z\n+1", True)]


def test_a_lab_that_is_not_there_is_refused_with_those_that_are():
    for wanted in ("E", "a", "A_upsampling"):
        with pytest.raises(ValueError, match=f"LAB is '{wanted}', but one of A, B.* is wanted"):
            make_labs.main([wanted])


BROKEN = {    # what is said: the text's words, and those that stand there instead
    "two cells have the grade_id nearest": ("grade_id: shift,", "grade_id: nearest,"),
    "test_stamp must be": ('assert check("A.stamp", stamp)', 'assert check("A.stamp", stamp), 1'),
    "test_merged must be 'assert check": ("merged)\n### BEGIN HIDDEN TESTS", "merged)\nshown = 1"),
    "no cell has the tag setup": ("tags: [setup]", "tags: [other]"),
    "written is marked by hand, but is not text with a mark scheme": (
        "=== BEGIN MARK SCHEME ===\n**1 point** for both", "**1 point** for both"),
    "test_unpool has no solution cell": ("grade_id: unpool,", "grade_id: pool,"),
    "unpool has no lines between": ("    ### BEGIN SOLUTION\n    B, C = x.shape[:2]\n", ""),
}


@pytest.mark.parametrize("complaint", BROKEN)
def test_a_lab_with_a_slip_in_its_form_is_refused(complaint, tmp_path):
    old, new = BROKEN[complaint]
    text = labs.text("A").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "labs/text").mkdir(parents=True)
    (tmp_path / "course.yml").write_bytes((labs.ROOT / "course.yml").read_bytes())
    (tmp_path / "labs/text/A_broken.md").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"A_broken.md: {complaint}")):
        labs.read("A", tmp_path)


def test_the_class_s_seed_comes_from_the_variable_that_course_yml_names(tmp_path, monkeypatch):
    text = (labs.ROOT / "course.yml").read_text(encoding="utf-8")
    (tmp_path / "course.yml").write_text(
        re.sub(r"seed_variable: \w+", "seed_variable: OUR_SEED", text), encoding="utf-8")
    monkeypatch.delenv("OUR_SEED", raising=False)
    assert labs.class_seed(tmp_path) == "practice"
    monkeypatch.setenv("OUR_SEED", "a word")
    assert labs.class_seed(tmp_path) == "a word"
    assert labs.seeded(tmp_path)[CLASS_SEED] == "a word"


def test_no_student_needs_the_graders():
    for lab in LABS:
        code = "\n".join(cell.source for cell in student(lab).cells if cell.cell_type == "code")
        assert not re.search(r"\b(nbgrader|otter)\b", code)
    assert not Path(labs.ROOT / "requirements.txt").read_text().count("nbgrader")
