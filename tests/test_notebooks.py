"""Every stored notebook passes every check, and every check finds what it is for."""
import os
import re
import subprocess
import sys
from pathlib import Path

import captions
import check_notebooks as check
import nbformat
import pytest
import run_nbval
import run_notebooks
import sync
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from coursekit.data import PennFudan

URL = "https://github.com/YOUR_ORG/pixels-to-instances"
ALT = {"mystnb": {"image": {"alt": "A box around each of two dogs."}}}


def notebook(source: str = "print(1)", *outputs: NotebookNode, text: str = "Prose.",
             metadata: dict | None = None, count: int = 2) -> NotebookNode:
    """A good notebook of three cells, unless the last one is made otherwise."""
    setup = new_code_cell(sync.setup_cell(URL), execution_count=1, metadata={"tags": ["setup"]})
    outputs = outputs or (new_output("stream", text="1\n"),)
    cell = new_code_cell(source, execution_count=count, metadata=metadata or {}, outputs=[*outputs])
    return new_notebook(cells=[setup, new_markdown_cell(text), cell])


def picture() -> NotebookNode:
    return new_output("display_data", {"image/png": "iVBO", "text/plain": "<Figure size 6x4>"})


def stream(text: str, name: str = "stdout") -> NotebookNode:
    return new_output("stream", text=text, name=name)


GOOD = {
    "plain": notebook(),
    "a picture": notebook("plt.plot(x)\nplt.show()", picture(), metadata=ALT),
    "measured and asserted": notebook("print(f'≈ {t}')\nassert t < 1", stream("≈ 0.5\n")),
    "measured, asserted by torch": notebook("torch.testing.assert_close(a, b)", stream("≈ 0.5\n")),
    "weights": notebook("load('patch')", stream("weights: ≈ patch, 12 epochs\n")),
    "an image with words": notebook(text='<img src="a.png" alt="Two dogs."> ![a cat](b.png)'),
    "a folder of the course": notebook(text="See `book/home/work.md` and https://a.org/home/b."),
    "25 lines": notebook("\n".join(["x = 1"] * 25)),
    "40 lines of the package": notebook("\n".join(["# coursekit/a.py: x"] + ["x = 1"] * 39)),
}
BAD = {
    "never run": (notebook(count=None), "execution count None"),
    "run twice": (notebook(count=3), "execution count 3"),
    "a picture left out": (notebook("plt.show()"), "calls plt.show\\(\\) but has no picture"),
    "an error": (notebook("1/0", new_output("error", ename="ZeroDivisionError", evalue="by zero",
                                            traceback=[])), "stores the error ZeroDivisionError"),
    "a warning": (notebook("f()", stream("Warning: old\n", "stderr")), "writes to stderr: Warning"),
    "no alternative text": (notebook("plt.show()", picture()), "alternative text ''"),
    "a file name for a text": (
        notebook("plt.show()", picture(),
                 metadata={"mystnb": {"image": {"alt": "../_images/ab.png in a page"}}}),
        "alternative text '../_images"),
    "a tag without alt": (notebook(text="<img src='a.png'>"), "has no alternative text"),
    "an empty alt": (notebook(text='<img src="a.png" alt="">'), "has no alternative text"),
    "an empty Markdown alt": (notebook(text="![](a.png)"), "has no alternative text"),
    "an image in an output": (
        notebook("show()", new_output("display_data", {"text/html": "<img src='a'>"})),
        "has no alternative text"),
    "another set-up cell": (new_notebook(cells=[new_code_cell(
        "import os", execution_count=1, metadata={"tags": ["setup"]},
        outputs=[stream("1")])]), "is not the template's"),
    "no set-up cell": (new_notebook(cells=[new_code_cell(
        "print(1)", execution_count=1, outputs=[stream("1")])]), "must be tagged `setup`"),
    "a semicolon": (notebook("x = 1\nplt.plot(x);\n"), "ends in `;`"),
    "measured, no bound": (notebook("print(t)", stream("time ≈ 3 s\n")), "asserts no bound"),
    "measured, assert in a comment": (
        notebook("print(t)  # assert t < 1", stream("≈ 3\n")), "asserts no bound"),
    "measured, beside a magic": (notebook("%time f()", stream("≈ 3\n")), "asserts no bound"),
    "a measured value returned": (
        notebook("t", new_output("execute_result", {"text/plain": "'≈ 3'"})), "asserts no bound"),
    "an opt-out": (notebook("# NBVAL_IGNORE_OUTPUT\nprint(1)"), "opts out .* .NBVAL_IGNORE_OUTPUT"),
    "an opting tag": (notebook(metadata={"tags": ["nbval-skip"]}), "opts out .* .nbval-skip"),
    "an allowed error": (notebook(metadata={"tags": ["raises-exception"]}), "opts out"),
    "other metadata": (notebook(metadata={"collapsed": True}), "has metadata .'collapsed'"),
    "26 lines": (notebook("\n".join(["x = 1"] * 26)), "has 26 lines, 25 at most"),
    "41 lines of the package": (notebook("\n".join(["# coursekit/a.py: x"] + ["x = 1"] * 40)),
                                "has 41 lines, 40 at most"),
    "an address in the prose": (notebook(text=f"See {URL}."), "holds the repository's address"),
    "an address in an output": (notebook("f()", stream(URL)), "holds the repository's address"),
    "a path in an output": (notebook("f()", stream("/home/jane/x.py\n")), "a path of one machine"),
    "a path in the code": (notebook("open('/tmp/x')"), "a path of one machine"),
    "a path on Windows": (notebook("f()", stream(r"at C:\Users\jane")), "a path of one machine"),
}


def problems(made: NotebookNode, folder: Path) -> list[str]:
    path = folder / "made.ipynb"
    path.write_text(sync.dumps(made), encoding="utf-8")
    return check.problems(path, URL)


@pytest.mark.parametrize("case", GOOD)
def test_a_good_notebook_passes(case, tmp_path):
    assert problems(GOOD[case], tmp_path) == []


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_found_and_nothing_else(case, tmp_path):
    made, sentence = BAD[case]
    found = problems(made, tmp_path)
    assert len(found) == 1
    with pytest.raises(ValueError, match=sentence):
        raise ValueError(found[0])


def test_a_notebook_without_outputs_is_found(tmp_path):
    made = notebook()
    made.cells[-1].outputs = []
    assert problems(made, tmp_path) == ["no outputs are stored: run `make outputs`"]


def test_a_large_notebook_is_found(tmp_path):
    assert problems(notebook(text="a" * 1_500_000), tmp_path)[0].endswith("1500000 at most")


@pytest.mark.parametrize("path", run_nbval.notebooks(), ids=lambda path: path.stem)
def test_a_stored_notebook_has_no_problem(path):
    assert check.problems(path, sync.address()) == []


# A figure, its caption, and the prose around them: each case is made by a change of this good one.
FIGURES = [("prose", "Look at figures 12.1 and 12.2."), ("picture", "plt.show()"),
           ("prose", "**Figure 12.1.** A dog."), ("live", 'show("roi-align")'),
           ("prose", "**Figure 12.2.** A region."),
           ("prose", "As `figure 9.9` and figure 3.1 say.")]
CAPTIONS = {
    "as it must be": ({}, []),
    "no caption": ({2: ("prose", "A dog.")}, [
        "cell 2 .* the next cell is no caption: .* '..Figure 12.1...'",
        "cell 1 speaks of figure 12.1, which has no caption anywhere"]),
    "no caption below a live figure": ({4: ("prose", "A region.")}, [
        "cell 4 .* '..Figure 12.2...'", "cell 1 speaks of figure 12.2"]),
    "a number twice": ({4: ("prose", "**Figure 12.1.** A region.")}, [
        "cell 5 says figure 12.1, but it is figure 12.2", "speaks of figure 12.2"]),
    "another chapter's number": ({2: ("prose", "**Figure 9.1.** A dog.")}, [
        "cell 3 says figure 9.1, but it is figure 12.1", "speaks of figure 12.1",
        "figure 9.1 is not spoken of in the text"]),
    "never spoken of": ({0: ("prose", "Look at figure 12.1.")}, [
        'figure 12.2 is not spoken of in the text: say "figure 12.2"']),
    "spoken of in another caption only": (
        {0: ("prose", "Look at figure 12.1."), 2: ("prose", "**Figure 12.1.** See figure 12.2.")},
        ["figure 12.2 is not spoken of"]),
    "spoken of in a heading only": ({0: ("prose", "# Figure 12.2\n\nLook at figure 12.1.")}, [
        "figure 12.2 is not spoken of"]),
    "a figure that is not there": ({5: ("prose", "Figures 12.1 to 12.3 and\nfigure\n13.1.")}, [
        "cell 6 speaks of figure 12.3", "cell 6 speaks of figure 13.1"]),
    "prose in a caption's cell": ({2: ("prose", "**Figure 12.1.** A dog.\n\nOn with it.")}, [
        "cell 3 has a second paragraph"]),
    "a caption of nothing": ({5: ("prose", "**Figure 12.3.** Nothing.")}, [
        "cell 6 is the caption of figure 12.3, but cell 5 shows no figure",
        "figure 12.3 is not spoken of"]),
}


def figures(changed: dict[int, tuple[str, str]]) -> NotebookNode:
    """The notebook of FIGURES, with some of its cells changed."""
    cells = []
    for place, cell in enumerate(FIGURES):
        kind, source = changed.get(place, cell)
        live = new_output("execute_result", {"text/html": "<ck-roi-align>", "text/plain": "Shown"})
        outputs = {"picture": [picture()], "live": [live]}
        cells.append(new_markdown_cell(source) if kind == "prose"
                     else new_code_cell(source, outputs=outputs[kind]))
    return new_notebook(cells=cells)


@pytest.mark.parametrize("case", CAPTIONS)
def test_what_is_wrong_with_captions_is_found_and_nothing_else(case):
    changed, sentences = CAPTIONS[case]
    found = captions.problems(figures(changed), "12", known={"3.1"})
    assert len(found) == len(sentences), found
    for sentence, problem in zip(sentences, found, strict=True):
        assert re.search(sentence, problem), problem


@pytest.mark.parametrize("path", run_nbval.notebooks(), ids=lambda path: path.stem)
def test_figures_have_captions_in_order_and_the_text_speaks_of_each(path):
    notebook, known = nbformat.read(path, as_version=4), captions.known_figures()
    assert captions.problems(notebook, captions.chapter_of(path), known) == []


def test_every_chapter_has_figures_and_the_books_pages_speak_of_none_that_is_not_there():
    known = captions.known_figures()
    assert {number.split(".")[0] for number in known} >= {str(n) for n in range(1, 15)}
    pages = sorted((sync.ROOT / "book").rglob("*.md"))
    spoken_of = {(page.name, number) for page in pages
                 for number in captions.references(page.read_text(encoding="utf-8"))}
    assert {one for one in spoken_of if one[1] not in known} == set()


def test_figures_are_numbered_by_chapter_and_apart_in_its_solutions():
    names = "01_four_tasks", "12_mask_rcnn", "solutions/12_solutions"
    assert [captions.chapter_of(Path(f"notebooks/{name}.ipynb")) for name in names] == [
        "1", "12", "S12"]


def test_there_are_notebooks_to_check():
    assert run_nbval.notebooks("01") and run_nbval.notebooks() == sorted(
        run_nbval.notebooks(), key=lambda path: ("solutions" in path.parts, path.name))


def test_limits_of_time_are_those_of_the_course():
    paths = "notebooks/01_a.ipynb", "notebooks/13_b.ipynb", "notebooks/solutions/13_c.ipynb"
    assert [run_notebooks.time_limit(Path(path)) for path in paths] == [120, 300, 60]


def test_running_stores_one_stream_and_leaves_the_rest_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "made.ipynb"
    source = "import os, sys\nprint(os.environ['COURSEKIT_PLAIN'])\nsys.stdout.flush()\nprint('b')"
    made = notebook(source)
    made.cells[0].source = "x = 1"
    path.write_text(sync.dumps(made), encoding="utf-8")
    monkeypatch.setenv("COURSEKIT_PLAIN", "1")
    ran, seconds, peak = run_notebooks.run(path)
    assert [cell.execution_count for cell in ran.cells if cell.cell_type == "code"] == [1, 2]
    assert ran.cells[-1].outputs == [stream("1\nb\n")]
    assert len(ran.cells) == 3 and 0 < seconds < 60 and 0.01 < peak < 1
    path.write_text(sync.dumps(ran), encoding="utf-8")
    assert sync.dumps(run_notebooks.run(path)[0]) == path.read_text(encoding="utf-8")


def test_a_notebook_that_fails_is_not_stored(tmp_path):
    path = tmp_path / "made.ipynb"
    path.write_text(sync.dumps(notebook("1 / 0")), encoding="utf-8")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        run_notebooks.run(path)


def compared(folder: Path, *cells: tuple[str, str], **environment: str) -> tuple[int, str]:
    """Run `make nbval`'s own command on a notebook of (source, stored text); status and output."""
    made = new_notebook(cells=[new_code_cell(source, execution_count=i, outputs=[stream(text)])
                               for i, (source, text) in enumerate(cells, start=1)])
    path = folder / "made.ipynb"
    path.write_text(nbformat.writes(made), encoding="utf-8")
    code = ("import sys, pathlib, run_nbval; run_nbval.notebooks = lambda prefix: "
            f"[pathlib.Path({str(path)!r})]; sys.exit(run_nbval.main())")
    scripts = str(sync.ROOT / "scripts")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder,
                          env={**os.environ, "PYTHONPATH": scripts, **environment})
    return done.returncode, done.stdout + done.stderr


def test_nbval_ignores_measured_numbers_and_the_line_on_weights_and_counts_cells(tmp_path):
    status, said = compared(tmp_path, ("print('≈ 0.25, exact 3')", "≈ -1.5e-3, exact 3\n"),
                            ("print('≈ 1,250.5 s.')", "≈ nan s.\n"),
                            ("print('weights: ≈ patch 7')", "weights: ≈ full 9, 12 epochs\n"),
                            ("import os\nprint(os.environ['COURSEKIT_PLAIN'])", "1\n"))
    assert status == 0, said
    assert "4 cells compared in 1 notebooks" in said
    assert re.match(r"4 passed(, \d+ warnings)? in", said.strip().splitlines()[-1])


def test_nbval_sees_every_other_difference(tmp_path):
    status, said = compared(
        tmp_path,
        ("print('loss 0.25')", "loss 0.26\n"),
        ("print('≈ 0.25 of 4')", "≈ 0.25 of 5\n"),
        ("print('≈ 0.25, 4')", "≈ 0.25, 5\n"),
        ("print('weights: patch')", "weights: full\n"),
        ("import sys\nprint('a')\nprint('a warning', file=sys.stderr)", "a\n"),
        ("import warnings\nprint('a')\nwarnings.warn('old')", "a\n"),
        ("print('the same')", "the same\n"))
    assert status == 1
    assert re.match(r"6 failed, 1 passed(, \d+ warnings)? in", said.strip().splitlines()[-1])


def test_with_gpu_asked_for_and_none_to_be_seen_nothing_is_run(tmp_path):
    status, said = compared(tmp_path, ("print(1)", "1\n"), GPU="1", CUDA_VISIBLE_DEVICES="")
    assert status == 1
    assert "GPU=1" in said and "passed" not in said and "Traceback" not in said


@pytest.mark.parametrize("missing, name", [("COURSEKIT_DATA", "PennFudanPed"),
                                           ("TORCH_HOME", "mobilenet_v2-b0353104.pth")])
def test_without_photographs_or_weights_chapter_13_is_left_out_by_name_with_the_reason(
        missing, name, tmp_path, monkeypatch, capsys):
    if missing == "TORCH_HOME":                          # the weights alone are missing
        monkeypatch.setattr(PennFudan, "__init__", lambda self, **_: None)
    monkeypatch.setenv(missing, str(tmp_path))
    monkeypatch.setenv("COURSEKIT_REQUIRE_DATA", "0")
    assert run_nbval.main("13_real") == 0
    said, = capsys.readouterr().out.strip().splitlines()
    assert said.startswith("13_real_photographs.ipynb: ") and " missing: " in said and name in said
    monkeypatch.setenv("COURSEKIT_REQUIRE_DATA", "1")    # then it is a failure, in one sentence
    assert run_nbval.main("13_real") == 1
    said, = capsys.readouterr().err.strip().splitlines()
    assert said.startswith("COURSEKIT_REQUIRE_DATA=1, but ") and name in said
