"""Lab A's checks, continued: shared places, lengths, stamps with gaps, two steps in one kernel."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, numbers, stages

POOLED = torch.tensor([[[[1.0, 10, 3], [4, 5, 2]], [[6, 7, 8], [9, 11, 12]]]])
PLACES = torch.tensor([[[[16, 16, 4], [16, 18, 18]], [[0, 2, 6], [14, 32, 34]]]])   # in 5 x 7
SIZES = [(4, 3, 2, 0, 0, 2), (5, 4, 3, 1, 2, 1), (7, 3, 2, 2, 1, 3), (1, 5, 4, 1, 0, 2)]
SQUARE = torch.arange(1.0, 10.0).view(3, 3)


def unpool(answer: object) -> str | None:
    """Check `unpool(x, indices, size)` for windows of 3 with stride 2 on a map of 5 x 7."""
    def put(reduce: str) -> Tensor:
        return torch.zeros(1, 2, 35).scatter_reduce(
            2, PLACES.flatten(2), POOLED.flatten(2), reduce, include_self=False)

    right, last = put("sum"), torch.zeros(1, 2, 35)
    first, plane = last.clone(), last.clone().flatten()
    for k in range(6):
        for c in range(2):
            last[0, c, PLACES[0, c].flatten()[k]] = POOLED[0, c].flatten()[k]
            first[0, c, PLACES[0, c].flatten()[5 - k]] = POOLED[0, c].flatten()[5 - k]
    plane.index_add_(0, PLACES.flatten(), POOLED.flatten())
    return likely(call(answer, POOLED, PLACES, (5, 7)), right.view(1, 2, 5, 7), {
        "where two values have one place, the last replaces the others: add them.":
            last.view(1, 2, 5, 7),
        "where two values have one place, only the first is kept: add them.":
            first.view(1, 2, 5, 7),
        "where two values have one place, the greatest is kept: add them.":
            put("amax").view(1, 2, 5, 7),
        "where two values have one place, their mean is kept: add them.":
            put("mean").view(1, 2, 5, 7),
        "the indices are read as column * H + row: they are row * W + column.":
            right.view(1, 2, 7, 5).mT,
        "all values went to the first channel: an index counts within its own plane.":
            plane.view(1, 2, 5, 7),
        "the size is (H, W): rows and columns are swapped.": right.view(1, 2, 7, 5),
    }, "values of 2 x 3 in two channels and the size 5 x 7")


def upsampled_size(answer: object) -> str | None:
    """Check `upsampled_size`: (n - 1) s + d (k - 1) + 1 - 2 p + a."""
    def table(formula: object) -> Tensor:
        return torch.tensor([float(formula(*case)) for case in SIZES])

    right = table(lambda n, k, s, p, a, d: (n - 1) * s + d * (k - 1) + 1 - 2 * p + a)
    return likely(numbers(answer, SIZES, "case"), right, {
        "the dilation is missing: a kernel reaches over d (k - 1) + 1 pixels.":
            table(lambda n, k, s, p, a, d: (n - 1) * s + k - 2 * p + a),
        "k numbers that stand d apart reach over d (k - 1) + 1 pixels, not d k.":
            table(lambda n, k, s, p, a, d: (n - 1) * s + d * k - 2 * p + a),
        "between n stamps there are n - 1 steps of the stride.":
            table(lambda n, k, s, p, a, d: n * s + d * (k - 1) + 1 - 2 * p + a),
        "the padding is cut from both sides: 2 p.":
            table(lambda n, k, s, p, a, d: (n - 1) * s + d * (k - 1) + 1 - p + a),
        "the padding is cut from the result: subtract it.":
            table(lambda n, k, s, p, a, d: (n - 1) * s + d * (k - 1) + 1 + 2 * p + a),
        "the output padding is missing.":
            table(lambda n, k, s, p, a, d: (n - 1) * s + d * (k - 1) + 1 - 2 * p),
        "that is the length of a convolution's output: its transpose goes the other way.":
            table(lambda n, k, s, p, a, d: (n + 2 * p - d * (k - 1) - 1) // s + 1),
    }, "(n, kernel, stride, padding, output_padding, dilation) of "
       + ", ".join(map(str, SIZES)))


def stamps(x: Tensor, weight: Tensor, stride: int, dilation: int, adds: bool = True) -> Tensor:
    """Stamps along a row, added; or each replacing what was there."""
    reach = dilation * (weight.shape[2] - 1) + 1
    out = torch.zeros(weight.shape[1], (x.shape[1] - 1) * stride + reach)
    for i in range(x.shape[1]):
        part = out[:, i * stride:i * stride + reach:dilation]
        part.copy_(torch.einsum("c,cok->ok", x[:, i], weight) + part * adds)
    return out


def stamp(answer: object) -> str | None:
    """Check `stamp(x, weight, stride, dilation)`: overlaps, then channels, then gaps."""
    row, kernel = torch.tensor([[1.0, 10.0, 100.0]]), torch.tensor([[[1.0, 2.0, 3.0]]])
    x, weight = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.arange(1.0, 13.0).view(2, 2, 3)
    plain = stamps(row, kernel, 2, 1)
    return stages(
        lambda: likely(call(answer, row, kernel, 2, 1), plain, {
            "a stamp replaces what was there: stamps add where they meet.":
                stamps(row, kernel, 2, 1, adds=False),
            "the kernel is turned: a stamp is the kernel as it is.":
                stamps(row, kernel.flip(2), 2, 1),
            "the stamps stand 1 apart: they begin `stride` apart.": stamps(row, kernel, 1, 1),
            "the row is cut to n * stride pixels: the last stamp reaches beyond.": plain[:, :6],
            "the stride spreads the kernel: it spreads the stamps.": stamps(row, kernel, 1, 2),
        }, "the row 1 10 100, the kernel 1 2 3, stride 2"),
        lambda: likely(call(answer, x, weight, 1, 1), stamps(x, weight, 1, 1), {
            "right for one channel; of several, only the first one's stamps are there.":
                stamps(x[:1], weight[:1], 1, 1),
            "right for one channel; the kernel is (C_in, C_out, k), inputs first.":
                stamps(x, weight.transpose(0, 1), 1, 1),
            "right for one channel; the mean of the channels' stamps is there: their sum is asked.":
                stamps(x, weight, 1, 1) / 2,
        }, "two channels in, two out"),
        lambda: likely(call(answer, x, weight, 1, 2), stamps(x, weight, 1, 2), {
            "right without gaps; the dilation is missing: the numbers of a stamp stand `dilation` "
            "apart.": stamps(x, weight, 1, 1),
            "right without gaps; dilation 2 means 2 apart, which leaves one pixel between.":
                stamps(x, weight, 1, 3),
            "right without gaps; the dilation spreads the stamps: it spreads the numbers of each.":
                stamps(x, weight, 2, 1),
        }, "stride 1 and dilation 2"))


def blocks(kernel: Tensor, scale: int) -> Tensor:
    """The kernel, stamped by each pixel of a block of ones."""
    k = len(kernel)
    out = torch.zeros(k + scale - 1, k + scale - 1)
    for i in range(scale):
        for j in range(scale):
            out[i:i + k, j:j + k] += kernel
    return out


def merged(answer: object) -> str | None:
    """Check `merged(kernel, scale)` for the numbers 1 to 9 and scale 2."""
    right = blocks(SQUARE.flip(0, 1), 2)
    turned, diagonal, last = SQUARE.flip(0, 1), torch.zeros(4, 4), torch.zeros(4, 4)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        last[i:i + 3, j:j + 3] = turned
    diagonal[:3, :3] += turned
    diagonal[1:, 1:] += turned
    return likely(call(answer, SQUARE, 2), right, {
        "the kernel is not turned round: a convolution reads it the other way than a stamp writes.":
            blocks(SQUARE, 2),
        "only the rows are turned round: the columns, too.": blocks(SQUARE.flip(0), 2),
        "only the columns are turned round: the rows, too.": blocks(SQUARE.flip(1), 2),
        "that is divided by the number of a block's pixels: each of them has the whole value.":
            right / 4,
        "the kernel itself is enlarged: it is the block's pixels that stamp it, one apart.":
            turned.repeat_interleave(2, 0).repeat_interleave(2, 1),
        "of the block's pixels, only those on the diagonal stamp: all scale x scale do.": diagonal,
        "a stamp replaces what was there: stamps add.": last,
    }, "the kernel 1 to 9 and scale 2")


CHECKS = {f"A.{judge.__name__}": judge for judge in (unpool, upsampled_size, stamp, merged)}
