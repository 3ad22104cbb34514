"""Pictures and targets as detectors take them: lists, whose members may differ in size.

A network runs on one tensor, so the pictures are laid into the upper left corner of one that holds
the largest. Boxes need no change then: coordinates start at that corner.

B images, H W.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Target = dict[str, Tensor]
Size = tuple[int, int]      # height and width


def stack(images: Sequence[Tensor], multiple: int, fill: Tensor) -> Tensor:
    """Pictures of any sizes -> (B, 3, H, W), H and W the next multiples above the largest.

    Args:
        images: B pictures (3, H, W) float, one at least.
        multiple: pixels that both sides are rounded up to, the coarsest map's stride.
        fill: (3, 1, 1), the color where a picture ends before the tensor does.
    Raises:
        ValueError: no picture, or one that is not (3, H, W).
    """
    check_pictures(images)
    height, width = (math.ceil(max(image.shape[axis] for image in images) / multiple) * multiple
                     for axis in (-2, -1))
    batch = fill.to(images[0]).expand(len(images), 3, height, width).clone(
        memory_format=torch.channels_last)                   # a CPU's convolutions like it better
    for place, image in zip(batch, images, strict=True):
        place[:, :image.shape[1], :image.shape[2]] = image
    return batch


def resize(image: Tensor, target: Target | None, shortest: int,
           longest: int) -> tuple[Tensor, Target | None]:
    """A picture brought to a shorter side of `shortest` pixels, its longer one below `longest`.

    Boxes and masks of the target go along; the sample that came stays as it is.

    Source:
        torchvision's GeneralizedRCNNTransform, but for the order: it normalizes colors first.
    """
    sides = image.shape[-2:]
    by = {"scale_factor": min(shortest / min(sides), longest / max(sides)),
          "recompute_scale_factor": True}
    image = F.interpolate(image[None], mode="bilinear", **by)[0]
    if target is not None:
        target = {**target, "boxes": scaled(target["boxes"], sides, image.shape[-2:])}
        if "masks" in target:
            masks = target["masks"][:, None].float()
            target["masks"] = F.interpolate(masks, **by)[:, 0] > 0.5
    return image, target


def scaled(boxes: Tensor, size: tuple[int, int], new_size: tuple[int, int]) -> Tensor:
    """Boxes (N, 4) of a picture of (height, width), as they lie when it has another size."""
    y, x = (torch.tensor(b, dtype=torch.float32) / torch.tensor(a, dtype=torch.float32)
            for a, b in zip(size, new_size, strict=True))
    return boxes * torch.stack([x, y, x, y]).to(boxes)


def check_pictures(images: Sequence[Tensor]) -> None:
    """Refuse what is not a list of pictures, in words that say what to do about it."""
    if not len(images):
        raise ValueError("images: got none, but one picture at least was expected: an empty batch "
                         "has no size. Leave it out.")
    for n, image in enumerate(images):
        if not isinstance(image, Tensor) or image.dim() != 3 or image.shape[0] != 3 \
                or not image.is_floating_point() or 0 in image.shape:
            came = (f"{image.dtype} of shape {tuple(image.shape)}" if isinstance(image, Tensor)
                    else f"a {type(image).__name__}")
            raise ValueError(f"images[{n}]: got {came}, but float (3, H, W) was expected. A batch "
                             "(B, 3, H, W) becomes a list by list(batch); bytes, divided by 255.")


def check_targets(images: Sequence[Tensor], targets: Sequence[Target] | None, num_classes: int,
                  needed: tuple[str, ...] = ("boxes", "labels")) -> None:
    """Refuse targets that a detector of K classes cannot learn from."""
    check_one_each(images, targets)
    for n, target in enumerate(targets):
        missing = [key for key in needed if key not in target]
        if missing:
            raise ValueError(f"targets[{n}]: got {sorted(target)}, but {missing} is missing. An "
                             "image without objects has empty tensors.")
        boxes, labels = target["boxes"], target["labels"]
        if len(labels) != len(boxes) or len(labels) and not \
                1 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(f"targets[{n}]: got labels {labels.tolist()} for {len(boxes)} boxes, "
                             f"but one each, from 1 to {num_classes - 1}, was expected: 0 is the "
                             "background. Build the model with num_classes, background included.")
        flat = (boxes[:, 2:] <= boxes[:, :2]).any(dim=1)
        if flat.any():
            row = int(flat.nonzero()[0, 0])
            raise ValueError(f"targets[{n}]: box {row} is {boxes[row].tolist()}, but x1 < x2 and "
                             "y1 < y2 was expected: nothing can be learned from a box without "
                             "area. Leave it out, with its label and mask.")


def check_one_each(images: Sequence[Tensor], targets: Sequence[Target] | None) -> None:
    """Refuse anything but one target for each picture."""
    if targets is None or len(targets) != len(images):
        came = "none" if targets is None else len(targets)
        raise ValueError(f"targets: got {came} for {len(images)} images, but one for each was "
                         "expected. In training pass them; to predict, call model.eval() first.")


def check_proposals(images: Sequence[Tensor], proposals: Sequence[Tensor]) -> None:
    """Refuse proposals of another number of pictures."""
    if len(images) != len(proposals):
        raise ValueError(f"proposals: got those of {len(proposals)} images, but {len(images)} "
                         "images came. An image without proposals has torch.zeros(0, 4).")


def levels_of(maps: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """A backbone's output as a list of maps, finest first: one map is a list of one."""
    return [maps] if isinstance(maps, Tensor) else list(maps)

