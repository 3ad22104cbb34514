"""Binder, JupyterHub, dev containers: their files, as far as they can be tried without Docker."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
BINDER = ROOT / ".binder"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FORK = (ROOT / "book/teach/fork.md").read_text(encoding="utf-8")
ADDED = {"nbgitpuller"}         # what a hub needs and the course does not


def pins(path):
    """Names and versions of a list of pins."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines()
             if line and not line.startswith(("#", "--"))]
    found = [re.fullmatch(r"([\w.-]+)==(\S+)", line) for line in lines]
    assert all(found), path
    return {canonicalize_name(one[1]): one[2] for one in found}


def test_binder_has_the_courses_own_versions_of_all_that_the_package_imports():
    wanted = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    course, image = pins(ROOT / "requirements.txt"), pins(BINDER / "requirements.txt")
    assert image.keys() - ADDED == wanted
    assert {name: image[name] for name in wanted} == {name: course[name] for name in wanted}
    text = (BINDER / "requirements.txt").read_text(encoding="utf-8")
    assert "\n--extra-index-url https://download.pytorch.org/whl/cpu\n" in text


def test_binder_takes_a_python_that_the_course_is_checked_with():
    python = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    checked = yaml.safe_load((ROOT / ".github/workflows/cpu.yml").read_text(encoding="utf-8"))
    assert python in checked["jobs"]["test"]["strategy"]["matrix"]["python"]


def test_the_step_after_the_packages_installs_the_course_and_no_other_package():
    script = BINDER / "postBuild"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["sh", "-n", script]).returncode == 0
    assert script.read_text(encoding="utf-8").splitlines()[-1].endswith("--no-deps .")


@pytest.fixture(scope="module")
def image():
    """The Dockerfile that repo2docker would build."""
    done = subprocess.run([Path(sys.executable).parent / "jupyter-repo2docker", "--no-build",
                           "--debug", "."], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_repo2docker_makes_a_python_image_of_these_files(image):
    python = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    assert f"Building conda environment for python={python}" in image
    installs = re.findall(r"^RUN .*?pip install.*", image, re.MULTILINE)
    assert len(installs) == 1 and '-r ".binder/requirements.txt"' in installs[0]
    assert re.search(r"^RUN \./\.binder/postBuild$", image, re.MULTILINE)
    assert not re.search(r"julia|Rscript|Pipfile|environment\.yml", image)   # other build packs


def test_the_dev_container_installs_the_course():
    text = (ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8")
    said = json.loads(text)
    # of containers.dev's schema, which is not on this machine: the keys used, and their forms
    forms = {"name": str, "image": str, "hostRequirements": dict, "postCreateCommand": str,
             "forwardPorts": list, "portsAttributes": dict, "customizations": dict}
    assert {key: type(value) for key, value in said.items()} == forms
    needs = said["hostRequirements"]
    assert isinstance(needs["cpus"], int) and needs.keys() == {"cpus", "memory", "storage"}
    assert all(re.fullmatch(r"\d+gb", needs[key]) for key in ("memory", "storage"))
    assert said["portsAttributes"].keys() == {str(port) for port in said["forwardPorts"]}
    assert said["postCreateCommand"] == "make .venv/ready TORCH=cpu"
    assert said["image"].endswith(":" + (BINDER / "runtime.txt").read_text().strip()[7:])


def test_the_command_of_the_dev_container_is_one_that_make_knows():
    asked = ["make", "--no-print-directory", "--dry-run", "--always-make", ".venv/ready",
             "TORCH=cpu"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith('scripts/venv .venv requirements.txt "python3" "cpu"')


def blocks(language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", FORK, re.MULTILINE | re.DOTALL)


def test_the_page_shows_commands_that_a_shell_can_read():
    assert len(blocks("bash")) >= 6
    for block in blocks("bash"):
        done = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True)
        assert done.returncode == 0, block + done.stderr


def test_the_hubs_values_leave_room_for_the_largest_notebook():
    [block] = blocks("yaml")
    user = yaml.safe_load(block)["singleuser"]
    assert user.keys() == {"image", "memory", "cpu", "defaultUrl", "lifecycleHooks"}
    assert user["memory"] == {"guarantee": "2G", "limit": "4G"} and user["cpu"]["limit"] == 2
    command = user["lifecycleHooks"]["postStart"]["exec"]["command"]
    assert command == ["gitpuller", "REPOSITORY_ADDRESS", "REPOSITORY_BRANCH", "REPOSITORY_NAME"]


def test_what_teachers_commands_need_is_an_extra_that_the_pins_fulfil():
    wanted = [Requirement(line) for line in PROJECT["optional-dependencies"]["teach"]]
    pinned = pins(ROOT / "requirements.txt") | pins(ROOT / "requirements-teach.txt")
    for one in wanted:
        assert one.specifier.contains(pinned[one.name]) and version(one.name) == pinned[one.name]
        assert {spec.operator for spec in one.specifier} == {">="}
    assert {one.name for one in wanted} == {"nbgrader", "otter-grader", "jupyter-repo2docker",
                                            "text2qti"}
