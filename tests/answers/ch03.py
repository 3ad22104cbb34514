"""Answers to chapter 03's exercises."""

import torch

from coursekit.upsample import bed_of_nails, bilinear, interpolation_matrix, nearest


def position(o, n_in, n_out, align_corners):
    return o * (n_in - 1) / (n_out - 1) if align_corners else (o + 0.5) * n_in / n_out - 0.5


def nails(x, scale, down=None, across=None):
    B, C, H, W = x.shape
    out = x.new_zeros(B, C, H * scale, W * scale)
    down, across = scale - 1 if down is None else down, scale - 1 if across is None else across
    out[:, :, down::scale, across::scale] = x
    return out


def flat(places, width, step=2):
    h, w = places.shape[2:]
    rows = torch.arange(h)[:, None] * step + places // 2
    return rows * width + torch.arange(w) * step + places % 2


def swapped(places, width):
    return flat(places % 2 * 2 + places // 2, width)


def backward(g, size, align_corners=False):
    rows = interpolation_matrix(size[0], g.shape[2], align_corners).to(g)
    return rows.T @ g @ interpolation_matrix(size[1], g.shape[3], align_corners).to(g)


RIGHT = {
    "source-position": position,
    "nails-at-the-end": nails,
    "flat-indices": flat,
    "bilinear-backward": backward,
}
WRONG = {
    "source-position": [
        (lambda o, i, n, a: position(o, i, n, not a), "swap the two"),
        (lambda o, i, n, a: o * i / n, "the middle is missing"),
        (lambda o, i, n, a: (o + 0.5) * i / n, "the last 1/2 is missing"),
        (lambda o, i, n, a: (o + 0.5) * n / i - 0.5, "upside down"),
        (lambda o, i, n, a: min(max(position(o, i, n, a), 0), i - 1), "leave that to the caller"),
        (lambda o, i, n, a: round(position(o, i, n, a)), "that is rounded"),
        (lambda o, i, n, a: position(o, i, n, False), "for True you return the same"),
        (lambda o, i, n, a: o * i / n if a else position(o, i, n, a), "n - 1 steps"),
        (lambda o, i, n, a: o * (i - 1) / n if a else position(o, i, n, a), "not n_out"),
        (lambda o, i, n, a: [o], "a number was expected for each pixel"),
    ],
    "nails-at-the-end": [
        (bed_of_nails, "the package's own"),
        (lambda x, s: nails(x, s, 1, 1), "take the block's last"),
        (lambda x, s: nails(x, s, 0), "only the columns moved"),
        (lambda x, s: nails(x, s, across=0), "only the rows moved"),
        (lambda x, s: bed_of_nails(x, s).flip(2, 3), "flip nothing"),
        (nearest, "the values are repeated"),
    ],
    "flat-indices": [
        (lambda p, w: p.clone(), "still places in a block"),
        (lambda p, w: flat(p, 2 * p.shape[3]), "taken for even"),
        (lambda p, w: flat(p, p.shape[3]), "the pooled map's width"),
        (swapped, "rows and columns of the place are swapped"),
        (lambda p, w: flat(p, w, step=1), "every second one"),
        (lambda p, w: flat(p, w) + 1, "count from 1"),
        (lambda p, w: flat(p, w).float(), "keep int64"),
    ],
    "bilinear-backward": [
        (lambda g, size: bilinear(g, size), "which adds up"),
        (lambda g, size: backward(g, size, True), "align_corners=True"),
        (lambda g, size: backward(g, size) * 0.3, "does not average"),
        (lambda g, size: g[:, :, ::2, ::2], "that picks single pixels"),
    ],
}
