"""Typical wrong answers to lab A, each with words of the check's hint."""

import math

import torch
import torch.nn.functional as F


def at(m, n, rule):
    return torch.tensor([rule(o, n, m) for o in range(m)])


def middle(o, n, m):
    return int((o + 0.5) * n / m)


def edge(o, n, m):
    return int(o * n / m)


def take(x, size, rule):
    rows, columns = at(size[0], x.shape[2], rule), at(size[1], x.shape[3], rule)
    return x[:, :, rows][:, :, :, columns]


def give_back(g, size, rule=middle, accumulate=True):
    rows, columns = at(g.shape[2], size[0], rule), at(g.shape[3], size[1], rule)
    out = g.new_zeros(*g.shape[:2], *size)
    for i, row in enumerate(rows.tolist()):
        for j, column in enumerate(columns.tolist()):
            if not accumulate:
                out[:, :, row, column] = 0
            out[:, :, row, column] += g[:, :, i, j]
    return out


def bilinear_back(g, size):
    x = g.new_zeros(*g.shape[:2], *size).requires_grad_()
    F.interpolate(x, g.shape[2:], mode="bilinear").backward(g)
    return x.grad


def tent(n, by, border=False):
    i = torch.arange(float(n))
    place = (i - by).clamp(0, n - 1) if border else i - by
    return (1 - (place[:, None] - i).abs()).clamp(min=0)


def move(x, down, right, border=(False, False)):
    return tent(x.shape[2], down, border[0]) @ x @ tent(x.shape[3], right, border[1]).T


def rolled(x, down, right):
    for axis, by in ((2, down), (3, right)):
        whole, part = math.floor(by), by - math.floor(by)
        x = (1 - part) * x.roll(whole, axis) + part * x.roll(whole + 1, axis)
    return x


def swapped_weights(by):
    return math.floor(by) + 1 - (by - math.floor(by)) if by != math.floor(by) else by


def cut(n, by):
    whole, part = int(by), by - int(by)
    return (1 - part) * tent(n, whole) + part * tent(n, whole + 1)


def put(x, indices, size, reduce="sum"):
    B, C = x.shape[:2]
    out = x.new_zeros(B, C, size[0] * size[1])
    return out.scatter_reduce(2, indices.flatten(2), x.flatten(2), reduce,
                              include_self=False).view(B, C, *size)


def one_by_one(x, indices, size, backwards=False):
    out = x.new_zeros(*x.shape[:2], size[0] * size[1])
    flat, places = x.flatten(2), indices.flatten(2)
    for k in sorted(range(flat.shape[2]), reverse=backwards):
        out.scatter_(2, places[:, :, k:k + 1], flat[:, :, k:k + 1])
    return out.view(*x.shape[:2], *size)


def first_plane(x, indices, size):
    out = x.new_zeros(x.shape[0] * x.shape[1] * size[0] * size[1])
    return out.index_add(0, indices.flatten(), x.flatten()).view(*x.shape[:2], *size)


def length(n, k, s=1, p=0, a=0, d=1):
    return (n - 1) * s + d * (k - 1) + 1 - 2 * p + a


def stamped(x, weight, stride=1, dilation=1, adds=True):
    n, k = x.shape[1], weight.shape[2]
    out = x.new_zeros(weight.shape[1], length(n, k, stride, d=dilation))
    for i in range(n):
        for j in range(k):
            here = i * stride + j * dilation
            out[:, here] = x[:, i] @ weight[:, :, j] + (out[:, here] if adds else 0)
    return out


def combined(kernel, scale, pixels=None):
    k = len(kernel)
    out = kernel.new_zeros(k + scale - 1, k + scale - 1)
    for i, j in pixels or [(i, j) for i in range(scale) for j in range(scale)]:
        out[i:i + k, j:j + k] += kernel
    return out


def replaced(kernel, scale):
    k, out = len(kernel), kernel.new_zeros(len(kernel) + scale - 1, len(kernel) + scale - 1)
    for i in range(scale):
        for j in range(scale):
            out[i:i + k, j:j + k] = kernel.flip(0, 1)
    return out


WRONG = {
    "A.nearest": [
        (lambda x, size: take(x, size, edge), "the middle is missing"),
        (lambda x, size: take(x, size[::-1], middle), "rows and columns are swapped"),
        (lambda x, size: take(x, size, lambda o, n, m: round(o * (n - 1) / (m - 1))),
         "keeps the corners in place"),
        (lambda x, size: take(x, size, lambda o, n, m: o // -(-m // n)), "repeated equally often"),
        (lambda x, size: take(x, size, lambda o, n, m: max(0, math.floor((o + 0.5) * n / m - 0.5))),
         "half a pixel too far to the left"),
        (lambda x, size: F.interpolate(x, size, mode="bilinear"), "those values are mixed"),
        (lambda x, size: take(x, size, lambda o, n, m: round((o + 0.5) * n / m)), "raised"),
    ],
    "A.nearest_backward": [
        (lambda g, size: give_back(g, size, accumulate=False), "only the last one's gradient"),
        (lambda g, size: give_back(g, size) / give_back(torch.ones_like(g), size).clamp(min=1),
         "the mean of the copies' gradients"),
        (lambda g, size: take(g, size, middle), "as if it were a map"),
        (lambda g, size: give_back(g, size, edge), "without the + 1/2"),
        (lambda g, size: give_back(g, size) * (size[0] * size[1] / g[0, 0].numel()),
         "nothing is divided"),
        (lambda g, size: give_back(g, size[::-1]), "rows and columns are swapped"),
        (bilinear_back, "the gradient of bilinear"),
    ],
    "A.shift": [
        (lambda x, down, right: move(x, -down, -right), "it moved to the left"),
        (lambda x, down, right: move(x, right, down), "`down` is for rows"),
        (rolled, "comes in on the other"),
        (lambda x, down, right: move(x, down, right, (True, True)), "the border is repeated"),
        (lambda x, down, right: move(x, swapped_weights(down), swapped_weights(right)),
         "the two weights are swapped"),
        (lambda x, down, right: move(x, round(down), round(right)), "rounded to whole pixels"),
        (lambda x, down, right: move(x, down % 1, right % 1), "by a quarter only"),
        (lambda x, down, right: move(x, -down, right), "1.25 down moved it up"),
        (lambda x, down, right: move(x, down, right, (True, False)), "rows that come in repeat"),
        (lambda x, down, right: cut(x.shape[2], down) @ x @ cut(x.shape[3], right).T,
         "take the floor"),
        (lambda x, down, right: move(x, abs(down), abs(right)), "without its sign"),
        (lambda x, down, right: move(x, max(down, 0), max(right, 0)), "nothing moves"),
    ],
    "A.unpool": [
        (one_by_one, "the last replaces the others"),
        (lambda x, i, size: one_by_one(x, i, size, backwards=True), "only the first is kept"),
        (lambda x, i, size: put(x, i, size, "amax"), "the greatest is kept"),
        (lambda x, i, size: put(x, i, size, "mean"), "their mean is kept"),
        (lambda x, i, size: put(x, i, size[::-1]).mT, "read as column * H + row"),
        (first_plane, "went to the first channel"),
        (lambda x, i, size: put(x, i, size[::-1]), "rows and columns are swapped"),
    ],
    "A.upsampled_size": [
        (lambda n, k, s=1, p=0, a=0, d=1: length(n, k, s, p, a), "the dilation is missing"),
        (lambda n, k, s=1, p=0, a=0, d=1: length(n, k, s, p, a, d) + d - 1, "not d k"),
        (lambda n, k, s=1, p=0, a=0, d=1: length(n + 1, k, s, p, a, d), "n - 1 steps"),
        (lambda n, k, s=1, p=0, a=0, d=1: length(n, k, s, p, a, d) + p, "from both sides"),
        (lambda n, k, s=1, p=0, a=0, d=1: length(n, k, s, -p, a, d), "subtract it"),
        (lambda n, k, s=1, p=0, a=0, d=1: length(n, k, s, p, 0, d), "output padding is missing"),
        (lambda n, k, s=1, p=0, a=0, d=1: (n + 2 * p - d * (k - 1) - 1) // s + 1,
         "a convolution's output"),
    ],
    "A.stamp": [
        (lambda x, w, s=1, d=1: stamped(x, w, s, d, adds=False), "a stamp replaces"),
        (lambda x, w, s=1, d=1: stamped(x, w.flip(2), s, d), "the kernel is turned"),
        (lambda x, w, s=1, d=1: stamped(x, w, 1, d), "stand 1 apart"),
        (lambda x, w, s=1, d=1: stamped(x, w, s, d)[:, :x.shape[1] * s], "cut to n * stride"),
        (lambda x, w, s=1, d=1: stamped(x, w, d, s), "the stride spreads the kernel"),
        (lambda x, w, s=1, d=1: stamped(x[:1], w[:1], s, d), "only the first one's stamps"),
        (lambda x, w, s=1, d=1: stamped(x, w.transpose(0, 1), s, d), "inputs first"),
        (lambda x, w, s=1, d=1: stamped(x, w, s, d) / len(x), "the mean of the channels' stamps"),
        (lambda x, w, s=1, d=1: stamped(x, w, s), "the dilation is missing"),
        (lambda x, w, s=1, d=1: stamped(x, w, s, d + (d > 1)), "leaves one pixel between"),
        (lambda x, w, s=1, d=1: stamped(x, w, s * d), "the dilation spreads the stamps"),
    ],
    "A.merged": [
        (combined, "not turned round"),
        (lambda kernel, scale: combined(kernel.flip(0), scale), "only the rows"),
        (lambda kernel, scale: combined(kernel.flip(1), scale), "only the columns"),
        (lambda kernel, scale: combined(kernel.flip(0, 1), scale) / scale ** 2,
         "each of them has the whole value"),
        (lambda kernel, scale: kernel.flip(0, 1).repeat_interleave(scale, 0).repeat_interleave(
            scale, 1), "the kernel itself is enlarged"),
        (lambda kernel, scale: combined(kernel.flip(0, 1), scale, [(i, i) for i in range(scale)]),
         "only those on the diagonal"),
        (replaced, "stamps add"),
    ],
}
