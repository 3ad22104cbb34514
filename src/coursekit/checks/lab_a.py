"""Lab A's checks: positions and their way back, shifts; the others are in `lab_a_stamps`."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.checks import lab_a_stamps
from coursekit.checks.compare import call, likely, stages

MAP = torch.arange(1.0, 16.0).view(1, 1, 3, 5).sqrt()        # no value is the mean of others
GRADIENT = torch.arange(40.0).view(1, 1, 5, 8)
PAIR = torch.tensor([[[[4.0, 8.0, 0.0], [16.0, 0.0, 8.0]]]])
Rule = Callable[[Tensor, int, int], Tensor]


def exact(o: Tensor, n: int, m: int) -> Tensor:
    """The input pixel under the middle of each of m output pixels."""
    return ((o + 0.5) * n / m).long()


def from_corner(o: Tensor, n: int, m: int) -> Tensor:
    """The input pixel under the left edge of each of m output pixels."""
    return (o * n / m).long()


def taken(x: Tensor, size: tuple[int, int], rule: Rule) -> Tensor:
    """The pixels that a rule takes for each output pixel."""
    rows, columns = (rule(torch.arange(float(m)), n, m) for n, m in zip(
        x.shape[2:], size, strict=True))
    return x[:, :, rows][:, :, :, columns]


def returned(g: Tensor, size: tuple[int, int], rule: Rule, sums: bool = True) -> Tensor:
    """The transpose of `taken`; without `sums`, of several values the last stays."""
    rows, columns = (rule(torch.arange(float(m)), n, m) for m, n in zip(
        g.shape[2:], size, strict=True))
    out = g.new_zeros(*g.shape[:2], *size)
    for i, row in enumerate(rows.tolist()):
        for j, column in enumerate(columns.tolist()):
            out[:, :, row, column] = g[:, :, i, j] + (out[:, :, row, column] if sums else 0)
    return out


def nearest(answer: object) -> str | None:
    """Check `nearest(x, size)` for a map of 3 x 5 and the size 5 x 8."""
    size = (5, 8)
    return likely(call(answer, MAP, size), taken(MAP, size, exact), {
        "the middle is missing: output o has its middle at o + 1/2.": taken(MAP, size, from_corner),
        "the size is (height, width): rows and columns are swapped.": taken(MAP, (8, 5), exact),
        "that keeps the corners in place: cells of width 1 are asked for.":
            taken(MAP, size, lambda o, n, m: (o * (n - 1) / (m - 1)).round().long()),
        "each pixel is repeated equally often: 3 pixels are shared out among 5, 5 among 8.":
            taken(MAP, size, lambda o, n, m: (o // -(-m // n)).long()),
        "that is half a pixel too far to the left: take the cell in which the place lies, "
        "without - 1/2.": taken(MAP, size, lambda o, n, m: (
            (o + 0.5) * n / m - 0.5).floor().clamp(min=0).long()),
        "those values are mixed: nearest neighbour copies.": F.interpolate(MAP, size,
                                                                           mode="bilinear"),
    }, "a map of 3 x 5 and the size 5 x 8")


def nearest_backward(answer: object) -> str | None:
    """Check `nearest_backward(g, size)` for a gradient of 5 x 8 and the size 3 x 5."""
    size = (3, 5)
    right = returned(GRADIENT, size, exact)
    x = torch.zeros(1, 1, *size, requires_grad=True)
    F.interpolate(x, GRADIENT.shape[2:], mode="bilinear").backward(GRADIENT)
    return likely(call(answer, GRADIENT, size), right, {
        "of several copies only the last one's gradient is kept: they add up.":
            returned(GRADIENT, size, exact, sums=False),
        "that is the mean of the copies' gradients: they add up.":
            right / returned(torch.ones_like(GRADIENT), size, exact),
        "that enlarges or shrinks g as if it were a map: each output pixel sends its gradient to "
        "the input pixel that it was copied from.": taken(GRADIENT, size, exact),
        "the middle is missing: those are the positions o n / m, without the + 1/2.":
            returned(GRADIENT, size, from_corner),
        "that is divided by the number of output pixels for an input pixel: nothing is divided.":
            right * 15 / 40,
        "the size is (H, W): rows and columns are swapped.": returned(GRADIENT, (5, 3), exact),
        "that is the gradient of bilinear interpolation.": x.grad,
    }, "a gradient of 5 x 8 and the size 3 x 5")


def hat(n: int, by: float, zeros: bool = True) -> Tensor:
    """Linear weights of a shift, (n, n): output, input; without zeros the border is repeated."""
    i = torch.arange(float(n))
    at = i - by if zeros else (i - by).clamp(0, n - 1)
    return (1 - (at[:, None] - i).abs()).clamp(min=0)


def shifted(x: Tensor, down: float, right: float, zeros: bool = True) -> Tensor:
    """A map moved; see `hat`."""
    return hat(x.shape[2], down, zeros) @ x @ hat(x.shape[3], right, zeros).T


def shift(answer: object) -> str | None:
    """Check `shift(x, down, right)`: by a quarter, by more than a row, then to the left and up."""
    left = shifted(PAIR, -0.25, -1.5)
    rows, columns = (hat(n, whole) * (1 - part) + hat(n, whole + 1) * part       # int(), its rest
                     for n, whole, part in ((2, 0, -0.25), (3, -1, -0.5)))
    return stages(
        lambda: likely(call(answer, PAIR, 0.0, 0.25), shifted(PAIR, 0, 0.25), {
            "it moved to the left: column c shows what was at c - right.": shifted(PAIR, 0, -0.25),
            "it moved down: `down` is for rows, `right` for columns.": shifted(PAIR, 0.25, 0),
            "what leaves on one side comes in on the other: zeros come in.":
                0.75 * PAIR + 0.25 * PAIR.roll(1, 3),
            "the border is repeated: outside is 0.": shifted(PAIR, 0, 0.25, zeros=False),
            "the two weights are swapped: the nearer pixel has the greater one.":
                shifted(PAIR, 0, 0.75),
            "that is rounded to whole pixels: mix the two pixels around the place.": PAIR,
        }, "a map of 2 x 3 and a quarter to the right"),
        lambda: likely(call(answer, PAIR, 1.25, 0.0), shifted(PAIR, 1.25, 0), {
            "right for less than a pixel, but 1.25 moved it by a quarter only.":
                shifted(PAIR, 0.25, 0),
            "right to the right, but 1.25 down moved it up.": shifted(PAIR, -1.25, 0),
            "right for columns, but rows that come in repeat the border: outside is 0.":
                shifted(PAIR, 1.25, 0, zeros=False),
        }, "a map of 2 x 3 and 1.25 down"),
        lambda: likely(call(answer, PAIR, -0.25, -1.5, rare="right down and to the right, but "
                            "both numbers may be negative."), left, {
            "right down and to the right; for negative numbers, int() cuts towards 0: take the "
            "floor.": rows @ PAIR @ columns.T,
            "right down and to the right; a negative number is taken without its sign.":
                shifted(PAIR, 0.25, 1.5),
            "right down and to the right; where the number is negative nothing moves.": PAIR,
        }, "a map of 2 x 3, -0.25 down and -1.5 to the right"))


CHECKS = {f"A.{judge.__name__}": judge for judge in (nearest, nearest_backward, shift)}
CHECKS |= lab_a_stamps.CHECKS
