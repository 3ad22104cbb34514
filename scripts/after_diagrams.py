"""What came after, as diagrams: the focal loss, a feature pyramid, a mask from a prompt.

Each function gives one drawing (see `svg.py`).
"""

import math

import after_scenes
import numpy as np
import svg

from coursekit.style import ACCENT, INK, PALETTE, QUIET, text_in

GAMMAS = (0, 0.5, 1, 2, 5)
POINT = (46, 100)                  # the prompt, in the scene's pixels: on the second dog


def focal_loss(p: float, gamma: float) -> float:
    """Of an example whose true class was given the probability p; Lin et al. 2017, equation 4."""
    return -(1 - p) ** gamma * math.log(p)


def focal() -> str:
    """The loss against the probability of the true class, a curve for each gamma."""
    left, top, width, height, most = 70, 30, 540, 300, 5

    def at(p: float, loss: float) -> tuple[float, float]:
        return left + width * p, top + height * (1 - loss / most)

    parts = [svg.box(*at(0.5, most), *at(1, 0), fill="#E3F1EE", stroke="none"),
             svg.middle(left + 0.75 * width, top + 100, "easy examples", fill=ACCENT)]
    for value in range(most + 1):
        parts.append(svg.line(at(0, value), at(1, value), stroke="#E4E0D8", stroke_width=1))
        parts.append(svg.text(left - 10, at(0, value)[1] + 6, str(value), text_anchor="end"))
    for p in (0, 0.2, 0.4, 0.6, 0.8, 1):
        parts.append(svg.text(at(p, 0)[0], top + height + 26, str(p), text_anchor="middle"))
    places = np.linspace(0.007, 1, 160)
    for n, gamma in enumerate(GAMMAS):
        points = [at(p, focal_loss(p, gamma)) for p in places if focal_loss(p, gamma) <= most]
        parts.append(svg.line(*points, stroke=PALETTE[n], stroke_width=3))
        parts.append(svg.line((left + 76, top + 30 + 28 * n), (left + 106, top + 30 + 28 * n),
                              stroke=PALETTE[n], stroke_width=4))
        parts.append(svg.text(left + 116, top + 36 + 28 * n, f"γ = {gamma}",
                              fill=text_in(PALETTE[n])))
    parts.append(svg.text(left + width / 2, top + height + 56, "probability of the true class",
                          text_anchor="middle", fill=QUIET))
    parts.append(svg.text(0, 0, "loss", fill=QUIET, text_anchor="middle",
                          transform=f"translate(26 {top + height / 2}) rotate(-90)"))
    return svg.page(top + height + 74, *parts)


def pyramid() -> str:
    """Maps of a backbone on the left, the pyramid's on the right, from coarse to fine."""
    parts = [svg.text(20, 28, "backbone, upwards", font_weight="bold"),
             svg.text(300, 28, "pyramid, downwards", font_weight="bold")]
    for n, (stride, half) in enumerate(zip((32, 16, 8, 4), (26, 42, 66, 100), strict=True)):
        level, y = 5 - n, 70 + 92 * n
        parts.append(svg.box(120 - half, y - 22, 120 + half, y + 22, fill="#E8EEF4",
                             stroke=PALETTE[0]))
        parts.append(svg.middle(120, y, f"C{level}"))
        parts.append(svg.box(420 - half, y - 22, 420 + half, y + 22, fill="#E3F1EE",
                             stroke=ACCENT))
        parts.append(svg.middle(420, y, f"P{level}", font_weight="bold"))
        parts.append(svg.arrow((120 + half, y), (420 - half - 2, y)))
        parts.append(svg.text(270, y - 8, "1 × 1", text_anchor="middle", fill=QUIET))
        parts.append(svg.arrow((420 + half, y), (556, y)))
        parts.append(svg.text(562, y + 6, f"1/{stride}", fill=QUIET))
        if n:
            parts.append(svg.arrow((120, y - 24), (120, y - 68)))
            parts.append(svg.arrow((420, y - 70), (420, y - 26), stroke=ACCENT))
            parts.append(svg.text(432, y - 40, "× 2, added", fill=ACCENT))
    parts.append(svg.text(120, 418, "picture", text_anchor="middle", fill=QUIET))
    parts.append(svg.arrow((120, 400), (120, 372)))
    parts.append(svg.text(588, 28, "to heads", text_anchor="middle", fill=QUIET))
    return svg.page(432, *parts)


def silhouettes() -> list[tuple[str, np.ndarray]]:
    """Three masks (128, 128) that one point may mean, from the scene's true masks."""
    _, target = after_scenes.scene(after_scenes.SIDE)
    dog, (x, y) = target["masks"][1].numpy(), POINT
    rows, columns = np.mgrid[0:128, 0:128]
    part = dog & ((rows - y) ** 2 + (columns - x) ** 2 < 14 ** 2)
    return [("a part", part), ("the dog", dog), ("the group", target["masks"].any(0).numpy())]


def block(x: float, y: float, width: float, color: str, *words: str) -> list[str]:
    """A named part of the network, 64 high."""
    parts = [svg.box(x, y, x + width, y + 64, fill=color, stroke=QUIET, rx=8)]
    for n, line in enumerate(words):
        parts.append(svg.middle(x + width / 2, y + 32 + 22 * (n - (len(words) - 1) / 2), line))
    return parts


def prompt() -> str:
    """A picture and a point go in; three masks come out."""
    image = after_scenes.scene()[0]
    scale = 150 / after_scenes.SIDE
    x, y = 15 + scale * POINT[0], 40 + scale * POINT[1]
    parts = [svg.text(15, 26, "picture", font_weight="bold"), svg.pixels(image, 15, 40, 150),
             svg.dot(x, y, 7, fill=after_scenes.YELLOW, stroke=INK, stroke_width=2),
             svg.arrow((165, 75), (208, 75)), *block(212, 43, 150, "#E8EEF4", "image encoder",
                                                     "once a picture"),
             svg.arrow((362, 75), (428, 75)), svg.text(24, 222, "prompt: a point"),
             svg.arrow((90, 232), (90, 262), (204, 262)),
             *block(208, 230, 162, "#F6E9C8", "prompt encoder", "each prompt"),
             svg.arrow((370, 262), (428, 262)),
             *block(432, 230, 190, "#E3F1EE", "mask decoder", "each prompt")]
    for row in range(4):
        for column in range(6):
            parts.append(svg.box(432 + 24 * column, 32 + 24 * row, 454 + 24 * column,
                                 54 + 24 * row, fill=PALETTE[0], stroke="none",
                                 fill_opacity=0.2 + 0.1 * ((3 * row + 5 * column) % 7)))
    parts += [svg.text(432, 154, "the picture’s map", fill=QUIET),
              svg.arrow((527, 162), (527, 226)), svg.arrow((527, 294), (527, 330))]
    for n, (name, mask) in enumerate(silhouettes()):
        left = 15 + 210 * n
        plane = np.where(mask[50:124, :, None], [15, 118, 110], [237, 235, 230]).astype(np.uint8)
        parts += [svg.pixels(plane, left, 336, 190, exact=True), svg.text(left, 470, name)]
    return svg.page(486, *parts)


DIAGRAMS = {"focal": focal, "pyramid": pyramid, "prompt": prompt}
