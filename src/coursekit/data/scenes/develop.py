"""From the canvas to the photograph: average, grade, vignette, sensor noise, eight bits.

Letters: H, W the picture in pixels.
"""

import numpy as np

from coursekit.data.scenes.canvas import Canvas
from coursekit.data.scenes.light import uniform
from coursekit.data.scenes.mood import Mood
from coursekit.data.scenes.noise import color, halve, mix


def develop(canvas: Canvas, mood: Mood, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8: the finished picture."""
    rgb = halve(canvas.rgb) * color(mood.tint)
    H, W = rgb.shape[1:]
    gray = (rgb[0] * 0.30 + rgb[1] * 0.59 + rgb[2] * 0.11)[None]
    rgb = mix(gray, rgb, uniform(rng, 0.94, 1.12))             # saturation
    rgb = rgb * uniform(rng, 0.95, 1.07)                       # exposure
    rgb = np.clip(rgb, 0, 1)
    rgb = mix(rgb, rgb * rgb * (3 - 2 * rgb), uniform(rng, 0.0, 0.30))  # contrast: an S curve
    y = ((np.arange(H, dtype=np.float32) + 0.5) * (2 / H) - 1)[:, None]
    x = ((np.arange(W, dtype=np.float32) + 0.5) * (2 / W) - 1)[None, :]
    rgb = rgb * (1 - uniform(rng, 0.02, 0.12) * 0.5 * (x * x + y * y))
    noise = rng.random((H, W), np.float32) + rng.random((H, W), np.float32) - 1
    speck = rng.random((3, H, W), np.float32) - 0.5
    rgb = rgb + uniform(rng, 0.006, 0.024) * (noise + 0.7 * speck)
    rgb = np.clip(rgb, 0, 1)
    return np.floor(rgb * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
