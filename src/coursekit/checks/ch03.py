"""Chapter 03's checks: positions, nails, indices, the gradient of bilinear interpolation."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, numbers, stages
from coursekit.upsample import bed_of_nails, bilinear, interpolation_matrix

MAP = torch.tensor([[[[1.0, 2.0, 4.0], [3.0, 5.0, 8.0]]]])
PLACES = torch.tensor([[[[1, 2], [3, 0]]]])


def source_position(answer: object) -> str | None:
    """Check `source_position(o, n_in, n_out, align_corners)` for a row of 4 enlarged to 8."""
    o = torch.arange(8.0)
    squares, points = (o + 0.5) / 2 - 0.5, o * 3 / 7

    def results(align_corners: bool) -> Tensor:
        cases = [(k, 4, 8, align_corners) for k in range(8)]
        return numbers(answer, cases, "pixel", "a number")

    return stages(
        lambda: likely(results(False), squares, {
            "that is the position for align_corners=True: swap the two.": points,
            "the middle is missing: output o has its middle at o + 1/2, and input 0 at 1/2.": o / 2,
            "the last 1/2 is missing: it is taken off again, since input 0 has its middle at 1/2.":
                (o + 0.5) / 2,
            "the scale is upside down: multiply by n_in / n_out.": (o + 0.5) * 2 - 0.5,
            "positions outside the input are moved to its border: leave that to the caller.":
                squares.clamp(0, 3),
            "that is rounded: positions lie between the pixels.": squares.round(),
        }, "4 pixels enlarged to 8, align_corners=False"),
        lambda: likely(results(True), points, {
            "right for False, but for True you return the same.": squares,
            "there are n - 1 steps between n points: divide n_in - 1 by n_out - 1.": o / 2,
            "there are n_out - 1 steps between the output's points, not n_out.": o * 3 / 8,
        }, "4 pixels enlarged to 8, align_corners=True"))


def nails_at_the_end(answer: object) -> str | None:
    """Check `nails_at_the_end(x, scale)`: values in the bottom right corners of their blocks."""
    right = bed_of_nails(MAP, 3).roll((2, 2), (2, 3))
    return likely(call(answer, MAP, 3), right, {
        "the values stand in the top left corners: that is the package's own bed of nails.":
            bed_of_nails(MAP, 3),
        "the values stand one row and one column from the top left: take the block's last, "
        "scale - 1.": bed_of_nails(MAP, 3).roll((1, 1), (2, 3)),
        "only the columns moved: the rows want the last place, too.":
            bed_of_nails(MAP, 3).roll(2, 3),
        "only the rows moved: the columns want the last place, too.":
            bed_of_nails(MAP, 3).roll(2, 2),
        "the map itself is turned round: flip nothing, start the steps later.":
            bed_of_nails(MAP, 3).flip(2, 3),
        "the values are repeated: all but one pixel of a block is zero.":
            MAP.repeat_interleave(3, 2).repeat_interleave(3, 3),
    }, "a map of 2 x 3 and scale 3")


def flat_indices(answer: object) -> str | None:
    """Check `flat_indices(places, width)`: row * W + column, for blocks of 2 x 2 and W = 5."""
    def flat(width: int, top: int = 2, left: int = 2, swap: bool = False) -> Tensor:
        down, across = (PLACES % 2, PLACES // 2) if swap else (PLACES // 2, PLACES % 2)
        rows, columns = torch.arange(2)[:, None] * top + down, torch.arange(2) * left + across
        return rows * width + columns

    got = call(answer, PLACES, 5)
    if isinstance(got, Tensor) and got.is_floating_point() and got.equal(flat(5).to(got)):
        return "the numbers are right, but indices are whole: divide with //, keep int64."
    return likely(got, flat(5), {
        "those are still places in a block: add where the block begins.": PLACES,
        "the width is taken for even: a row of the input has `width` pixels, 5 here, not 2 w.":
            flat(4),
        "a row has the pooled map's width there: multiply rows by the input's, `width`.": flat(2),
        "rows and columns of the place are swapped: place // 2 is the row in the block.":
            flat(5, swap=True),
        "the blocks begin at every pixel: they begin at every second one.": flat(5, 1, 1),
        "those count from 1: the first pixel has the index 0.": flat(5) + 1,
    }, "2 x 2 places and a width of 5")


def bilinear_backward(answer: object) -> str | None:
    """Check `bilinear_backward(gradient, size)`: the transposed matrices, from 4 x 5 to 2 x 3."""
    g = torch.arange(20.0).view(1, 1, 4, 5)
    rows, columns = interpolation_matrix(2, 4).float(), interpolation_matrix(3, 5).float()
    corners = [interpolation_matrix(*n, align_corners=True).float() for n in ((2, 4), (3, 5))]
    right = rows.T @ g @ columns
    return likely(call(answer, g, (2, 3)), right, {
        "that interpolates the gradient to the smaller size: a gradient goes back by the "
        "transposed matrix, which adds up.": bilinear(g, (2, 3)),
        "that is the gradient for align_corners=True.": corners[0].T @ g @ corners[1],
        "that is divided by the number of output pixels for an input pixel: the transpose adds, "
        "it does not average.": right * 6 / 20,
        "that picks single pixels: each output pixel sends its share to all its sources.":
            g[:, :, ::2, ::2],
    }, "a gradient of 4 x 5 and the size 2 x 3")


CHECKS = {
    "source-position": source_position,
    "nails-at-the-end": nails_at_the_end,
    "flat-indices": flat_indices,
    "bilinear-backward": bilinear_backward,
}
