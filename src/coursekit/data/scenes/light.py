"""Light for PetScenes: one sun, a sky above, a ground that bounces, and the maths they share.

A scene has one `Light`; animals, bushes and furniture are all shaded by the same `shade`, so they
stand in the same air. Colors are kept as displayed values in [0, 1]; `shade` squares them to linear
light, adds up the sun (wrapped around the form, as fur and skin do), the sky and the bounce, and
goes back by a square root, which is a display gamma of 2.

Every number, colors included, comes from + - x / and square roots, element by element, which IEEE
754 rounds alike on every machine: the same seed gives the same bits everywhere. So there are no
sines; an angle is counted in right angles (`turn`), and its cosine and sine are a rational point of
the circle.

Letters: H W image rows and columns; the last axis of a color or a normal is 3.
"""
import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

Vec = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """A sun with its direction and colors; x points right, y up, z toward the viewer."""

    direction: Vec  # unit vector toward the sun
    sun: Vec        # linear rgb, about 0 to 1.3
    sky: Vec        # linear rgb of the light from above
    ground: Vec     # linear rgb bounced from below


def turn(quarters: float) -> tuple[float, float]:
    """Cosine and sine of an angle counted in right angles, by rational functions only."""
    whole = math.floor(quarters + 0.5)
    f = quarters - whole                       # in [-0.5, 0.5)
    t = f * (0.7854 + 0.1615 * f * f)          # close to tan of half the angle
    c, s = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    return ((c, s), (-s, c), (-c, -s), (s, -c))[whole % 4]


def unit(v: Vec) -> Vec:
    """The vector of length 1 in the direction of `v`."""
    n = math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    return (v[0] / n, v[1] / n, v[2] / n)


def uniform(rng: Generator, low: float, high: float) -> float:
    """A number in [low, high)."""
    return low + (high - low) * float(rng.random())


def positive(x: np.ndarray) -> np.ndarray:
    """`x`, or 0 where it is negative; several times faster than a maximum with a number."""
    return np.maximum(x, np.zeros_like(x))


def ramp(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, and a smooth cubic between them."""
    t = np.clip((x - low) * (1.0 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)


def random_light(rng: Generator, hour: str | None = None) -> Light:
    """A light for a scene.

    Args:
        rng: where the random numbers come from; always seven are drawn.
        hour: "noon", "evening", "overcast" or "indoor"; drawn when not given.

    Returns:
        The light; its sun always stands above the horizon and a little in front of the animals.

    Raises:
        ValueError: another `hour`.
    """
    if hour is not None and hour not in HOURS:
        raise ValueError(f"hour is {hour!r}, but one of {', '.join(HOURS)} was wanted: "
                         "pick one, or None to draw it.")
    drawn = rng.random()
    hour = hour or ("noon" if drawn < 0.4 else "evening" if drawn < 0.65 else "overcast"
                    if drawn < 0.85 else "indoor")
    side, height, front = uniform(rng, -0.9, 0.9), uniform(rng, 0.45, 1.0), uniform(rng, 0.25, 0.8)
    sun, sky, ground, low = HOURS[hour]
    gain, warm, fill = uniform(rng, 0.88, 1.12), uniform(rng, 0.95, 1.05), uniform(rng, 0.9, 1.15)
    return Light(
        unit((side, height * low, front)),
        (sun[0] * gain * warm, sun[1] * gain, sun[2] * gain / warm),
        (sky[0] * fill, sky[1] * fill, sky[2] * fill),
        (ground[0] * fill, ground[1] * fill, ground[2] * fill),
    )


HOURS = {  # sun, sky, ground (linear rgb), and a factor on the sun's height
    "noon": ((1.08, 1.02, 0.92), (0.40, 0.45, 0.54), (0.21, 0.22, 0.15), 1.0),
    "evening": ((1.22, 0.92, 0.60), (0.36, 0.38, 0.50), (0.22, 0.18, 0.13), 0.55),
    "overcast": ((0.50, 0.51, 0.53), (0.66, 0.69, 0.74), (0.28, 0.28, 0.25), 1.0),
    "indoor": ((0.88, 0.78, 0.64), (0.46, 0.44, 0.42), (0.27, 0.22, 0.17), 1.2),
}


def shade(normals: np.ndarray, albedo: np.ndarray, light: Light, gloss: float | np.ndarray = 0.0,
          shadow: float | np.ndarray = 1.0, ambient: float | np.ndarray = 1.0) -> np.ndarray:
    """Light a surface; the sun wraps a little around the form, and edges catch the sky.

    Args:
        normals: (..., 3) unit normals; x right, y up, z toward the viewer.
        albedo: (..., 3) displayed color of the surface, in [0, 1].
        light: the scene's light.
        gloss: strength of the highlight, 0 to 1, a number or (...) array.
        shadow: share of the sun that arrives, 0 to 1, a number or (...) array.
        ambient: share of sky and bounce that arrives, likewise.

    Returns:
        (..., 3) displayed color in [0, 1], of the albedo's dtype.

    Raises:
        ValueError: normals or albedo without a last axis of 3, or of different shapes.
    """
    normals, albedo = np.asarray(normals), np.asarray(albedo)
    if normals.shape != albedo.shape or normals.shape[-1:] != (3,):
        raise ValueError(f"normals {normals.shape} and albedo {albedo.shape} came, but two equal "
                         "shapes (..., 3) were wanted: give a normal and a color for each pixel.")
    channels = shade_planes(np.moveaxis(normals, -1, 0), np.moveaxis(albedo, -1, 0), light, gloss,
                            shadow, ambient)
    return np.stack(channels, axis=-1).astype(albedo.dtype, copy=False)


def shade_planes(n: np.ndarray, albedo: np.ndarray, light: Light, gloss: float | np.ndarray = 0.0,
                 shadow: float | np.ndarray = 1.0, ambient: float
                 | np.ndarray = 1.0) -> list[np.ndarray]:
    """The same as `shade`, with the color axis first: faster, for the animals' renderer."""
    lx, ly, lz = (float(v) for v in light.direction)
    wrapped = (n[0] * lx + n[1] * ly + n[2] * lz + WRAP) * (1.0 / (1 + WRAP))
    sun = positive(wrapped)
    sun = sun * (0.35 + 0.65 * sun) * shadow
    up = (0.5 + 0.5 * n[1]) * ambient
    down = (0.5 - 0.5 * n[1]) * ambient
    edge = 1 - positive(n[2])
    edge = edge * edge * edge * (0.3 + 0.5 * positive(n[1])) * ambient
    hx, hy, hz = unit((lx, ly, lz + 1))
    shine = positive(n[0] * hx + n[1] * hy + n[2] * hz)
    for _ in range(4):                         # to the 16th
        shine = shine * shine
    shine = shine * gloss * shadow
    out = []
    for c in range(3):
        color = albedo[c] * albedo[c]          # displayed -> linear
        arriving = sun * light.sun[c] + up * light.sky[c] + down * light.ground[c]
        linear = color * arriving + (0.05
                                     + 0.3 * color) * edge * light.sky[c] + shine * light.sun[c]
        # soft shoulder: whites keep their form
        linear = linear * (1 + linear * 0.2) / (1 + 0.36 * linear)
        out.append(np.sqrt(np.clip(linear, 0, 1)))
    return out


WRAP = 0.22  # how far the sun reaches past the terminator
