"""Shadows on the ground: a long soft one away from the sun, and a dark one where a foot touches.

A cast shadow is the sprite's own silhouette, laid down on the ground plane: a point at height h
over the ground falls to (-x / y, -z / y) * h for a sun in direction (x, y, z), and the ground's
depth is foreshortened by the camera. It is blurred by box filters on integers, which are exact.
All of a scene's shadows are gathered in one map first, so that two of them never darken twice.

Letters: H, W the picture in pixels (not sub-pixels): shadows are soft, so that is enough.
"""

import numpy as np

from coursekit.data.scenes.animals import Sprite
from coursekit.data.scenes.canvas import FLOOR, GRASS, Canvas
from coursekit.data.scenes.mood import Mood, shadow_color
from coursekit.data.scenes.noise import blur, color, double


def cast(shade: np.ndarray, sprite: Sprite, left: int, top: int, mood: Mood, squash: float) -> None:
    """Add the sprite's cast shadow to `shade` (H, W), 0 in the light and 1 in the shadow.

    Args:
        shade: changed in place.
        sprite: at twice the picture's resolution.
        left: the sub-pixel column of the sprite's left edge.
        top: the sub-pixel row of its top edge.
        mood: says where the sun stands and how soft its shadows are.
        squash: how much the ground's depth is foreshortened there, 0 to 1.
    """
    x, y, z = mood.light.direction
    shear, flat = min(max(-x / y, -1.6), 1.6), max(z / y * squash, 0.10)
    rows, columns = np.nonzero(sprite.mask[::2])
    rows = 2 * rows                            # every other row is enough for half the resolution
    up = sprite.height[rows, columns]
    fall_y = np.floor((rows + top + up * (1 - flat)) * 0.5).astype(np.int64)
    fall_x = np.floor((columns + left + up * shear) * 0.5).astype(np.int64)
    radius = 1 + int(mood.softness * 0.006 * sprite.mask.shape[0] + 0.3 * mood.softness)
    y0, x0 = int(fall_y.min()) - 2 * radius, int(fall_x.min()) - 2 * radius
    h, w = int(fall_y.max()) + 2 * radius + 1 - y0, int(fall_x.max()) + 2 * radius + 1 - x0
    fallen = np.zeros((h, w), np.int64)
    fallen[fall_y - y0, fall_x - x0] = 1
    counts = blur(blur(fallen, radius), radius)
    soft = counts * (1.0 / (2 * radius + 1) ** 4)
    _raise_to(shade, np.minimum(1.08 * soft, 1), y0, x0)


def contact(shade: np.ndarray, sprite: Sprite, left: int, top: int, squash: float) -> None:
    """Add the dark of contact to `shade` (H, W): under every foot, and faintly under the body."""
    if not sprite.feet:
        return
    width = sprite.mask.shape[1] * 0.5
    xs = [(left + x) * 0.5 for x, _ in sprite.feet]
    ys = [(top + y) * 0.5 for _, y in sprite.feet]
    for x, y in zip(xs, ys, strict=True):
        _ellipse(shade, x, y - 0.2, 0.11 * width + 1, (0.11 * width + 1) * max(squash, 0.3), 0.85)
    middle, depth = 0.5 * (min(xs) + max(xs)), 0.5 * (min(ys) + max(ys))
    spread = 0.5 * (max(xs) - min(xs)) + 0.16 * width
    tall = 0.5 * (max(ys) - min(ys)) + 0.16 * width * max(squash, 0.25)
    _ellipse(shade, middle, depth, spread + 1, tall + 1, 0.75)


def _ellipse(shade: np.ndarray, x: float, y: float, rx: float, ry: float, dark: float) -> None:
    """Raise `shade` to a soft ellipse round (x, y)."""
    x0, x1, y0, y1 = int(x - rx) - 1, int(x + rx) + 2, int(y - ry) - 1, int(y + ry) + 2
    dy = (np.arange(y0, y1)[:, None] + 0.5 - y) * (1 / ry)
    dx = (np.arange(x0, x1)[None, :] + 0.5 - x) * (1 / rx)
    falloff = np.maximum(1 - dx * dx - dy * dy, 0)
    _raise_to(shade, dark * falloff * (2 - falloff), y0, x0)


def _raise_to(shade: np.ndarray, patch: np.ndarray, y0: int, x0: int) -> None:
    """Where a patch at (y0, x0) is darker than `shade`, take the patch; clip it to the picture."""
    H, W = shade.shape
    top, left = max(y0, 0), max(x0, 0)
    bottom, right = min(y0 + patch.shape[0], H), min(x0 + patch.shape[1], W)
    if top < bottom and left < right:
        view = shade[top:bottom, left:right]
        np.maximum(view, patch[top - y0:bottom - y0, left - x0:right - x0], out=view)


def lay(canvas: Canvas, mood: Mood, casts: np.ndarray, contacts: np.ndarray) -> None:
    """Darken the canvas's grass and floor by the two maps of shadow, (H, W) each."""
    ground = (canvas.ids == GRASS) | (canvas.ids == FLOOR)
    left = 1 - casts.astype(np.float32) * (1 - color(shadow_color(mood)))      # (3, H, W)
    left = left * (1 - contacts.astype(np.float32) * (1 - color((.50, .50, .54))))
    np.multiply(canvas.rgb, double(left), out=canvas.rgb, where=ground)
