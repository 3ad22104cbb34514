"""The workflows fit GitHub's schema, pin their actions, and run make targets that exist."""
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_repository import ROOT, TARGETS, pins

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
SCHEMA = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]


def read(path: Path) -> dict:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)   # keeps `on` a word


def steps(path: Path) -> list[dict]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def test_the_four_workflows_are_there():
    assert [path.name for path in WORKFLOWS] == ["cpu.yml", "gpu.yml", "pages.yml", "weekly.yml"]


@pytest.mark.parametrize("schema, files", [
    ("vendor.github-workflows", WORKFLOWS),
    ("vendor.citation-file-format", [ROOT / "CITATION.cff"]),
], ids=["workflows", "citation"])
def test_the_schema_is_kept(schema, files):
    done = subprocess.run([*SCHEMA, schema, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_finds_a_wrong_workflow(tmp_path):
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("on: push\njobs:\n  a:\n    steps: [{run: make test}]\n", encoding="utf-8")
    done = subprocess.run([*SCHEMA, "vendor.github-workflows", wrong], capture_output=True)
    assert done.returncode == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_command_is_a_make_target(path):
    commands = [line for step in steps(path) for line in step.get("run", "").splitlines()]
    assert commands
    for command in commands:
        match = re.fullmatch(r"make ([a-z-]+)(?: [A-Z]+=.+)?", command)
        assert match and match[1] in TARGETS, command


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_major_version_and_every_job_has_an_end(path):
    uses = [step["uses"] for step in steps(path) if "uses" in step]
    assert uses and all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in uses)
    assert all("timeout-minutes" in job for job in read(path)["jobs"].values())


def test_the_checks_run_on_the_oldest_and_the_newest_python():
    job = read(ROOT / ".github/workflows/cpu.yml")["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert "make test TORCH=cpu" in [step.get("run") for step in job["steps"]]


def test_the_gpu_run_is_the_very_same_nbval_and_asks_for_a_gpu():
    job = read(ROOT / ".github/workflows/gpu.yml")["jobs"]["nbval"]
    assert job["runs-on"] == ["self-hosted", "gpu"] and job["env"]["GPU"] == "1"
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make nbval"]


def test_the_site_is_published_with_its_own_address():
    path = ROOT / ".github/workflows/pages.yml"
    commands = [step["run"] for step in steps(path) if "run" in step]
    assert commands == ["make sync REPO=${{ github.repository }} TORCH=cpu", "make book",
                        "make pdf", "make handouts", "make zip"]


def test_each_week_colabs_versions_are_tried_on_every_python():
    job = read(ROOT / ".github/workflows/weekly.yml")["jobs"]["colab"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert job["steps"][-1]["run"] == "make test-colab PYTHON=python TORCH=cpu"


def test_each_week_the_pins_are_looked_up_among_known_vulnerabilities():
    job = read(ROOT / ".github/workflows/weekly.yml")["jobs"]["audit"]
    assert job["steps"][-1]["run"] == "make audit PYTHON=python"
    said = subprocess.run(["make", "-n", "audit"], cwd=ROOT, capture_output=True, text=True).stdout
    assert "pip-audit --strict --disable-pip --no-deps -r requirements.txt" in said


def test_each_week_the_notebooks_run_on_a_second_device():
    job = read(ROOT / ".github/workflows/weekly.yml")["jobs"]["second-device"]
    assert job["env"]["COURSEKIT_DEVICE"] == "second"
    assert job["steps"][-1]["run"] == "make nbval PYTHON=python TORCH=cpu"


def test_colabs_versions_are_pinned():
    colab = pins("requirements-colab.txt")
    asked_for = {
        "torch": "2.11.0", "torchvision": "0.26.0", "numpy": "2.1.3", "matplotlib": "3.10.0",
        "ipython": "7.34.0", "scikit-image": "0.25.2", "pycocotools": "2.0.11",
        "ipywidgets": "7.7.1"}
    assert {name: colab[name] for name in asked_for} == asked_for


def test_the_tests_tools_are_the_same_with_colabs_versions():
    ours, colab = pins(), pins("requirements-colab.txt")
    tools = ("pytest", "pytest-xdist", "pytest-timeout", "hypothesis", "nbval", "jupytext",
             "check-jsonschema", "pyyaml", "fonttools")
    assert {name: colab[name] for name in tools} == {name: ours[name] for name in tools}
