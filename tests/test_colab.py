"""`make test-colab`: the Pythons it takes; the set-up cell's runtime, repository and verdict."""
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
import sync
from nbformat.v4 import new_code_cell
from test_repository import ROOT, fake
from try_setup_cell import (
    Run,
    commit_checkout,
    complaints,
    fresh_runtime,
    kernel_for,
    lead_git,
    run,
)


def with_colabs_versions(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the script where nothing is installed but a `make` that says what it was asked for."""
    fake(folder / "make", 'echo "$*"')
    for number in ("3.11", "3.12", "3.13"):
        environment = folder / f".venv-colab-{number}/bin"
        environment.mkdir(parents=True)
        fake(environment / "python", f'echo "{number} runs $1"')
    return subprocess.run(["/bin/sh", ROOT / "scripts/test_colab", *arguments], cwd=folder,
                          capture_output=True, text=True,
                          env={"PATH": str(folder), "HOME": str(folder)})


def asked(python: str, number: str) -> list[str]:
    return [f"Colab's versions on {python}:", f"unit nbval PYTHON={python} "
            f"VENV=.venv-colab-{number} PINS=requirements-colab.txt",
            f"{number} runs scripts/try_setup_cell.py"]


def test_the_python_that_is_named_is_the_only_one(tmp_path):
    fake(tmp_path / "python3.11", "echo 3.11")
    named = fake(tmp_path / "another", "echo 3.12")
    done = with_colabs_versions(tmp_path, named)
    assert done.stdout.splitlines() == asked(named, "3.12")


def test_without_a_name_every_python_that_runs_is_taken_once(tmp_path):
    fake(tmp_path / "python3.11", "echo 3.11")
    fake(tmp_path / "python3.12", "exit 127")                # as pyenv's for one not chosen
    fake(tmp_path / "python3", "echo 3.11")
    fake(tmp_path / "python3.14", "echo 3.14")
    for number in ("3.12.1", "3.13.0", "3.13.2"):
        folder = tmp_path / f".pyenv/versions/{number}/bin"
        folder.mkdir(parents=True)
        fake(folder / "python", f"echo {number[:4]}")
    done = with_colabs_versions(tmp_path)
    versions = tmp_path / ".pyenv/versions"
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        *asked("python3.11", "3.11"), *asked(f"{versions}/3.12.1/bin/python", "3.12"),
        *asked(f"{versions}/3.13.0/bin/python", "3.13")]


def test_without_any_python_one_sentence_says_so(tmp_path):
    done = with_colabs_versions(tmp_path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "none is found: name one, as in 'make test-colab PYTHON=" in done.stderr


def test_a_python_that_does_not_run_is_left_to_the_environments_script_to_name(tmp_path):
    done = with_colabs_versions(tmp_path, "python9")
    assert "unit nbval PYTHON=python9 VENV=.venv-colab- PINS" in done.stdout


def test_a_check_that_fails_stops_it(tmp_path):
    named = fake(tmp_path / "python3.12", "echo 3.12")
    folder = tmp_path / "course"
    folder.mkdir()
    fake(tmp_path / "make", "exit 2")
    done = subprocess.run(["/bin/sh", ROOT / "scripts/test_colab", named], cwd=folder,
                          capture_output=True, env={"PATH": str(tmp_path), "HOME": str(tmp_path)})
    assert done.returncode == 2


# --- the set-up cell

def test_a_fresh_runtime_has_this_ones_packages_but_not_the_course(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    python = fresh_runtime(tmp_path)
    code = ("from importlib.metadata import version; from importlib.util import find_spec\n"
            "print(version('torch'), find_spec('torch') is not None, find_spec('coursekit'))")
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == [version("torch"), "True", "None"]


def test_the_new_repository_holds_this_checkout_where_github_is_asked(tmp_path, monkeypatch):
    for name in ("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"):
        monkeypatch.setenv(name, "")                         # put back after the test
    root, repository = tmp_path / "root", tmp_path / "repository"
    for folder in (root, repository):
        folder.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / ".gitignore").write_text("left out\n", encoding="utf-8")
    (root / "src").mkdir()
    (root / "src/new.py").write_text("1\n", encoding="utf-8")
    (root / "left out").write_text("2\n", encoding="utf-8")
    commit_checkout(repository, root)
    lead_git("https://github.com/jane/course", repository)
    subprocess.run(["git", "clone", "-q", "-b", "main", "https://github.com/jane/course"],
                   cwd=tmp_path, check=True)
    files = {path.relative_to(tmp_path / "course").as_posix()
             for path in (tmp_path / "course").rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith(".git/")} == {".gitignore", "src/new.py"}


BEFORE = {"torch": "2.11.0", "numpy": "2.1.3"}
AFTER = {**BEFORE, "pixels-to-instances": "0.1.0"}


@pytest.mark.parametrize("seconds, after, file, complaint", [
    (30.0, AFTER, "new/coursekit",
     "the cell took 30 s, 9 s of them computing, but 30 s is the limit"),
    (1.0, BEFORE, "new/coursekit", "the course's package was not installed"),
    (1.0, AFTER, "old/coursekit", "coursekit came from old/coursekit, not from the new runtime"),
    (1.0, {**AFTER, "torch": "2.14.1"}, "new/coursekit", "torch was 2.11.0 and is 2.14.1"),
    (1.0, {**AFTER, "filelock": "3.1"}, "new/coursekit", "filelock was None and is 3.1"),
    (1.0, {"torch": "2.11.0", "pixels-to-instances": "0.1.0"}, "new/coursekit",
     "numpy was 2.1.3 and is None"),
])
def test_whatever_else_the_cell_does_is_a_complaint(seconds, after, file, complaint):
    assert complaints(Run(seconds, 9.0, BEFORE, after, file), Path("new")) == [complaint]


def test_a_cell_that_only_adds_the_package_in_time_is_right():
    assert complaints(Run(29.9, 9.0, BEFORE, AFTER, "new/coursekit/a.py"), Path("new")) == []


def test_the_cell_runs_in_a_kernel_where_google_colab_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", "")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    cell = new_code_cell("import pathlib, sys; assert 'google.colab' in sys.modules\n"
                         "pathlib.Path('coursekit.py').write_text(str(sum(range(10**6))))")
    cell.metadata["tags"] = ["setup"]
    notebook = nbformat.v4.new_notebook(cells=[cell, new_code_cell("import coursekit")])
    runtime = fresh_runtime(tmp_path / "runtime")
    done = run(notebook, kernel_for(runtime, tmp_path), tmp_path)
    assert os.environ["JUPYTER_PATH"] == str(tmp_path) and sync.is_setup(notebook.cells[2])
    assert done.before == done.after and done.before["torch"] == version("torch")
    assert done.file == str(tmp_path / "coursekit.py") and 0 < done.computing and 0 < done.seconds
