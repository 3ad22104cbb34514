"""One animal, drawn from a seed: posed solids, lit and furred, with an exact mask.

The steps: draw proportions, pose and view; build the kind's solids (cat.py, dog.py, rabbit.py);
rasterize them into depth, normals and channels (raster.py); comb strands along the body and fray
the outline with them; darken creases and throw the animal's shadow upon itself; paint the coat
(fur.py) and the face (face.py); light it all (light.py).

Shape, coat and strands take their numbers from three child generators, so an animal has one shape
whatever its coat, light or size. Only + - x / and square roots are used, so the same seed gives the
same bits everywhere.

Letters: H W sprite rows and columns, n pixels of the animal. Angles count right angles; yaw 0 faces
right, 1 the viewer.
"""
import math
from dataclasses import dataclass

import numpy as np
from numpy.random import PCG64, Generator

from .camera import extent
from .cat import POSES as CAT_POSES
from .cat import cat
from .dog import POSES as DOG_POSES
from .dog import dog
from .face import draw_face
from .fur import Coat, paint, random_coat, strands
from .light import Light, shade_planes, turn, uniform
from .occlusion import creases, self_shadow, shifted
from .rabbit import POSES as RABBIT_POSES
from .rabbit import rabbit
from .raster import Buffers, rasterize
from .solids import SHAG, Matrix, Model, apply, matmul, transpose

KINDS = {"cat": (cat, CAT_POSES), "dog": (dog, DOG_POSES), "rabbit": (rabbit, RABBIT_POSES)}

VIEWS = ((0.25, 0.1, 0.45), (0.65, 0.4, 0.8), (0.93, 0.8, 1.1), (1.0, 1.2, 1.7))  # front ... rear


@dataclass
class Sprite:
    """A drawn animal, cropped to its mask."""

    rgb: np.ndarray                    # (H, W, 3) float32 in [0, 1], lit; 0 outside the mask
    mask: np.ndarray                   # (H, W) bool, the exact silhouette
    height: np.ndarray  # (H, W) float32, pixels above the ground at each visible point
    # (x, y) where it touches the ground, sprite pixels, for contact shadows
    feet: list[tuple[float, float]]
    origin: float                      # row of the ground right under the body


def draw_animal(kind: str, rng: Generator, side: float, light: Light, *, coat: Coat | None = None,
                yaw: float | None = None, pose: str | None = None) -> Sprite:
    """Draw one animal.

    Args:
        kind: "cat", "dog" or "rabbit".
        rng: the animal's own generator; the same state gives the same animal at every size.
        side: wanted square root of width times height of the mask's box, in pixels; from 8.
        light: the scene's light.
        coat: drawn by `random_coat` when not given.
        yaw: direction in right angles: 0 faces right, 1 the viewer, 2 left, 3 away; drawn when not
            given.
        pose: one of the kind's poses; drawn when not given.

    Returns:
        The sprite, `side` within 2 % (two pixels, when small).

    Raises:
        ValueError: an unknown kind or pose, a side below 8, a yaw that is not finite.
    """
    _check(kind, side, yaw, pose)
    shape, cloth, hair = (Generator(PCG64(int(rng.integers(2**62)))) for _ in range(3))
    model, view = _posed(kind, shape, yaw, pose)
    drawn = random_coat(cloth)
    coat = coat or drawn
    buffers = _expose(model, view, float(side))
    clouds, grain = (hair.random(s).astype(np.float32) for s in ((2, 8, 8, 8), (256, 256)))
    comb = strands(buffers.channels, buffers.scale, grain, model.hair)
    fringe = comb * buffers.channels[..., 3 + SHAG]
    mask = buffers.inside + np.float32(0.002 + 0.005 * model.hair) * fringe > 0
    rgb = _color(model, view, buffers, mask, comb, coat, light, clouds, int(cloth.integers(3)))
    return _crop(model, view, buffers, mask, rgb)


def _check(kind: str, side: float, yaw: float | None, pose: str | None) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, but one of {', '.join(KINDS)} was wanted: "
                         "choose one of them.")
    if not (isinstance(side, (int, float, np.integer, np.floating)) and 8 <= side <= 4096):
        raise ValueError(f"side is {side!r}, but a number of pixels from 8 to 4096 was wanted: "
                         "draw it larger and shrink it.")
    if yaw is not None and not math.isfinite(yaw):
        raise ValueError(f"yaw is {yaw!r}, but a finite number of right angles was wanted: "
                         "0 faces right, 1 the viewer.")
    if pose is not None and pose not in KINDS[kind][1]:
        poses = ", ".join(sorted(set(KINDS[kind][1])))
        raise ValueError(f"pose is {pose!r}, but a {kind} can {poses}: "
                         "choose one of them, or None to draw it.")


def _posed(kind: str, rng: Generator, yaw: float | None, pose: str | None) -> tuple[Model, Matrix]:
    """The model in its pose, and the camera's axes."""
    build, poses = KINDS[kind]
    drawn = poses[int(rng.integers(len(poses)))]
    share, away = rng.random(), rng.random()
    low, high = next(v for limit, *v in VIEWS if share < limit)
    away = low + (high - low) * away
    facing = 1 + away if rng.random() < 0.5 else 1 - away
    yaw = facing if yaw is None else float(yaw)
    pitch, attention = uniform(rng, 0.06, 0.26), uniform(rng, 0.15, 0.9)
    toward = 1 - yaw - 4 * math.floor((1 - yaw) / 4 + 0.5)     # where the camera stands, in [-2, 2)
    gaze = min(max(toward * attention, -0.55), 0.55) + uniform(rng, -0.1, 0.1)
    (c, s), (cp, sp) = turn(yaw), turn(pitch)
    view = matmul(((1.0, 0.0, 0.0), (0.0, cp, -sp), (0.0, sp, cp)),
                  ((c, 0.0, -s), (0.0, 1.0, 0.0), (s, 0.0, c)))
    return build(rng, pose or drawn, gaze), view


def _expose(model: Model, view: Matrix, side: float) -> Buffers:
    """Rasterize at the scale that gives the wanted size."""
    left, right, low, high = extent(model, view)
    scale = side / math.sqrt((right - left) * (high - low))
    rim = 3 / scale + 0.012
    size = math.ceil((high - low + 2 * rim) * scale), math.ceil((right - left + 2 * rim) * scale)
    return rasterize(model, view, left - rim, high + rim, size, scale)


def _color(model: Model, view: Matrix, b: Buffers, mask: np.ndarray, comb: np.ndarray, coat: Coat,
           light: Light, tables: np.ndarray, iris: int) -> np.ndarray:
    """Paint and light the pixels of the mask; (H, W, 3)."""
    ambient, sun = creases(b, mask), self_shadow(b, mask, light)
    sunward = 1 if light.direction[0] > 0 else -1
    relief = comb - shifted(comb, -max(1, int(b.scale * 0.006)), sunward)
    at = np.flatnonzero(mask)
    row, column = at // mask.shape[1], at % mask.shape[1]
    ch = np.ascontiguousarray(b.channels.reshape(-1, 10)[at].T)
    comb, relief = comb.reshape(-1)[at], np.clip(relief.reshape(-1)[at], -2, 2)
    n = _normals(ch)
    seen = b.xs[column], b.ys[row], b.depth.reshape(-1)[at]
    back = transpose(view)
    points = tuple(sum(np.float32(k) * v for k, v in zip(r, seen, strict=True)) for r in back)
    body = [sum(np.float32(k) * v for k, v in zip(r, n, strict=True)) for r in back]
    albedo = paint(coat, model.hair, points, body[1], ch[3:], comb * ch[3 + SHAG], tables)
    gloss = np.full(at.shape, 0.05, np.float32) * (1 + comb * np.float32(0.6))
    dark = coat.pattern in ("points", "saddle", "tricolor") or coat.base[0] < 0.6
    draw_face(model.face, points, n, albedo, gloss, iris if model.face["slit"] else 3,
              dark or model.face["dark"])
    ground = np.minimum(np.float32(0.45) + points[1] * np.float32(3.5), 1)
    glint = 1 + relief * np.float32(0.04 + 0.08 * model.hair) * ch[3 + SHAG]
    lit = shade_planes(n, albedo, light, gloss, sun.reshape(-1)[at] * glint,
                       ambient.reshape(-1)[at] * ground)
    out = np.zeros((mask.size, 3), np.float32)
    for c in range(3):
        out[at, c] = lit[c]
    return out.reshape(*mask.shape, 3)


def _normals(channels: np.ndarray) -> list[np.ndarray]:
    """Unit normals from the first three channels."""
    x, y, z = channels[:3]
    size = np.sqrt(x * x + y * y + z * z) + np.float32(1e-6)
    return [x / size, y / size, z / size]


def _crop(model: Model, view: Matrix, b: Buffers, mask: np.ndarray, rgb: np.ndarray) -> Sprite:
    """Cut to the mask's box and say where the ground is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    half = 0.5 / b.scale
    left, top = float(b.xs[x0]) - half, float(b.ys[y0]) + half
    def pixel(p: tuple) -> tuple[float, float]:
        x, y, _ = apply(view, p)
        return (x - left) * b.scale, (top - y) * b.scale
    up = transpose(view)[1]
    height = (up[0] * b.xs[None] + up[1] * b.ys[:, None] + up[2] * b.depth) * b.scale
    return Sprite(rgb[y0:y1, x0:x1], mask[y0:y1, x0:x1],
                  np.where(mask, height, 0).astype(np.float32)[y0:y1, x0:x1],
                  [pixel(f) for f in model.feet], pixel((0.0, 0.0, 0.0))[1])
