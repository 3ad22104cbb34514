"""`coursekit.train` and `coursekit.checkpoint`: the loop, its errors, runs cut off."""

import math
import os
import random
import re
import resource
import signal

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from coursekit.checkpoint import random_state, set_random_state, write_atomically
from coursekit.train import History, fit, set_learning_rate, to_device, train_steps


class Points(Dataset):
    """Twelve images whose noise comes from all three generators, as augmentation's would."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        noise = random.random() + np.random.rand() + torch.rand(()).item()
        image = torch.full((3, 2, 2), index / 12) + 0.1 * noise
        return image, {"labels": torch.tensor([index % 2])}


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setenv("COURSEKIT_DEVICE", "cpu")
    monkeypatch.delenv("GPU", raising=False)


def as_lists(samples):
    return [image for image, _ in samples], [target for _, target in samples]


def points_loader(seed=3, own_generator=True):
    generator = torch.Generator().manual_seed(seed) if own_generator else None
    return DataLoader(Points(), batch_size=4, shuffle=True, collate_fn=as_lists,
                      generator=generator)


def tiny_model(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Dropout(0.3),
                         nn.ReLU(), nn.Linear(8, 2))


def class_loss(model, images, targets):
    labels = torch.cat([target["labels"] for target in targets])
    return {"classes": nn.functional.cross_entropy(model(torch.stack(images)), labels)}


class Slope(nn.Module):
    """torchvision's contract: images and targets in, a dict of losses out."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))

    def forward(self, images, targets):
        return {"square": (self.weight * images[0] - targets[0]) ** 2, "size": self.weight ** 2}


def one_number_loader(image=1.0, target=3.0, length=1):
    return [([torch.tensor(image)], [torch.tensor(target)])] * length


def test_one_step_of_plain_descent_is_the_one_worked_by_hand():
    model = Slope()          # loss (w - 3)^2 + w^2, gradient 2 (w - 3) + 2 w = -2 at w = 1
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, one_number_loader(), optimizer=optimizer, schedule=None)
    assert model.weight.item() == pytest.approx(1.2)
    assert history.last("square") == 4 and history.last("size") == 1 and history.last() == 5
    assert history.steps == 1 and history.seconds > 0


def test_fit_equals_a_loop_written_with_torch_alone():
    ours, theirs = tiny_model(), tiny_model()
    fit(ours, points_loader(), epochs=2, loss=class_loss, lr=0.01, seed=5)
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=0.01)
    cosine = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / 6)))
    loader = points_loader()
    for _ in range(2):
        for images, targets in loader:
            optimizer.zero_grad()
            class_loss(theirs, images, targets)["classes"].backward()
            optimizer.step()
            cosine.step()
    assert_same_weights(ours, theirs)


def test_a_scalar_loss_and_stacked_batches_are_accepted():
    loader = [(torch.ones(2, 12), torch.tensor([0, 1]))]

    def loss(model, images, labels):
        return nn.functional.cross_entropy(model(images), labels)

    history = fit(tiny_model(), loader, loss=loss)
    assert set(history.epochs[0]) == {"loss", "seconds"}


def test_no_epoch_changes_nothing():
    model = tiny_model()
    history = fit(model, points_loader(), epochs=0, loss=class_loss)
    assert history == History() and history.seconds == 0
    assert_same_weights(model, tiny_model())


def test_fit_leaves_the_model_ready_to_predict():
    model = tiny_model()
    fit(model, points_loader(), loss=class_loss)
    assert not model.training


def test_mixed_precision_changes_nothing_on_a_cpu():
    plain, mixed = tiny_model(), tiny_model()
    fit(plain, points_loader(), loss=class_loss, seed=1)
    fit(mixed, points_loader(), loss=class_loss, seed=1, amp=True)
    assert_same_weights(plain, mixed)


def test_a_scaled_half_precision_step_comes_close_to_the_whole_one():
    batch = [(torch.rand(8, 12), torch.arange(8) % 2)]

    def loss(model, images, labels):
        seen.append(model(images).dtype)
        return nn.functional.cross_entropy(model(images).float(), labels)

    losses, seen, models = [], [], [nn.Linear(12, 2), nn.Linear(12, 2)]
    models[1].load_state_dict(models[0].state_dict())
    for model, scaler in zip(models, [None, torch.amp.GradScaler("cpu")], strict=True):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        losses += list(train_steps(model, batch, optimizer, loss, scaler))
    assert seen == [torch.float32, torch.float16]
    assert losses[0]["loss"] == pytest.approx(losses[1]["loss"], abs=2e-3)
    torch.testing.assert_close(models[0].weight, models[1].weight, atol=2e-3, rtol=0)


def test_train_steps_yields_each_steps_losses_by_name():
    model = Slope()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    steps = list(train_steps(model, one_number_loader(length=2), optimizer))
    assert steps[0] == {"square": 4, "size": 1, "loss": 5}
    assert steps[1]["loss"] == pytest.approx(1.8 ** 2 + 1.2 ** 2)


def test_tensors_reach_the_device_in_whatever_they_are_nested():
    batch = {"boxes": [torch.ones(2), torch.ones(3)], "masks": (torch.ones(1),), "name": "cat"}
    moved = to_device(batch, torch.device("meta"))         # stands for an accelerator
    assert [box.device.type for box in moved["boxes"] + moved["masks"]] == ["meta"] * 3
    assert moved["name"] == "cat" and to_device([], torch.device("meta")) == []


# --- the learning rate

@pytest.mark.parametrize("progress, rate", [(0, 0.2), (1 / 3, 0.15), (0.5, 0.1), (1, 0)])
def test_the_cosine_schedule_falls_from_the_rate_to_zero(progress, rate):
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.2)
    set_learning_rate(optimizer, "cosine", progress)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(rate, abs=1e-12)


def test_no_schedule_keeps_every_groups_rate():
    first, second = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([{"params": [first], "lr": 0.3}, {"params": [second]}], lr=0.1)
    set_learning_rate(optimizer, None, 0.7)
    assert [group["lr"] for group in optimizer.param_groups] == [0.3, 0.1]


# --- what is shown

def test_plain_mode_prints_one_line_an_epoch_and_no_bar(monkeypatch, capsys):
    monkeypatch.setenv("COURSEKIT_PLAIN", "1")
    fit(Slope(), one_number_loader(), epochs=2)
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert shown.err == "" and len(lines) == 2
    pattern = r"epoch \d  loss ≈ \d+\.\d{3}  time ≈ \d+\.\d s"
    assert all(re.fullmatch(pattern, line) for line in lines)


def test_otherwise_a_bar_shows_the_loss(monkeypatch, capsys):
    monkeypatch.delenv("COURSEKIT_PLAIN", raising=False)
    fit(Slope(), one_number_loader())
    shown = capsys.readouterr()
    assert shown.out == "" and "epoch 1/1  loss 5.000" in shown.err and "1/1" in shown.err


# --- checkpoints

class Cut(Exception):
    """Stands for the plug that was pulled."""


def cut_at(step):
    calls = []

    def loss(model, images, targets):
        calls.append(step)
        if len(calls) == step:
            raise Cut
        return class_loss(model, images, targets)
    return loss


@pytest.mark.parametrize("own_generator", [True, False])
@pytest.mark.parametrize("optimizer", [None, torch.optim.SGD])
def test_a_run_cut_off_in_epoch_two_ends_with_the_same_weights(tmp_path, own_generator, optimizer):
    def run(model, loss, **options):
        if optimizer:
            options["optimizer"] = optimizer(model.parameters(), lr=0.05, momentum=0.9)
        return fit(model, points_loader(own_generator=own_generator), epochs=3, loss=loss, lr=0.02,
                   seed=7, **options)

    whole, resumed, path = tiny_model(), tiny_model(), tmp_path / "run.pt"
    history = run(whole, class_loss)
    with pytest.raises(Cut):
        run(resumed, cut_at(5), checkpoint=path)           # three steps an epoch: step 2 of epoch 2
    random.seed(99), np.random.seed(99), torch.manual_seed(99)
    resumed = tiny_model(seed=42)                          # a new process: other states
    again = run(resumed, class_loss, checkpoint=path)
    assert_same_weights(whole, resumed)
    assert again.steps == history.steps == 9
    assert [epoch["loss"] for epoch in again.epochs] == [epoch["loss"] for epoch in history.epochs]


def test_a_finished_run_is_loaded_and_not_trained_again(tmp_path, capsys):
    first, second, path = tiny_model(), tiny_model(seed=1), tmp_path / "run.pt"
    fit(first, points_loader(), epochs=2, loss=class_loss, checkpoint=path)
    history = fit(second, points_loader(), epochs=2, loss=class_loss, checkpoint=path)
    assert_same_weights(first, second)
    assert history.steps == 6 and "going on after epoch 2" in capsys.readouterr().out


def test_a_checkpoint_of_another_plan_is_refused(tmp_path):
    fit(tiny_model(), points_loader(), loss=class_loss, checkpoint=tmp_path / "run.pt")
    with pytest.raises(ValueError, match="1 epochs, 3 steps.*2 epochs, 6 steps.*Delete the file"):
        fit(tiny_model(), points_loader(), epochs=2, loss=class_loss,
            checkpoint=tmp_path / "run.pt")


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    fit(tiny_model(), points_loader(), loss=class_loss, checkpoint=tmp_path / "run.pt")
    other = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    with pytest.raises(ValueError, match="another model or optimizer"):
        fit(other, points_loader(), loss=class_loss, checkpoint=tmp_path / "run.pt")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", "half"])
def test_a_damaged_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "run.pt"
    fit(tiny_model(), points_loader(), loss=class_loss, checkpoint=path)
    path.write_bytes(path.read_bytes()[:2000] if content == "half" else content)
    with pytest.raises(ValueError, match="damaged, or not a checkpoint.*Delete the file"):
        fit(tiny_model(), points_loader(), loss=class_loss, checkpoint=path)


def test_a_checkpoint_runs_no_code_of_a_stranger(tmp_path):
    class Stranger:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({"progress": Stranger()}, tmp_path / "run.pt")
    with pytest.raises(ValueError, match="not a checkpoint"):
        fit(tiny_model(), points_loader(), loss=class_loss, checkpoint=tmp_path / "run.pt")
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def full_disk():
    """No file of this process may grow beyond 4 kB: the system refuses, as a full disk does."""
    def fill():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.getsignal(signal.SIGXFSZ)
    yield fill
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_keeps_the_checkpoint_before_and_says_so(tmp_path, full_disk):
    path, model = tmp_path / "run.pt", tiny_model()

    def loss(model, images, targets):
        if path.exists():
            full_disk()                                    # after the first epoch's checkpoint
        return class_loss(model, images, targets)

    with pytest.raises(OSError, match="could not be written.*before is kept.*space"):
        fit(model, points_loader(), epochs=3, loss=loss, checkpoint=path)
    assert os.listdir(tmp_path) == ["run.pt"]
    assert torch.load(path, weights_only=True)["progress"]["steps"] == 3


def test_a_refused_first_write_leaves_nothing(tmp_path, full_disk):
    full_disk()
    with pytest.raises(OSError, match="there is no file yet"):
        write_atomically(tmp_path / "new" / "file", b"0" * 10_000)
    assert os.listdir(tmp_path / "new") == []


def test_write_atomically_replaces_what_was_there(tmp_path):
    write_atomically(tmp_path / "file", b"before")
    write_atomically(tmp_path / "file", b"after")
    assert (tmp_path / "file").read_bytes() == b"after" and os.listdir(tmp_path) == ["file"]


def test_every_generator_goes_on_where_its_state_was_taken():
    loader = points_loader()

    def draw():
        return (random.random(), np.random.normal(), torch.rand(()).item(),
                torch.rand((), generator=loader.generator).item())

    np.random.normal()          # leaves numpy a second Gaussian in store: part of the state
    state = random_state(loader)
    first = draw()
    set_random_state(state, loader)
    assert draw() == first


# --- errors

@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_before_the_step_and_names_its_terms(bad):
    model = Slope()
    loader = one_number_loader(length=2) + one_number_loader(target=bad)
    before = []

    def loss(model, images, targets):
        before.append(model.weight.item())
        return model(images, targets)

    with pytest.raises(FloatingPointError, match=r"step 3.*square = (nan|inf), size = .*Try a"):
        fit(model, loader, loss=loss, lr=0.1)
    assert model.weight.item() == before[-1]


def test_an_empty_loader_is_refused():
    with pytest.raises(ValueError, match="holds no batch.*one at least.*Check the data set"):
        fit(Slope(), [])
    short = DataLoader(Points(), batch_size=20, drop_last=True)
    with pytest.raises(ValueError, match="drop_last=True"):
        fit(Slope(), short)


def test_a_loader_without_a_length_is_refused():
    with pytest.raises(ValueError, match="generator without a length.*DataLoader"):
        fit(Slope(), (batch for batch in one_number_loader()))


@pytest.mark.parametrize("options", [{"epochs": -1}, {"schedule": "linear"}])
def test_an_unknown_plan_is_refused(options):
    with pytest.raises(ValueError, match="came, but epochs of 0 or more.*Correct the call"):
        fit(Slope(), one_number_loader(), **options)


@pytest.mark.parametrize("losses", [{}, {"classes": torch.ones(2)}])
def test_a_loss_that_is_not_a_scalar_is_refused(losses):
    with pytest.raises(ValueError, match="scalar tensor is wanted"):
        fit(Slope(), one_number_loader(), loss=lambda *_: losses)


def test_history_lists_the_terms_it_has():
    history = fit(Slope(), one_number_loader())
    with pytest.raises(KeyError, match="masks.*loss.*seconds.*size.*square"):
        history.last("masks")
    with pytest.raises(KeyError, match="train for one epoch"):
        History().last()


def assert_same_weights(a, b):
    theirs = b.state_dict()
    for name, value in a.state_dict().items():
        assert torch.equal(value, theirs[name]), name
