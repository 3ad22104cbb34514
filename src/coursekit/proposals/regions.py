"""Regions: what grouping has to know of a region, and how a picture is first cut into some.

`felzenszwalb` of scikit-image cuts a picture into n small regions. Of each, `Regions` keeps four
things: size, box, a histogram of its colors and one of its textures. All four of a union follow
from those of its two parts, so the picture is not needed again once the histograms are made. That
is what makes grouping cheap.

H W the picture's sides, C = 3 its channels, n first regions; their unions take the rows n to
2n - 2.

Source: Felzenszwalb and Huttenlocher 2004; Uijlings et al. 2013, section 3.2.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from skimage.color import rgb2hsv, rgb2lab

COLOR_BINS, TEXTURE_BINS, DIRECTIONS = 25, 10, 8      # Uijlings et al. 2013, section 3.2
NUM_COLORS, NUM_TEXTURES = 3 * COLOR_BINS, 3 * DIRECTIONS * TEXTURE_BINS            # 75 and 240


@dataclass
class Regions:
    """The first n regions of a picture, with room for the n - 1 unions to come.

    Attributes:
        size: (2n - 1,) pixels.
        box: (2n - 1, 4) xyxy, half-open.
        histogram: (2n - 1, 315): 75 numbers for color, which add up to 1, and 240 for texture,
            which do so, too.
        pixels: the whole picture's.
    """

    size: np.ndarray
    box: np.ndarray
    histogram: np.ndarray
    pixels: int

    def __len__(self) -> int:
        return (len(self.size) + 1) // 2

    def join(self, i: int, j: int, new: int) -> None:
        """Make row `new` the union of the regions i and j."""
        a, b = self.size[i], self.size[j]
        self.size[new] = a + b
        self.box[new, :2] = np.minimum(self.box[i, :2], self.box[j, :2])
        self.box[new, 2:] = np.maximum(self.box[i, 2:], self.box[j, 2:])
        self.histogram[new] = (a * self.histogram[i] + b * self.histogram[j]) / (a + b)


def describe(labels: np.ndarray, colors: np.ndarray, textures: np.ndarray) -> Regions:
    """Measure the regions of a label map.

    Args:
        labels: (H, W) int, every number from 0 to n - 1 at least once.
        colors: (H, W, 3) whole numbers from 0 to 24, from `color_bins`.
        textures: (H, W, 24) whole numbers from 0 to 9, from `texture_bins`.
    Returns:
        The regions, with rows n and later still empty.
    """
    n = int(labels.max()) + 1
    size = np.bincount(labels.ravel(), minlength=n)
    regions = Regions(*(np.zeros((2 * n - 1, *shape), dtype)
                        for shape, dtype in (((), np.int64), ((4,), np.int64),
                                             ((NUM_COLORS + NUM_TEXTURES,), np.float64))),
                      labels.size)
    regions.size[:n] = size
    regions.box[:n] = _boxes(labels, n)
    regions.histogram[:n, :NUM_COLORS] = _color_histograms(labels, colors, size)
    regions.histogram[:n, NUM_COLORS:] = _texture_histograms(labels, textures, size)
    return regions


def _boxes(labels: np.ndarray, n: int) -> np.ndarray:
    """(n, 4) xyxy around the pixels of each label."""
    H, W = labels.shape
    boxes = np.tile([W, H, 0, 0], (n, 1))
    y, x = np.indices((H, W)).reshape(2, -1)
    for column, values in enumerate((x, y)):
        np.minimum.at(boxes[:, column], labels.ravel(), values)
        np.maximum.at(boxes[:, column + 2], labels.ravel(), values + 1)
    return boxes


def _color_histograms(labels: np.ndarray, bins: np.ndarray, size: np.ndarray) -> np.ndarray:
    """(n, 75): 25 bins a channel; all of a region together add up to 1."""
    counts = [_count(labels, channel, COLOR_BINS, len(size)) for channel in bins]
    return np.hstack(counts) / (len(bins) * size)[:, None]


def _texture_histograms(labels: np.ndarray, bins: np.ndarray, size: np.ndarray) -> np.ndarray:
    """(n, 240): 10 bins a direction; upward slopes of a line one way, downward ones the other."""
    counts = []
    for slopes in bins:                                          # bin 9 is level ground
        both = _count(labels, slopes, 2 * TEXTURE_BINS - 1, len(size))
        for steep in (both[:, TEXTURE_BINS:], both[:, TEXTURE_BINS - 2::-1]):
            level = size[:, None] - steep.sum(axis=1, keepdims=True)
            counts += [level, steep]
    return np.hstack(counts) / (2 * len(bins) * size)[:, None]


def _count(labels: np.ndarray, bins: np.ndarray, num_bins: int, n: int) -> np.ndarray:
    """(n, num_bins): how many pixels of each label fall into each bin."""
    return np.bincount((labels * num_bins + bins).ravel(),
                       minlength=n * num_bins).reshape(n, num_bins)


def neighbours(labels: np.ndarray) -> np.ndarray:
    """(pairs, 2): the pairs i < j of regions that share a side of a pixel, each once, in order."""
    pairs = [np.stack([a.ravel(), b.ravel()], axis=1)
             for a, b in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:]))]
    pairs = np.concatenate(pairs).astype(np.int64)
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    n = int(labels.max()) + 1
    codes = np.unique(pairs[:, 0] * n + pairs[:, 1])
    return np.stack([codes // n, codes % n], axis=1)


def to_space(image: np.ndarray, space: str) -> np.ndarray:
    """The (H, W, 3) RGB picture in another color space, each channel in [0, 1]."""
    if space == "hsv":
        return rgb2hsv(image)
    if space == "lab":
        return np.clip((rgb2lab(image) + [0, 128, 128]) / [100, 255, 255], 0, 1)
    if space == "rgi":                       # two chromaticities and the intensity
        total = image.sum(axis=2, keepdims=True)
        return np.concatenate([image[:, :, :2] / np.maximum(total, 1e-9), total / 3], axis=2)
    return image                             # "rgb"


def color_bins(image: np.ndarray) -> np.ndarray:
    """(H, W, C) in [0, 1] -> (C, H, W): the bin, 0 to 24, of each value."""
    bins = np.minimum((image * COLOR_BINS).astype(np.int64), COLOR_BINS - 1)
    return np.ascontiguousarray(np.moveaxis(bins, 2, 0))


def texture_bins(image: np.ndarray) -> np.ndarray:
    """(H, W, C) -> (4 C, H, W): the bins, 0 to 18, of the slopes along four lines.

    The slope is the derivative of a Gaussian with sigma 1. A line has two directions: bins 10 to 18
    are slopes that go up along it, 8 to 0 such that go down. They reach to the steepest slope of
    the channel.
    """
    bins = []
    for channel in np.moveaxis(image, 2, 0):
        dx, dy = (gaussian_filter1d(gaussian_filter1d(channel, 1, axis=1 - axis), 1, axis=axis,
                                    order=1) for axis in (1, 0))
        lines = np.stack([dx, (dx + dy) * 0.5 ** 0.5, dy, (dy - dx) * 0.5 ** 0.5])
        lines *= TEXTURE_BINS / max(lines.max(), -lines.min(), 1e-9)
        bins.append(np.clip(lines, 1 - TEXTURE_BINS, TEXTURE_BINS - 1).astype(np.int64))
    return np.concatenate(bins) + TEXTURE_BINS - 1
