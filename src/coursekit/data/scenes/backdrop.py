"""Where a scene takes place: meadow, patio, terrace, path or room, as yet empty.

A setting fixes the camera (where the horizon lies) and the mood (hour, weather, light). Floors and
skies occur with and without grass, so that one class of stuff does not give another away.

Letters: H, W the picture's size in pixels; the canvas has twice as many. Positions in picture
heights, y downward.
"""

from dataclasses import dataclass

import numpy as np

from coursekit.data.scenes.canvas import Canvas
from coursekit.data.scenes.floors import paint_floor, paint_rug, paint_sunbeam
from coursekit.data.scenes.furniture import paint_furniture
from coursekit.data.scenes.grass import grow, paint_grass
from coursekit.data.scenes.light import uniform
from coursekit.data.scenes.mood import Mood, random_mood
from coursekit.data.scenes.noise import chance
from coursekit.data.scenes.sky import paint_sky, paint_skyline
from coursekit.data.scenes.walls import paint_wall

#             share, horizon between
SETTINGS = {
    "meadow": (0.32, 0.12, 0.46),   # grass, sky, something on the horizon
    "lawn": (0.08, -0.55, -0.15),   # grass only, from above
    "patio": (0.16, 0.12, 0.36),    # floor before grass before sky
    "path": (0.08, 0.12, 0.36),     # a floor across the grass
    "terrace": (0.09, 0.15, 0.46),  # floor and sky, no grass
    "room": (0.22, 0.05, 0.30),     # floor and wall
    "parlor": (0.05, -0.5, -0.15),  # floor only, from above
}
EDGES = (0.32, 0.40, 0.56, 0.64, 0.73, 0.95, 1.00)   # the shares, added up


@dataclass(frozen=True)
class Setting:
    """Which place, which camera, which light."""

    name: str
    horizon: float   # y where the ground meets the sky; negative: above the picture
    foot: float      # y where things can begin to stand
    indoors: bool
    mood: Mood
    mown: bool = False  # no grass rises before the feet


def random_setting(rng: np.random.Generator) -> Setting:
    """Draw the place, the camera's tilt, and the light."""
    drawn = float(rng.random())
    name = next(name for name, edge in zip(SETTINGS, EDGES, strict=True) if drawn < edge)
    indoors = name in ("room", "parlor")
    horizon = uniform(rng, *SETTINGS[name][1:])
    foot = horizon + (uniform(rng, 0.14, 0.30) if name == "room" else 0.03)
    return Setting(name, horizon, max(foot, 0.0), indoors, random_mood(rng, indoors))


def paint_backdrop(setting: Setting, height: int, width: int, rng: np.random.Generator) -> Canvas:
    """A canvas for a picture of `height` x `width` pixels; nothing stands on it yet."""
    canvas = Canvas.blank(height, width, setting.horizon)
    paint = _indoors if setting.indoors else _outdoors
    paint(canvas, setting, rng)
    return canvas


def _indoors(canvas: Canvas, setting: Setting, rng: np.random.Generator) -> None:
    """A floor, a wall if the camera sees one, perhaps a rug and the window's light."""
    top = setting.foot if setting.name == "room" else -1.0
    paint_floor(canvas, setting.mood, rng, outdoors=False, top=top)
    if chance(rng, 0.4):
        paint_rug(canvas, setting.mood, rng, top)
    if setting.mood.name == "sunny" or chance(rng, 0.15):
        paint_sunbeam(canvas, setting.mood, rng, top)
    if setting.name == "room":
        paint_wall(canvas, setting.mood, rng, top)
        paint_furniture(canvas, setting.mood, rng, top)


def _outdoors(canvas: Canvas, setting: Setting, rng: np.random.Generator) -> None:
    """Sky, skyline, meadow, and a floor on part of it; then the blades, which overlap its edges."""
    mood = setting.mood
    paint_sky(canvas, mood, rng)
    paint_skyline(canvas, mood, rng)
    if setting.name == "terrace":
        paint_floor(canvas, mood, rng, outdoors=True)
        return
    paint_grass(canvas, mood, rng)
    if setting.name in ("patio", "path"):
        paint_floor(canvas, mood, rng, outdoors=True, where=_paved(canvas, setting.name, rng))
    grow(canvas, mood, rng)


def _paved(canvas: Canvas, name: str, rng: np.random.Generator) -> np.ndarray:
    """(H, W) bool at the canvas's resolution: the near side of one edge, or a band between two."""
    y, x = canvas.grid()
    below = 1 - canvas.horizon
    edge = canvas.horizon + below * uniform(rng, 0.30, 0.60) + uniform(rng, -0.3, 0.3) * (x - 0.5)
    paved = (y > edge) & (y > canvas.horizon + 0.02)
    if name == "path":
        paved &= y < edge + below * uniform(rng, 0.22, 0.40) + uniform(rng, -0.15, 0.15) * (x - 0.5)
    return paved
