"""The emulated device refuses what CUDA refuses, and nothing else: the net that catches, tested.

Its rules are held against those of torch's own FakeTensorMode, which knows devices without having
them; the two that FakeTensorMode does not know, a GPU does.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from second_device import NAME, Away, second_device
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import _get_current_dispatch_mode

# Each takes x, four numbers on the device, and makes its mistake with a tensor of the CPU.
WRONG = {
    "a mask that was made on the CPU": lambda x: x * (torch.arange(4) > 1),
    "a choice by such a mask": lambda x: x.where(torch.ones(4, dtype=torch.bool), 0.0),
    "a ridge's diagonal": lambda x: x[:, None] * x + torch.eye(4),
    "weights on the CPU": lambda x: torch.ones(2, 4) @ x,
    "two pieces joined": lambda x: torch.cat([x, torch.zeros(2)]),
    "two numbers stacked": lambda x: torch.stack([x[0], torch.tensor(1.0)]),
    "a table on the CPU, rows on the device": lambda x: torch.arange(9)[x.long()],
    "places on the CPU": lambda x: x.gather(0, torch.tensor([0, 2])),
    "values put in from the CPU": lambda x: x.clone().index_put((x.long(),), torch.ones(4)),
    "written over a tensor of the CPU": lambda x: torch.zeros(4).add_(x),
    "a target on the CPU": lambda x: F.mse_loss(x, torch.zeros(4)),
    "classes on the CPU": lambda x: F.cross_entropy(x[None], torch.tensor([2])),
    "a layer on the CPU": lambda x: torch.nn.Linear(4, 2)(x),
    "NumPy": lambda x: np.asarray(x),
}
NOT_KNOWN_TO_FAKE = ("two numbers stacked", "a table on the CPU, rows on the device")
RIGHT = {
    "a single number from the CPU": lambda x: x * torch.tensor(2.0),
    "rows from the CPU": lambda x: x[torch.tensor([0, 2])],
    "a number put in from the CPU": lambda x: x.clone().index_put((torch.tensor([0]),),
                                                                  torch.tensor(1.0)),
    "made where x is": lambda x: x * torch.arange(4, device=x.device),
    "made like x": lambda x: torch.cat([x, x.new_zeros(2)]),
    "brought to x": lambda x: x * torch.eye(4).to(x)[0],
    "copied into x": lambda x: x.clone().copy_(torch.ones(4)),
}


@pytest.fixture(params=["emulated", "fake"])
def four(request):
    """Four numbers on a device, as long as the test runs."""
    if request.param == "emulated":
        with second_device() as device:
            yield torch.tensor([0.0, 3, 1, 2], device=device)
    else:
        with FakeTensorMode():
            yield torch.ones(4, device=NAME)


@pytest.mark.parametrize("name", WRONG)
def test_what_cuda_refuses_is_refused(four, name):
    if isinstance(four, Away) or name not in NOT_KNOWN_TO_FAKE:
        with pytest.raises((RuntimeError, TypeError)):
            WRONG[name](four)


@pytest.mark.parametrize("name", RIGHT)
def test_what_cuda_accepts_is_accepted_and_stays_on_the_device(four, name):
    assert RIGHT[name](four).device == four.device


@pytest.mark.parametrize("name", WRONG)
def test_the_same_on_the_cpu_is_no_mistake_and_shows_nowhere(name):
    assert WRONG[name](torch.tensor([0.0, 3, 1, 2])) is not None


def test_a_refusal_says_what_met():
    with second_device() as device, pytest.raises(RuntimeError, match=(
            r"found second:0 and cpu \(aten.mul.Tensor: \(2, 3\) on second:0, \(3,\) on cpu\)")):
        torch.ones(2, 3, device=device) * torch.ones(3)


def test_numbers_go_there_and_back():
    with second_device() as device:
        x = torch.arange(6.0).view(2, 3).to(device)
        assert isinstance(x, Away) and x.device == device and x.sum().item() == 15
        assert x.tolist() == [[0, 1, 2], [3, 4, 5]] and f"{x[1, 2]:.2f}" == "5.00"
        back = x.cpu()
        back += 1
        x[1] = torch.tensor([7.0, 8, 9])
        assert type(back) is torch.Tensor and back[0].tolist() == [1, 2, 3]
        assert x[0].tolist() == [0, 1, 2] and x[1].tolist() == [7, 8, 9]


def test_a_tensor_knows_the_size_that_an_operation_gave_it():
    with second_device() as device:
        assert torch.arange(3, device=device).shape == (3,)
        x = torch.zeros(2, 1, device=device)
        view = x.squeeze_(1)
        assert x.shape == view.shape == (2,)


def test_the_cpus_operations_are_not_slowed_by_anybody_who_looks_at_them():
    with second_device():
        assert _get_current_dispatch_mode() is None


def test_gradients_stay_there():
    with second_device() as device:
        layer = torch.nn.Linear(3, 2).to(device)
        x = torch.ones(4, 3, device=device, requires_grad=True)
        layer(x).square().sum().backward()
        assert {part.grad.device for part in (x, *layer.parameters())} == {device}


def test_a_gpus_sums_and_random_numbers_are_not_the_cpus():
    x = torch.linspace(-1, 1, 12).view(3, 4)
    torch.manual_seed(0)
    ours = torch.rand(3)
    with second_device(exact=False) as device:
        there = (x.to(device) @ x.T.to(device)).cpu()
        torch.manual_seed(0)
        torch.rand(9, device=device)
        assert torch.rand(3).equal(ours)                     # the device draws from its own
    assert not there.equal(x @ x.T)
    torch.testing.assert_close(there, x @ x.T, rtol=1e-5, atol=1e-6)
