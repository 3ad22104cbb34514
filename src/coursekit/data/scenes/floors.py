"""Floors in perspective: boards, tiles, paving, carpet, and a rug or a patch of sun on them.

A point of the picture below the horizon is a point (u, v) of the floor's plane, v away from the
viewer; the plane is turned by some angle, and patterns are drawn on it. A joint narrower than a
sub-pixel fades instead of flickering.

Letters: H, W the canvas in sub-pixels; y and x in picture heights; u and v in camera heights.
"""

import numpy as np

from coursekit.data.scenes.canvas import FLOOR, Canvas
from coursekit.data.scenes.light import ramp, turn, uniform
from coursekit.data.scenes.mood import Mood, ground_light
from coursekit.data.scenes.noise import blend_lookup, chance, color, double, lookup, mix, pick, tile

WOODS = ((.60, .43, .29), (.74, .56, .38), (.45, .30, .20), (.80, .66, .48), (.58, .50, .44),
         (.62, .43, .31))
TILES = ((.80, .76, .70), (.72, .60, .50), (.62, .64, .66), (.86, .84, .80), (.70, .46, .36),
         (.56, .60, .56))
STONES = ((.66, .63, .58), (.60, .60, .62), (.72, .62, .52), (.76, .72, .64))
CARPETS = ((.62, .56, .50), (.50, .54, .60), (.66, .50, .44), (.48, .54, .46), (.74, .70, .64),
           (.52, .46, .54))
RUGS = ((.66, .28, .24), (.26, .38, .54), (.82, .76, .64), (.36, .48, .40), (.78, .58, .30),
        (.56, .42, .56))


def plane(canvas: Canvas, rows: slice,
          quarters: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(u, v) of each sub-pixel on the ground, turned by `quarters` right angles; and its width.

    The width, (h, 1), is the length on the plane that one sub-pixel covers.
    """
    y, x = canvas.grid()
    depth = 1 / np.maximum(y[rows] - canvas.horizon, 0.02)                   # (h, 1)
    across = (x - 0.5 * canvas.aspect) * depth
    c, s = turn(quarters)
    return across * c + depth * (1.2 * s), depth * (1.2 * c) - across * s, depth / canvas.height


def paint_floor(canvas: Canvas, mood: Mood, rng: np.random.Generator, outdoors: bool,
                where: np.ndarray | None = None, top: float | None = None) -> None:
    """Cover the rows below `top` (the horizon's edge), or the part `where` (H, W), with a floor."""
    top = canvas.horizon if top is None else top
    rows = canvas.band(max(top, 0.0), 2.0)
    y = canvas.grid()[0][rows]
    mask = np.broadcast_to(y > top, canvas.ids[rows].shape) if where is None else where[rows]
    u, v, width = plane(canvas, rows, pick(rng, (0.0, 0.0, 0.5, 1.0)) + uniform(rng, -0.3, 0.3))
    kinds = (_boards, _paving, _paving) if outdoors else (_boards, _boards, _tiles, _carpet)
    kind = pick(rng, kinds)
    base = kind(rng, u, v, width)
    light = _broad(tile(1, cells=4, octaves=3), v * 24, u * 24)
    base = base * color(ground_light(mood)) * (0.93 + 0.14 * light)
    if not outdoors:
        base = base * (0.88 + 0.16 * ramp(y, top, top + 0.5))
    canvas.paint(rows, mask, base, FLOOR)


def _broad(texture: np.ndarray, v: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Broad, soft variation: looked up at half the resolution, which is enough."""
    return double(blend_lookup(texture, v[::2, ::2], u[::2, ::2]))[:len(v)]


def _joint(place: np.ndarray, width: np.ndarray, gap: float) -> np.ndarray:
    """How much of a joint lies under each sub-pixel: 1 in it, 0 off it; faint where it is thin."""
    away = np.abs(place - np.floor(place + 0.5))
    reach = np.maximum(width, gap)
    return np.where(away < 0.5 * reach, np.minimum(gap / reach, 1), 0).astype(np.float32)


def _boards(rng: np.random.Generator, u, v, width) -> np.ndarray:
    """Planks along v, each of its own tone, with grain, joints and staggered ends."""
    rate = uniform(rng, 3.0, 5.5)
    along = np.floor(u * rate)
    tone = rng.random(256, np.float32)[along.astype(np.int32) & 255]
    v = v + 3 * tone
    grain = lookup(tile(3, cells=16, octaves=4), u * rate * 46, v * 9 + 97 * tone)
    knots = lookup(tile(4, cells=8, octaves=4), u * rate * 14, v * 14)
    joint = np.maximum(_joint(u * rate, width * rate, 0.05), _joint(v * 0.55, width * 1.2, 0.012))
    wood = color(pick(rng, WOODS)) * (0.84 + 0.20 * tone.astype(np.float32))
    fade = np.minimum(0.006 / width, 1)
    return wood * (1 + fade * (0.34 * (grain - 0.5) + 0.16 * (knots - 0.5))) * (1 - 0.55 * joint)


def _tiles(rng: np.random.Generator, u, v, width) -> np.ndarray:
    """Square tiles with pale grout, plain or as a checkerboard."""
    rate = uniform(rng, 2.0, 3.6)
    first = color(pick(rng, TILES))
    checker = (np.floor(u * rate) + np.floor(v * rate)).astype(np.int32) & 1
    strength = pick(rng, (0.0, 0.0, 0.12, 0.34))
    cell = (np.floor(u * rate) * 7 + np.floor(v * rate) * 13).astype(np.int32) & 255
    tone = 0.96 + 0.08 * rng.random(256)[cell].astype(np.float32) - strength * checker
    veins = lookup(tile(2, cells=8, octaves=5), v * 60, u * 60)
    joint = np.maximum(_joint(u * rate, width * rate, 0.05),
                       _joint(v * rate, width * rate * 2, 0.05))
    return mix(first * tone * (0.95 + 0.10 * veins), first * 0.72, 0.8 * joint)


def _paving(rng: np.random.Generator, u, v, width) -> np.ndarray:
    """Stone slabs in courses, each shifted, worn, with dark joints."""
    rate = uniform(rng, 2.4, 4.0)
    course = np.floor(v * rate)
    shift = rng.random(256, np.float32)[course.astype(np.int32) & 255]
    place = u * rate * 0.62 + shift
    slab = (np.floor(place) * 29 + course * 11).astype(np.int32) & 255
    tone = 0.84 + 0.24 * rng.random(256)[slab].astype(np.float32)
    speck = lookup(tile(2, cells=32, octaves=3), v * 110, u * 110)
    joint = np.maximum(_joint(place, width * rate * 0.62, 0.05),
                       _joint(v * rate, width * rate * 2, 0.07))
    fade = np.minimum(0.006 / width, 1)
    return color(pick(rng, STONES)) * tone * (1 + 0.24 * fade * (speck - 0.5)) * (1 - 0.42 * joint)


def _carpet(rng: np.random.Generator, u, v, width) -> np.ndarray:
    """A soft pile: fine noise, brushed in patches."""
    fine = lookup(tile(5, cells=64, octaves=2), v * 190, u * 190)
    brushed = _broad(tile(6, cells=8, octaves=3), v * 30, u * 30)
    fade = np.minimum(0.008 / width, 1)
    return color(pick(rng, CARPETS)) * (0.92 + 0.16 * brushed + 0.26 * fade * (fine - 0.5))


def paint_rug(canvas: Canvas, mood: Mood, rng: np.random.Generator, top: float) -> None:
    """A rug on the floor, round or rectangular, with a border and stripes; it counts as floor."""
    rows = canvas.band(max(top, 0.0), 2.0)
    u, v, width = plane(canvas, rows, uniform(rng, -0.25, 0.25))
    near = 1.2 / (1.02 - canvas.horizon)
    half_u, half_v = uniform(rng, 0.45, 0.9), uniform(rng, 0.3, 0.6)
    u, v = (u - uniform(rng, -0.3, 0.3)) * (1 / half_u), (v - near - half_v * 0.9) * (1 / half_v)
    reach = u * u + v * v if chance(rng, 0.35) else np.maximum(u * u, v * v)
    ring = reach * 1.0
    border = (ring > 0.62) & (ring < 0.78)
    stripes = ring < 0.62
    count = uniform(rng, 2, 5)
    wave = np.abs(u * count - np.floor(u * count) - 0.5) < 0.18
    first, second = color(pick(rng, RUGS)), color(pick(rng, RUGS))
    plain = chance(rng, 0.5)
    base = np.where(border | (stripes & wave & (not plain)), second, first)
    pile = lookup(tile(5, cells=64, octaves=2), v * 150, u * 150)
    pile = 0.95 + 0.2 * np.minimum(0.01 / width, 1) * (pile - 0.5)
    base = base * color(ground_light(mood)) * pile
    edge = ramp(ring, 1.08, 1.0)
    floor = canvas.ids[rows] == FLOOR
    canvas.paint(rows, floor & (ring < 1.08), canvas.rgb[:, rows] * (1 - 0.35 * edge), FLOOR)
    canvas.paint(rows, floor & (ring < 1.0), base, FLOOR)


def paint_sunbeam(canvas: Canvas, mood: Mood, rng: np.random.Generator, top: float) -> None:
    """The window's light on the floor: a slanted patch, crossed by the shadow of the frame."""
    rows = canvas.band(max(top, 0.0), 2.0)
    u, v, _ = plane(canvas, rows, uniform(rng, -0.35, 0.35))
    near = 1.2 / (1.0 - canvas.horizon)
    u = (u - uniform(rng, -0.6, 0.6)) * (1 / uniform(rng, 0.35, 0.6))
    v = (v - near - uniform(rng, 0.1, 0.7)) * (1 / uniform(rng, 0.4, 0.7))
    u = u + 0.5 * v if mood.light.direction[0] > 0 else u - 0.5 * v
    soft = 0.10
    lit = ramp(np.abs(u), 1 + soft, 1 - soft) * ramp(np.abs(v), 1 + soft, 1 - soft)
    lit = lit * ramp(np.abs(u), 0.02, 0.02 + soft) * ramp(np.abs(v), 0.02, 0.02 + soft)
    gain = 1 + lit * (color((.26, .20, .11)))
    view = canvas.rgb[:, rows]
    np.multiply(view, gain.astype(np.float32), out=view, where=canvas.ids[rows] == FLOOR)
