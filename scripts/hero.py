"""Draw the landing page's picture: one scene, from large pixels at the left to instances.

Writes book/_static/hero.webp. Run: `python scripts/hero.py [file]`.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from coursekit.data.sample import CLASSES
from coursekit.data.scenes.backdrop import random_setting
from coursekit.data.scenes.layout import Actor
from coursekit.data.scenes.noise import dice
from coursekit.data.scenes.scene import Scene, compose, place
from coursekit.style import PALETTE, text_on

HEIGHT, WIDTH = 640, 1600
SETTING_SEED, BACKDROP_SEED = 38, 5
# kind, x of the middle and y of the ground in picture heights, size, seed, pose, yaw
CAST = (
    ("rabbit", 1.30, 0.50, 0.20, 11, "upright", 0.5),
    ("cat", 0.98, 0.62, 0.30, 24, "sit", 0.7),
    ("dog", 1.92, 0.70, 0.36, 7, "sit", 0.9),
    ("dog", 0.42, 0.84, 0.46, 35, "stand", 0.4),
    ("dog", 1.66, 0.84, 0.40, 19, "stand", 0.3),
    ("rabbit", 1.18, 0.92, 0.30, 3, "crouch", 0.6),
    ("dog", 2.16, 0.90, 0.44, 41, "stand", 1.7),
)
STEPS = ((0.30, 64), (0.52, 32), (0.70, 16), (0.84, 8), (0.94, 4))   # up to x, pixels of this size
MASKED_FROM = 1.50        # an animal whose middle lies further right has a mask and a box


def scene() -> Scene:
    """The animals of `CAST` on their meadow."""
    setting = random_setting(dice(SETTING_SEED, 1))
    placed = [place(Actor(kind, x, y, side, seed), setting, HEIGHT, WIDTH, pose=pose, yaw=yaw)
              for kind, x, y, side, seed, pose, yaw in CAST]
    return compose(setting, placed, HEIGHT, WIDTH, BACKDROP_SEED)


def coarsen(image: np.ndarray) -> np.ndarray:
    """Large squares at the left, smaller ones to the right of them, then the picture as it is."""
    result, left = image.copy(), 0
    for edge, side in STEPS:
        right = round(edge * HEIGHT / side) * side
        part = image[:, left:right]
        blocks = part.reshape(HEIGHT // side, side, -1, side, 3).mean(axis=(1, 3))
        result[:, left:right] = blocks.repeat(side, axis=0).repeat(side, axis=1).round()
        left = right
    return result


def tint(image: np.ndarray, mask: np.ndarray, color: str) -> np.ndarray:
    """A mask (H, W) in its color, half transparent, with a firm outline."""
    rgb = np.array([int(color[k:k + 2], 16) for k in (1, 3, 5)])
    inner = mask.copy()
    for axis in (0, 1):
        for shift in (-2, 2):
            inner &= np.roll(mask, shift, axis)
    result = image.astype(float)
    result[mask] = 0.5 * result[mask] + 0.5 * rgb
    result[mask & ~inner] = rgb
    return result.round().astype(np.uint8)


def draw() -> Image.Image:
    """The picture."""
    drawn = scene()
    image = coarsen(drawn.image)
    marked = [k for k, mask in enumerate(drawn.masks)
              if mask.any(axis=0).nonzero()[0].mean() > MASKED_FROM * HEIGHT]
    for n, k in enumerate(marked):
        image = tint(image, drawn.masks[k], PALETTE[n])
    page = Image.fromarray(image)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=24)
    for n, k in enumerate(marked):
        rows, columns = (drawn.masks[k].any(axis=axis).nonzero()[0] for axis in (1, 0))
        x1, y1, x2, y2 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        pen.rectangle((x1 - 4, y1 - 4, x2 + 4, y2 + 4), outline=PALETTE[n], width=4)
        text = f"{CLASSES[drawn.labels[k]]} {n + 1}"
        width = pen.textlength(text, font=font) + 16
        pen.rectangle((x1 - 4, y1 - 36, x1 - 4 + width, y1 - 4), fill=PALETTE[n])
        pen.text((x1 + 4, y1 - 34), text, fill=text_on(PALETTE[n]), font=font)
    return page


if __name__ == "__main__":
    default = Path(__file__).parent.parent / "book" / "_static" / "hero.webp"
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    draw().save(path, quality=86, method=6)
    print(f"{path}: {WIDTH} x {HEIGHT}, {path.stat().st_size / 1000:.0f} KB")
