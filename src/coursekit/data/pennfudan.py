"""Penn-Fudan: 170 street photographs with 423 pedestrians, each outlined by hand.

Each photograph has a mask image of its own size, in which pixels hold 0 for the background and
k for the k-th pedestrian; boxes and the semantic map follow from it. The page that publishes the
data says 345 pedestrians; the masks hold 423, which anybody can count.

53 MB are fetched on first use, from the University of Pennsylvania or else from PyTorch's copy,
and kept. Letters: N pedestrians, H and W the photograph's height and width.

Source: Wang, Shi, Song and Shen, "Object Detection Combining Recognition and Segmentation",
ACCV 2007; https://www.cis.upenn.edu/~jshi/ped_html/.
"""

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from coursekit.boxes import from_masks
from coursekit.data.archive import absent, fetch, read_manifest
from coursekit.data.photo import read_photo
from coursekit.data.sample import cache_dir

NAME = "PennFudanPed"
ADDRESSES = (
    "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip",
    "https://download.pytorch.org/tutorial/PennFudanPed.zip",
)
MANIFEST = Path(__file__).with_name("pennfudan_sha256.txt")
PEDESTRIAN = 1
NUM_TEST = 50  # of 170
SEED = 0


class PennFudan(Dataset):
    """Photographs of pedestrians as samples; class 1, 'pedestrian', is the only one.

    The data lie in the folder `PennFudanPed` of `root`; without `root`, of the folder that
    `COURSEKIT_DATA` names; without that, of the course's own cache. A folder that is there must
    hold every file of the course's list in its right size, or opening it fails. Contents are
    compared (SHA-256) once, after the download, and not again.

    Args:
        split: "train" (120 photographs), "test" (the other 50, drawn by a fixed seed), None (all).
        download: fetch the data if they are not there; `COURSEKIT_DATA` is only read.
        root: the folder that holds `PennFudanPed`, or will hold it.
    Raises:
        ValueError: another split.
        FileNotFoundError: the data are not there, or not all of them.
        RuntimeError: the data could not be fetched.
        OSError: the disk is full, or refuses to be written.
    """

    classes = ("background", "pedestrian")

    def __init__(self, split: str | None = None, download: bool = True,
                 root: Path | str | None = None) -> None:
        """Find the data, fetching them if need be."""
        if split not in ("train", "test", None):
            raise ValueError(f"split is {split!r}, but Penn-Fudan has 'train', 'test' and None, "
                             f"which is both. Choose one of them.")
        self.folder = _find(download, root)
        names = photograph_names()
        self.numbers = _split(split, len(names))
        self.names = [names[number] for number in self.numbers]

    def __len__(self) -> int:
        """Number of photographs."""
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Image (3, H, W) in [0, 1]; target with boxes (N, 4), labels (N,), masks (N, H, W).

        The target also holds `semantic`, `area`, `iscrowd` and `image_id`.
        """
        name = self.names[index]
        image = read_photo(self.folder / "PNGImages" / f"{name}.png")
        with Image.open(self.folder / "PedMasks" / f"{name}_mask.png") as mask:
            ids = torch.from_numpy(np.array(mask))                         # (H, W): 0, 1 .. N
        masks = ids == torch.arange(1, int(ids.max()) + 1)[:, None, None]  # (N, H, W) bool
        N = len(masks)
        return image, {
            "boxes": from_masks(masks),
            "labels": torch.full((N,), PEDESTRIAN, dtype=torch.int64),
            "masks": masks,
            "semantic": (ids > 0).long() * PEDESTRIAN,                     # (H, W)
            "area": masks.sum(dim=(1, 2)).float(),
            "iscrowd": torch.zeros(N, dtype=torch.int64),
            "image_id": torch.tensor(self.numbers[index]),
        }


def photograph_names() -> list[str]:
    """The 170 names, in their order: 'FudanPed00001' … 'PennPed00096'."""
    return sorted(Path(file).stem for file in read_manifest(MANIFEST) if "PNGImages" in file)


def _split(split: str | None, count: int) -> list[int]:
    """The split's photographs, as places in the list of all `count` names."""
    order = np.random.RandomState(SEED).permutation(count).tolist()  # the same in every NumPy
    chosen = {None: order, "train": order[NUM_TEST:], "test": order[:NUM_TEST]}[split]
    return sorted(chosen)


def _find(download: bool, root: Path | str | None) -> Path:
    """The folder with the data, whole."""
    given = root or os.environ.get("COURSEKIT_DATA")
    place = Path(given).expanduser() if given else cache_dir()
    manifest, folder = read_manifest(MANIFEST), place / NAME
    if not folder.is_dir() and download and (root or not given):
        fetch(NAME, ADDRESSES, manifest, place)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {NAME} in {place}, where Penn-Fudan is wanted. Put the unpacked "
            f"archive there ({ADDRESSES[0]}), or take COURSEKIT_DATA out of the environment and "
            f"use PennFudan(download=True), which fetches it.")
    missing = absent(folder, manifest)
    if missing:
        raise FileNotFoundError(
            f"{folder} lacks {len(missing)} of {len(manifest)} files or has them in another size, "
            f"first {missing[0]}. Remove that folder and fetch or unpack the archive anew.")
    return folder
