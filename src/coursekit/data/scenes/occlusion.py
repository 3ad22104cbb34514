"""Where light does not reach: creases of a body, and its shadow upon itself, from its depth map.

Creases: the sky is blocked where the surroundings stand nearer to the viewer than the point itself,
so a blurred depth map minus the depth says how dark a fold is (Luft, Colditz and Deussen, 2006).
Sums run over integers, so they are exact. The shadow takes a few steps toward the sun over the
depth map.

Letters: H W sprite rows and columns.
"""
import math

import numpy as np

from .light import Light
from .raster import Buffers


def _box_sum(x: np.ndarray, r: int) -> np.ndarray:
    """Sum of an integer image over a (2r + 1) square, by running sums; exact."""
    H, W = x.shape
    k = 2 * r + 1
    total = np.zeros((H + k, W + k), np.int64)
    total[r + 1:r + 1 + H, r + 1:r + 1 + W] = x
    total.cumsum(axis=0, out=total).cumsum(axis=1, out=total)
    return total[k:, k:] - total[:H, k:] - total[k:, :W] + total[:H, :W]


def creases(b: Buffers, mask: np.ndarray) -> np.ndarray:
    """Share of the sky that arrives: less where the surroundings stand nearer to the viewer."""
    out = np.ones(mask.shape, np.float32)
    for reach, strength in ((0.035, 5.0), (0.10, 2.2)):
        every = max(1, int(reach * b.scale * 0.15))  # blurred anyway: sum at a coarser grid
        r = max(1, int(reach * b.scale / every + 0.5))
        few = mask[::every, ::every]
        count = _box_sum(few.astype(np.int32), r)
        total = _box_sum(np.where(few, b.depth[::every, ::every] * 1024, 0).astype(np.int32), r)
        mean = total.astype(np.float32) / (np.maximum(count, 1).astype(np.float32) * 1024)
        mean = mean.repeat(every, axis=0).repeat(every, axis=1)[:mask.shape[0], :mask.shape[1]]
        out -= np.clip((mean - b.depth) * np.float32(strength), 0, np.float32(0.42))
    return out


def self_shadow(b: Buffers, mask: np.ndarray, light: Light) -> np.ndarray:
    """Share of the sun that arrives past the animal's own body: steps over the depth map."""
    lx, ly, lz = light.direction
    depth = np.where(mask, b.depth, np.float32(-9))
    block = np.zeros(mask.shape, np.float32)
    for step in (0.03, 0.06, 0.1, 0.15, 0.21, 0.28):
        dx, dy = math.floor(step * lx * b.scale + 0.5), -math.floor(step * ly * b.scale + 0.5)
        over = shifted(depth, dy, dx) - depth - np.float32(step * lz + 0.012)
        np.maximum(block,
                   np.minimum(over * np.float32(14), np.minimum(1, (np.float32(0.55) - over) * 8)),
                   out=block)
    return 1 - np.float32(0.7) * block


def shifted(x: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """The image seen (dy, dx) further on; -9 outside."""
    H, W = x.shape
    out = np.full_like(x, -9)
    dy, dx = max(-H, min(H, dy)), max(-W, min(W, dx))
    source = x[max(0, dy):H - max(0, -dy), max(0, dx):W - max(0, -dx)]
    out[max(0, -dy):H - max(0, dy), max(0, -dx):W - max(0, dx)] = source
    return out
