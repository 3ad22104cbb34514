"""The wall of a room: plaster, paper, panels or bricks, with a baseboard, pictures and light.

A wall is background without a label. It meets the floor at y = `foot`, a straight edge.

Letters: H, W the canvas in sub-pixels; y and x in picture heights.
"""

import numpy as np

from coursekit.data.scenes.canvas import Canvas
from coursekit.data.scenes.light import ramp, uniform
from coursekit.data.scenes.mood import Mood, wall_light
from coursekit.data.scenes.noise import chance, color, lookup, mix, pick, tile

PAINTS = ((.82, .77, .69), (.70, .76, .78), (.74, .79, .70), (.85, .72, .66), (.88, .86, .82),
          (.62, .68, .74), (.80, .76, .82), (.66, .60, .56), (.52, .60, .58), (.90, .82, .66))
FRAMES = ((.36, .26, .20), (.86, .84, .80), (.70, .56, .34), (.22, .22, .24))


def paint_wall(canvas: Canvas, mood: Mood, rng: np.random.Generator, foot: float) -> None:
    """Fill the rows above `foot` with a wall, darker toward its corners and the floor."""
    rows = canvas.band(0.0, foot)
    y, x = canvas.grid()
    y = y[rows]
    if not len(y):
        return
    paint = color(pick(rng, PAINTS))
    light = wall_light(mood)
    base = paint * color(light) * pick(rng, (_plaster, _paper, _panels, _bricks))(rng, y - foot, x)
    base = base * (1 - 0.30 * ramp(y, foot - 0.10, foot)) * _pool(canvas, mood, rng, y, x)
    canvas.paint(rows, np.ones((len(y), 1), bool), base)
    for _ in range(int(rng.integers(3))):
        _picture(canvas, mood, rng, foot)
    if chance(rng, 0.45):
        _window(canvas, mood, rng, foot)
    _baseboard(canvas, rng, foot, paint * color(light))


def _pool(canvas: Canvas, mood: Mood, rng, y, x) -> np.ndarray:
    """Light that falls off from the side where the lamp or the window is."""
    x0 = canvas.aspect * (0.9 if mood.light.direction[0] > 0 else 0.1) + uniform(rng, -0.1, 0.1)
    y0 = uniform(rng, -0.2, 0.3)
    away = (x - x0) * (x - x0) + (y - y0) * (y - y0)
    strength = 0.55 if mood.name == "lamp" else 0.28
    return (1 - 0.62 * strength) + strength / (1 + 2.2 * away)


def _plaster(rng: np.random.Generator, up, x) -> np.ndarray:
    """Painted plaster: barely uneven."""
    return 0.985 + 0.03 * lookup(tile(3, cells=8, octaves=5), up * 200, x * 200 + 50)


def _paper(rng: np.random.Generator, up, x) -> np.ndarray:
    """Wallpaper with soft vertical stripes."""
    place = x * (1 / uniform(rng, 0.05, 0.14)) + float(rng.random())
    stripe = ramp(np.abs(place - np.floor(place) - 0.5), 0.20, 0.30)
    return 1 - 0.09 * stripe + 0 * up


def _panels(rng: np.random.Generator, up, x) -> np.ndarray:
    """Wainscot: boards up to a rail, paint above."""
    rail = uniform(rng, 0.12, 0.26)
    place = x * (1 / uniform(rng, 0.04, 0.07))
    groove = np.abs(place - np.floor(place) - 0.5) > 0.44
    below = up > -rail
    line = np.abs(up + rail) < 0.010
    tone = np.where(below, np.where(groove, 0.92, 1.06), 0.94)
    return np.where(line, 1.12, tone).astype(np.float32)


def _bricks(rng: np.random.Generator, up, x) -> np.ndarray:
    """Painted bricks in a running bond."""
    rate = uniform(rng, 18, 26)
    course = np.floor(up * rate)
    place = x * (rate * 0.42) + 0.5 * (course.astype(np.int32) & 1)
    cell = (np.floor(place) * 17 + course * 31).astype(np.int32) & 255
    mortar = (up * rate - course < 0.14) | (place - np.floor(place) < 0.06)
    return np.where(mortar, 0.86, 0.94 + 0.10 * rng.random(256)[cell]).astype(np.float32)


def _frame(canvas: Canvas, rng, foot: float, low: float, high: float):
    """A rectangle on the wall, in its own coordinates from -1 to 1: rows, up, across, and size."""
    half_x, half_y = uniform(rng, low, high), uniform(rng, low, high)
    x0 = uniform(rng, 0.0, canvas.aspect)
    y0 = foot - half_y - uniform(rng, 0.16, 0.24)
    rows = canvas.band(y0 - half_y - 0.02, y0 + half_y + 0.02)
    y, x = canvas.grid()
    return rows, (y[rows] - y0) * (1 / half_y), (x - x0) * (1 / half_x), min(half_x, half_y)


def _picture(canvas: Canvas, mood: Mood, rng: np.random.Generator, foot: float) -> None:
    """A framed landscape or abstract, with a thin shadow under it."""
    rows, down, across, size = _frame(canvas, rng, foot, 0.05, 0.13)
    if rows.stop == rows.start:
        return
    reach, rim = np.maximum(np.abs(down), np.abs(across)), 1 - 0.018 / size
    lit = 0.72 + 0.2 * mood.light.sky[1]
    lean = 0.05 if mood.light.direction[0] > 0 else -0.05
    shadow = np.maximum(np.abs(down - 0.06), np.abs(across + lean))
    canvas.paint(rows, shadow < 1.04, canvas.rgb[:, rows] * 0.82)
    canvas.paint(rows, reach < 1, color(pick(rng, FRAMES)) * lit)
    colors = [color([uniform(rng, .3, .85) for _ in range(3)]) for _ in range(3)]
    hill = uniform(rng, -0.3, 0.3) + uniform(rng, -0.4, 0.4) * across
    scene = np.where(down > hill, colors[0], mix(colors[1], colors[2], 0.5 + 0.5 * down))
    canvas.paint(rows, reach < rim, scene * lit)


def _window(canvas: Canvas, mood: Mood, rng: np.random.Generator, foot: float) -> None:
    """A window: bright panes behind a cross of bars, in a pale frame."""
    rows, down, across, size = _frame(canvas, rng, foot, 0.12, 0.22)
    if rows.stop == rows.start:
        return
    reach, bar = np.maximum(np.abs(down), np.abs(across)), 0.012 / size
    outside = mix(color(mood.zenith), color(mood.low_sky), 0.5 + 0.5 * down)
    canvas.paint(rows, reach < 1, color((.88, .87, .84)) * (0.62 + 0.3 * mood.light.sky[1]))
    pane = (reach < 1 - 2 * bar) & (np.abs(down) > bar) & (np.abs(across) > bar)
    canvas.paint(rows, pane, outside)


def _baseboard(canvas: Canvas, rng: np.random.Generator, foot: float, base: np.ndarray) -> None:
    """A strip of painted wood along the floor, light on its upper edge."""
    height = uniform(rng, 0.022, 0.045)
    rows = canvas.band(foot - height, foot)
    y = canvas.grid()[0][rows]
    tone = np.where(y < foot - 0.75 * height, 1.12, 1.0)
    tone = tone * (1 - 0.25 * ramp(y, foot - 0.3 * height, foot))
    board = mix(base, color((.90, .88, .85)), pick(rng, (0.25, 0.8)))
    canvas.paint(rows, (y > foot - height) & (y < foot), board * tone * 0.95)
