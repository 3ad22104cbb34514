"""Checkpoints: all that the next training step depends on, in one file that is whole or absent.

A checkpoint holds the weights, the optimizer's moments, the number of steps done (and with it the
place on the learning-rate schedule), the losses so far, and the state of every random number
generator: python's, numpy's, torch's on each device, and the one that shuffles the loader. So a
run that was cut off and resumed ends with the same weights, bit for bit, as one that was not: on
one machine, with one number of threads, and with random augmentation in the main process
(`num_workers=0`).

The file is written under another name, forced to the disk, then renamed: a power cut or a full
disk leaves the file before it. It is read with `weights_only=True`, so that a stranger's file runs
no code.
"""

import io
import os
import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

ADVICE = "Delete the file to start anew, or name another one."


def save_checkpoint(path: str | Path, model: nn.Module, optimizer: Optimizer, loader: Iterable,
                    progress: dict) -> None:
    """Write the state after a whole epoch.

    Args:
        path: the file; its folder is made if need be.
        model: gives its `state_dict`.
        optimizer: likewise.
        loader: its generator's state is kept, if it has one.
        progress: what else to keep: numbers, texts, tensors, and lists and dicts of them.
    Raises:
        OSError: the file could not be written; the one before it is kept.
    """
    buffer = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                "random": random_state(loader), "progress": progress}, buffer)
    write_atomically(Path(path), buffer.getvalue())


def load_checkpoint(path: str | Path, model: nn.Module, optimizer: Optimizer, loader: Iterable,
                    plan: str) -> dict:
    """Go back to a saved state, generators included; returns `progress`.

    Args:
        path: the file.
        model: takes the weights.
        optimizer: takes its moments and learning rates.
        loader: its generator, if it has one, goes on where it stopped.
        plan: must equal `progress["plan"]`: the number of steps and the schedule.
    Raises:
        ValueError: a damaged file, or one of another plan, model or optimizer.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        progress = saved["progress"]
    except Exception as error:            # torch raises a dozen kinds for a damaged file
        raise ValueError(f"{path} is damaged, or not a checkpoint that fit wrote "
                         f"({type(error).__name__}). {ADVICE}") from error
    if progress["plan"] != plan:
        raise ValueError(f"{path} belongs to a run of {progress['plan']}, but this one has {plan}: "
                         f"its learning rates would not fit. {ADVICE}")
    try:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{path} was written for another model or optimizer than this one: "
                         f"{error}. {ADVICE}") from error
    set_random_state(saved["random"], loader)
    return progress


def random_state(loader: Iterable) -> dict:
    """The states of all generators, as tensors and plain numbers only."""
    _, keys, *rest = np.random.get_state()
    shuffler = getattr(loader, "generator", None)
    return {"python": random.getstate(), "numpy": [keys.tolist(), *rest],
            "torch": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all(),
            "shuffler": None if shuffler is None else shuffler.get_state()}


def set_random_state(state: dict, loader: Iterable) -> None:
    """The inverse of `random_state`; GPUs that are not here any more are passed over."""
    random.setstate(state["python"])
    keys, *rest = state["numpy"]
    np.random.set_state(("MT19937", np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    shuffler = getattr(loader, "generator", None)
    if shuffler is not None and state["shuffler"] is not None:
        shuffler.set_state(state["shuffler"])


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is whole or absent, never half there: a temporary one, then a renaming.

    Raises:
        OSError: the disk is full or refuses; what was at `path` before is still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())       # on the disk before the name points to it
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        before = "the file written before is kept" if path.exists() else "there is no file yet"
        raise OSError(error.errno, f"{path}: {len(content) / 1e6:.1f} MB could not be written "
                      f"({error.strerror}); {before}. Free some space, or choose another folder, "
                      f"then call again") from error
