"""Several processes train one detector: two real ones, over gloo, against one alone.

Chance is taken out where numbers are compared: of anchors and regions all are drawn, so that every
image has another number of them, which is also the hardest case for a mean of means.
"""

import pytest
import torch
import torch.distributed as dist
from processes import together
from random_inputs import random_picture
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset

from coursekit.boxes import from_masks
from coursekit.data import collate
from coursekit.models import rpn
from coursekit.train import fit
from coursekit.train.detector import build
from coursekit.train.distributed import gather, is_first, join, leave, place
from coursekit.train.sampler import Turns
from coursekit.train.share import shared_loss

SIDE, CPU = 64, torch.device("cpu")
pytestmark = pytest.mark.timeout(300)           # several processes on a busy machine
COUNTS = (3, 0, 1, 2, 1, 4, 0, 2)               # objects of each image; two have none


class Rectangles(Dataset):
    """Eight images of 64 x 64 with 0 to 4 objects, and nothing drawn by chance."""

    def __len__(self):
        return len(COUNTS)

    def __getitem__(self, index):
        masks = torch.zeros(COUNTS[index], SIDE, SIDE, dtype=torch.bool)
        for i, mask in enumerate(masks):
            mask[4 + 9 * i:22 + 10 * i, 3 + 8 * i:30 + 6 * i + index] = True
        labels = torch.arange(len(masks)) % 3 + 1
        return random_picture(SIDE, SIDE, index), {"boxes": from_masks(masks), "labels": labels,
                                                   "masks": masks}


def detector(name="mask_rcnn"):
    """With random weights, and no chance in what it draws: everything."""
    torch.manual_seed(0)
    model = build(name, "small", 4, (SIDE, SIDE)).train()
    rpn.DRAWN, model.regions = 10 ** 6, 10 ** 6
    return model


@pytest.fixture(autouse=True)
def what_is_drawn(monkeypatch):
    monkeypatch.setenv("COURSEKIT_DEVICE", "cpu")
    monkeypatch.setenv("COURSEKIT_PLAIN", "1")
    monkeypatch.setattr(rpn, "DRAWN", rpn.DRAWN)


def gradients(model, losses):
    model.zero_grad()
    sum(losses.values()).backward()
    return {name: one.grad for name, one in model.named_parameters()}


def alone(name, which):
    model = detector(name)
    losses = model(*collate([Rectangles()[n] for n in which]))
    return {key: value.item() for key, value in losses.items()}, gradients(model, losses)


def one_step(folder, name, which, weighted):
    """A process's part of a batch of four: losses and gradients go into a file."""
    join(CPU)
    model, batch = detector(name), collate([Rectangles()[n] for n in which[place()[0]::2]])
    loss = shared_loss(model, CPU)
    if not weighted:
        team = DistributedDataParallel(model)
        loss = lambda _, *batch: team(*batch)                                # noqa: E731
    losses = loss(model, *batch)
    values = {key: value.item() for key, value in losses.items()}
    torch.save([values, gradients(model, losses)], f"{folder}/{place()[0]}.pt")
    leave()


@pytest.mark.parametrize("name, which", [
    ("faster_rcnn", (0, 1, 2, 3)), ("mask_rcnn", (0, 1, 2, 3)),
    ("mask_rcnn", (0, 1, 2, 6)),                # the second process has no object at all
])
def test_the_gradient_of_two_processes_is_that_of_one_with_the_whole_batch(tmp_path, name, which):
    together(2, one_step, tmp_path, name, which, True)
    losses, wanted = alone(name, which)
    assert min(losses.values()) > 0 and min(one.abs().max() for one in wanted.values()) > 0
    for process in (0, 1):
        values, found = torch.load(tmp_path / f"{process}.pt", weights_only=True)
        assert values == pytest.approx(losses, rel=1e-5, abs=1e-6)
        assert found.keys() == wanted.keys()
        for key, gradient in wanted.items():
            scale = gradient.abs().max()
            torch.testing.assert_close(found[key] / scale, gradient / scale, atol=1e-5, rtol=0)


def test_without_the_weights_a_mean_of_means_is_another_gradient(tmp_path):
    together(2, one_step, tmp_path, "mask_rcnn", (0, 1, 2, 3), False)
    _, wanted = alone("mask_rcnn", (0, 1, 2, 3))
    _, found = torch.load(tmp_path / "0.pt", weights_only=True)
    wrong = {key: ((found[key] - one).abs().max() / one.abs().max()).item()
             for key, one in wanted.items()}
    assert max(wrong.values()) > 0.05           # where the right one is within 0.00001


def train(folder, name, epochs=1, batch=4):
    """Two steps of plain descent; weights and the epoch's loss go into a file."""
    join(CPU)
    data, model = Rectangles(), detector(name)
    loader = DataLoader(data, batch // place()[1], sampler=Turns(data, seed=5), collate_fn=collate)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    history = fit(model, loader, epochs=epochs, loss=shared_loss(model, CPU), optimizer=optimizer,
                  device=CPU)
    torch.save({"weights": model.state_dict(), "losses": [one["loss"] for one in history.epochs]},
               f"{folder}/{place()[1]}-{place()[0]}.pt")
    leave()


def test_a_run_of_two_processes_ends_where_one_ends(tmp_path):
    together(2, train, tmp_path, "mask_rcnn")
    train(tmp_path, "mask_rcnn")                # alone, in this process
    one, first, second = (torch.load(tmp_path / f"{name}.pt", weights_only=True)
                          for name in ("1-0", "2-0", "2-1"))
    assert first["losses"] == second["losses"]
    assert first["losses"] == pytest.approx(one["losses"], rel=1e-4)
    start = dict(detector().named_parameters())
    for key, value in one["weights"].items():
        assert torch.equal(first["weights"][key], second["weights"][key])
        if key in start:
            moved = (value - start[key]).abs().max()
            torch.testing.assert_close(first["weights"][key], value, atol=0.001 * moved.item(),
                                       rtol=0)


def stop_at_a_loss_that_is_not_finite(folder):
    join(CPU)
    model, batch = detector(), collate([Rectangles()[0]])
    loss = shared_loss(model, CPU)
    if place()[0] == 1:
        nn.init.constant_(model.head.deltas.weight, torch.nan)
    try:
        fit(model, [batch], loss=loss, device=CPU)
    except FloatingPointError:
        (folder / f"stopped{place()[0]}").touch()
    leave()


def test_a_loss_of_one_process_that_is_not_finite_stops_them_all(tmp_path):
    together(2, stop_at_a_loss_that_is_not_finite, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stopped0", "stopped1"]


# ---- turns


class Numbers(Dataset):
    """Ten images that are numbers."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return index


def take_turns(folder):
    join(CPU)
    batches = []
    for epoch in (1, 2):
        loader = DataLoader(Numbers(), 4 // place()[1], sampler=Turns(Numbers(), seed=1))
        loader.sampler.set_epoch(epoch)
        batches += [batch.tolist() for batch in loader]
    draws = torch.rand(3)
    everyones = gather(batches)
    assert is_first() == (place()[0] == 0)
    torch.save({"batches": everyones, "draws": draws}, f"{folder}/{place()[1]}-{place()[0]}.pt")
    leave()


def test_the_processes_batches_together_are_those_of_one_and_another_order_each_epoch(tmp_path):
    together(2, take_turns, tmp_path)
    take_turns(tmp_path)
    one, first, second = (torch.load(tmp_path / f"{name}.pt", weights_only=True)
                          for name in ("1-0", "2-0", "2-1"))
    assert first["batches"] == second["batches"] and len(first["batches"]) == 2
    merged = [sorted(a + b) for a, b in zip(*first["batches"], strict=True)]
    assert merged == [sorted(batch) for batch in one["batches"][0]]
    assert sorted(sum(merged[:3], [])) == list(range(10))
    assert one["batches"][0][:3] != one["batches"][0][3:]
    assert torch.equal(one["draws"], first["draws"])        # the same seed, epoch and process
    assert not torch.equal(first["draws"], second["draws"])


def test_alone_nothing_is_shared_and_nobody_is_asked(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    assert join(CPU) == CPU and place() == (0, 1) and is_first() and gather("mine") == ["mine"]
    assert shared_loss(nn.Linear(1, 1), CPU) is None and not dist.is_initialized()
    leave()


def test_more_processes_than_gpus_and_other_devices_are_refused(monkeypatch):
    monkeypatch.setenv("RANK", "9")
    monkeypatch.setenv("LOCAL_RANK", "9")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="process 9 of this machine came, but it has 2 GPUs"):
        join(torch.device("cuda"))
    with pytest.raises(ValueError, match="on the device mps, but.*cuda and on cpu only"):
        join(torch.device("mps"))
