"""Charts: curves of training, and confusion matrices.

A curve bears its name at its end, so that nobody has to match colors with a legend, and curves
differ in their dashes too. A confusion matrix shows its own numbers; the shade of a cell is its
share of the row, that is, of the true class.

Letters: K classes.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from coursekit.style import ACCENT, CLASS_COLORS, INK, PALETTE, QUIET, text_in

DASHES = ["-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.4, 1.4, 1.4))]
SHADES = LinearSegmentedColormap.from_list("share", ["white", "#CFE6E2", ACCENT])
GREYS = LinearSegmentedColormap.from_list("negative", ["white", "#D9DCE0", "#5C6670"])


def show_curve(curves: Mapping[str, Sequence[float]], *, x: Sequence[float] | None = None,
               xlabel: str = "epoch", ylabel: str = "loss", ax: Axes | None = None,
               title: str | None = None) -> Axes:
    """Draw one curve a name, with the name at the curve's end.

    Args:
        curves: name -> values, one for each x; NaN leaves a gap.
        x: where the values were measured; None counts 1, 2, 3, …
        xlabel: what x counts.
        ylabel: what the values are, with their unit.
        ax: where to draw; new axes if None.
        title: a line above it.
    Returns:
        The axes.
    Raises:
        ValueError: a number of values that differs from the number of x.
        TypeError: not a mapping from names to numbers.
    """
    if not isinstance(curves, Mapping):
        raise TypeError(f"curves: got a {type(curves).__name__}, but a dict from names to values "
                        'was expected. For a single curve pass {"train": values}.')
    ax = ax or plt.subplots(figsize=(6, 3.2))[1]
    ends = []
    for i, (name, values) in enumerate(curves.items()):
        values = np.asarray(values, dtype=float)
        places = np.arange(1, len(values) + 1) if x is None else np.asarray(x, dtype=float)
        if len(places) != len(values):
            raise ValueError(f"curves: {name!r} has {len(values)} values, but {len(places)} were "
                             "expected, one for each x. Cut both to the same length.")
        color = CLASS_COLORS.get(name, PALETTE[i % len(PALETTE)])
        ax.plot(places, values, color=color, linestyle=DASHES[i % len(DASHES)])
        ends += [(values[j], places[j], name, text_in(color))
                 for j in np.isfinite(values).nonzero()[0][-1:]]
    if x is None:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel=xlabel, ylabel=ylabel, axisbelow=True)
    ax.grid(axis="y", color="#E6E8EB", linewidth=0.6)
    _name_ends(ax, ends)
    if title is not None:
        ax.set_title(title)
    return ax


def _name_ends(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Write the names beside the ends, from the lowest up, at least 11 points apart."""
    lowest = -np.inf
    for y, x, name, color in sorted(ends):
        height = ax.transData.transform((x, y))[1] * 72 / ax.figure.dpi      # in points
        lift = max(height, lowest + 11) - height
        lowest = height + lift
        ax.annotate(name, (x, y), (6, lift), textcoords="offset points", va="center", color=color,
                    fontsize=9, annotation_clip=False)


def show_matrix(matrix: Tensor, classes: Sequence[str] = tuple(CLASS_COLORS), *,
                ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw a confusion matrix: rows are true classes, columns predicted ones.

    Args:
        matrix: (K, K) counts, from `metrics.confusion_matrix`, or shares.
        classes: the K classes' names.
        ax: where to draw; new axes if None.
        title: a line above it.
    Returns:
        The axes.
    Raises:
        ValueError: not a square table of numbers of at least 0, or another number of names.
    """
    if not isinstance(matrix, Tensor) or matrix.shape != (len(classes), len(classes)):
        came = tuple(matrix.shape) if isinstance(matrix, Tensor) else f"a {type(matrix).__name__}"
        raise ValueError(f"matrix: got {came}, but a ({len(classes)}, {len(classes)}) tensor was "
                         "expected, one row a class. Pass `classes=` with a name for every row.")
    table = matrix.detach().cpu().double().numpy()
    if not (np.isfinite(table) & (table >= 0)).all():
        raise ValueError("matrix: got an entry that is negative, infinite or NaN, but counts were "
                         "expected. Pass what confusion_matrix returned.")
    ax = ax or plt.subplots(figsize=(0.62 * len(classes) + 1.3, 0.5 * len(classes) + 1.1))[1]
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1e-12)
    ax.imshow(share, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(table):
        color = "white" if share[i, j] > 0.7 else INK if value else QUIET
        ax.text(j, i, _short(value), ha="center", va="center", color=color, fontsize=8.5,
                fontweight="bold" if i == j else "normal")
    _name_classes(ax, classes)
    if title is not None:
        ax.set_title(title)
    return ax


def show_grid(values: Tensor, *, ax: Axes | None = None, title: str | None = None,
              highest: float | None = None) -> Axes:
    """Draw a small map or a matrix as a grid of its numbers; the shade of a cell is its size.

    Args:
        values: (H, W), not NaN. Zeros are pale, negative values grey.
        ax: where to draw; new axes if None.
        title: a line above it.
        highest: the value with the full shade; None takes the greatest size in `values`. Grids to
            be compared want the same.
    Returns:
        The axes.
    Raises:
        ValueError: not a tensor of two axes, or a number that is not finite.
    """
    if not isinstance(values, Tensor) or values.ndim != 2 or not values.numel():
        came = tuple(values.shape) if isinstance(values, Tensor) else f"a {type(values).__name__}"
        raise ValueError(f"values: got {came}, but a tensor (H, W) was expected. Take one plane of "
                         "a map: x[0, 0].")
    table = values.detach().cpu().double().numpy()
    if not np.isfinite(table).all():
        raise ValueError("values: got NaN or infinity, but finite numbers were expected.")
    ax = ax or plt.subplots(figsize=(0.5 * values.shape[1] + 0.4, 0.5 * values.shape[0] + 0.6))[1]
    share = np.abs(table) / (highest or max(np.abs(table).max(), 1e-12))
    colors = np.where((table < 0)[..., None], GREYS(share), SHADES(share))
    ax.imshow(colors, interpolation="nearest")
    for (i, j), value in np.ndenumerate(table):
        color = "white" if share[i, j] > 0.9 else INK if value else QUIET
        ax.text(j, i, _short(value), ha="center", va="center", color=color, fontsize=8.5)
    ax.set(xticks=np.arange(values.shape[1] + 1) - 0.5, yticks=np.arange(values.shape[0] + 1) - 0.5,
           xticklabels=[], yticklabels=[])
    ax.tick_params(length=0)
    ax.spines[:].set(visible=True, color="#C9CED4", linewidth=0.8)
    ax.grid(True, color="#C9CED4", linewidth=0.8)
    if title is not None:
        ax.set_title(title)
    return ax


def _short(value: float) -> str:
    """At most five characters: 0.93, 412, 9,999, 41k, 3.1M."""
    if value != round(value):
        return f"{value:.2f}"
    if value < 10_000:
        return f"{value:,.0f}"
    if value < 999_500:
        return f"{value / 1e3:.0f}k"
    return f"{value / 1e6:.1f}M"


def _name_classes(ax: Axes, classes: Sequence[str]) -> None:
    places = range(len(classes))
    ax.set_xticks(places, classes, rotation=35 if len(classes) > 4 else 0,
                  ha="right" if len(classes) > 4 else "center", rotation_mode="anchor")
    ax.set_yticks(places, classes)
    ax.set(xlabel="predicted", ylabel="true")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for edge in range(1, len(classes)):                          # white lines between the cells
        ax.axhline(edge - 0.5, color="white", linewidth=1.2)
        ax.axvline(edge - 0.5, color="white", linewidth=1.2)
