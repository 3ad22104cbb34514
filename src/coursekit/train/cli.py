"""Train a detector on a folder of photographs: `python -m coursekit.train --data FOLDER`.

    python -m coursekit.train --data FOLDER --model mask_rcnn
    torchrun --nproc-per-node 4 -m coursekit.train --data FOLDER --model mask_rcnn

FOLDER holds photographs and a file in COCO's format. Under `torchrun` all processes together learn
what one would have: see `coursekit.train.share`. A checkpoint is written after every epoch; the
same command, given again, goes on from it. At the end the detector is measured, if there are
photographs for that, and saved. `python -m coursekit.train --help` lists the options.
"""

import contextlib
import io
import os
import sys
from argparse import Namespace
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset

from coursekit.data import collate
from coursekit.device import pick_device
from coursekit.train.detector import build, read_card, save_detector, start_from, write_card
from coursekit.train.distributed import gather, is_first, join, leave, place
from coursekit.train.evaluate import ROWS, evaluate, table
from coursekit.train.loop import fit
from coursekit.train.options import read_options
from coursekit.train.photographs import Lessons, open_data
from coursekit.train.sampler import Turns, seed_everything
from coursekit.train.share import shared_loss

CHECKPOINT = "checkpoint.pt"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 if all went well, 1 after an error, which is told in one line.

    Args:
        arguments: those of the command line if None.
    """
    if not sys.stderr.isatty():
        os.environ.setdefault("COURSEKIT_PLAIN", "1")       # a line an epoch, no bar, in a log
    try:
        options = read_options(arguments)
        device = join(wanted_device(options.device))
        with contextlib.nullcontext() if is_first() else contextlib.redirect_stdout(io.StringIO()):
            run(options, device)
    except (ValueError, OSError, FloatingPointError) as error:
        who = f"process {os.environ['RANK']}: " if "RANK" in os.environ else ""
        print(f"error: {who}{' '.join(str(error).split())}", file=sys.stderr)
        return 1
    finally:
        leave()
    return 0


def wanted_device(name: str | None) -> torch.device:
    """The device of that name, else the one that `pick_device` picks.

    Raises:
        ValueError: it is not there.
    """
    if name:
        os.environ["COURSEKIT_DEVICE"] = name
    try:
        return pick_device()
    except RuntimeError as error:
        raise ValueError(str(error)) from error


def run(options: Namespace, device: torch.device) -> None:
    """Open, train, measure, save.

    Raises:
        ValueError: options, data and processes that do not fit one another.
    """
    train, val = open_data(options)
    check_shares(len(train), options.batch)
    out, card = Path(options.out), card_of(options, train)
    check_same(out, card)
    if is_first():
        write_card(out, card)
    model = start(options, len(train.classes)).to(device, memory_format=torch.channels_last)
    loader = DataLoader(Lessons(train), options.batch // place()[1], collate_fn=collate,
                        sampler=Turns(train, options.seed), num_workers=options.workers,
                        pin_memory=device.type == "cuda")
    print(f"{len(train)} photographs, {len(train.classes) - 1} classes, {len(loader)} steps an "
          f"epoch; processes: {place()[1]}; device: {device.type}", flush=True)
    history = fit(model, loader, epochs=options.epochs, loss=shared_loss(model, device),
                  lr=options.lr, device=device, amp=options.amp, checkpoint=out / CHECKPOINT)
    card["history"] = history.epochs
    if val is None:
        print("Nothing is measured: --val-annotations names no photographs for that.")
    else:
        scores = evaluate(model, val, options.workers)
        card["scores"] = {kind: {row: score[row] for row in ROWS if score[row] == score[row]}
                          for kind, score in scores.items()}               # JSON has no NaN
        print(f"measured on {len(val)} photographs:\n{table(scores, train.classes)}")
    if is_first():
        save_detector(out, model, card)
    print(f"Saved in {out}. To load it: from coursekit.train.detector import load_detector; "
          f'model, classes = load_detector("{out}")')


def start(options: Namespace, num_classes: int) -> torch.nn.Module:
    """The detector before its first step, in every process the same."""
    seed_everything(options.seed)
    model = build(options.model, options.backbone, num_classes, (options.size, options.longest),
                  pretrained=options.weights is None)
    if options.weights is not None:
        print(start_from(model, options.weights))
    return model


def check_shares(images: int, batch: int) -> None:
    """Refuse what cannot be divided among the processes."""
    count = place()[1]
    if images < count:
        raise ValueError(f"{count} processes were started for {images} photographs, but each needs "
                         f"one at least. Start fewer.")
    if batch % count:
        raise ValueError(f"--batch {batch} came for {count} processes, but each takes an equal "
                         f"part of it. Give a multiple of {count}.")


def card_of(options: Namespace, train: Dataset) -> dict:
    """What `model.json` tells: what was trained, on which classes, and how."""
    names = ("model", "backbone", "weights", "epochs", "batch", "lr", "seed", "amp")
    card = {name: getattr(options, name) for name in names}
    ids = getattr(train, "category_ids", None)              # label -> id in the COCO file
    return {**card, "classes": list(train.classes), "size": [options.size, options.longest],
            "category_ids": ids and list(ids.values()), "photographs": len(train)}


def check_same(out: Path, card: dict) -> None:
    """Refuse processes that were told other things, and to go on with another run than this.

    Every machine must see the same checkpoint, or some would go on and others start anew.
    """
    there = (out / CHECKPOINT).is_file()
    for process, other in enumerate(gather((there, card))):
        if other != (there, card):
            raise ValueError(f"process {place()[0]} and process {process} differ in their options, "
                             f"in their photographs, or in whether {out / CHECKPOINT} is there. "
                             f"Give all the same command, and an --out that all machines share.")
    if not there:
        return
    before = read_card(out)
    for name, value in card.items():
        if name in before and before[name] != value:
            raise ValueError(f"{out / CHECKPOINT} belongs to a run with {name} {before[name]}, but "
                             f"this one has {value}. Give another --out, or remove that folder.")
