"""PetScenes: cats, dogs and rabbits on grass and floors under skies, drawn from a seed.

Nothing is downloaded: `coursekit.data.scenes` draws each picture together with its annotation,
which is therefore exact. Scene `i` of a split is the same on every platform, bit by bit, and does
not depend on the order of access. The splits take their seeds from ranges that never meet.

No pixel of a PetScenes picture is void (255). A rug counts as floor, flowers as grass; walls,
windows, hills, trees, fences and all clutter are background (0).

Letters: N animals, H and W the picture in pixels. Boxes are half-open: x2 is the last column + 1,
where `torchvision.ops.masks_to_boxes` gives the last column itself.
"""

import operator
import os
import tempfile
import zipfile
import zlib
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from coursekit.boxes import from_masks
from coursekit.data import scenes
from coursekit.data.sample import CLASSES, Sample, cache_dir
from coursekit.data.scenes.scene import draw_scene

SPLITS = {"train": (0, 2000), "val": (1, 200), "test": (2, 400)}   # seed range, default length
MODES = ("many", "one", "three_dogs")
RANGE = 2**40                   # seeds a split and mode
SIZES = range(32, 1025)         # pixels a side
BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


class PetScenes(Dataset):
    """Scenes of cats, dogs and rabbits with boxes, labels, masks and a semantic map.

    Args:
        split: "train", "val" or "test"; no scene is in two of them.
        length: how many scenes; by default 2000, 200 and 400. A longer data set begins with the
            same scenes as a shorter one.
        mode: "many" (up to six animals; in about one scene of fifty none), "one" (exactly one,
            for localization) or "three_dogs" (exactly three dogs that touch: one semantic region,
            three instances).
        size: pixels a side of a square picture, or (height, width); 32 to 1024 each. The same
            scene is drawn at every size of the same shape.
        cache: keep drawn scenes in `cache_dir()`; drawing takes some hundredths of a second,
            reading a thousandth.
    Raises:
        ValueError: an unknown split or mode, a negative length, a size out of range.
    """

    classes = CLASSES

    def __init__(self, split: str = "train", length: int | None = None, mode: str = "many",
                 size: int | tuple[int, int] = 128, cache: bool = True) -> None:
        self.split = _one_of("split", split, tuple(SPLITS))
        self.mode = _one_of("mode", mode, MODES)
        self.length = SPLITS[split][1] if length is None else _checked_length(length)
        self.size = _checked_size(size)
        self.cache = cache

    def __len__(self) -> int:
        """The number of scenes."""
        return self.length

    def __getitem__(self, index: int) -> Sample:
        """Scene `index`: the image, and the target that says all that is true of it.

        Args:
            index: 0 to length - 1; negative ones count from the end.
        Returns:
            image (3, H, W) float32 in [0, 1]; target with `boxes` (N, 4) float32, `labels` (N,)
            int64, `masks` (N, H, W) bool of what is visible, `full_masks` (N, H, W) bool of what
            would be if nothing stood in front, `semantic` (H, W) int64, `image_id`, `area` (N,)
            visible pixels, `iscrowd` (N,) zeros.
        Raises:
            IndexError: an index beyond the length.
        """
        i = operator.index(index)
        if not -self.length <= i < self.length:
            raise IndexError(f"index {i} is beyond this data set of {self.length} scenes: ask for "
                             f"0 to {self.length - 1}, or make it longer with length=.")
        i %= self.length
        stored = self._load(i) or self._draw(i)
        return _sample(stored, i)

    def seed(self, index: int) -> int:
        """The seed of scene `index`: every split and mode has a range of its own."""
        return (SPLITS[self.split][0] * len(MODES) + MODES.index(self.mode)) * RANGE + index

    def _path(self, index: int) -> Path:
        """Where scene `index` is kept: the folder's name changes with the drawing's code."""
        H, W = self.size
        folder = cache_dir() / "petscenes" / f"{code_version()}-{self.mode}-{H}x{W}"
        return folder / f"{self.split}-{index}.npz"

    def _load(self, index: int) -> dict[str, np.ndarray] | None:
        """The kept scene, or None if there is none that can be read."""
        if not self.cache:
            return None
        try:
            with open(self._path(index), "rb") as raw, np.load(raw, allow_pickle=False) as file:
                stored = {name: file[name] for name in ("planes", "labels", "full")}
        except BROKEN:
            return None
        return stored if stored["planes"].shape == (5, *self.size) else None

    def _draw(self, index: int) -> dict[str, np.ndarray]:
        """Draw the scene, and keep it if a cache is wanted and can be written."""
        scene = draw_scene(self.seed(index), self.mode, *self.size)
        numbers = np.arange(1, len(scene.labels) + 1, dtype=np.uint8)[:, None, None]
        owner = np.max(scene.masks * numbers, axis=0, initial=0)              # 0, or 1 to N
        planes = [*scene.image.transpose(2, 0, 1), scene.semantic, owner]     # each (H, W)
        stored = {"planes": np.stack(planes).astype(np.uint8), "labels": scene.labels,
                  "full": np.packbits(scene.full_masks, axis=-1)}
        if self.cache:
            _keep(self._path(index), stored)
        return stored


def _sample(stored: dict[str, np.ndarray], index: int) -> Sample:
    """The kept arrays as tensors in the course's sample format."""
    planes = torch.from_numpy(stored["planes"])                                # (5, H, W)
    labels = torch.from_numpy(stored["labels"])                                # (N,)
    N, W = len(labels), planes.shape[-1]
    masks = planes[4] == torch.arange(1, N + 1, dtype=torch.uint8)[:, None, None]
    full = np.unpackbits(stored["full"], axis=-1, count=W).astype(bool)        # (N, H, W)
    target: dict[str, Tensor] = {
        "boxes": from_masks(masks), "labels": labels, "masks": masks,
        "full_masks": torch.from_numpy(full), "semantic": planes[3].long(),
        "image_id": torch.tensor(index), "area": masks.sum((1, 2)).float(),
        "iscrowd": torch.zeros(N, dtype=torch.int64)}
    return planes[:3] / 255, target


def _keep(path: Path, stored: dict[str, np.ndarray]) -> None:
    """Write a scene whole or not at all; a cache that cannot be written is done without."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            temporary = file.name
            np.savez_compressed(file, **stored)
        os.replace(temporary, path)
    except OSError:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


@lru_cache(maxsize=1)
def code_version() -> str:
    """Twelve hex digits that change whenever the code that draws scenes does."""
    digest = sha256()
    for path in sorted(Path(scenes.__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """The value, if it is one of those allowed."""
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}, but one of {', '.join(map(repr, allowed))} is "
                         f"wanted: choose one of them.")
    return value


def _checked_length(length: int) -> int:
    """The length, if it is a count that a split's seeds suffice for."""
    if isinstance(length, bool) or not isinstance(length, int) or not 0 <= length <= RANGE:
        raise ValueError(f"length is {length!r}, but a whole number of scenes, 0 or more, is "
                         f"wanted: leave it out for the split's own length.")
    return length


def _checked_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width), if both are in range."""
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2 or not all(type(n) is int and n in SIZES for n in pair):
        raise ValueError(f"size is {size!r}, but the pixels of a side, or (height, width), from "
                         f"{SIZES[0]} to {SIZES[-1]} each, are wanted: size=128 is the course's.")
    return pair
