"""Read a photograph as the course's images are: (3, H, W) float32 in [0, 1], upright.

A camera held on its side stores the rows as its sensor saw them and writes into the file, as EXIF
orientation, how to turn them. Viewers, browsers and most annotation tools obey; PIL, torchvision
and pycocotools do not, and so boxes drawn on the upright photograph land elsewhere in the stored
one. Which of the two an annotation means can be read off the size written beside it.
"""

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

ORIENTATION = 0x0112  # the EXIF tag; 1: as stored, 2 to 4: same size, 5 to 8: sides swapped


def read_photo(path: Path | str | BinaryIO, size: tuple[int, int] | None = None) -> Tensor:
    """The photograph in `path`, in color.

    Without `size` it is turned upright. With the size that its annotations give, it is left as
    stored if that fits, as torchvision does; else turned upright if that fits. Where both would
    fit, which a photograph on its head or a square one can cause, a warning says so.

    Args:
        path: any file that PIL reads, or such a file opened; gray and transparent pictures become
            RGB.
        size: (height, width) that the annotations were made for.
    Returns:
        (3, H, W) float32 in [0, 1].
    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, a damaged one, or one of another size than `size`.
    """
    is_open = hasattr(path, "read")
    if not is_open and not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}, but a photograph is wanted there. Check "
                                f"the name and the folder.")
    name = "The file" if is_open else path
    try:
        with Image.open(path) as photo:
            pixels = np.array(_turn(photo, size, name).convert("RGB"))  # (H, W, 3)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        why = "of no kind that it knows" if isinstance(error, UnidentifiedImageError) else error
        raise ValueError(f"{name} came as a photograph, but PIL cannot read it ({why}). A PNG or "
                         f"JPEG file is wanted: open it in a viewer and save it anew.") from error
    if size is not None and pixels.shape[:2] != tuple(size):
        raise ValueError(f"{name} is {pixels.shape[0]} x {pixels.shape[1]} (height x width), but "
                         f"its annotations are for {size[0]} x {size[1]}. Put the photograph there "
                         f"that was annotated, or export the annotations anew.")
    return (torch.from_numpy(pixels).permute(2, 0, 1) / 255).contiguous()


def _turn(photo: Image.Image, size: tuple[int, int] | None, name: Path | str) -> Image.Image:
    """Obey the EXIF orientation unless `size` shows that the annotations do not."""
    if photo.getexif().get(ORIENTATION, 1) == 1:
        return photo
    upright = ImageOps.exif_transpose(photo)
    stored_fits, upright_fits = (size in (None, p.size[::-1]) for p in (photo, upright))
    if size is None or (upright_fits and not stored_fits):
        return upright
    if upright_fits:
        warnings.warn(f"{name} is marked to be turned (EXIF), and its size does not tell whether "
                      f"it was annotated before or after: it is taken as stored. If the boxes lie "
                      f"wrong, save the photograph upright and annotate that.", stacklevel=4)
    return photo
