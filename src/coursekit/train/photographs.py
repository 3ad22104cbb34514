"""What the command line learns from: a folder in COCO's format, or Penn-Fudan.

Crowds are not learned from, as one outline stands for many objects there. Each photograph is
mirrored by a coin's toss whenever it is seen.
"""

from argparse import Namespace
from pathlib import Path

import torch
from torch.utils.data import Dataset

from coursekit.data import CocoFolder, PennFudan
from coursekit.data.sample import Sample

EACH = ("boxes", "labels", "masks")             # of a target: what a detector learns from


def open_data(options: Namespace) -> tuple[Dataset, Dataset | None]:
    """What to learn from, and what to measure on, if there is any.

    Args:
        options: `data`, and the four that say where in it what lies.
    Raises:
        ValueError: no photographs, nothing outlined, or two files of other categories.
        FileNotFoundError: the folder, or something in it, is not there.
    """
    if options.data == "pennfudan":
        return PennFudan("train"), PennFudan("test")
    folder = Path(options.data)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}, but --data wants one with "
                                f"photographs and their annotations, or the word pennfudan.")
    train = CocoFolder(folder / options.images, folder / options.annotations)
    if not any(train.annotations.values()):
        raise ValueError(f"{folder / options.annotations} holds {len(train)} photographs and no "
                         f"outline of an object: there is nothing to learn. Annotate some.")
    if options.val_annotations is None:
        return train, None
    images = options.images if options.val_images is None else options.val_images
    val = CocoFolder(folder / images, folder / options.val_annotations)
    if (val.classes, val.category_ids) != (train.classes, train.category_ids):
        raise ValueError(f"{options.val_annotations} has the categories {val.classes[1:]} and "
                         f"{options.annotations} has {train.classes[1:]}, but the same ids and "
                         f"names are wanted. Export both from one project.")
    if not len(val):
        raise ValueError(f"{folder / options.val_annotations} holds no photograph to measure on. "
                         f"Leave --val-annotations out, or give another file.")
    return train, val


class Lessons(Dataset):
    """Samples as a detector learns from them: without crowds, half of them mirrored by chance.

    Args:
        data: samples.
        flip: the chance of being mirrored.
    """

    def __init__(self, data: Dataset, flip: float = 0.5):
        self.data, self.flip = data, flip

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.data)

    def __getitem__(self, index: int) -> Sample:
        """Image (3, H, W); target with boxes (N, 4), labels (N,), masks (N, H, W)."""
        image, target = self.data[index]
        kept = target["iscrowd"] == 0
        target = {key: target[key][kept] for key in EACH}
        return mirrored(image, target) if torch.rand(()) < self.flip else (image, target)


def mirrored(image: torch.Tensor, target: dict[str, torch.Tensor]) -> Sample:
    """The sample as in a mirror: left becomes right."""
    x1, y1, x2, y2 = target["boxes"].unbind(dim=1)
    W = image.shape[-1]
    return image.flip(-1), {**target, "boxes": torch.stack([W - x2, y1, W - x1, y2], dim=1),
                            "masks": target["masks"].flip(-1)}
