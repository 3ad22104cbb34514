"""What comes into a picture, checked and made an array that matplotlib can draw.

A picture is where wrong tensors show first: channels last, bytes taken for floats, an image that
was normalized, masks of another size. Each is refused here in words, for all of `plot`'s functions.

Letters: H height and W width of the image, N boxes or masks, K classes.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from coursekit.boxes import check_masks
from coursekit.data.sample import VOID


def pixels_of(image: Tensor) -> np.ndarray:
    """(3, H, W) tensor -> (H, W, 3) array in [0, 1], a new one."""
    if not isinstance(image, Tensor) or not (
            image.is_floating_point() or image.dtype == torch.uint8):
        came = image.dtype if isinstance(image, Tensor) else f"a {type(image).__name__}"
        raise TypeError(f"image: got {came}, but a tensor of floats in [0, 1] or of bytes was "
                        "expected. torchvision.io.decode_image and PetScenes give such tensors.")
    if image.dim() != 3 or image.shape[0] not in (1, 3) or image.numel() == 0:
        raise ValueError(f"image: got shape {tuple(image.shape)}, but (3, H, W) was expected. "
                         "For (H, W, 3) call image.permute(2, 0, 1); of a batch take image[0].")
    pixels = image.detach().cpu().double() / (255 if image.dtype == torch.uint8 else 1)
    low, high = pixels.min().item(), pixels.max().item()
    if not (-1e-3 <= low and high <= 1 + 1e-3):
        raise ValueError(f"image: got values from {low:.3g} to {high:.3g}, but [0, 1] was "
                         "expected. Divide 0 to 255 by 255; undo a normalization first.")
    return pixels.clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0).numpy().copy()


def planes_of(masks: Tensor, image: Tensor) -> np.ndarray:
    """(N, H, W) bool tensor -> array, of the image's size."""
    check_masks(masks)
    check_same_size("masks", masks.shape[-2:], image)
    return masks.detach().cpu().numpy()


def ids_of(semantic: Tensor, num_classes: int) -> np.ndarray:
    """(H, W) tensor of ids in [0, K) or void -> array."""
    if not isinstance(semantic, Tensor) or semantic.is_floating_point():
        came = semantic.dtype if isinstance(semantic, Tensor) else f"a {type(semantic).__name__}"
        raise TypeError(f"semantic: got {came}, but a tensor of whole class ids was expected. "
                        "For scores of shape (K, H, W) call scores.argmax(dim=0) first.")
    if semantic.dim() != 2 or semantic.numel() == 0:
        raise ValueError(f"semantic: got shape {tuple(semantic.shape)}, but (H, W) was expected. "
                         "Of a batch take semantic[0].")
    ids = semantic.detach().cpu().long().numpy()
    bad = ids[(ids != VOID) & ((ids < 0) | (ids >= num_classes))]
    if bad.size:
        raise ValueError(f"semantic: holds the id {bad[0]}, but 0 to {num_classes - 1}, or 255 for "
                         "void, was expected. Pass `classes=` with a name for every id.")
    return ids


def check_same_size(name: str, size: tuple[int, ...], image: Tensor) -> None:
    """Refuse a height and width other than the image's."""
    if tuple(size) != tuple(image.shape[-2:]):
        raise ValueError(f"{name}: got the size {tuple(size)}, but the image's, "
                         f"{tuple(image.shape[-2:])}, was expected. Resize both alike.")


def labels_of(labels: Sequence[str] | None, n: int) -> list[str]:
    """N strings: the labels, or else the numbers from 0."""
    names = [str(i) for i in range(n)] if labels is None else [str(label) for label in labels]
    if len(names) != n:
        raise ValueError(f"labels: got {len(names)}, but {n} were expected, a label each. "
                         "Pass one string for every row, or None for numbers.")
    return names
