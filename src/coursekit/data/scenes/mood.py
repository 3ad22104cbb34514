"""The hour and the weather: one light for everything in a scene, and the colors that go with it.

A mood is drawn first. Its sun shades the animals and lays their shadows; its colors tint the sky,
the haze in the distance and the shadows, and a gentle grade ends the picture.

Letters: directions are (x, y, z) with x right, y up and z toward the viewer. Colors of surfaces
are (r, g, b) as shown on a screen, 1 for white; those of light are linear, and may exceed 1.
"""

from dataclasses import dataclass

import numpy as np

from coursekit.data.scenes.light import Light, turn, uniform
from coursekit.data.scenes.noise import pick

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Mood:
    """What the hour and the weather decide; see `random_mood`."""

    name: str
    light: Light
    zenith: Color       # the sky overhead
    low_sky: Color      # the sky at the horizon; also the haze
    cloud: Color        # the sunny side of clouds
    cloud_shade: Color
    cover: float        # how much of the sky is cloud, 0 to 1
    softness: float     # how wide a shadow's edge is, 1 for a clear sun
    tint: Color         # the final grade: a gain for each channel


# zenith, low sky, cloud, its shade; linear light of sun, sky, ground; the sun's height (sine),
# the softness of shadows, the grade
OUTDOORS = {
    "noon": ((.25, .52, .86), (.75, .88, .97), (1., 1., .99), (.78, .84, .92),
             (1.08, 1.02, .92), (.38, .43, .52), (.21, .22, .15),
             (.66, .85), 0.8, (1., 1., 1.)),
    "morning": ((.42, .66, .91), (.94, .94, .87), (1., .98, .93), (.80, .83, .89),
                (1.12, .98, .76), (.38, .43, .52), (.22, .22, .15),
                (.46, .62), 1.0, (1.02, 1., .96)),
    "evening": ((.46, .60, .80), (1., .84, .62), (1., .90, .76), (.80, .72, .74),
                (1.24, .90, .56), (.36, .37, .48), (.24, .20, .13),
                (.36, .50), 1.1, (1.05, .99, .91)),
    "dusk": ((.45, .53, .72), (.96, .78, .72), (1., .82, .76), (.68, .64, .72),
             (.98, .74, .62), (.42, .42, .50), (.22, .20, .18),
             (.36, .50), 1.9, (1.02, .99, 1.0)),
    "overcast": ((.70, .75, .81), (.88, .90, .92), (.94, .95, .96), (.74, .77, .81),
                 (.44, .45, .46), (.66, .69, .74), (.27, .27, .24),
                 (.75, .90), 3.0, (.99, 1., 1.01)),
}
INDOORS = {
    "window": ((.62, .78, .95), (.92, .95, .98), (1., 1., 1.), (.9, .9, .9),
               (.82, .81, .80), (.48, .50, .54), (.27, .25, .22),
               (.50, .70), 1.9, (1., 1., 1.)),
    "sunny": ((.62, .78, .95), (1., .95, .86), (1., 1., 1.), (.9, .9, .9),
              (1.08, .94, .72), (.42, .43, .46), (.30, .25, .18),
              (.46, .62), 1.3, (1.02, 1., .96)),
    "lamp": ((.20, .22, .34), (.30, .30, .40), (1., 1., 1.), (.9, .9, .9),
             (1.10, .86, .54), (.36, .31, .27), (.28, .21, .13),
             (.62, .80), 1.6, (1.04, .99, .90)),
}


def random_mood(rng: np.random.Generator, indoors: bool) -> Mood:
    """Draw the hour, the weather, and where the sun, the window or the lamp stands."""
    table = INDOORS if indoors else OUTDOORS
    name = pick(rng, tuple(table))
    zenith, low, cloud, shade, sun, sky, ground, height, softness, tint = table[name]
    gain = uniform(rng, 0.92, 1.08)
    light = Light(direction=_direction(rng, height), sun=_scaled(sun, gain), sky=_scaled(sky, gain),
                  ground=_scaled(ground, gain))
    cover = uniform(rng, 0.7, 1.0) if name == "overcast" else uniform(rng, 0.1, 0.65)
    graded = tuple(t * uniform(rng, 0.975, 1.025) for t in tint)
    softness *= uniform(rng, 0.8, 1.3)
    return Mood(name, light, zenith, low, cloud, shade, cover, softness, graded)


def _direction(rng: np.random.Generator, height: tuple[float, float]) -> Color:
    """A unit vector toward the light: from the left or the right, a little in front."""
    y = uniform(rng, *height)
    flat = float(np.sqrt(1 - y * y))
    across, front = turn(uniform(rng, 0.0, 0.7))  # 0 is from the side, 1 from behind the viewer
    return (flat * across if rng.integers(2) else -flat * across, y, flat * front)


def _scaled(rgb: Color, gain: float) -> Color:
    """A light, brighter or dimmer."""
    return (rgb[0] * gain, rgb[1] * gain, rgb[2] * gain)


def ground_light(mood: Mood) -> np.ndarray:
    """(3,) what multiplies the color of level ground in the open: about 1 at noon."""
    up = mood.light.direction[1]
    arriving = [s * up + a for s, a in zip(mood.light.sun, mood.light.sky, strict=True)]
    return np.sqrt(np.asarray(arriving) * 0.8)


def shadow_color(mood: Mood) -> np.ndarray:
    """(3,) what a cast shadow leaves of each channel: the sky's share, bluer than the sun's."""
    up = mood.light.direction[1]
    left = [(0.06 * s * up + 0.78 * a) / (s * up + a)
            for s, a in zip(mood.light.sun, mood.light.sky, strict=True)]
    return np.sqrt(np.asarray(left))


def wall_light(mood: Mood) -> np.ndarray:
    """(3,) what multiplies the color of a wall that faces the viewer."""
    arriving = [0.45 * s + 0.75 * a for s, a in zip(mood.light.sun, mood.light.sky, strict=True)]
    return np.sqrt(np.asarray(arriving))
