"""Fur: coats of natural colors, patterns that follow the body, and strands combed along it.

A coat is drawn without knowing whose it is: cats, dogs and rabbits share one palette and one set of
patterns, so a color says nothing about the class. Patterns live on the animal, not on the screen:
stripes cross the body's own axis (channel PHASE), white spreads from paws, chest and muzzle
(channel WHITE) as it does in nature, patches and spots are noise in three dimensions at the body's
coordinates.

Strands are a line integral convolution (Cabral and Leedom, 1993): white noise averaged along the
direction in which the fur lies. The same strands shade the coat and fray the outline.

Letters: H W sprite rows and columns, n pixels of the animal.
"""
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .light import ramp, uniform
from .solids import FLOW_X, FLOW_Y, PHASE, POINT, SKIN, WHITE

Color = tuple[float, float, float]

COLORS = {  # base, dark (back and stripes), pale (belly), displayed values of 255
    "ginger": ((206, 138, 74), (158, 86, 38), (242, 214, 174)),
    "grey": ((142, 141, 142), (78, 78, 82), (200, 199, 197)),
    "black": ((58, 54, 54), (32, 30, 33), (92, 84, 80)),
    "white": ((233, 229, 221), (206, 199, 188), (246, 244, 240)),
    "cream": ((226, 203, 166), (184, 149, 106), (246, 235, 215)),
    "chocolate": ((110, 75, 52), (62, 41, 30), (170, 132, 102)),
    "sand": ((184, 150, 110), (116, 87, 58), (230, 212, 184)),
    "blue": ((114, 120, 132), (72, 78, 90), (172, 176, 184)),
    "brown": ((134, 109, 84), (64, 51, 40), (210, 192, 164)),
}
PATTERNS = ("solid", "solid", "solid", "tabby", "tabby", "ticked", "spots", "patches", "points",
            "saddle", "tricolor")


@dataclass(frozen=True)
class Coat:
    """Colors and pattern of a fur; colors are displayed values in [0, 1]."""

    base: Color
    dark: Color
    pale: Color
    second: Color      # of patches, spots, points and saddle
    pattern: str
    white: float       # 0 none, 0.4 paws and chest, 1 nearly everywhere
    belly: float       # how far the pale belly reaches
    contrast: float    # of stripes
    stripes: float     # how many along the body


def random_coat(rng: Generator) -> Coat:
    """Draw a coat; it does not know the animal.

    Args:
        rng: where the random numbers come from; always the same count is drawn.
    """
    names = list(COLORS)
    first, other = names[int(rng.integers(len(names)))], names[int(rng.integers(len(names)))]
    pattern = PATTERNS[int(rng.integers(len(PATTERNS)))]
    tint = [uniform(rng, 0.94, 1.06) for _ in range(3)]
    has_white, amount = rng.random() < 0.45, uniform(rng, 0.2, 0.75)
    belly, contrast, stripes = (uniform(rng, *span) for span in ((0.3, 1), (0.3, 0.8), (7, 10)))
    if pattern == "points":                                  # pale body, dark extremities
        first = ("cream", "white", "sand")[names.index(first) % 3]
        other = ("chocolate", "black", "blue", "brown")[names.index(other) % 4]
    if pattern == "tricolor":
        first, other, has_white, amount = "ginger", "black", True, 0.45 + 0.4 * amount
    if pattern == "saddle":
        first = ("ginger", "sand", "cream", "brown")[names.index(first) % 4]
        other = ("black", "chocolate", "grey")[names.index(other) % 3]
    if pattern in ("spots", "patches"):
        light = ("white", "cream", "grey", "white")[names.index(first) % 4]
        first, other = light, (other if other not in (light, "white", "cream") else "black")
    def tinted(color: Color) -> Color:
        return tuple(min(1.0, c / 255 * (0.7 + 0.3 * t) * (0.5 + 0.5 * tint[0])) for c,
                     t in zip(color, tint, strict=True))
    base, dark, pale = (tinted(c) for c in COLORS[first])
    return Coat(base, dark, pale, tinted(COLORS[other][0]), pattern, amount if has_white else 0.0,
                belly, contrast, stripes)


def noise(points: tuple[np.ndarray, ...], table: np.ndarray) -> np.ndarray:
    """Smooth noise in [0, 1] at (n,) coordinates x, y, z, one cell a unit; `table` (8, 8, 8)."""
    cells, shares = [], []
    for p in points:
        whole = np.floor(p)
        f = p - whole
        cells.append(whole.astype(np.int32))
        shares.append(f * f * (3 - 2 * f))
    flat, out = table.reshape(-1), 0
    (x, y, z), (fx, fy, fz) = cells, shares
    xs, ys = [((x + i) & 7) * 64 for i in (0, 1)], [((y + i) & 7) * 8 for i in (0, 1)]
    zs = [(z + i) & 7 for i in (0, 1)]
    for ix, wx in zip(xs, (1 - fx, fx), strict=True):
        plane = 0
        for iy, wy in zip(ys, (1 - fy, fy), strict=True):
            row = ix + iy
            low, high = flat.take(row + zs[0]), flat.take(row + zs[1])
            plane = plane + wy * (low + fz * (high - low))
        out = out + wx * plane
    return out


def strands(channels: np.ndarray, scale: float, table: np.ndarray, length: float) -> np.ndarray:
    """Noise combed along the fur, (H, W), mean about 0, mostly within +-1.

    Args:
        channels: (H, W, 10) buffers of `raster.rasterize`.
        scale: pixels in one body unit.
        table: (256, 256) random numbers.
        length: of the hair, 0 sleek to 1 shaggy.
    """
    H, W = channels.shape[:2]
    # hair lifts off toward the outline
    lift = np.float32(0.30 + 0.35 * length)
    fx = channels[..., 3 + FLOW_X] + lift * channels[..., 0]
    fy = channels[..., 3 + FLOW_Y] + lift * channels[..., 1] - np.float32(0.12)
    size = np.sqrt(fx * fx + fy * fy)
    seen = np.minimum(np.float32(0.3) + size, 1)        # hair that points at the viewer shows less
    size = size + np.float32(0.25)
    cell = np.float32(max(1.0, 0.005 * scale))          # width of a strand in pixels
    step = np.float32(min(0.9, 0.006 * scale / cell))  # below one cell, or the strands look knitted
    fx, fy = fx / size * step, -fy / size * step
    x = np.arange(W, dtype=np.float32)[None] / cell + np.float32(64) + 0 * fx
    y = np.arange(H, dtype=np.float32)[:, None] / cell + np.float32(64) + 0 * fx
    out, flat = np.zeros((H, W), np.float32), table.reshape(-1)
    taps = 6 + int(7 * length)
    for _ in range(taps):
        out += flat.take((y.astype(np.int32) & 255) * 256 + (x.astype(np.int32) & 255))
        x += fx
        y += fy
    return (out - np.float32(taps / 2)) * np.float32(5.5 / taps) * seen


def paint(coat: Coat, hair: float, points: tuple, normal_y: np.ndarray, channels: np.ndarray,
          comb: np.ndarray, tables: np.ndarray) -> list[np.ndarray]:
    """Albedo of n pixels, one (n,) plane a color.

    Args:
        coat: the coat.
        hair: length, 0 sleek to 1 shaggy.
        points: three (n,) body coordinates.
        normal_y: (n,) how far the surface faces up.
        channels: (7, n) of the parts.
        comb: (n,) strands.
        tables: (2, 8, 8, 8) random numbers.
    """
    wobble = noise(tuple(p * np.float32(7) for p in points), tables[0])
    blot = noise(tuple(p * np.float32(3.1) + 5 for p in points), tables[1])
    fray = comb * np.float32(0.07)
    under = ramp(-normal_y + fray, 0.15, 0.9) * np.float32(coat.belly)
    over = ramp(normal_y + fray, 0.0, 1.0) * np.float32(0.42)
    color = [np.full_like(comb, c) for c in coat.base]
    _lay(color, coat.dark, over)
    _lay(color, coat.second, _pattern(coat, points, channels, wobble, blot, fray, under))
    if coat.pattern == "tabby":
        _lay(color, coat.dark, _stripes(coat, channels, wobble, fray) * (1 - under))
    _lay(color, coat.pale, under)
    if coat.white:
        reach = channels[WHITE] + (wobble + blot - 1) * np.float32(0.35) + fray
        _lay(color, (0.93, 0.915, 0.89), ramp(reach, 1.0 - coat.white, 1.16 - coat.white))
    grain = np.float32(0.042 + 0.055 * hair) * (2.2 if coat.pattern == "ticked" else 1)
    gain = 1 + comb * grain + (wobble - np.float32(0.5)) * np.float32(0.14)
    skin = channels[SKIN]
    _lay(color, (0.80, 0.56, 0.52), skin * np.float32(0.75))
    return [np.clip(c * gain, 0, 1) for c in color]


def _lay(color: list[np.ndarray], over: Color, share: np.ndarray) -> None:
    """Cover `color` with a share of another."""
    for c in range(3):
        color[c] += share * (np.float32(over[c]) - color[c])


def _stripes(coat: Coat, channels: np.ndarray, wobble: np.ndarray, fray: np.ndarray) -> np.ndarray:
    """Tabby stripes across the body's own axis."""
    wave = channels[PHASE] * np.float32(coat.stripes) + wobble * np.float32(1.6)
    wave = np.abs(2 * (wave - np.floor(wave)) - 1)
    return ramp(wave + fray, 0.42, 0.78) * np.float32(coat.contrast)


def _pattern(coat: Coat, points: tuple, channels: np.ndarray, wobble: np.ndarray, blot: np.ndarray,
             fray: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Share of the second color: patches, spots, points or a saddle; 0 for the other patterns."""
    if coat.pattern in ("patches", "tricolor"):
        return ramp(blot + fray * np.float32(0.6) + (wobble - np.float32(0.5)) * np.float32(0.25),
                    0.50, 0.56)
    if coat.pattern == "spots":
        return ramp(wobble + fray * np.float32(0.5), 0.60, 0.68)
    if coat.pattern == "points":
        return ramp(channels[POINT] + fray + (blot - np.float32(0.5)) * np.float32(0.2), 0.35,
                    0.95) * np.float32(0.9)
    if coat.pattern == "saddle":
        return ramp(np.float32(0.85) - channels[WHITE] - under + (blot - np.float32(0.5))
                    * np.float32(0.5) + fray, 0.32, 0.5)
    return np.zeros_like(fray)
