"""The loop of `coursekit.train`: steps, epochs, a bar, a checkpoint after each epoch.

A step takes one batch, asks for the losses, goes down their gradient, and yields the losses by
name. An epoch is one pass over the loader; `fit` runs epochs, shows a bar, and saves a checkpoint
after each.

Models keep torchvision's contract: `model(images, targets)` is a dict of losses in training mode.
A model without losses of its own (a segmentation net) is given a function
`loss(model, images, targets)`.

Source: AdamW: Loshchilov and Hutter 2019. Cosine schedule: Loshchilov and Hutter 2017, equation 5.
"""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm.auto import tqdm

from coursekit.checkpoint import load_checkpoint, save_checkpoint
from coursekit.device import pick_device
from coursekit.train.distributed import is_first
from coursekit.train.history import History
from coursekit.train.sampler import seed_everything

LossFunction = Callable[[nn.Module, list[Tensor], list[dict[str, Tensor]]],
                        dict[str, Tensor] | Tensor]


def fit(model: nn.Module, loader: Iterable, *, epochs: int = 1, loss: LossFunction | None = None,
        optimizer: Optimizer | None = None, lr: float = 1e-3, schedule: str | None = "cosine",
        device: torch.device | str | None = None, amp: bool = False,
        checkpoint: str | Path | None = None, seed: int | None = None) -> History:
    """Train `model` in place; leaves it on the device, in evaluation mode, ready to predict.

    Args:
        model: any module; without `loss`, `model(images, targets)` gives a dict of losses.
        loader: has a length and yields `(images, targets)`, such as a DataLoader with `collate`. A
            sampler that has `set_epoch` is told the epoch's number, from 1.
        epochs: passes over the loader, those of the checkpoint included.
        loss: `loss(model, images, targets)` gives a dict of scalars, or one scalar.
        optimizer: AdamW with learning rate `lr` if None.
        lr: the highest learning rate; unused with an optimizer of your own.
        schedule: "cosine" falls from there to 0, step by step; None stays constant.
        device: `coursekit.device.pick_device()` if None.
        amp: mixed precision, float16 where it is safe: faster on a GPU, nothing changes on a CPU.
        checkpoint: file written after every epoch; if it is there already, the run goes on from it.
            Of several processes all read it and the first writes it.
        seed: seeds python, numpy and torch before the first step.
    Returns:
        The losses, the seconds, the number of steps.
    Raises:
        ValueError: an empty loader, a bad argument, or a checkpoint of another run.
        FloatingPointError: a loss is NaN or infinite; its step changed no parameter.
        OSError: the checkpoint could not be written; the one before it is kept.
    """
    total = epochs * _steps_an_epoch(loader, epochs, schedule)
    device = torch.device(device) if device is not None else pick_device()
    model.to(device)
    optimizer = optimizer or torch.optim.AdamW(model.parameters(), lr=lr)
    scaler = torch.amp.GradScaler(device.type, enabled=amp and device.type == "cuda")
    history, plan = History(), f"{epochs} epochs, {total} steps, schedule {schedule}"
    if seed is not None:
        seed_everything(seed)
    if checkpoint is not None and Path(checkpoint).exists():
        progress = load_checkpoint(checkpoint, model, optimizer, loader, plan)
        history = History(progress["epochs"], progress["steps"])
        scaler.load_state_dict(progress["scaler"])
        print(f"going on after epoch {len(history.epochs)} of {checkpoint}")
    quiet = _plain() or not is_first()
    with tqdm(total=total, initial=history.steps, disable=quiet, unit="step") as bar:
        for epoch in range(len(history.epochs) + 1, epochs + 1):
            start, rows = time.perf_counter(), []
            _begin_epoch(loader, epoch)
            set_learning_rate(optimizer, schedule, history.steps / total)
            for losses in train_steps(model, loader, optimizer, loss, scaler, history.steps + 1):
                rows.append(losses)
                history.steps += 1
                set_learning_rate(optimizer, schedule, history.steps / total)
                bar.set_description(f"epoch {epoch}/{epochs}  loss {losses['loss']:.3f}", False)
                bar.update()
            history.epochs.append({**_means(rows), "seconds": time.perf_counter() - start})
            if _plain():
                print(f"epoch {epoch}  loss ≈ {history.last():.3f}  "
                      f"time ≈ {history.last('seconds'):.1f} s")
            if checkpoint is not None and is_first():
                progress = {"plan": plan, "epochs": history.epochs, "steps": history.steps,
                            "scaler": scaler.state_dict()}
                save_checkpoint(checkpoint, model, optimizer, loader, progress)
    model.eval()
    return history


def train_steps(model: nn.Module, loader: Iterable, optimizer: Optimizer,
                loss: LossFunction | None = None, scaler: torch.amp.GradScaler | None = None,
                first_step: int = 1) -> Iterator[dict[str, float]]:
    """One pass over `loader`, on the model's own device; yields each step's losses by name.

    Args:
        model: see `fit`.
        loader: see `fit`.
        optimizer: its learning rate is used as it is.
        loss: see `fit`.
        scaler: for mixed precision; None computes in the model's own precision.
        first_step: the number of the first step, for an error's message.
    Yields:
        The loss terms, and their sum as `loss`.
    Raises:
        FloatingPointError: a loss is NaN or infinite.
    """
    model.train()
    device = next(model.parameters()).device
    scaler = scaler or torch.amp.GradScaler(device.type, enabled=False)
    for step, (images, targets) in enumerate(loader, start=first_step):
        images, targets = to_device(images, device), to_device(targets, device)
        with torch.autocast(device.type, torch.float16, enabled=scaler.is_enabled()):
            losses = model(images, targets) if loss is None else loss(model, images, targets)
        losses = {"loss": losses} if isinstance(losses, Tensor) else losses
        total = sum(losses.values())
        _check_finite(losses, total, step, optimizer)
        optimizer.zero_grad()
        scaler.scale(total).backward()
        scaler.step(optimizer)
        scaler.update()
        yield {**{name: value.item() for name, value in losses.items()}, "loss": total.item()}


def set_learning_rate(optimizer: Optimizer, schedule: str | None, progress: float) -> None:
    """Put every parameter group at its place on the schedule; `progress` runs from 0 to 1.

    Source:
        Loshchilov and Hutter 2017, equation 5, without restarts.
    """
    factor = 0.5 * (1 + math.cos(math.pi * progress)) if schedule == "cosine" else 1.0
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor


def _begin_epoch(loader: Iterable, epoch: int) -> None:
    """Tell the epoch's number to a sampler that shuffles by it, as torch's DistributedSampler."""
    sampler = getattr(loader, "sampler", None)
    if hasattr(sampler, "set_epoch"):
        sampler.set_epoch(epoch)


def _check_finite(losses: dict[str, Tensor], total: Tensor | int, step: int,
                  optimizer: Optimizer) -> None:
    """Stop before a loss that is NaN or infinite reaches the weights."""
    if not isinstance(total, Tensor) or total.ndim:
        raise ValueError(f"the losses of step {step} add up to {total!r}, but a scalar tensor is "
                         f"wanted. Return a dict of scalars, one at least, from the loss.")
    if not torch.isfinite(total):
        terms = ", ".join(f"{name} = {value.item():.4g}" for name, value in losses.items())
        raise FloatingPointError(
            f"the loss of step {step} is not a finite number: {terms}. It must be one, so training "
            f"stopped before this step changed a parameter. Try a learning rate below "
            f"{optimizer.param_groups[0]['lr']:.2g}; look in this batch for NaN pixels, boxes "
            f"without area and labels outside the classes; add a small number where the loss "
            f"divides or takes a logarithm. Then build the model anew, or go on from a checkpoint.")


def _steps_an_epoch(loader: Iterable, epochs: int, schedule: str | None) -> int:
    """The loader's length, after a look at the arguments."""
    if not hasattr(loader, "__len__"):
        raise ValueError(f"the loader is a {type(loader).__name__} without a length, but fit "
                         f"passes over it once an epoch. Use a DataLoader, or a list of batches.")
    if len(loader) == 0:
        raise ValueError("the loader holds no batch, but fit needs one at least. Check the data "
                         "set's length; with drop_last=True it must reach the batch size.")
    if epochs < 0 or schedule not in ("cosine", None):
        raise ValueError(f"epochs={epochs}, schedule={schedule!r} came, but epochs of 0 or more "
                         f'and "cosine" or None are wanted. Correct the call of fit.')
    return len(loader)


def to_device(value: object, device: torch.device) -> object:
    """The same lists and dicts with every tensor in them on the device."""
    if isinstance(value, dict):
        return {name: to_device(item, device) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_device(item, device) for item in value]
    return value.to(device) if isinstance(value, Tensor) else value


def _means(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def _plain() -> bool:
    """True where a live bar would not do: in outputs that are stored and compared."""
    return os.environ.get("COURSEKIT_PLAIN") == "1"
