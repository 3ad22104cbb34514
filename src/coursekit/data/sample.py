"""The one sample format that every data set, loss and metric of the course shares.

A sample is a pair `(image, target)`, as torchvision's detectors take it:

- `image`: (3, H, W) float32 in [0, 1];
- `target["boxes"]`: (N, 4) float32, xyxy in pixels, half-open: `x2` is the last column + 1;
- `target["labels"]`: (N,) int64, 1 or more (0 is background);
- `target["masks"]`: (N, H, W) bool, what is visible of each instance;
- `target["semantic"]`: (H, W) int64, one class id a pixel; 255 is void, which nothing counts;
- optional: `full_masks` (N, H, W) bool, `area` (N,), `iscrowd` (N,), `image_id` (one number).

Letters: N instances, H and W the image's height and width. N = 0 is a valid sample everywhere.
"""

import os
import sys
from pathlib import Path

import torch
from torch import Tensor

CLASSES = ("background", "cat", "dog", "rabbit", "grass", "floor", "sky")  # index = id
THINGS = (1, 2, 3)  # countable: these have instances
STUFF = (4, 5, 6)   # uncountable: these have only pixels
VOID = 255          # ignored by every loss and metric

Sample = tuple[Tensor, dict[str, Tensor]]
TYPES = {"boxes": torch.float32, "labels": torch.int64, "masks": torch.bool,
         "full_masks": torch.bool, "semantic": torch.int64}


def check_sample(image: Tensor, target: dict[str, Tensor], name: str = "sample") -> None:
    """Raise a `ValueError` that says what is wrong with a sample; do nothing if it is sound.

    Args:
        image: (3, H, W) float in [0, 1].
        target: see the module's page; `boxes` and `labels` must be there, the rest may be.
        name: what to call the sample in a message.
    Raises:
        ValueError: a missing key, a wrong shape or type, values outside their range.
    """
    _check_image(image, name)
    missing = [key for key in ("boxes", "labels") if key not in target]
    if missing:
        raise ValueError(f"{name}: the target has the keys {sorted(target)}, but {missing} are "
                         f"missing. Give empty tensors for an image without objects.")
    N, (H, W) = len(target["boxes"]), image.shape[-2:]
    wanted = {"boxes": (N, 4), "labels": (N,), "masks": (N, H, W), "full_masks": (N, H, W),
              "semantic": (H, W), "area": (N,), "iscrowd": (N,)}
    for key, shape in wanted.items():
        value = target.get(key)
        if value is not None and not isinstance(value, Tensor):
            raise ValueError(f"{name}: {key} is a {type(value).__name__}, but a tensor of shape "
                             f"{shape} is wanted. Call torch.as_tensor on it.")
        if key in target and tuple(target[key].shape) != shape:
            raise ValueError(f"{name}: {key} has shape {tuple(target[key].shape)}, but {shape} "
                             f"fits {N} boxes and a {H} x {W} image. Check how it was stacked.")
    _check_values(target, name, H, W)


def _check_image(image: Tensor, name: str) -> None:
    """Reject an image that is not (3, H, W) float in [0, 1]."""
    if not isinstance(image, Tensor):
        raise ValueError(f"{name}: the image is a {type(image).__name__}, but a tensor (3, H, W) "
                         f"of floats is wanted. CocoFolder and PennFudan make one of a file.")
    if image.ndim != 3 or image.shape[0] != 3 or not image.is_floating_point():
        raise ValueError(f"{name}: the image is {image.dtype} of shape {tuple(image.shape)}, but "
                         f"(3, H, W) float is wanted. Use permute(2, 0, 1) and divide by 255.")
    if image.numel() and not (image.min() >= 0 and image.max() <= 1):  # NaN fails too
        raise ValueError(f"{name}: image values run from {image.min():.3g} to {image.max():.3g}, "
                         f"but [0, 1] is wanted. Divide 8-bit values by 255.")


def _check_values(target: dict[str, Tensor], name: str, H: int, W: int) -> None:
    """Reject boxes outside the image or turned round, ids below their range, other types."""
    boxes, labels = target["boxes"], target["labels"]
    limit = torch.tensor([W, H, W, H], device=boxes.device)
    bad = ((boxes[:, 2:] < boxes[:, :2]).any(1) | ~((boxes >= 0) & (boxes <= limit)).all(1))
    if bad.any():
        row = int(bad.nonzero()[0])
        raise ValueError(f"{name}: box {row} is {boxes[row].tolist()}, but 0 <= x1 <= x2 <= {W} "
                         f"and 0 <= y1 <= y2 <= {H} must hold. COCO files store (x, y, width, "
                         f"height): convert them to xyxy first.")
    if labels.dtype != torch.int64 or (labels < 1).any():
        raise ValueError(f"{name}: labels are {labels.dtype} {labels.tolist()}, but int64 of 1 or "
                         f"more is wanted. 0 is background, which has no boxes.")
    for key, dtype in TYPES.items():
        if key in target and target[key].dtype != dtype:
            raise ValueError(f"{name}: {key} is {target[key].dtype}, but {dtype} is wanted. "
                             f"Convert it where the data set makes it.")
    semantic = target.get("semantic")
    if semantic is not None and not ((semantic >= 0) & (semantic <= VOID)).all():
        raise ValueError(f"{name}: semantic holds ids from {semantic.min()} to {semantic.max()}, "
                         f"but 0 to {VOID - 1}, or {VOID} for void, are wanted. Renumber them.")


def cache_dir() -> Path:
    """The folder for what the course draws or downloads; it need not exist yet.

    `COURSEKIT_CACHE` names it; else it is `pixels-to-instances` in the system's own cache folder.
    """
    if os.environ.get("COURSEKIT_CACHE"):
        return Path(os.environ["COURSEKIT_CACHE"]).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pixels-to-instances"
