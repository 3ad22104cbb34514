"""The teacher's environment: beside the reader's, with the same versions of what both have."""

import re
from importlib.metadata import version
from pathlib import Path

import nbgrader

ROOT = Path(__file__).resolve().parents[2]


def pins(name):
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.M))


def test_no_reader_waits_for_the_graders():
    assert Path(nbgrader.__file__).is_relative_to(ROOT / ".venv-teach")
    assert not pins("requirements.txt").keys() & pins("requirements-teach.txt").keys()


def test_what_runs_here_is_what_the_two_files_of_pins_say():
    wanted = pins("requirements-teach.txt") | {name: pins("requirements.txt")[name]
                                               for name in ("torch", "torchvision", "numpy")}
    assert {name: version(name).split("+")[0] for name in wanted} == wanted
