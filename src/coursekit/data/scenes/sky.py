"""Everything above the meadow: sky, clouds, and the hills, trees and fences on the horizon.

The sky is stuff (class 6). What stands on the horizon is background without a label: it is there
so that a model cannot take every edge above the grass for an object.

Letters: H, W the canvas in pixels, at twice the picture's resolution; x and y are measured in
picture heights, y downward from the top edge.
"""

import numpy as np

from coursekit.data.scenes.canvas import SKY, Canvas
from coursekit.data.scenes.light import ramp, uniform
from coursekit.data.scenes.mood import Mood
from coursekit.data.scenes.noise import (
    blend_lookup,
    chance,
    color,
    double,
    lookup,
    mix,
    pick,
    profile,
    tile,
)

TREES = ((.25, .36, .20), (.31, .40, .20), (.20, .33, .24), (.42, .38, .20), (.47, .33, .18))
FENCES = ((.88, .87, .84), (.55, .41, .29), (.42, .35, .30), (.70, .60, .48))
WALLS = ((.80, .72, .62), (.74, .55, .46), (.86, .84, .79), (.62, .64, .62))


def paint_sky(canvas: Canvas, mood: Mood, rng: np.random.Generator) -> None:
    """Fill the rows above the horizon with a gradient, a glow round the sun, and clouds."""
    rows = min(canvas.height // 2, int((canvas.horizon + 0.03) * canvas.height / 2) + 1)
    if rows <= 0:
        return
    y, x = canvas.grid(step=2)
    y = y[:rows]
    up = np.minimum(y / max(canvas.horizon, 0.02), 1).astype(np.float32)     # (rows, 1)
    sky = mix(color(mood.zenith), color(mood.low_sky), up * (0.35 + 0.65 * up))
    sun = uniform(rng, -0.2, canvas.aspect + 0.2)
    away = (x - sun) * (x - sun) + 3 * (canvas.horizon - y) * (canvas.horizon - y)
    sky = sky + (0.16 / (1 + 7 * away)) * (color(mood.low_sky) * 1.05 - 0.35)
    sky = np.broadcast_to(sky, (3, rows, canvas.width // 2))
    sky = _clouds(sky, x, y, canvas.horizon, mood, rng)
    canvas.rgb[:, :2 * rows] = double(sky)
    canvas.ids[:2 * rows] = SKY


def _clouds(sky, x, y, horizon: float, mood: Mood, rng: np.random.Generator) -> np.ndarray:
    """Clouds on a plane high above, smaller toward the horizon; each lit from its upper side."""
    depth = 1 / (horizon - y + 0.22)                                         # (rows, 1)
    u = (x - 0.5) * depth * uniform(rng, 11, 18) + 256 * float(rng.random())
    v = depth * uniform(rng, 16, 26) + 256 * float(rng.random())
    v = np.broadcast_to(v, u.shape)
    noise = tile(int(rng.integers(4)), cells=8, octaves=5)
    density = blend_lookup(noise, v, u)
    lean = 3.0 if mood.light.direction[0] > 0 else -3.0
    beside = blend_lookup(noise, v - 3, u + lean)
    edge = 0.72 - 0.42 * mood.cover
    cover = ramp(density, edge, edge + 0.24) * ramp(horizon - y, -0.02, 0.10)
    sunny = np.clip(0.62 + 2.6 * (density - beside), 0, 1)
    cloud = mix(color(mood.cloud_shade), color(mood.cloud), sunny)
    return mix(sky, cloud, 0.9 * cover)


def paint_skyline(canvas: Canvas, mood: Mood, rng: np.random.Generator) -> None:
    """One to three layers on the horizon, each nearer, darker and less blue than the last."""
    if canvas.horizon < 0.03:
        return
    if chance(rng, 0.75):
        _ridge(canvas, mood, rng, (.36, .47, .40), uniform(rng, .04, .13), haze=0.72, cells=3)
    if chance(rng, 0.5):
        _ridge(canvas, mood, rng, (.38, .50, .30), uniform(rng, .02, .07), haze=0.42, cells=4)
    near = int(rng.integers(5))
    if near < 2:
        _trees(canvas, mood, rng, uniform(rng, .05, .14))
    elif near == 2:
        _trees(canvas, mood, rng, uniform(rng, .04, .08))
        _fence(canvas, mood, rng)
    elif near == 3:
        _fence(canvas, mood, rng)
    if chance(rng, 0.10):
        _cottage(canvas, mood, rng)


def _lit(mood: Mood, rgb, haze: float) -> np.ndarray:
    """(3, 1, 1) a far thing's color: sun and sky on it, then the haze before it."""
    lit = [value * (0.55 * float(s) + 0.75 * float(a))
           for value, s, a in zip(rgb, mood.light.sun, mood.light.sky, strict=True)]
    return mix(color(lit), color(mood.low_sky), haze)


def _ridge(canvas: Canvas, mood: Mood, rng, rgb, height: float, haze: float, cells: int) -> None:
    """A range of hills: paler toward its foot, where the haze lies."""
    top = canvas.horizon - height * (0.75 + 0.5 * profile(rng, canvas.width, cells, 4))
    base = _lit(mood, rgb, haze)
    y, x = canvas.grid()
    rows = canvas.band(canvas.horizon - 2.2 * height, canvas.horizon + 0.03)
    y = y[rows]
    foot = ramp(y, canvas.horizon - 1.2 * height, canvas.horizon)
    shade = mix(base, color(mood.low_sky), 0.45 * foot)
    canvas.paint(rows, y > top, shade * (0.94 + 0.12 * lookup(tile(1), y * 500, x * 300)))


def _trees(canvas: Canvas, mood: Mood, rng: np.random.Generator, height: float) -> None:
    """A wood: a lumpy outline, leaves as noise, light on the crowns and dark between the stems."""
    W = canvas.width
    crowns = np.abs(profile(rng, W, int(rng.integers(5, 11)), 2))
    top = canvas.horizon - height * (0.35 + 0.6 * crowns + 0.10 * profile(rng, W, 48, 2))
    if chance(rng, 0.4):  # a clearing
        x0, width = uniform(rng, 0, canvas.aspect), uniform(rng, 0.2, 0.5)
        x = canvas.grid()[1][0]
        top = top + height * 1.4 * (1 - ramp(np.abs(x - x0), width * 0.5, width))
    rows = canvas.band(canvas.horizon - 1.8 * height, canvas.horizon + 0.03)
    y, x = canvas.grid()
    y = y[rows]
    offset = 256 * float(rng.random())
    leaves = lookup(tile(2, cells=32, octaves=3), y * 420 + offset, x * 420 + offset)
    within = (y - top) * (1 / height)
    tone = 1.22 - 0.62 * np.minimum(np.maximum(within, 0), 1) + 0.75 * (leaves - 0.5)
    base = _lit(mood, pick(rng, TREES), uniform(rng, 0.10, 0.34))
    canvas.paint(rows, (y > top + 0.02 * (leaves - 0.5)), base * tone)


def _fence(canvas: Canvas, mood: Mood, rng: np.random.Generator) -> None:
    """Posts and rails, or pickets, straight across; the meadow shows between."""
    height, base = uniform(rng, .05, .10), _lit(mood, pick(rng, FENCES), 0.12)
    rows = canvas.band(canvas.horizon - height - 0.01, canvas.horizon + 0.025)
    y, x = canvas.grid()
    up = (canvas.horizon + 0.02 - y[rows]) * (1 / height)                    # 0 foot .. 1 top
    phase = float(rng.random())
    if chance(rng, 0.5):  # pickets with pointed tops
        across = x * (1 / 0.035) + phase
        across = np.abs(across - np.floor(across) - 0.5)
        mask = ((across < 0.30) & (up < 1.1 - 0.5 * across)) | (np.abs(up - 0.35) < 0.08)
        tone = 1.05 - 0.5 * across + 0 * up
    else:
        across = x * (1 / uniform(rng, 0.16, 0.3)) + phase
        across = np.abs(across - np.floor(across) - 0.5)
        rail = (np.abs(up - 0.78) < 0.09) | (np.abs(up - 0.40) < 0.09)
        mask = (across < 0.055) & (up < 1.1) | rail
        tone = np.where(across < 0.055, 0.9, 1.05 + 0 * up)
    canvas.paint(rows, mask & (up > 0), base * tone)


def _cottage(canvas: Canvas, mood: Mood, rng: np.random.Generator) -> None:
    """A house far away: a wall with windows under a pitched roof."""
    height, middle = uniform(rng, .05, .08), uniform(rng, 0.1, canvas.aspect - 0.1)
    half = height * uniform(rng, 0.7, 1.0)
    rows = canvas.band(canvas.horizon - 1.9 * height, canvas.horizon + 0.02)
    y, x = canvas.grid()
    up, across = (canvas.horizon + 0.02 - y[rows]) * (1 / height), (x - middle) * (1 / half)
    wall = (up < 1) & (up > 0) & (np.abs(across) < 1)
    pane = (np.abs(np.abs(across) - 0.5) < 0.17) & (np.abs(up - 0.55) < 0.17)
    side = np.where(across > 0.15, 0.9, 1.04) if mood.light.direction[0] < 0 else np.where(
        across < -0.15, 0.9, 1.04)
    base = _lit(mood, pick(rng, WALLS), 0.2)
    canvas.paint(rows, wall, base * np.where(pane, 0.5, side))
    roof = (up >= 1) & (up < 1.75) & (np.abs(across) < 1.15 - 0.75 * (up - 1))
    tiles = _lit(mood, pick(rng, ((.56, .30, .24), (.38, .36, .38))), 0.2)
    canvas.paint(rows, roof, tiles * (1.3 - 0.2 * up))
