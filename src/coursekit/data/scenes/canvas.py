"""The sheet a scene is painted on: colors and class ids, at twice the picture's resolution.

Painting at twice the size and averaging 2 x 2 at the end gives soft outlines; a pixel of the
picture belongs to a shape that covers at least two of its four sub-pixels.

Letters: H, W the canvas in sub-pixels. Positions are (x, y) in picture heights, y downward; the
ground is a level plane that meets the sky at y = `horizon`, which may lie above the picture.
"""

from dataclasses import dataclass

import numpy as np

GRASS, FLOOR, SKY = 4, 5, 6  # class ids of the stuff


@dataclass
class Canvas:
    """Planes (3, H, W) float32 of color, a map (H, W) uint8 of class ids, and the camera."""

    rgb: np.ndarray
    ids: np.ndarray
    horizon: float

    @classmethod
    def blank(cls, height: int, width: int, horizon: float) -> "Canvas":
        """An empty canvas for a picture of `height` x `width` pixels."""
        shape = (2 * height, 2 * width)
        return cls(np.zeros((3, *shape), np.float32), np.zeros(shape, np.uint8), horizon)

    @property
    def height(self) -> int:
        """H, in sub-pixels."""
        return self.ids.shape[0]

    @property
    def width(self) -> int:
        """W, in sub-pixels."""
        return self.ids.shape[1]

    @property
    def aspect(self) -> float:
        """Width over height: the right edge's x."""
        return self.width / self.height

    def grid(self, step: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Centres of every `step`-th cell: y as (H / step, 1) and x as (1, W / step), float32."""
        y = (np.arange(self.height // step, dtype=np.float32) + 0.5) * (step / self.height)
        x = (np.arange(self.width // step, dtype=np.float32) + 0.5) * (step / self.height)
        return y[:, None], x[None, :]

    def band(self, top: float, bottom: float) -> slice:
        """The rows from y = `top` to y = `bottom`, as far as they are on the canvas."""
        first = min(max(int(top * self.height), 0), self.height)
        return slice(first, max(first, min(int(bottom * self.height) + 1, self.height)))

    def paint(self, rows: slice, mask: np.ndarray, rgb: np.ndarray, ids: int = 0) -> None:
        """Lay `rgb` (3, h, W), or what broadcasts to it, over the masked part of some rows."""
        view = self.rgb[:, rows]
        np.copyto(view, np.broadcast_to(rgb, view.shape), where=mask, casting="same_kind")
        np.copyto(self.ids[rows], np.uint8(ids), where=mask)
