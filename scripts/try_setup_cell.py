"""Run the set-up cell as a fresh Colab would, and chapter 3 after it: `make test-colab`.

The runtime: a new virtual environment with every package of this one but the course's own. In its
kernel `google.colab` is there, as on Colab. The repository: this checkout's files, committed to a
new one to which git is led when it asks GitHub, so that pip clones, builds and installs as it does
there. Fails if the cell takes 30 seconds or changes any package: it may add the course's own.
"""
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import course
import nbformat
import sync
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

ROOT = sync.ROOT
SECONDS = 30   # at most, for the set-up cell
OWN = re.compile(r"coursekit$|(__editable__[._]*)?pixels_to_instances\b")
GIT = ("git", "-c", "user.name=course", "-c", "user.email=course@example.invalid")
AS_ON_COLAB = 'import sys, types; sys.modules["google.colab"] = types.ModuleType("google.colab")'
ASK = """\
import importlib.metadata as installed, json, os
print(json.dumps({item.name: item.version for item in installed.distributions()}))
print(sum(os.times()[:4]))"""   # seconds that the kernel and its children computed
WHERE = "import coursekit; print(coursekit.__file__)"


def fresh_runtime(folder: Path, packages: Path | None = None) -> Path:
    """A new environment with links to all of `packages` but the course's own; its python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    new = Path(sysconfig.get_path("purelib", "venv", {"base": folder, "platbase": folder}))
    for entry in sorted((packages or Path(sysconfig.get_path("purelib"))).iterdir()):
        if not OWN.match(entry.name):
            (new / entry.name).symlink_to(entry)
    return folder / "bin/python"


def commit_checkout(folder: Path, root: Path = ROOT) -> None:
    """Make a new repository that holds this checkout's files, on branch main."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=root,
                            check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, folder / name)
    for command in (("init", "-q", "-b", "main"), ("add", "-A", "-f"), ("commit", "-q", "-m", "1")):
        subprocess.run([*GIT, *command], cwd=folder, check=True)


def lead_git(address: str, folder: Path) -> None:
    """Let git, here and in every kernel, find `folder` where it is sent to `address`."""
    os.environ.update(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0=f"url.{folder.as_uri()}.insteadOf",
                      GIT_CONFIG_VALUE_0=address)


def kernel_for(python: Path, folder: Path) -> str:
    """Register a kernel that runs `python`, under a name that only this process knows."""
    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": "fresh", "language": "python"}
    place = folder / "kernels/fresh/kernel.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(spec), encoding="utf-8")
    os.environ["JUPYTER_PATH"] = str(folder)
    return "fresh"


def printed(cell: NotebookNode) -> str:
    """What a cell wrote to stdout."""
    return "".join(item.text for item in cell.outputs if item.get("name") == "stdout")


@dataclass
class Run:
    """How the set-up cell went."""

    seconds: float      # by the clock
    computing: float    # of them; the rest is waiting, for the network or for other programs
    before: dict[str, str]   # the packages' versions
    after: dict[str, str]
    file: str           # coursekit's


def run(notebook: NotebookNode, kernel: str, place: Path) -> Run:
    """Run all cells, in a folder."""
    index = next(i for i, cell in enumerate(notebook.cells) if sync.is_setup(cell))
    setup, (before, after, where) = notebook.cells[index], map(new_code_cell, (ASK, ASK, WHERE))
    notebook.cells[index:index + 1] = [new_code_cell(AS_ON_COLAB), before, setup, after, where]
    client = NotebookClient(notebook, timeout=300, kernel_name=kernel,
                            resources={"metadata": {"path": place}})
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            start = time.perf_counter()
            client.execute_cell(cell, index)
            if cell is setup:
                seconds = time.perf_counter() - start
    (old, start), (new, end) = (map(json.loads, printed(cell).splitlines())
                                for cell in (before, after))
    return Run(seconds, end - start, old, new, printed(where).strip())


def complaints(run: Run, runtime: Path) -> list[str]:
    """What is wrong with a run of the set-up cell; empty if nothing is."""
    changed = {name: (run.before.get(name), run.after.get(name))
               for name in sorted({*run.before, *run.after})
               if run.before.get(name) != run.after.get(name)}
    found = [f"{name} was {old} and is {new}" for name, (old, new) in changed.items()
             if (name, old) != ("pixels-to-instances", None)]
    if "pixels-to-instances" not in changed:
        found.append("the course's package was not installed")
    if not Path(run.file).is_relative_to(runtime):
        found.append(f"coursekit came from {run.file}, not from the new runtime")
    if run.seconds >= SECONDS:
        found.append(f"the cell took {run.seconds:.0f} s, {run.computing:.0f} s of them computing, "
                     f"but {SECONDS} s is the limit")
    return found


def main() -> int:
    """Try it; return 1 if anything is wrong."""
    os.environ.pop("PYTHONPATH", None)   # the course must come from the runtime alone
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"   # no kernel's advice about debuggers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "repository").mkdir()
        commit_checkout(folder / "repository")
        address = sync.address().replace(course.PLACEHOLDER, "owner")
        lead_git(address, folder / "repository")
        kernel = kernel_for(fresh_runtime(folder / "runtime"), folder / "jupyter")
        notebook = nbformat.read(ROOT / "notebooks/03_upsampling.ipynb", as_version=4)
        next(filter(sync.is_setup, notebook.cells)).source = sync.setup_cell(address)
        done = run(notebook, kernel, folder)
        found = complaints(done, folder / "runtime")
    for line in found:
        print(f"Set-up cell: {line}.", file=sys.stderr)
    if not found:
        print(f"Set-up cell: {done.seconds:.1f} s on Python {sys.version.split()[0]}, torch "
              f"{version('torch')} as before; chapter 3 ran after it.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
