"""Pictures: images with boxes and masks, maps of classes; curves and tables come from `charts`.

Every function takes axes (or makes some) and returns them; it decides nothing about files or
layout, and what it drew can be changed with plain matplotlib. The pixel in row i and column j
covers x from j to j + 1 and y from i to i + 1, as the course's boxes count (matplotlib alone would
put the pixel's center at (j, i), and every box half a pixel off).

Color is never the only carrier of meaning: boxes and masks bear a label or their number, a map of
classes bears the numbers of its legend, void is hatched.

Letters: H height and W width of the image, N boxes or masks.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from coursekit.boxes import check_boxes
from coursekit.charts import show_curve, show_grid, show_matrix
from coursekit.picture_input import VOID, check_same_size, ids_of, labels_of, pixels_of, planes_of
from coursekit.style import CLASS_COLORS, PALETTE, STYLE, text_on, use_style

__all__ = ["CLASS_COLORS", "PALETTE", "STYLE", "row", "show_boxes", "show_curve", "show_grid",
           "show_image", "show_masks", "show_matrix", "show_semantic", "use_style"]


def row(n: int, *, width: float = 9, aspect: float = 1.0, foot: float = 0.0) -> np.ndarray:
    """Axes side by side in one new figure, ready to unpack.

    Args:
        n: how many, at least 1; for two, write `left, right = row(2)`.
        width: of the whole figure, in inches.
        aspect: height of the pictures to come, divided by their width.
        foot: room below them, in inches: 0.65 for the legends of `show_semantic`.
    Returns:
        (n,) array of axes.
    Raises:
        ValueError: n below 1.
    """
    if n < 1:
        raise ValueError(f"n: got {n}, but at least 1 was expected. Pass the number of pictures.")
    size = (width, width / n * aspect + 0.3 + foot)              # 0.3 inches for the titles
    return plt.subplots(1, n, figsize=size, squeeze=False, layout="constrained")[1][0]


def show_image(image: Tensor, *, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw an image without ticks or frame.

    Args:
        image: (3, H, W) or (1, H, W), floats in [0, 1] or bytes.
        ax: where to draw; new axes if None.
        title: a line above it.
    Returns:
        The axes; x from 0 to W, y from 0 at the top to H.
    Raises:
        ValueError: another shape, or a value outside [0, 1].
        TypeError: not a tensor of floats or bytes.
    """
    return _canvas(pixels_of(image), ax, title)


def show_boxes(image: Tensor, boxes: Tensor, labels: Sequence[str] | None = None, *,
               ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw boxes over an image, each with its label, or else its number.

    A label whose first word is a class ('dog', 'dog 0.93') gives the box that class's color; any
    other box takes the next color of the palette.

    Args:
        image: (3, H, W), as for `show_image`.
        boxes: (N, 4), xyxy, in pixels.
        labels: N strings, "" for no label; None numbers the boxes from 0.
        ax: where to draw; new axes if None.
        title: a line above it.
    Returns:
        The axes.
    Raises:
        ValueError: what `show_image` and `check_boxes` refuse, or another number of labels.
        TypeError: likewise.
    """
    check_boxes(boxes, "boxes")
    names = labels_of(labels, len(boxes))
    ax = show_image(image, ax=ax, title=title)
    halo = [withStroke(linewidth=3.4, foreground="white")]
    height, width = image.shape[-2:]
    for i, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        color = CLASS_COLORS.get(names[i].split(" ")[0], PALETTE[i % len(PALETTE)])
        ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=color,
                               linewidth=1.8, path_effects=halo, joinstyle="miter"))
        # The label stands above the box's left corner, or wherever else the image has room for it.
        x, side = (x1, "left") if x1 < 0.75 * width else (x2, "right")
        _tag(ax, x, y1, names[i], color, ha=side, va="bottom" if y1 > 0.09 * height else "top")
    return ax


def show_masks(image: Tensor, masks: Tensor, labels: Sequence[str] | None = None, *,
               ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw masks over an image: a veil of color, an outline along the pixels' edges, a label.

    Every instance has a color of its own, whatever its class; a mask without a pixel is not drawn.

    Args:
        image: (3, H, W), as for `show_image`.
        masks: (N, H, W) bool.
        labels: N strings, "" for no label; None numbers the masks from 0.
        ax: where to draw; new axes if None.
        title: a line above it.
    Returns:
        The axes.
    Raises:
        ValueError: what `show_image` refuses, another shape, or another number of labels.
        TypeError: masks that are not bool.
    """
    pixels, planes = pixels_of(image), planes_of(masks, image)
    names = labels_of(labels, len(planes))
    colors = [PALETTE[i % len(PALETTE)] for i in range(len(planes))]
    for plane, color in zip(planes, colors, strict=True):
        pixels[plane] = (pixels[plane] + to_rgb(color)) / 2
    ax = _canvas(pixels, ax, title)
    for plane, color in zip(planes, colors, strict=True):
        for paint, width in (("white", 2.6), (color, 1.3)):
            ax.add_collection(LineCollection(_edges(plane), colors=paint, linewidths=width,
                                             capstyle="projecting"), autolim=False)
    for plane, name, color in zip(planes, names, colors, strict=True):
        if plane.any():
            x, y = _heart(plane)
            sixth = min(int(6 * x / plane.shape[1]), 5)      # near the border it grows inward
            side = {0: "left", 5: "right"}.get(sixth, "center")
            _tag(ax, x, y, name, color, ha=side, va="center")
    return ax


def show_semantic(semantic: Tensor, *, image: Tensor | None = None,
                  classes: Sequence[str] = tuple(CLASS_COLORS), ax: Axes | None = None,
                  title: str | None = None, legend: bool = True) -> Axes:
    """Draw a map of class ids; a number in each class's roomiest region leads to the legend.

    Args:
        semantic: (H, W) ids in [0, K), or 255 for void, which is drawn hatched.
        image: (3, H, W) to lay the map over, as for `show_image`; None draws the map alone.
        classes: the K classes' names; one not in CLASS_COLORS takes a color of the palette.
        ax: where to draw; new axes if None.
        title: a line above it.
        legend: whether to draw the numbers, and below the map what they stand for.
    Returns:
        The axes.
    Raises:
        ValueError: another shape, an id outside the classes, or what `show_image` refuses.
        TypeError: not a tensor of whole ids.
    """
    ids = ids_of(semantic, len(classes))
    colors = [CLASS_COLORS.get(name, PALETTE[k % len(PALETTE)]) for k, name in enumerate(classes)]
    table = np.ones((256, 3))                                    # void and the unused ids: white
    table[:len(colors)] = [to_rgb(color) for color in colors]
    painted = table[ids]                                         # (H, W, 3)
    if image is not None:
        under = pixels_of(image)
        check_same_size("semantic", ids.shape, image)
        painted = np.where((ids == VOID)[..., None], 1, 0.35 * under + 0.65 * painted)
    ax = _canvas(painted, ax, title)
    _hatch(ax, ids == VOID)
    if legend:
        _legend(ax, ids, classes, colors)
    return ax


def _legend(ax: Axes, ids: np.ndarray, classes: Sequence[str], colors: list[str]) -> None:
    """Number the classes that are present, in the map and below it."""
    handles = []
    for k in np.unique(ids[ids != VOID]):
        _tag(ax, *_heart(ids == k), str(k), colors[k], ha="center", va="center")
        handles.append(Patch(facecolor=colors[k], label=f"{k} {classes[k]}"))
    if (ids == VOID).any():
        handles.append(Patch(facecolor="white", edgecolor="#9AA1AB", hatch="/////", label="void"))
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 0), ncols=3, fontsize=7.5,
              borderpad=0, borderaxespad=0.6, handlelength=1, handleheight=0.9, handletextpad=0.5,
              columnspacing=0.9, labelspacing=0.35, frameon=False)


def _hatch(ax: Axes, void: np.ndarray) -> None:
    if void.any():
        framed = np.pad(void, 1).astype(float)
        x, y = np.arange(framed.shape[1]) - 0.5, np.arange(framed.shape[0]) - 0.5
        ax.contourf(x, y, framed, levels=[0.5, 1.5], colors="none", hatches=["/////"])


def _canvas(pixels: np.ndarray, ax: Axes | None, title: str | None) -> Axes:
    """(H, W, 3) onto bare axes whose units are pixels."""
    ax = ax or plt.subplots(figsize=(5, 5 * pixels.shape[0] / pixels.shape[1] + 0.3))[1]
    few = max(pixels.shape[:2]) <= 200     # drawn larger than it is: every pixel a sharp square
    ax.imshow(pixels, extent=(0, pixels.shape[1], pixels.shape[0], 0),
              interpolation="nearest" if few else "auto")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    if title is not None:
        ax.set_title(title)
    return ax


def _tag(ax: Axes, x: float, y: float, text: str, color: str, **where: str) -> None:
    if not text:                                                 # an empty label asks for none
        return
    ax.text(x, y, text, color=text_on(color), fontsize=8, fontweight="bold", clip_on=True, **where,
            bbox={"facecolor": color, "edgecolor": "white", "linewidth": 0.7, "pad": 1.6})


def _heart(plane: np.ndarray) -> tuple[float, float]:
    """(x, y) of the pixel deepest inside the mask, which its centroid need not be."""
    depth = distance_transform_edt(np.pad(plane, 1))[1:-1, 1:-1]
    i, j = np.unravel_index(depth.argmax(), depth.shape)
    return j + 0.5, i + 0.5


def _edges(plane: np.ndarray) -> np.ndarray:
    """(E, 2, 2): the pixel sides between the mask and the rest, as segments of two (x, y) ends."""
    framed = np.pad(plane, 1)
    i, j = np.nonzero(framed[1:, 1:-1] != framed[:-1, 1:-1])     # above pixel (i, j)
    across = np.stack([np.stack([j, i], 1), np.stack([j + 1, i], 1)], 1)
    i, j = np.nonzero(framed[1:-1, 1:] != framed[1:-1, :-1])     # left of pixel (i, j)
    down = np.stack([np.stack([j, i], 1), np.stack([j, i + 1], 1)], 1)
    return np.concatenate([across, down])
