"""A meadow in perspective: light and dark patches, then thousands of blades, far ones first.

The meadow's ground color varies slowly (dry and lush patches, and the moving shade of clouds and
trees). Each blade takes the color of the ground at its root, darker at the foot and lighter at the
tip, so that the patches stay visible in the blades. A few blades become flowers.

Letters: n blades; H, W the canvas in sub-pixels; y and x in picture heights.
"""

import numpy as np

from coursekit.data.scenes.canvas import GRASS, Canvas
from coursekit.data.scenes.light import ramp, uniform
from coursekit.data.scenes.mood import Mood, ground_light, shadow_color
from coursekit.data.scenes.noise import (
    blend_lookup,
    chance,
    color,
    double,
    mix,
    pick,
    profile,
    tile,
)

#          lush             dry
MEADOWS = (((.30, .47, .17), (.52, .58, .24)), ((.34, .50, .22), (.60, .62, .30)),
           ((.26, .42, .19), (.45, .55, .25)), ((.40, .50, .20), (.68, .62, .33)),
           ((.28, .45, .24), (.42, .58, .32)))
PETALS = ((.98, .97, .93), (.98, .84, .25), (.86, .52, .72), (.55, .52, .86), (.90, .38, .30))


def paint_grass(canvas: Canvas, mood: Mood, rng: np.random.Generator) -> None:
    """Cover everything below the horizon with the color of a meadow; `grow` adds the blades."""
    y, x = canvas.grid(step=2)
    first = min(max(int(canvas.horizon * canvas.height / 2), 0), canvas.height // 2)
    y = y[first:]
    if not len(y):
        return
    ground = _ground(canvas, mood, rng, y, x)
    edge = canvas.horizon + 0.006 * profile(rng, canvas.width, 30, 2)
    rows = canvas.band(2 * first / canvas.height + 1e-6, 2.0)
    below = canvas.grid()[0][rows] > edge
    canvas.paint(rows, below, double(ground)[:, :rows.stop - rows.start], GRASS)


def grow(canvas: Canvas, mood: Mood, rng: np.random.Generator) -> None:
    """Let blades stand on whatever of the canvas is grass, and now and then flowers."""
    lean = uniform(rng, -0.5, 0.5)
    blades(canvas, rng, int(3600 * canvas.aspect), max(canvas.horizon, -0.1) + 0.004, 1.12, lean)
    if chance(rng, 0.6):
        _flowers(canvas, mood, rng)


def _ground(canvas: Canvas, mood: Mood, rng, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(3, h, w) the color of the soil of leaves: patches, dapples, and haze far away."""
    depth = 1 / np.maximum(y - canvas.horizon, 0.015)                        # (h, 1)
    u = (x - 0.5) * depth * 14 + 256 * float(rng.random())
    v = depth * 26 + 256 * float(rng.random())
    v = np.broadcast_to(v, u.shape)
    lush, dry = pick(rng, MEADOWS)
    patches = ramp(blend_lookup(tile(1, cells=4, octaves=5), v, u), 0.25, 0.75)
    shade = mix(0.86, 1.10, blend_lookup(tile(5, cells=16, octaves=3), v * 1.7, u * 1.7))
    ground = mix(color(lush), color(dry), patches) * shade * color(ground_light(mood))
    if mood.softness < 1.5 and chance(rng, 0.55):  # the shade of trees outside the picture
        dapple = blend_lookup(tile(6, cells=8, octaves=3), v * 0.9 + 40, u * 0.9)
        start = uniform(rng, 0.45, 0.62)
        dark = 0.9 * ramp(dapple, start, start + 0.14)
        ground = ground * mix(1.0, color(shadow_color(mood)), dark)
    haze = 0.5 * ramp(y, canvas.horizon + 0.16, canvas.horizon)
    return mix(ground, mix(color(mood.low_sky), ground, 0.35), haze).astype(np.float32)


def blades(canvas: Canvas, rng: np.random.Generator, count: int, top: float, bottom: float,
           lean: float, left: float = 0.0, right: float | None = None,
           height: float = 0.052) -> None:
    """Draw `count` blades with roots between y = `top` and `bottom`; nearer ones are longer."""
    right = canvas.aspect if right is None else right
    share = rng.random(count)
    root_y = np.sort(top + (bottom - top) * share * (0.45 + 0.55 * share))
    root_x = left + (right - left) * rng.random(count)
    near = np.minimum(np.maximum(root_y - canvas.horizon, 0.0), 1.0) / max(1 - canvas.horizon, 1.0)
    length = (0.006 + height * near) * (0.65 + 0.75 * rng.random(count)) * canvas.height
    bend = (lean + 1.2 * (rng.random(count) - 0.5)) * length
    clear = np.minimum(0.25 + 3 * near, 1)                 # far blades blur into the meadow
    tone = 1 + clear * (0.42 * rng.random(count) - 0.20)
    gold = clear * rng.random(count)
    row = np.minimum(np.maximum((root_y * canvas.height).astype(np.int64), 0), canvas.height - 1)
    column = np.minimum(np.maximum((root_x * canvas.height).astype(np.int64), 0), canvas.width - 1)
    keep = canvas.ids[row, column] == GRASS
    tone = tone * (1 + 0.16 * gold * np.asarray([[1.0], [0.7], [-0.2]]))   # (3, n)
    base = canvas.rgb[:, row, column] * tone
    thick = np.minimum(0.5 + near * canvas.height * (1.5 / 256), 6.0)
    shape = [a[keep, None].astype(np.float32) for a in (
        root_x * canvas.height, root_y * canvas.height, length, bend, thick, clear)]
    if keep.any():
        _strokes(canvas, *shape, base[:, keep].astype(np.float32))


def _strokes(canvas: Canvas, x, y, length, bend, thick, clear, base) -> None:
    """Paint curved, tapering strokes as points, in order, so that later ones cover earlier ones."""
    flat, ids = canvas.rgb.reshape(3, -1), canvas.ids.reshape(-1)
    for first in range(0, len(x), 400):  # in groups of like length, far ones first
        part = slice(first, first + 400)
        steps = int(length[part].max()) + 2
        t = ((np.arange(steps, dtype=np.float32) + 0.5) * (1.0 / steps))[None]   # 0 root .. 1 tip
        rows = np.floor(y[part] - t * length[part]).astype(np.int32)
        start = x[part] + t * t * bend[part] - 0.5 * thick[part]
        tone = 1 + clear[part] * (0.46 * t - 0.20)
        inside = (rows >= 0) & (rows < canvas.height)
        for k in range(int(thick[part].max()) + 1):
            columns = np.floor(start + k).astype(np.int32)
            ok = inside & (columns >= 0) & (columns < canvas.width)
            if k:
                ok &= k < thick[part] * (1.15 - t)
            points = np.flatnonzero(ok)
            place = (rows * canvas.width + columns).reshape(-1)[points]
            for plane, channel in zip(flat, base[:, part, None], strict=True):
                plane[place] = (channel * tone).reshape(-1)[points]
            ids[place] = GRASS


def _flowers(canvas: Canvas, mood: Mood, rng: np.random.Generator) -> None:
    """Scatter small flowers in drifts: petals round a darker or golden heart."""
    petal = color(pick(rng, PETALS)) * color(ground_light(mood))
    x0, spread = uniform(rng, 0, canvas.aspect), uniform(rng, 0.25, 0.8)
    top = max(canvas.horizon, 0.0) + 0.08
    for _ in range(int(rng.integers(8, 28))):
        x = x0 + spread * (float(rng.random()) + float(rng.random()) - 1)
        y = uniform(rng, top, 1.02)
        radius = (0.007 + 0.010 * (y - canvas.horizon)) * canvas.height * uniform(rng, 0.7, 1.2)
        tone = uniform(rng, 0.88, 1.06)
        place = (x * canvas.height, y * canvas.height)
        _disc(canvas, *place, 1.15 * radius, np.minimum(petal * tone, 1), petals=0.5)
        if radius > 2.5:
            _disc(canvas, *place, 0.36 * radius, color((.80, .60, .16)))


def _disc(canvas: Canvas, x: float, y: float, radius: float, rgb: np.ndarray,
          petals: float = 0.0) -> None:
    """A flat ellipse on the meadow, lighter above; with `petals`, notched into four."""
    rows, columns = (slice(max(int(c - radius) - 1, 0), max(int(c + radius) + 2, 0))
                     for c in (y, x))
    inside = canvas.ids[rows, columns]
    root = canvas.ids[min(int(y), canvas.height - 1), min(max(int(x), 0), canvas.width - 1)]
    if not inside.size or int(y) >= canvas.height or root != GRASS:
        return
    dy = (np.arange(rows.start, rows.start + inside.shape[0]) + 0.5 - y)[:, None] * 1.3
    dx = (np.arange(columns.start, columns.start + inside.shape[1]) + 0.5 - x)[None, :]
    square = dx * dx + dy * dy
    lobes = (dx * dx - dy * dy) / np.maximum(square, 0.01)  # the cosine of twice the angle
    mask = square < radius * radius * (1 - petals + petals * lobes * lobes)
    view = canvas.rgb[:, rows, columns]
    np.copyto(view, rgb * (1.0 - 0.18 / radius * dy), where=mask, casting="same_kind")
    inside[mask] = GRASS
