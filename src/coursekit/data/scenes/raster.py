"""From solids to pixels: depth, normals and fur channels of a model, all parts at once.

Every part fills a box of pixels. The rows of all boxes stand end to end in one list, so that one
array operation serves all parts: for each entry (a part at a pixel) the closed form of solids.py
gives depth and normal. Entries of one pixel are then melted in the order of the parts, layer by
layer: layer 0 holds every pixel's first entry, layer 1 its second, and a layer meets each pixel
once. Pixels with many entries come first, so the pixels of a layer are the first few of all, and a
dozen layers replace some forty parts.

Letters: P parts, H W sprite rows and columns, R rows of boxes, M entries, n pixels of a layer.
"""
from dataclasses import dataclass

import numpy as np

from .camera import fur, outlines, round_parts
from .light import positive
from .solids import Matrix, Model

REACH = 0.018  # how far outside its outline a part still takes part in the melt, in body units
GROUP = 16_000  # entries worked on at once: small arrays stay in the cache


@dataclass
class Buffers:
    """What the camera sees."""

    depth: np.ndarray      # (H, W), toward the viewer
    inside: np.ndarray     # (H, W), distance inside the outline, negative outside
    channels: np.ndarray   # (H, W, 10): the normal, then PHASE ... FLOW_Y; stored plane by plane
    xs: np.ndarray         # (W,) view coordinates of the columns
    ys: np.ndarray         # (H,) of the rows
    scale: float           # pixels in one body unit


def rasterize(model: Model, view: Matrix, left: float, top: float, size: tuple[int, int],
              scale: float) -> Buffers:
    """Draw a model; the sprite's upper left corner lies at (left, top) of the view."""
    H, W = size
    xs = (left + (np.arange(W) + 0.5) / scale).astype(np.float32)
    ys = (top - (np.arange(H) + 0.5) / scale).astype(np.float32)
    boxes = _boxes(model, view, left, top, size, scale)
    blend = np.array([p.blend for p in model.parts], np.float32)
    table = np.concatenate((round_parts(model, view), blend[None], fur(model, view)))   # (37, P)
    ends = np.cumsum((boxes[1] - boxes[0]) * (boxes[3] - boxes[2])) // GROUP
    groups = [np.flatnonzero(ends == g) for g in range(int(ends[-1]) + 1)]
    pieces = [_surfaces(table[:, g], boxes[:, g], xs, ys) for g in groups]
    at, found = (np.concatenate(v, axis=-1) for v in zip(*pieces, strict=True))
    planes = _melt(at, found, H * W).reshape(12, H, W)
    return Buffers(planes[0], planes[1], planes[2:].transpose(1, 2, 0), xs, ys, scale)


def _boxes(model: Model, view: Matrix, left: float, top: float, size: tuple[int, int],
           scale: float) -> np.ndarray:
    """(4, P) integers: first row, last + 1, first column, last + 1 of the pixels of every part."""
    pad = REACH + 1 / scale
    x0, x1, y0, y1 = outlines(model, view)
    first = np.maximum(np.floor([(top - y1 - pad) * scale, (x0 - pad - left) * scale]), 0)
    last = np.ceil([(top - y0 + pad) * scale, (x1 + pad - left) * scale])
    last = np.maximum(np.minimum(last, np.array(size)[:, None]), first)
    return np.stack((first[0], last[0], first[1], last[1])).astype(np.int64)


def _surfaces(table: np.ndarray, boxes: np.ndarray, xs: np.ndarray,
              ys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the boxes' entries, those inside or nearly: flat pixel (M,) and what is there (14, M).

    That is: depth and distance inside, the width of the melt of each, and ten channels.
    """
    y0, y1, x0, x1 = boxes
    part = np.repeat(np.arange(len(y0)), y1 - y0)                        # (R,) whose row it is
    row = np.arange(len(part)) + (y0 - np.cumsum(y1 - y0) + (y1 - y0))[part]
    wide = (x1 - x0)[part]
    column = np.arange(int(np.add.reduce(wide)))                         # (M,)
    column += np.repeat(x0[part] - np.cumsum(wide) + wide, wide)
    x, y = xs.take(column), ys[row]
    downs = (table[k, part] * y for k in (14, 16, 18))                   # (R,) what y adds to each
    down = [np.repeat(v, wide) for v in downs]
    of = np.repeat(table, (y1 - y0) * (x1 - x0), axis=1)                 # (37, M)
    qx, qy, tilt = (of[k] * x + v for k, v in zip((13, 15, 17), down, strict=True))
    t, z, edge, normal = _surface(of, qx - of[0], qy - of[1], tilt)
    keep = np.flatnonzero(edge > -REACH)
    width = of[22], of[22] * np.float32(0.25)
    found = np.array((z, edge, *width, *normal, *of[23:30] + t * of[30:]))
    return (column + np.repeat(row * len(xs), wide)).take(keep), found.take(keep, axis=1)


def _surface(of: np.ndarray, qx: np.ndarray, qy: np.ndarray, tilt: np.ndarray) -> tuple:
    """Of entries at (qx, qy) in the round axes of their parts: t, depth, distance inside, normal.

    Args:
        of: (22 or more, M) the numbers of `camera.round_parts`.
        qx: (M,) offset from the near end, as is `qy`.
        qy: (M,)
        tilt: (M,) what the place in the view adds to the depth in round axes.
    """
    _, _, az, bx, by, bz, ra, dr, exact, inverse, steep, pull, end = of[:13]
    g00, g01, g10, g11, g20, g21, g22, inner, outer = of[13:22]
    alpha0 = ra * ra - (qx * qx + qy * qy)
    alpha1 = ra * dr + (qx * bx + qy * by)
    ratio = (alpha0 + alpha1 * alpha1 * inverse) * steep
    t = alpha1 * inverse + pull * np.sqrt(positive(ratio))
    steered = end < 9                                # cones that point at the viewer
    if steered.any():
        t = np.where((ratio > 0) | ~steered, t, end)
    t = np.clip(t, 0, 1)
    s = alpha0 + t * (2 * alpha1 - exact * t)
    edge = s * np.float32(0.5) / (ra + t * dr) * inner
    nx, ny, nz = qx - t * bx, qy - t * by, np.sqrt(positive(s))
    z = (az + t * bz + (nz - positive(-s) * outer) - tilt) / g22
    nx, ny, nz = g00 * nx + g10 * ny + g20 * nz, g01 * nx + g11 * ny + g21 * nz, g22 * nz
    size = np.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-6)
    return t, z, edge, (nx / size, ny / size, nz / size)


def _melt(at: np.ndarray, found: np.ndarray, pixels: int) -> np.ndarray:
    """Join the entries of each pixel by smooth maxima, in the order of the parts.

    Args:
        at: (M,) flat pixels.
        found: (14, M) of `_surfaces`.
        pixels: how many there are.
    Returns:
        (12, pixels): depth, distance inside, ten channels.
    """
    place, source, counts = _layers(at, pixels)
    found = found.take(source, axis=1)
    levels = np.full((2, counts[0]), -9, np.float32)
    channels = np.zeros((10, counts[0]), np.float32)
    end = 0
    for n in counts.tolist():
        new, end = found[:, end:end + n], end + n
        rise, width = new[:2] - levels[:, :n], new[2:4]
        share = np.clip(rise / (2 * width) + np.float32(0.5), 0, 1)
        levels[:, :n] += share * (rise + width * (1 - share))
        channels[:, :n] += share[0] * (new[4:] - channels[:, :n])
    out = np.zeros((12, pixels), np.float32)
    out[:2] = -9
    for plane, values in zip(out, (*levels, *channels), strict=True):
        plane[place] = values
    return out


def _layers(at: np.ndarray, pixels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort entries into layers.

    Returns:
        Flat pixels (n,), those with most entries first; entries (M,), layer after layer, each
        layer in the order of the pixels; and how many there are in each layer.
    """
    short = np.uint16 if pixels <= 65536 else np.int64       # short integers are sorted faster
    order = np.argsort(at.astype(short), kind="stable")
    count = np.bincount(at, minlength=pixels)
    rank = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
    counts = np.bincount(rank)
    fewer = (len(counts) - count).astype(np.uint16)
    place = np.argsort(fewer, kind="stable")[:counts[0]]
    position = np.zeros(pixels, np.int64)
    position[place] = np.arange(len(place))
    source = np.empty_like(order)
    source[(np.cumsum(counts) - counts)[rank] + np.repeat(position, count)] = order
    return place, source, counts
