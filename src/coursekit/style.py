"""The look of every picture: one palette, one quiet style.

The same colors stand in the book's style sheet and in the interactive figures; a test holds the
copies equal. Text on a color is white or ink, whichever contrasts more; text in a color is that
color, made darker until it reads on white (WCAG 2.2: a contrast of 4.5).
"""

import matplotlib.pyplot as plt
from matplotlib.colors import to_hex, to_rgb

CLASS_COLORS = {
    "background": "#8B9099", "cat": "#C8385A", "dog": "#1F6FB5", "rabbit": "#E09B12",
    "grass": "#5B9A42", "floor": "#A67B5B", "sky": "#8EC5E6",
}
PALETTE = ["#1F6FB5", "#C8385A", "#E09B12", "#5B9A42", "#7B4FA3", "#0F9BA8", "#B5532A", "#5C6670"]
INK, QUIET, ACCENT = "#14181D", "#5C6670", "#0F766E"

STYLE = {
    "figure.figsize": (6, 4), "figure.dpi": 84, "figure.facecolor": "white",
    "figure.constrained_layout.use": True, "savefig.facecolor": "white",
    "font.family": "DejaVu Sans", "font.size": 9.5, "text.color": INK,
    "axes.facecolor": "white", "axes.edgecolor": QUIET, "axes.linewidth": 0.6,
    "axes.labelcolor": QUIET, "axes.labelsize": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.titlesize": 10, "axes.titlecolor": INK,
    "axes.titlelocation": "left", "axes.titlepad": 5, "axes.prop_cycle": plt.cycler(color=PALETTE),
    "xtick.color": QUIET, "ytick.color": QUIET, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "xtick.major.size": 3, "ytick.major.size": 3, "xtick.labelsize": 8.5, "ytick.labelsize": 8.5,
    "legend.frameon": False, "legend.fontsize": 8.5, "lines.linewidth": 1.8,
    "hatch.color": "#9AA1AB", "hatch.linewidth": 0.8,
}


def use_style() -> None:
    """Give every figure made from here on the course's look: white, thin lines, no frames."""
    plt.rcParams.update(STYLE)


def text_on(color: str) -> str:
    """White or ink: the one that reads better on `color`."""
    return max(("white", INK), key=lambda text: contrast(text, color))


def text_in(color: str) -> str:
    """The color itself, darkened as far as it must be to read on white."""
    red, green, blue = to_rgb(color)
    while contrast((red, green, blue), "white") < 4.5:
        red, green, blue = 0.95 * red, 0.95 * green, 0.95 * blue
    return to_hex((red, green, blue))


def contrast(a: str | tuple, b: str | tuple) -> float:
    """Contrast of two colors, from 1 (none) to 21 (black on white).

    Source:
        WCAG 2.2, definitions of 'contrast ratio' and 'relative luminance'.
    """
    dark, light = sorted((_luminance(a), _luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str | tuple) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
