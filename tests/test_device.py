"""The order in which a device is chosen, and the promise that GPU=1 makes."""

import pytest
import torch

from coursekit.device import pick_device


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch):
    monkeypatch.delenv("COURSEKIT_DEVICE", raising=False)
    monkeypatch.delenv("GPU", raising=False)


def test_the_choice_is_cuda_where_torch_sees_it_and_else_the_cpu():
    assert pick_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["cpu", " cpu "])
def test_the_environment_overrides_the_choice(monkeypatch, name):
    monkeypatch.setenv("COURSEKIT_DEVICE", name)
    assert pick_device() == torch.device("cpu")


def test_an_empty_name_counts_as_none(monkeypatch):
    monkeypatch.setenv("COURSEKIT_DEVICE", "")
    assert pick_device().type in ("cuda", "cpu")


def test_what_is_not_a_device_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("COURSEKIT_DEVICE", "gpu")
    with pytest.raises(ValueError, match="COURSEKIT_DEVICE is 'gpu', but a name such as.*Correct"):
        pick_device()


@pytest.mark.parametrize("name", ["cuda:99", "meta"])
def test_a_device_that_is_not_there_is_refused_by_name(monkeypatch, name):
    monkeypatch.setenv("COURSEKIT_DEVICE", name)
    with pytest.raises(RuntimeError, match=f"is '{name}', but torch cannot use .*=cpu"):
        pick_device()


def test_gpu_1_without_a_visible_gpu_stops(monkeypatch):
    monkeypatch.setenv("GPU", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="GPU=1 .* torch sees no CUDA device.*unset GPU"):
        pick_device()


def test_gpu_1_and_a_named_cpu_contradict_one_another(monkeypatch):
    monkeypatch.setenv("GPU", "1")
    monkeypatch.setenv("COURSEKIT_DEVICE", "cpu")
    with pytest.raises(RuntimeError, match="GPU=1 is set, but COURSEKIT_DEVICE=cpu"):
        pick_device()


def test_gpu_0_promises_nothing(monkeypatch):
    monkeypatch.setenv("GPU", "0")
    assert pick_device().type in ("cuda", "cpu")


def test_gpu_1_is_kept_where_torch_sees_a_gpu(monkeypatch):
    monkeypatch.setenv("GPU", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device().type == "cuda"
