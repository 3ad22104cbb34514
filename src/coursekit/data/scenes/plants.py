"""Unlabelled plants: bushes made of leafy lumps, and plants in pots.

A bush is a union of spheres whose outline and normals are roughened by noise, with leaves as light
and dark specks; a potted plant is a fan of leaves over a pot.

Letters: h, w the sprite in pixels; (x, y) in [-1, 1] from its centre, y upward.
"""

import numpy as np

from coursekit.data.scenes.animals import Sprite
from coursekit.data.scenes.clutter import grid, solid, sprite
from coursekit.data.scenes.light import Light, shade, turn, uniform
from coursekit.data.scenes.noise import chance, lookup, mix, pick, tile

LEAVES = ((.26, .44, .20), (.34, .50, .22), (.22, .38, .26), (.44, .52, .26), (.46, .36, .20))
BLOSSOMS = ((.96, .94, .92), (.90, .46, .60), (.96, .82, .36), (.70, .56, .88))
POTS = ((.72, .42, .28), (.86, .84, .80), (.36, .46, .56), (.58, .54, .48), (.30, .32, .34))


def bush(rng: np.random.Generator, side: int, light: Light) -> Sprite:
    """A round shrub, now and then in blossom."""
    h, w = int(side * uniform(rng, 0.72, 0.95)) + 1, int(side * 1.2) + 1
    x, y = grid(h, w)
    offset = 256 * float(rng.random())
    leaf = lookup(tile(2, cells=32, octaves=3), y * 62 + offset, x * 78 + offset) - 0.5
    depth, nx, ny, nz = (np.full((h, w), value, np.float32) for value in (-9, 0, 0, 1))
    for k in range(11):
        cx, cy, r = uniform(rng, -0.58, 0.58), uniform(rng, -0.62, 0.45), uniform(rng, 0.34, 0.50)
        if k == 0:
            cx, cy, r = 0.0, -0.3, 0.66
        cy = min(cy, 0.5 - 0.8 * abs(cx))
        dx, dy = x - cx, y - cy
        square = r * r * (1 + 0.9 * leaf) - dx * dx - dy * dy
        z = np.where(square > 0, np.sqrt(np.maximum(square, 0)) - 0.3 * cy, -9)
        front = z > depth
        depth, nx, ny, nz = (np.where(front, new, old) for new, old in (
            (z, depth), (dx / r, nx), (dy / r, ny), (np.sqrt(np.maximum(square, 0.01)) / r, nz)))
    mask = (depth > -8) & (y > -0.94 + 0.3 * leaf) & (np.abs(x) < 0.99)
    rgb = _foliage(rng, light, leaf, depth, nx, ny, nz, y)
    return sprite(rgb, mask, (0.2, 0.35, 0.5, 0.65, 0.8), lift=0.05)


def _foliage(rng: np.random.Generator, light: Light, leaf, depth, nx, ny, nz, y) -> np.ndarray:
    """Shade the leaves: each tipped its own way, darker inside the bush and near the ground."""
    green = solid(pick(rng, LEAVES), leaf.shape) * (1 + 1.1 * leaf)[..., None]
    if chance(rng, 0.3):
        speck = lookup(tile(7, cells=64, octaves=1), y * 80 + 9, nx * 70 + 31 * depth)
        petal = np.asarray(pick(rng, BLOSSOMS), np.float32)
        green = np.where((speck > 0.80)[..., None], petal, green)
    tip = 1.3 * leaf
    size = np.sqrt((nx + tip) * (nx + tip) + (ny + 0.15 + tip) * (ny + 0.15 + tip) + nz * nz)
    n = np.stack([(nx + tip) / size, (ny + 0.15 + tip) / size, nz / size], axis=-1)
    n = n.astype(np.float32)
    rgb = shade(n, np.minimum(np.maximum(green, 0), 1).astype(np.float32), light)
    inner = np.minimum(np.maximum(0.55 + 0.75 * depth + 0.25 * (y + 1), 0.4), 1)
    return rgb * inner[..., None]


def potted(rng: np.random.Generator, side: int, light: Light) -> Sprite:
    """A plant in a pot: long leaves that arch, or a dense fan."""
    h, w = int(side * 1.32) + 1, int(side * 0.86) + 1
    x, y = grid(h, w)
    rgb, mask = _pot(rng, h, w, x, y, light)
    green, count = np.asarray(pick(rng, LEAVES), np.float32), int(rng.integers(9, 15))
    broad = uniform(rng, 0.16, 0.30)
    for k in range(count):
        lean = (k + 0.5) * (2 / count) - 1                 # -1 left .. 1 right
        lean = lean * (1 if k % 2 else -1) * 0.85
        c, s = turn(lean * 0.75)
        length = uniform(rng, 0.55, 0.75) * (1 - 0.15 * abs(lean))
        dx, dy = x * 0.72, (y + 0.28) * 1.1                # the foot of the leaves, square units
        along, across = (dx * s + dy * c) * (1 / (2 * length)), dx * c - dy * s
        across = across + 0.35 * lean * along * along      # arch outward
        shape = np.maximum(along * (1 - along), 0) * (4 * 0.5 * broad)
        leaf = (np.abs(across) < shape) & (along > 0) & (along < 1)
        tone = uniform(rng, 0.75, 1.15) * (0.75 + 0.4 * along)
        lit = 1.0 + (0.16 if light.direction[0] < 0 else -0.16) * np.sign(across)
        blade = _leaf_color(green, light, lean) * (tone * lit)[..., None]
        rgb = np.where(leaf[..., None], blade, rgb)
        mask = mask | leaf
    return sprite(np.minimum(rgb, 1), mask, (0.36, 0.5, 0.64), lift=0.02)


def _leaf_color(green: np.ndarray, light: Light, lean: float) -> np.ndarray:
    """(3,) a leaf that leans by `lean`, lit."""
    c, s = turn(0.6 * lean)
    n = np.asarray([0.6 * s, 0.6 * c, 0.8], np.float32)
    return shade(n[None], green[None], light, gloss=0.1)[0]


def _pot(rng: np.random.Generator, h: int, w: int, x, y,
         light: Light) -> tuple[np.ndarray, np.ndarray]:
    """The pot's colors and mask: a tapering round wall under a rim."""
    up = (y + 1) * (1 / 0.72)                              # 0 foot .. 1 rim
    rim = (up > 0.80) & (up < 1.0)
    wide = np.where(rim, 0.60, 0.40 + 0.15 * up)
    across = x / wide
    bow = 0.06 * np.sqrt(np.maximum(1 - across * across, 0))
    mask = (np.abs(across) < 0.98) & (up < 1.0) & (up > 0.06 - bow)
    z = np.sqrt(np.maximum(1 - across * across, 0.0025))
    size = np.sqrt(across * across + z * z)
    n = np.stack(np.broadcast_arrays(across / size, 0 * size, z / size), axis=-1).astype(np.float32)
    base = solid(pick(rng, POTS), (h, w)) * np.where(rim, 1.05, 0.96)[..., None].astype(np.float32)
    band = mix(1.0, 0.75, ((up > 0.70) & (up < 0.80)).astype(np.float32))[..., None]
    return shade(n, np.minimum(base, 1).astype(np.float32), light, gloss=0.1) * band, mask
