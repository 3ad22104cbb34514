"""The course on a device that is not the CPU, without one: no tensor is made in the wrong place.

The package's cases run on the CPU and on an emulated second device (`second_device`): the results
must be equal and lie on the device, and every function of the package that works on tensors must
have run there. Where there is a GPU, the cases run on it, too.

What is drawn on the CPU, whatever the device: weights at the start (models are made there, then
moved), the order of the samples (DataLoader), scenes and augmentation. What is drawn on the device:
the regions to learn from, `coursekit.assignment.sample`; so two devices train differently, and
nothing that follows from a training is compared exactly (`test_notebooks_any_device`).
"""

import inspect
import pkgutil
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import CodeType

import device_cases
import pytest
import torch
from device_cases import CASES
from second_device import Away, second_device
from torch import Tensor, nn
from torch.utils import _pytree as tree

import coursekit
from coursekit import masks
from coursekit.anchors import grid_anchors
from coursekit.models import mask_rcnn, rcnn_fit

CPU = torch.device("cpu")
STAYS = {"proposals on the cpu"}            # selective search is NumPy's work on the picture alone
APART = {"charts", "check", "checks", "data", "device", "figures", "style",   # on the CPU, for good
         "train", "weights",                # train: `fit` is a case, several processes have tests
         "models.hub", "models.official"}   # files that are fetched
FILES = {                                   # likewise, or models that are built of a file
    f"coursekit.models.{name}" for name in (
        "pyramid.pretrained_state", "torchvision_weights.load_torchvision",
        "torchvision_weights.build", "torchvision_weights._renamed")}


def run(case: str, device: torch.device) -> object:
    """A case's results on a device, from the same random numbers."""
    def to(value: object) -> object:
        if isinstance(value, nn.Module):
            return value.to(device)
        return tree.tree_map_only(Tensor, lambda x: x.to(device), value)

    torch.manual_seed(0)
    return CASES[case](to)


@cache
def on_the_second(name: str) -> tuple[list, set[CodeType]]:
    """All that a case gives on the second device, and the code that ran there."""
    code = set()
    sys.settrace(lambda frame, event, _: code.add(frame.f_code))     # None: calls, not lines
    try:
        with second_device() as device:
            return tree.tree_leaves(run(name, device)), code
    finally:
        sys.settrace(None)


def check_place_and_values(name: str, theirs: list) -> None:
    """The results lie where they should, and are the CPU's."""
    for mine, other in zip(tree.tree_leaves(run(name, CPU)), theirs, strict=True):
        if isinstance(mine, Tensor):
            assert isinstance(other, Away) == (name not in STAYS)
            mine, other = mine.detach(), other.detach().cpu()
            torch.testing.assert_close(other, mine, rtol=1e-5, atol=1e-5, equal_nan=True)
        elif isinstance(mine, float):
            assert other == pytest.approx(mine, rel=1e-5, nan_ok=True)
        else:
            assert other == mine


@pytest.mark.parametrize("name", CASES)
def test_results_are_the_cpus_and_lie_on_the_second_device(name):
    check_place_and_values(name, on_the_second(name)[0])


@pytest.mark.timeout(600)                   # alone it has to run all cases
def test_every_function_that_works_on_tensors_ran_on_the_second_device():
    modules = [found.name for found in pkgutil.walk_packages(coursekit.__path__, "coursekit.")]
    ours = {f"{module}.{name}": code for module in modules
            if not {module.split(".")[1], module.removeprefix("coursekit.")} & APART
            for name, code in functions(module)}
    ran = set.union(*(on_the_second(name)[1] for name in CASES))
    missing = {name for name, code in ours.items() if code not in ran} - FILES
    assert not missing, "give each a case in tests/device_cases.py"
    assert len(ours) > 150


def functions(module: str) -> Iterator[tuple[str, CodeType]]:
    """The functions and methods that a module's text defines, by name, with their code."""
    home = import_module(module)
    for name, part in vars(home).items():
        inside = vars(part) if inspect.isclass(part) else {"": part}
        for label, member in inside.items():
            member = inspect.unwrap(getattr(member, "__func__", member)) if callable(
                getattr(member, "__func__", member)) else None
            code = getattr(member, "__code__", None)
            if code and code.co_filename == home.__file__ and code.co_name != "<lambda>":
                yield ".".join(filter(None, (name, label))), code


def ridge_on_the_cpu(x: Tensor, y: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """R-CNN's regression as it once stood in the package: the diagonal is made on the CPU."""
    gram = x.T @ x + strength * torch.eye(x.shape[1])
    weight = torch.linalg.solve(gram, x.T @ y)
    return weight, (y - x @ weight).mean(dim=0)


def anchors_on_the_cpu(grid: tuple[int, int], stride: tuple[int, int], around: Tensor) -> Tensor:
    return grid_anchors(grid, stride, around.cpu())


def paste_on_the_cpu(parts: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    return masks.paste(parts.cpu(), boxes, size)


@pytest.mark.parametrize(("name", "home", "attribute", "wrong"), [
    ("rcnn fitted", rcnn_fit, "ridge", ridge_on_the_cpu),
    ("regions learn", device_cases, "grid_anchors", anchors_on_the_cpu)])
def test_a_tensor_made_on_the_cpu_is_caught(monkeypatch, name, home, attribute, wrong):
    monkeypatch.setattr(home, attribute, wrong)
    with second_device() as device, pytest.raises(RuntimeError, match="found second:0 and cpu"):
        run(name, device)


def test_a_result_that_stays_on_the_cpu_is_caught(monkeypatch):
    monkeypatch.setattr(mask_rcnn, "paste", paste_on_the_cpu)
    with second_device() as device:
        there = run("mask rcnn", device)
    with pytest.raises(AssertionError):
        check_place_and_values("mask rcnn", tree.tree_leaves(there))


if torch.cuda.is_available():
    @pytest.mark.parametrize("name", CASES)
    def test_a_gpu_takes_the_same_cases(name):
        for result in tree.tree_leaves(run(name, torch.device("cuda"))):
            if isinstance(result, Tensor):
                assert result.device.type == ("cpu" if name in STAYS else "cuda")
