"""Dice, value noise and soft edges: what every part of a scene is textured with.

Everything here, and everywhere in this folder, is computed by + - * / and square roots, by
comparisons, minimum, maximum and floor, one element at a time, in this order. Those are the
operations for which IEEE 754 fixes every bit, so that a scene is the same on every platform;
`exp`, `sin`, matrix products and float sums are not, and are not used.
Random numbers come from PCG64, and only as `random()` and `integers()`.

Letters: H, W the height and width of an array in pixels; (u, v) coordinates on a surface.
Source: Perlin, An Image Synthesizer, SIGGRAPH 1985 (noise on a lattice, added over octaves).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

SIDE = 256  # texels along a noise tile, which wraps round


def dice(*key: int) -> np.random.Generator:
    """A random generator of its own for each key, so that parts do not disturb one another."""
    return np.random.Generator(np.random.PCG64(list(key)))


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with the given probability."""
    return float(rng.random()) < probability


def pick(rng: np.random.Generator, options: Sequence):
    """One of the options, each as likely as the next."""
    return options[int(rng.integers(len(options)))]


def mix(a, b, t):
    """`a` where `t` is 0, `b` where it is 1, a blend between."""
    return a + (b - a) * t


def color(rgb: Sequence[float]) -> np.ndarray:
    """(3,) or (3 numbers) -> (3, 1, 1) float32, to be broadcast over planes."""
    return np.asarray([float(value) for value in rgb], np.float32)[:, None, None]


@lru_cache(maxsize=32)
def tile(seed: int, cells: int = 8, octaves: int = 4) -> np.ndarray:
    """(SIDE, SIDE) float32 noise in [0, 1] that wraps round; `cells` lattice cells a side."""
    rng, total, weight = dice(7919, seed), np.zeros((SIDE, SIDE), np.float32), 1.0
    for _ in range(octaves):
        total += weight * (lattice(rng.random((cells, cells)), SIDE, SIDE) - 0.5)
        cells, weight = cells * 2, weight * 0.5
    return np.clip(total * 0.9 + 0.5, 0, 1)


def lattice(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Stretch (h, w) random values over (height, width), smoothly and wrapping round."""
    rows, columns = values.shape
    top, bottom, t = _between(rows, height)
    down = mix(values[top], values[bottom], t[:, None])
    left, right, s = _between(columns, width)
    return mix(down[:, left], down[:, right], s[None, :]).astype(np.float32)


def _between(cells: int, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of `length` places: the lattice points before and after, and the weight."""
    place = (np.arange(length) + 0.5) * (cells / length)
    before = place.astype(np.int64)
    t = place - before
    return before % cells, (before + 1) % cells, t * t * (3 - 2 * t)


def lookup(texture: np.ndarray, v: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The texel at (v, u), in texels, wrapping round: crisp, for fine grain."""
    return texture[np.floor(v).astype(np.int32) & 255, np.floor(u).astype(np.int32) & 255]


def blend_lookup(texture: np.ndarray, v: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The texture at (v, u), in texels, bilinear between texels: smooth, for clouds and shade."""
    v, u = v - 0.5, u - 0.5
    v0, u0 = np.floor(v), np.floor(u)
    t, s = (v - v0).astype(np.float32), (u - u0).astype(np.float32)
    i, j = v0.astype(np.int32) & 255, u0.astype(np.int32) & 255
    i1, j1 = (i + 1) & 255, (j + 1) & 255
    return mix(mix(texture[i, j], texture[i, j1], s), mix(texture[i1, j], texture[i1, j1], s), t)


def profile(rng: np.random.Generator, width: int, cells: int, octaves: int) -> np.ndarray:
    """(width,) float32 in about [-1, 1]: a skyline."""
    total, weight = np.zeros(width, np.float32), 1.0
    for _ in range(octaves):
        total += weight * (2 * lattice(rng.random((1, cells)), 1, width)[0] - 1)
        cells, weight = cells * 2, weight * 0.5
    return total


def blur(counts: np.ndarray, radius: int) -> np.ndarray:
    """Box blur of (H, W) integers along both axes: sums, exact because they are integers.

    Returns:
        (H, W) int64, `(2 * radius + 1) ** 2` times the mean; beyond the edge is 0.
    """
    for axis in (0, 1):
        pad = [(radius + 1, radius) if a == axis else (0, 0) for a in (0, 1)]
        total = np.cumsum(np.pad(counts, pad), axis=axis, dtype=np.int64)
        size, step = counts.shape[axis], 2 * radius + 1
        counts = (np.take(total, np.arange(step, step + size), axis=axis)
                  - np.take(total, np.arange(size), axis=axis))
    return counts


def double(planes: np.ndarray) -> np.ndarray:
    """(..., H, W) -> (..., 2H, 2W): each value four times."""
    return np.repeat(np.repeat(planes, 2, axis=-1), 2, axis=-2)


def halve(planes: np.ndarray) -> np.ndarray:
    """(..., 2H, 2W) -> (..., H, W): the mean of each four."""
    rows = planes[..., 0::2, :] + planes[..., 1::2, :]
    return (rows[..., 0::2] + rows[..., 1::2]) * 0.25
