"""Selective search: boxes where an object may be, from the picture alone.

No class, no score, no window that slides: a picture is cut into regions, neighbouring regions are
joined step by step, and the box of every region on the way is a proposal. One hierarchy misses
what another finds, so several are built, from other color spaces and first cuts, and their boxes
pooled.

Source: Uijlings et al. 2013, sections 3.2 (diversification) and 3.3 (ranking).
"""

import numpy as np
import torch
from skimage.segmentation import felzenszwalb
from torch import Tensor

from coursekit.proposals.grouping import SIMILARITIES, group
from coursekit.proposals.regions import (
    Regions,
    color_bins,
    describe,
    neighbours,
    texture_bins,
    to_space,
)

NO_COLOR = ("texture", "size", "fill")
PAIRS = ("color", "fill"), ("texture", "fill")
MODES = {                       # color spaces, scales k of the first cut, sums of similarities
    "fast": (("hsv", "lab"), (100,), (SIMILARITIES, NO_COLOR, *PAIRS)),
    "quality": (("hsv", "lab", "rgi", "rgb"), (50, 100, 200, 400), (SIMILARITIES, NO_COLOR)),
}
SMALL, FEW = 256 * 256, 2       # a picture of fewer pixels has few regions: the first two sums do
SIGMA = 0.8                     # of the blur before the cut: Felzenszwalb and Huttenlocher 2004
MIN_SIZE = 30                   # pixels: smaller first regions are joined to a neighbour


def selective_search(image: Tensor, mode: str = "fast", max_proposals: int | None = 2000) -> Tensor:
    """Boxes around whatever hangs together, the most promising first; same picture, same boxes.

    Args:
        image: (3, H, W) floating point, RGB in [0, 1].
        mode: "fast" (8 hierarchies; 4 for a picture below 256 x 256 pixels) or "quality" (32:
            several times the boxes and the time).
        max_proposals: return at most so many; None returns all.
    Returns:
        (N, 4) float32 boxes, xyxy, no two alike, within the picture. Their order is a rank in the
        hierarchy, shuffled a little: no confidence.
    Raises:
        ValueError: another shape, an empty picture, values outside [0, 1], an unknown mode, or
            max_proposals below 1.
        TypeError: an image that is not a tensor of floating point.
    Source:
        Uijlings et al. 2013; cv2.ximgproc.segmentation has another implementation, other boxes.
    """
    _check(image, mode, max_proposals)
    generator = np.random.default_rng(0)
    boxes, ranks = [], []
    for regions in hierarchies(image, mode):
        n = len(regions.box)
        boxes.append(regions.box)
        ranks.append(np.arange(n, 0, -1) * generator.random(n))        # 1 is the whole picture
    boxes = np.concatenate(boxes)[np.argsort(np.concatenate(ranks), kind="stable")]
    _, first = np.unique(boxes, axis=0, return_index=True)             # each at its best rank
    return torch.from_numpy(boxes[np.sort(first)][:max_proposals]).float()


def hierarchies(image: Tensor, mode: str) -> list[Regions]:
    """All regions of every hierarchy of a mode, from first cut to whole picture."""
    picture = image.detach().cpu().permute(1, 2, 0).double().numpy()
    spaces, scales, uses = MODES[mode]
    uses = uses if picture[:, :, 0].size >= SMALL else uses[:FEW]
    found = []
    for space in spaces:
        converted = to_space(picture, space)                                   # (H, W, 3)
        colors, textures = color_bins(converted), texture_bins(converted)
        for k in scales:
            labels = felzenszwalb(converted, scale=k, sigma=SIGMA, min_size=MIN_SIZE)
            pairs = neighbours(labels)
            for use in uses:
                regions = describe(labels, colors, textures)
                group(regions, pairs, use)
                found.append(regions)
    return found


def _check(image: Tensor, mode: str, max_proposals: int | None) -> None:
    if not isinstance(image, Tensor) or not image.is_floating_point():
        came = image.dtype if isinstance(image, Tensor) else f"a {type(image).__name__}"
        raise TypeError(f"image: got {came}, but a floating-point tensor was expected. Divide "
                        "bytes by 255: torch.from_numpy(array).permute(2, 0, 1) / 255.")
    if image.dim() != 3 or image.shape[0] != 3 or 0 in image.shape:
        raise ValueError(f"image: got shape {tuple(image.shape)}, but (3, H, W) with H and W of 1 "
                         "or more was expected. Pass the images of a batch one by one.")
    if not (image.min() >= 0 and image.max() <= 1):                    # NaN fails here, too
        raise ValueError(f"image: values reach from {image.min():g} to {image.max():g}, but [0, 1] "
                         "was expected. Divide bytes by 255; undo a normalization first.")
    if mode not in MODES:
        raise ValueError(f"mode: got {mode!r}, but one of {', '.join(map(repr, MODES))} was "
                         'expected. "fast" is enough for most purposes.')
    if max_proposals is not None and max_proposals < 1:
        raise ValueError(f"max_proposals: got {max_proposals}, but 1 or more was expected, or None "
                         "for all.")
