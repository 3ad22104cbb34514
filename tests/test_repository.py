"""The set-up: commands, pins, licences, one place for the address, nothing of one machine."""
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import check_notebooks
import pytest
import sync

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE, TEACH = ((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "teach.mk"))
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE + TEACH, re.MULTILINE))
PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name: str = "requirements.txt") -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [PIN.fullmatch(line) for line in lines if line and not line.startswith("#")]
    assert all(found), f"{name} has a line that is no exact pin"
    return {normal(match[1]): match[2] for match in found}


def own_files() -> list[Path]:
    """Every text file of the repository: what git tracks, and what it would."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.splitlines()
    paths = [ROOT / name for name in listed]
    binary = {".png", ".webp", ".safetensors", ".npz", ".woff2", ".jpg", ".ico"}
    return [path for path in paths if path.suffix not in binary and path.is_file()]


@pytest.mark.parametrize("makefile", [MAKEFILE, TEACH])
def test_the_makefile_is_short_and_each_target_is_one_line(makefile):
    lines = makefile.splitlines()
    assert len(lines) < 40
    assert not [line for line in lines if line.startswith("\t") or line.endswith("\\")]
    assert {"book", "test", "quick", "nbval", "lint", "sync", "outputs", "lab", "serve", "bench",
            "help"} <= TARGETS


def test_make_help_names_every_target():
    said = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    assert [name for name in sorted(TARGETS - {"help"}) if not re.search(rf"\b{name} ", said)] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "book/contributing.md",
                                  "book/how-to-use.md"])
def test_every_command_that_a_page_names_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^ *|\n *)make ([a-z-]+)", text))
    assert named <= TARGETS


def test_the_readme_shows_a_picture_that_is_there_and_has_words():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", text)
    assert pictures and all((ROOT / path).is_file() and alt for alt, path in pictures)


def test_links_between_the_pages_at_the_top_lead_somewhere():
    for page in ("README.md", "CONTRIBUTING.md"):
        links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
        assert links and all((ROOT / link).is_file() for link in links)


def test_the_pins_cover_what_the_package_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {normal(re.match(r"[\w.-]+", line)[0]) for line in project["dependencies"]}
    assert names <= set(pins()) and names <= set(pins("requirements-colab.txt"))
    assert not [line for line in project["dependencies"] if re.search(r"==|<|~", line)]
    assert project["name"] == "pixels-to-instances"


def test_the_pins_leave_to_torch_what_torch_pins():
    assert not [name for name in pins() if re.match(r"nvidia|triton|cuda", name)]


def test_the_environment_holds_what_is_pinned():
    ready = Path(sys.prefix, "ready")   # scripts/venv writes there whose pins it installed
    wanted = ready.read_text(encoding="utf-8").strip() if ready.exists() else ""
    wrong = {name: (version(name), pin) for name, pin in pins(wanted or "requirements.txt").items()
             if version(name).partition("+")[0] != pin}   # 2.14.1+cpu is 2.14.1
    assert wrong == {}


def test_the_address_stands_in_the_settings_and_the_set_up_cells_alone():
    url = sync.address()
    holding = {path.relative_to(ROOT).as_posix() for path in own_files()
               if url in path.read_text(encoding="utf-8")}
    generated = {path.relative_to(ROOT).as_posix() for text in sync.texts()
                 for path in (text, sync.notebook_path(text))}
    generated |= {path.relative_to(ROOT).as_posix() for path in ROOT.glob("labs/*.ipynb")}
    tests = {"tests/test_sync.py", "tests/test_notebooks.py", "tests/site/test_build.py",
             "tests/teach/test_fork.py"}
    settings = {"course.yml", "_config.yml"}
    assert "_config.yml" in holding and holding <= settings | generated | tests


def test_no_file_holds_a_path_of_one_machine():
    speak_of_paths = {"check_notebooks.py", "test_notebooks.py"}
    holding = [path.relative_to(ROOT).as_posix() for path in own_files()
               if path.name not in speak_of_paths
               and re.search(r"/(?:root|work)/|/home/\w+/|/Users/\w+/",
                             path.read_text(encoding="utf-8"))]
    assert holding == []


def test_each_licence_is_whole():
    mit = (ROOT / "LICENSE").read_text(encoding="utf-8")
    text = (ROOT / "LICENSE-text").read_text(encoding="utf-8")
    assert mit.startswith("MIT License") and "WITHOUT WARRANTY OF ANY KIND" in mit
    assert text.startswith("Attribution 4.0 International")
    sections = re.findall(r"^Section (\d) -- ", text, re.MULTILINE)
    assert sections == list("12345678")


def environment(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([ROOT / "scripts/venv", folder / "env", "requirements.txt", *arguments],
                          capture_output=True, text=True, cwd=folder)


def fake(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("number", ["3.10", "3.14", "2.7"])
def test_another_python_is_refused_in_one_sentence(number, tmp_path):
    done = environment(tmp_path, fake(tmp_path / "python", f"echo {number}"), "")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert f"needs Python 3.11, 3.12 or 3.13, and '{tmp_path}/python' is {number}" in done.stderr


def test_a_python_that_is_not_there_is_named_in_one_sentence(tmp_path):
    done = environment(tmp_path, "python9", "")
    assert done.returncode == 1 and "'python9' does not run" in done.stderr.splitlines()[-1]


def test_a_wheel_that_does_not_exist_is_refused(tmp_path):
    done = environment(tmp_path, sys.executable, "tpu")
    assert done.returncode == 1 and "TORCH is 'tpu', but can only be cpu" in done.stderr


@pytest.mark.parametrize("torch, wanted", [("", False), ("cpu", True)])
def test_the_pins_are_installed_and_the_wheel_for_the_cpu_on_request(torch, wanted, tmp_path):
    record = f'echo "$@" >> {tmp_path}/asked'
    make = (f'case $1 in -c) echo 3.12 ;; -m) mkdir -p env/bin; '
            f'printf \'#!/bin/sh\\n%s\\n\' \'{record}\' > env/bin/python; '
            'chmod +x env/bin/python ;; esac')
    done = environment(tmp_path, fake(tmp_path / "python", make), torch)
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    assert done.returncode == 0
    assert (tmp_path / "env/ready").read_text(encoding="utf-8") == "requirements.txt\n"
    assert ("--extra-index-url https://download.pytorch.org/whl/cpu" in asked) == wanted
    assert "-r requirements.txt" in asked and asked.rstrip().endswith("--no-deps -e .")


def run_all_checks(checkout: Path, status: int) -> tuple[int, dict[str, str]]:
    """Run .ci/run in `checkout`, with a `make` that records its environment."""
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", checkout / ".ci")
    tools = checkout.parent / "tools"
    tools.mkdir()
    fake(tools / "make", f'env; echo "ASKED=$*"; echo "9 passed in 1.00s"; exit {status}')
    keep = {name: value for name, value in os.environ.items() if not name.startswith("COURSEKIT")
            and name != "TORCH_HOME"}
    done = subprocess.run(["bash", ".ci/run"], cwd=checkout, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env={**keep, "PATH": f"{tools}:{keep['PATH']}"})
    assert done.stdout.splitlines()[-1] == "9 passed in 1.00s"
    return done.returncode, dict(line.split("=", 1) for line in done.stdout.splitlines()
                                 if "=" in line)


def test_ci_runs_every_check_and_passes_the_exit_status_on(tmp_path):
    status, seen = run_all_checks(tmp_path / "checkout", status=2)
    assert status == 2 and seen["ASKED"] == "test"
    assert "COURSEKIT_DATA" not in seen and "COURSEKIT_REQUIRE_DATA" not in seen


def test_ci_uses_photographs_and_weights_that_lie_beside_the_checkout(tmp_path):
    (tmp_path / "shared/data").mkdir(parents=True)
    (tmp_path / "shared/weights").mkdir()
    (tmp_path / "shared/weights/net.pth").write_bytes(b"weights")
    status, seen = run_all_checks(tmp_path / "checkout", status=0)
    assert status == 0
    assert seen["COURSEKIT_DATA"] == str(tmp_path / "shared/data")
    assert seen["COURSEKIT_REQUIRE_DATA"] == "1"
    assert (Path(seen["TORCH_HOME"]) / "hub/checkpoints/net.pth").read_bytes() == b"weights"
    assert Path(seen["TORCH_HOME"]).is_relative_to(tmp_path / "checkout/.cache")


@pytest.mark.parametrize("threads, worker", [(None, False), ("1", True)])
def test_beside_another_worker_tests_compute_on_one_thread(threads, worker):
    env = {name: value for name, value in os.environ.items()
           if name not in ("OMP_NUM_THREADS", "PYTEST_XDIST_WORKER")}
    if worker:
        env["PYTEST_XDIST_WORKER"] = "gw0"
    code = "import os, conftest; print(os.environ.get('OMP_NUM_THREADS'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tests", capture_output=True,
                          text=True, env=env)
    assert done.stdout == f"{threads}\n"


def browser(path: Path) -> subprocess.CompletedProcess:
    return subprocess.run(["/bin/sh", ROOT / "scripts/browser"], capture_output=True, text=True,
                          env={"PATH": str(path)})


@pytest.mark.parametrize("name", ["chromium", "google-chrome"])
def test_a_browser_on_the_path_is_found(name, tmp_path):
    wanted = fake(tmp_path / name, "true")
    assert browser(tmp_path).stdout == f"{wanted}\n"


def test_without_a_browser_one_sentence_names_the_package(tmp_path):
    fake(tmp_path / "id", "echo 1000")
    done = browser(tmp_path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "install the package 'chromium'" in done.stderr


def test_as_root_on_debian_the_browser_is_installed(tmp_path):
    fake(tmp_path / "id", "echo 0")
    chromium = tmp_path / "chromium"
    fake(tmp_path / "apt-get", f'case "$*" in *chromium) echo "#!/bin/sh" > {chromium} && '
         f'/bin/chmod +x {chromium} ;; esac')
    done = browser(tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{chromium}\n")


def test_notebooks_are_marked_as_generated():
    lines = (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert "*.ipynb -diff linguist-generated" in lines


def test_the_limits_of_a_notebook_are_those_of_the_course():
    assert (check_notebooks.MAX_LINES, check_notebooks.MAX_BYTES) == (25, 1_500_000)
