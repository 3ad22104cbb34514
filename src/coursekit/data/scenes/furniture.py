"""Furniture along the wall of a room: a sofa, a bookcase, a sideboard. Background, like the wall.

Pieces stand on the line where the wall meets the floor, seen from the front, and are painted
straight onto the canvas, before the shadows of what stands in the room.

Letters: H, W the canvas in sub-pixels. In a piece's own coordinates `across` runs from -1 to 1,
`up` from 0 at the floor to 1 at its top.
"""

import numpy as np

from coursekit.data.scenes.canvas import Canvas
from coursekit.data.scenes.clutter import BRIGHT, MUTED, WOOD
from coursekit.data.scenes.light import ramp, uniform
from coursekit.data.scenes.mood import Mood, wall_light
from coursekit.data.scenes.noise import chance, color, lookup, mix, pick, tile


def paint_furniture(canvas: Canvas, mood: Mood, rng: np.random.Generator, foot: float) -> None:
    """One or two pieces side by side, with a soft shadow on the wall and under them."""
    x = uniform(rng, 0.0, 0.4) * canvas.aspect
    for _ in range(int(rng.integers(3))):
        piece, width, height = pick(rng, PIECES)
        scale = uniform(rng, 0.85, 1.15)
        _stand(canvas, mood, rng, foot, piece, x, width * scale, height * scale)
        x += uniform(rng, 0.5, 0.8)


def _stand(canvas: Canvas, mood: Mood, rng, foot: float, piece, x0: float, half: float,
           height: float) -> None:
    """Paint one piece of half-width `half`, its foot a little below the wall's."""
    base = foot + 0.025
    rows = canvas.band(base - 1.1 * height, base + 0.03)
    y, x = canvas.grid()
    up, across = (base - y[rows]) * (1 / height), (x - x0) * (1 / half)
    if not len(up):
        return
    lean = -0.10 if mood.light.direction[0] > 0 else 0.10
    dark = ramp(np.abs(across - lean), 1.22, 0.94) * ramp(up, 1.12, 0.92) * ramp(up, -0.14, 0.02)
    canvas.rgb[:, rows] *= 1 - 0.38 * dark
    light = wall_light(mood)
    rgb, mask = piece(rng, up, across)
    ids = canvas.ids[rows].copy()
    canvas.paint(rows, mask, rgb * color(light) * (0.80 + 0.20 * np.minimum(up, 1)))
    np.copyto(canvas.ids[rows], ids, where=~mask)


def _tube(distance: np.ndarray) -> np.ndarray:
    """The shade of a rounded edge: 1 in the middle, darker toward distance 1."""
    square = np.minimum(distance * distance, 1)
    return 1.06 - 0.34 * square * square


def _sofa(rng: np.random.Generator, up, across) -> tuple[np.ndarray, np.ndarray]:
    """A back, two seat cushions, two arms, short legs."""
    cloth, wide = color(pick(rng, MUTED)), np.abs(across)
    back = (wide < 0.86) & (up > 0.35) & (up < 1 - 0.05 * wide * wide)
    seat = (wide < 0.80) & (up > 0.22) & (up < 0.54)
    arm = (wide > 0.76) & (wide < 1.0) & (up > 0.08) & (up < 0.66)
    frame = (wide < 0.80) & (up > 0.08) & (up < 0.26)
    leg = (np.abs(wide - 0.88) < 0.04) & (up > 0) & (up < 0.10)
    half = np.abs(wide - 0.40) * 2.5
    tone = np.where(seat, 1.06 * (0.86 + 0.5 * ramp(up, 0.30, 0.54)), 0.92) * _tube(half)
    tone = np.where(frame & ~seat, 0.78, tone)
    rounded = _tube((wide - 0.88) * 7.5) * (0.84 + 0.24 * ramp(up, 0.3, 0.66))
    tone = np.where(arm, rounded, tone)
    weave = 0.96 + 0.08 * lookup(tile(5, cells=64, octaves=2), up * 90, across * 120)
    rgb = np.where(leg, color((.26, .19, .14)), cloth * tone * weave)
    pillow = np.maximum(np.abs(across - 0.5) * 5, np.abs(up - 0.62) * 4.6)
    rgb = np.where(pillow < 0.98, color(pick(rng, BRIGHT)) * 0.92 * _tube(pillow), rgb)
    return rgb, back | seat | arm | frame | leg


def _bookcase(rng: np.random.Generator, up, across) -> tuple[np.ndarray, np.ndarray]:
    """Shelves of books of all colors and heights, and gaps."""
    wood = color(pick(rng, WOOD + ((.88, .86, .82),)))
    mask = (np.abs(across) < 1) & (up > 0) & (up < 1)
    shelf = np.floor(up * 4)
    place = across * 13 + 5 * shelf
    book = (np.floor(place) * 7 + shelf * 31).astype(np.int32) & 255
    within, level = place - np.floor(place), up * 4 - shelf
    covers = MUTED + BRIGHT
    palette = np.asarray(covers, np.float32)[rng.integers(len(covers), size=256)] * 0.86
    height = (0.55 + 0.33 * rng.random(256))[book]
    there = (rng.random(256) < 0.86)[book] & (level < height) & (level > 0.10)
    spine = np.moveaxis(palette[book], -1, 0) * (1.05 - 0.5 * np.abs(within - 0.4))
    board = (level < 0.11) | (np.abs(across) > 0.92) | (up > 0.972)
    hollow = wood * (0.34 + 0.1 * level)
    return np.where(board, wood * 0.95, np.where(there, spine, hollow)), mask


def _sideboard(rng: np.random.Generator, up, across) -> tuple[np.ndarray, np.ndarray]:
    """A low cupboard on legs: doors with knobs, a top with an edge, perhaps a vase."""
    wood = color(pick(rng, WOOD + ((.86, .84, .80), (.52, .60, .60))))
    wide = np.abs(across)
    body = (wide < 0.98) & (up > 0.16) & (up < 0.78)
    top = (wide < 1.0) & (up >= 0.74) & (up < 0.80)
    leg = (np.abs(wide - 0.9) < 0.035) & (up > 0) & (up < 0.17)
    door = np.abs(across * 1.5 - np.floor(across * 1.5) - 0.5)
    gap = (door > 0.475) | (np.abs(up - 0.22) < 0.012)
    knob = (door > 0.40) & (door < 0.435) & (np.abs(up - 0.48) < 0.04)
    grain = lookup(tile(3, cells=16, octaves=4), up * 160, across * 14)
    tone = np.where(gap, 0.62, np.where(knob, 0.5, 0.93 + 0.12 * grain))
    rgb = wood * np.where(top, 1.12, np.where(leg, 0.7, tone))
    bulge = (up - 0.80) * 10
    girth = 0.55 + 0.5 * bulge * (1.7 - bulge)
    vase = (up >= 0.80) & (bulge < 2) & (np.abs(across + 0.45) * 9 < girth)
    if chance(rng, 0.6):
        glaze = mix(color(pick(rng, BRIGHT)), 0.9, 0.2)
        rgb = np.where(vase, glaze * _tube((across + 0.42) * 9), rgb)
        return rgb, body | top | leg | vase
    return rgb, body | top | leg


PIECES = ((_sofa, .30, .22), (_bookcase, .17, .40), (_sideboard, .22, .19))  # half width, height
