"""Fine-tuning: a detector learns on some photographs and is watched on others.

Two losses are needed to see overfitting, of the photographs learned from and of photographs that
are not. Detectors give losses in training mode only, and that mode does more than give losses:
batch normalization takes in what it sees, and regions are drawn by chance. `validation_losses`
keeps both still.

Source: the schedule is that of `coursekit.train`; a linear rise of the learning rate at first:
Goyal et al. 2017 (arXiv:1706.02677), section 2.2.
"""

import os
import time
from collections.abc import Iterable, Iterator

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer
from tqdm.auto import tqdm

from coursekit.train import set_learning_rate, to_device, train_steps


@torch.no_grad()
def validation_losses(model: nn.Module, loader: Iterable, seed: int = 0) -> dict[str, float]:
    """The mean of each loss over images that the model does not learn from; nothing is changed.

    The mode is that of training, as detectors give losses in no other; without a gradient, with
    batch normalization as in evaluation, and with the same draw of regions each time. Afterwards
    the mode and the state of chance are what they were.

    Args:
        model: `model(images, targets)` gives a dict of losses in training mode.
        loader: yields `(images, targets)`; without augmentation and without shuffling.
        seed: of the regions drawn.
    Returns:
        The mean of each term over the images, and of their sum as `loss`.
    """
    device = next(model.parameters()).device
    modes = {part: part.training for part in model.modules()}
    for part in model.modules():
        part.training = not isinstance(part, _BatchNorm)
    sums, count = {}, 0
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for images, targets in loader:
            losses = model(to_device(images, device), to_device(targets, device))
            losses["loss"] = sum(losses.values())
            count += len(images)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.item() * len(images)
    for part, mode in modes.items():
        part.training = mode
    return {name: value / count for name, value in sums.items()}


def fine_tune(model: nn.Module, loader: Iterable, watched: Iterable, optimizer: Optimizer,
              epochs: int, warm_up: int = 0) -> Iterator[dict[str, float]]:
    """Train, epoch by epoch; yields the loss learned from, the loss watched, and the seconds.

    Args:
        model: on its device already; left in evaluation mode.
        loader: what it learns from; has a length.
        watched: what `validation_losses` looks at after every epoch.
        optimizer: with the highest learning rate; it falls along a cosine to 0.
        epochs: passes over the loader.
        warm_up: steps at first in which the learning rate rises in proportion to their number.
    Yields:
        An epoch's `loss` (mean over its steps), `validation`, and `seconds`.
    """
    total, step = epochs * len(loader), 0
    bar = tqdm(total=total, disable=os.environ.get("COURSEKIT_PLAIN") == "1", unit="step")
    for epoch in range(1, epochs + 1):
        start, rows = time.perf_counter(), []
        losses = train_steps(model, loader, optimizer, first_step=step + 1)
        for _ in range(len(loader)):
            set_learning_rate(optimizer, "cosine", step / total)
            for group in optimizer.param_groups:
                group["lr"] *= min(1, (step + 1) / max(warm_up, 1))
            rows.append(next(losses)["loss"])
            step += 1
            bar.update()
        seconds, watch = time.perf_counter() - start, validation_losses(model, watched)["loss"]
        model.eval()
        bar.set_description(f"epoch {epoch}/{epochs}  validation {watch:.3f}")
        yield {"epoch": epoch, "loss": sum(rows) / len(rows), "validation": watch,
               "seconds": seconds}
    bar.close()
