"""Nothing that is read can run a stranger's code; what stops a training costs one epoch at most.

A pickle is a program: whoever loads one runs it. torch refuses to, with `weights_only=True`, and
NumPy without `allow_pickle`. The first half of this file looks for every other way in the course's
code; what its own processes hand to one another (a DataLoader's workers, torch.distributed) is no
file of a stranger's. The second half kills a training and fills its disk.
"""
import ast
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from test_repository import ROOT, own_files
from test_train import assert_same_weights, class_loss, points_loader, tiny_model

from coursekit.train import fit

UNPICKLERS = {"pickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
RUN_CODE = {"torch.hub.load", "torch.jit.load", "torch.export.load", "torch.package"}
LOADERS = {"torch.load", "torch.hub.load_state_dict_from_url", "torch.utils.model_zoo.load_url"}
FETCHED = ("weights", "weights_backbone")    # torchvision reads these with weights_only=False


def imports(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for: {"np": "numpy", "load": "torch.load"}."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                top = item.name if item.asname else item.name.partition(".")[0]
                names[item.asname or top] = top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
    return names


def full_name(function: ast.expr, names: dict[str, str]) -> str:
    """`np.load` -> numpy.load; `make().load` -> ?.load."""
    if isinstance(function, ast.Name):
        return names.get(function.id, function.id)
    if isinstance(function, ast.Attribute):
        return f"{full_name(function.value, names)}.{function.attr}"
    return "?"


def is_value(call: ast.Call, keyword: str, value: object) -> bool:
    """Whether the call gives the keyword, as this very constant."""
    return any(item.arg == keyword and isinstance(item.value, ast.Constant)
               and item.value.value is value for item in call.keywords)


def has(call: ast.Call, keyword: str) -> bool:
    return any(item.arg == keyword for item in call.keywords)


def danger(call: ast.Call, name: str) -> str:
    """What a call could do with a stranger's file; empty if nothing."""
    starred = has(call, None)                        # load(path, **options): nobody can tell
    if name in LOADERS or name.endswith(".get_state_dict"):
        if not is_value(call, "weights_only", True):
            return "without weights_only=True"
        fetches = name != "torch.load"
        return "without check_hash=True" if fetches and not is_value(call, "check_hash", True) \
            else ""
    if name == "numpy.load":
        allowed = starred or len(call.args) > 2 or (has(call, "allow_pickle")
                                                    and not is_value(call, "allow_pickle", False))
        return "with allow_pickle" if allowed else ""
    if any(name == wrong or name.startswith(f"{wrong}.") for wrong in RUN_CODE):
        return "runs code out of a file"
    if name.startswith("torchvision.models.") and name.rpartition(".")[2].islower():
        given = [word for word in FETCHED if has(call, word) and not is_value(call, word, None)]
        return f"with {given[0]}: load its get_state_dict(weights_only=True, ...)" if given else ""
    return ""


def dangers(source: str) -> Iterator[str]:
    """Each place at which this code would trust a file."""
    tree = ast.parse(source)
    names = imports(tree)
    for name in names.values():
        if name.partition(".")[0] in UNPICKLERS:
            yield f"imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = full_name(node.func, names)
            if found := danger(node, name):
                yield f"line {node.lineno}: {name} {found}"


def codes() -> Iterator[tuple[str, str]]:
    """Every file with code in it: its name, and the code."""
    for path in own_files():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py":
            yield name, path.read_text(encoding="utf-8")
        elif path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            code = "\n".join("".join(cell["source"]) for cell in cells
                             if cell["cell_type"] == "code")
            yield name, re.sub(r"^(\s*)[%!].*", r"\1pass", code, flags=re.MULTILINE)   # magics


def test_no_file_is_trusted_anywhere():
    found = {name: places for name, code in codes() if (places := list(dangers(code)))}
    assert found == {}


def test_the_package_the_scripts_and_the_notebooks_are_all_looked_at():
    names = [name for name, _ in codes()]
    for folder in ("src/coursekit", "scripts", "notebooks", "notebooks/solutions", "tests"):
        assert any(Path(name).parent.as_posix() == folder for name in names), folder
    assert "src/coursekit/checkpoint.py" in names


@pytest.mark.parametrize("code, found", [
    ("import torch\ntorch.load('a.pt')", "line 2: torch.load without weights_only=True"),
    ("import torch\ntorch.load('a.pt', weights_only=False)",
     "line 2: torch.load without weights_only=True"),
    ("import torch\ntorch.load('a.pt', **options)", "line 2: torch.load without weights_only=True"),
    ("from torch import load as read\nread('a.pt')",
     "line 2: torch.load without weights_only=True"),
    ("from torch.hub import load_state_dict_from_url as fetch\nfetch(url, weights_only=True)",
     "line 2: torch.hub.load_state_dict_from_url without check_hash=True"),
    ("Weights.DEFAULT.get_state_dict()",
     "line 1: Weights.DEFAULT.get_state_dict without weights_only=True"),
    ("get_weight('x').get_state_dict(weights_only=True)",
     "line 1: ?.get_state_dict without check_hash=True"),
    ("import numpy as np\nnp.load('a.npy', allow_pickle=True)",
     "line 2: numpy.load with allow_pickle"),
    ("import numpy as np\nnp.load('a.npy', None, True)", "line 2: numpy.load with allow_pickle"),
    ("import numpy as np\nnp.load('a.npy', **options)", "line 2: numpy.load with allow_pickle"),
    ("import pickle", "imports pickle"),
    ("def f():\n    from pickle import loads", "imports pickle.loads"),
    ("import joblib as j", "imports joblib"),
    ("import torch\ntorch.hub.load('jane/net', 'net')",
     "line 2: torch.hub.load runs code out of a file"),
    ("import torch.jit\ntorch.jit.load('net.pt')",
     "line 2: torch.jit.load runs code out of a file"),
    ("from torchvision.models import resnet18\nresnet18(weights='DEFAULT')",
     "line 2: torchvision.models.resnet18 with weights: load its get_state_dict(weights_only=True, "
     "...)"),
    ("from torchvision.models import detection\n"
     "detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=W)",
     "line 2: torchvision.models.detection.fasterrcnn_resnet50_fpn with weights_backbone: load its "
     "get_state_dict(weights_only=True, ...)"),
])
def test_each_way_to_trust_a_file_is_found(code, found):
    assert list(dangers(code)) == [found]


@pytest.mark.parametrize("code", [
    "import torch\ntorch.load('a.pt', map_location='cpu', weights_only=True)",
    "import numpy as np\nnp.load('a.npz')\nnp.load('a.npz', allow_pickle=False)",
    "from torchvision.models import resnet18\nresnet18(weights=None)",
    "W.DEFAULT.get_state_dict(check_hash=True, weights_only=True)",
    "from coursekit import weights\nweights.load('rcnn')",
    "import json\njson.load(file)",
])
def test_what_cannot_run_code_is_left_alone(code):
    assert list(dangers(code)) == []


# --- a training that is stopped

def train(model, loss=class_loss, **options):
    return fit(model, points_loader(), epochs=3, loss=loss, lr=0.02, seed=7, **options)


KILLED = """
import os, signal, sys
from test_trust import class_loss, tiny_model, train

def die_at(moment, work):
    def dies(*arguments):
        calls.append(moment)
        if moment == sys.argv[1] and len(calls) > 6:
            os.kill(os.getpid(), signal.SIGKILL)      # no handler, no `finally` runs
        return work(*arguments)
    return dies

calls = []                                 # an epoch: three steps, then fsync, then replace
os.fsync, os.replace = die_at("fsync", os.fsync), die_at("replace", os.replace)
train(tiny_model(), die_at("step", class_loss), checkpoint="run.pt")
"""


@pytest.mark.parametrize("moment", ["step", "fsync", "replace"])
def test_a_killed_process_loses_no_more_than_its_epoch(moment, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_DEVICE", "cpu")
    done = subprocess.run([sys.executable, "-c", KILLED, moment], cwd=tmp_path, text=True,
                          capture_output=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(
                              [str(ROOT / "tests"), *sys.path])})
    assert done.returncode == -signal.SIGKILL, done.stderr
    path = tmp_path / "run.pt"
    assert torch.load(path, weights_only=True)["progress"]["steps"] == 3     # epoch 1 of three
    whole, resumed = tiny_model(), tiny_model(seed=42)
    train(whole)
    assert train(resumed, checkpoint=path).steps == 9
    assert_same_weights(whole, resumed)


def test_a_training_goes_on_after_the_disk_was_full(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_DEVICE", "cpu")
    path, steps = tmp_path / "run.pt", []
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)

    def fills_the_disk(*arguments):
        steps.append(1)
        if len(steps) == 5:                          # in epoch 2: from here, no file over 4 kB
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        return class_loss(*arguments)

    try:
        with pytest.raises(OSError, match="the file written before is kept. Free some space"):
            train(tiny_model(), fills_the_disk, checkpoint=path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    whole, resumed = tiny_model(), tiny_model(seed=42)
    train(whole)
    assert len(steps) == 6 and train(resumed, checkpoint=path).steps == 9
    assert_same_weights(whole, resumed)
