"""The options of `python -m coursekit.train`, and what they must be."""

import argparse

from coursekit.train.detector import BACKBONES, MODELS

RECIPES = {"small": (128, 1e-3), "mobilenet_v2": (256, 5e-4)}    # shorter side, learning rate
LONGEST = 5 / 3                         # the longer side, in shorter ones; torchvision: 1333 / 800
SMALLEST = 32                           # pixels of a shorter side


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options, complete and checked.

    Args:
        arguments: those of the command line if None.
    Raises:
        ValueError: a value that cannot be right.
    """
    options = parser().parse_args(arguments)
    size, lr = RECIPES[options.backbone]
    options.size = size if options.size is None else options.size
    options.lr = lr if options.lr is None else options.lr
    if options.longest is None:
        options.longest = round(options.size * LONGEST)
    least = {"epochs": 1, "batch": 1, "workers": 0, "seed": 0, "size": SMALLEST,
             "longest": options.size}
    for name, value in least.items():
        if getattr(options, name) < value:
            raise ValueError(f"--{name} {getattr(options, name)} came, but {value} or more is "
                             f"wanted.")
    if not 0 < options.lr < float("inf"):
        raise ValueError(f"--lr {options.lr} came, but a number above 0 is wanted, such as {lr}.")
    options.out = options.out or f"runs/{options.model}"
    return options


def parser() -> argparse.ArgumentParser:
    """The options and their help."""
    whole = argparse.ArgumentParser(
        prog="python -m coursekit.train", allow_abbrev=False,
        description="Train a detector on a folder of photographs in COCO's format. Give the same "
                    "command again, and a run that was cut off goes on. Under torchrun, several "
                    "processes train as one.")
    add_data(whole.add_argument_group("the photographs"))
    add_model(whole.add_argument_group("the detector"))
    add_training(whole.add_argument_group("the training"))
    return whole


def add_data(group: argparse._ArgumentGroup) -> None:
    """Which files; all but --data lie in its folder."""
    group.add_argument("--data", required=True, metavar="FOLDER",
                       help="the folder; or the word pennfudan, which fetches that data set")
    group.add_argument("--images", default="images", metavar="FOLDER",
                       help="in it, the photographs (images)")
    group.add_argument("--annotations", default="annotations.json", metavar="FILE",
                       help="in it, the outlines, in COCO's instances format (annotations.json)")
    group.add_argument("--val-images", metavar="FOLDER",
                       help="in it, the photographs to measure on (those of --images)")
    group.add_argument("--val-annotations", metavar="FILE",
                       help="in it, their outlines; without it nothing is measured")


def add_model(group: argparse._ArgumentGroup) -> None:
    """What learns."""
    group.add_argument("--model", choices=MODELS, default="mask_rcnn", help="(mask_rcnn)")
    group.add_argument("--backbone", choices=BACKBONES, default="small",
                       help="the course's own, or MobileNetV2 with a feature pyramid (small)")
    group.add_argument("--weights", metavar="FILE",
                       help="start from this safetensors file or torch state dict, of a detector "
                            "or of its backbone, and not from the backbone's own weights")
    group.add_argument("--size", type=int, metavar="PIXELS",
                       help="bring photographs to this shorter side (128; mobilenet_v2: 256)")
    group.add_argument("--longest", type=int, metavar="PIXELS",
                       help="but the longer side not beyond this (5/3 of --size)")


def add_training(group: argparse._ArgumentGroup) -> None:
    """How it learns."""
    group.add_argument("--epochs", type=int, default=10, help="passes over all photographs (10)")
    group.add_argument("--batch", type=int, default=8,
                       help="photographs a step, of all processes together (8)")
    group.add_argument("--lr", type=float,
                       help="the highest learning rate; it falls to 0 along a cosine (0.001; "
                            "mobilenet_v2: 0.0005)")
    group.add_argument("--seed", type=int, default=0, help="of all that is drawn by chance (0)")
    group.add_argument("--workers", type=int, default=2,
                       help="processes that read photographs, for each that trains (2)")
    group.add_argument("--device", help="cpu, cuda, cuda:1, mps (COURSEKIT_DEVICE, else CUDA "
                                        "where there is one, else the CPU)")
    group.add_argument("--amp", action="store_true",
                       help="mixed precision: faster on a GPU, changes nothing on a CPU")
    group.add_argument("--out", metavar="FOLDER",
                       help="where the checkpoint and the trained detector go (runs/MODEL)")
