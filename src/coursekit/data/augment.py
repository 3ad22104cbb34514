"""Augmentation: the same photograph in another way, and its boxes and masks along with it.

The transforms are torchvision's, version 2. They move whatever is *marked* as an image, as boxes or
as masks, all by the same draw of chance; a plain tensor in a target they pass by. So a sample is
marked, moved, and unmarked again. Boxes are then measured anew on the masks, since a turned box is
larger than the box of what was turned, and objects that were moved out of the picture are dropped.

N instances, H and W the picture's height and width.

Source: torchvision.transforms.v2 and torchvision.tv_tensors.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.tv_tensors import BoundingBoxes, Image, Mask

from coursekit.boxes import from_masks
from coursekit.data.sample import Sample

PLANES = ("masks", "full_masks", "semantic")            # of a target: what has a value a pixel
EACH = ("boxes", "labels", "masks", "full_masks", "area", "iscrowd")    # a row an instance


class Augmented(Dataset):
    """Samples that come out moved by chance, each time another way.

    Args:
        samples: a data set of samples, or a list of them.
        transform: of `torchvision.transforms.v2`, or any call (image, target) -> (image, target).
    """

    def __init__(self, samples: Sequence[Sample] | Dataset, transform: Callable):
        self.samples, self.transform = samples, transform

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        """The sample, moved."""
        return augment(*self.samples[index], self.transform)


def augment(image: Tensor, target: dict[str, Tensor], transform: Callable) -> Sample:
    """One sample through a transform; what came stays as it is.

    Args:
        image: (3, H, W) in [0, 1].
        target: `boxes` (N, 4) and `labels` (N,), and more of the sample format.
        transform: see `Augmented`.
    Returns:
        The sample moved; with masks, boxes fit them, and objects without a pixel left are gone.
    """
    marked = dict(target)
    marked["boxes"] = BoundingBoxes(target["boxes"], format="XYXY", canvas_size=image.shape[-2:])
    for key in PLANES:
        if key in target:                               # some transforms cannot compute with bool
            plane = target[key]
            marked[key] = Mask(plane.byte() if plane.dtype == torch.bool else plane)
    image, moved = transform(Image(image), marked)
    moved = {key: plain(value).to(target[key].dtype) for key, value in moved.items()}
    return plain(image).clamp(0, 1), fitted(moved)


def fitted(target: dict[str, Tensor]) -> dict[str, Tensor]:
    """The target without objects that left the picture; boxes and areas are those of the masks."""
    sides = target["boxes"][:, 2:] - target["boxes"][:, :2]
    kept = target["masks"].flatten(1).any(dim=1) if "masks" in target else (sides > 0).all(dim=1)
    target = {key: value[kept] if key in EACH else value for key, value in target.items()}
    if "masks" in target:
        target["boxes"] = from_masks(target["masks"])
        if "area" in target:
            target["area"] = target["masks"].sum(dim=(1, 2)).to(target["area"])
    return target


def plain(value: Tensor) -> Tensor:
    """The tensor without its mark."""
    return value.as_subclass(Tensor)
