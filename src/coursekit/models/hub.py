"""Weights that others publish: one file each, kept where torch.hub looks for it, too.

torch.hub's own way prints a path of this machine, knows no time limit, and begins anew when a line
breaks, so the file comes as the course's photographs do. Eight digits of its SHA-256 stand in its
name, and what was fetched must have them.

Source: torch.hub.load_state_dict_from_url.
"""

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from coursekit.data.download import Unfetched, download


def cached(address: str) -> Path:
    """Where the file of that address lies, or would: `checkpoints` in torch.hub's folder."""
    return Path(torch.hub.get_dir()) / "checkpoints" / address.rpartition("/")[2]


def fetched(address: str) -> Path:
    """The file of that address, fetched if it is not there.

    A file that is there is taken as it is: whose it is, `origin` tells.

    Args:
        address: ends in a name such as `resnet50-0676ba61.pth`.
    Raises:
        FileNotFoundError: it is not there and could not be fetched, or what came is another file.
        OSError: the disk is full, or refuses to be written.
    """
    file = cached(address)
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        arrived = file.with_name(file.name + ".new")
        try:
            download(address, arrived)
            if not _is_the_one(arrived, file.name):
                raise Unfetched("what came has another SHA-256 than its name says")
        except Unfetched as failure:
            arrived.unlink(missing_ok=True)
            raise FileNotFoundError(
                f"{file.name} is not in torch's cache and could not be fetched ({failure}): get it "
                f"from {address} and put it into the folder checkpoints of torch.hub.get_dir()."
            ) from failure
        arrived.replace(file)
    return file


def published(address: str) -> dict[str, Tensor]:
    """The state dict in the file of that address, fetched if it is not there.

    Raises:
        FileNotFoundError: as `fetched`.
        ValueError: the file is damaged, or holds something else.
    """
    file = fetched(address)
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:            # torch raises a dozen kinds for a damaged file
        # (and advises to load it with weights_only=False: never do that)
        raise ValueError(f"{file.name} in torch's cache is damaged, or no file of weights. "
                         f"Remove it from {file.parent} and run this again.") from error


def origin(address: str) -> str:
    """One line that tells which file lies there, and whether it is the one published.

    Raises:
        FileNotFoundError: none does.
    """
    file = cached(address)
    whose = "the file published" if _is_the_one(file, file.name) else (
        "a file of that name, but not the one published")
    return f"weights: ≈ {file.name}, SHA-256 {_digest(file)[:8]}…: {whose}"


def _is_the_one(file: Path, name: str) -> bool:
    """Whether the content is what the digits in the name say."""
    digits = Path(name).stem.rpartition("-")[2]
    return len(digits) >= 8 and _digest(file).startswith(digits)


def _digest(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
