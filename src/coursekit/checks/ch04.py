"""Chapter 04's checks: output padding, overlap counts, the matrix, even phases."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, numbers, stages

CASES = [(16, 5, 3, 2), (17, 5, 3, 2), (18, 5, 3, 2), (7, 3, 2, 1), (8, 3, 2, 1), (10, 3, 4, 1)]
KERNEL = torch.tensor([1.0, 2.0, 4.0])


def output_padding(answer: object) -> str | None:
    """Check `needed_output_padding(n, kernel, stride, padding)`: (n + 2 p - k) mod s."""
    def table(formula: object) -> Tensor:
        return torch.tensor([float(formula(*case)) for case in CASES])

    found = numbers(answer, CASES, "case")
    return likely(found, table(lambda n, k, s, p: (n + 2 * p - k) % s), {
        "the padding counts on both sides: 2 p.": table(lambda n, k, s, p: (n + p - k) % s),
        "the padding is missing: the convolution saw n + 2 p pixels.":
            table(lambda n, k, s, p: (n - k) % s),
        "the kernel is missing: the first place takes k pixels, and only the rest is divided.":
            table(lambda n, k, s, p: (n + 2 * p) % s),
        "that is what is missing to the next size: what is left over was asked for.":
            table(lambda n, k, s, p: -(n + 2 * p - k) % s),
        "that is the size of the convolution's output: what is left over was asked for.":
            table(lambda n, k, s, p: (n + 2 * p - k) // s + 1),
        "that is stride - 1, always: it depends on n.": table(lambda n, k, s, p: s - 1),
        "n mod stride is right only where 2 p - k is a multiple of the stride.":
            table(lambda n, k, s, p: n % s),
    }, "(n, kernel, stride, padding) of " + ", ".join(map(str, CASES)))


def counts_of(n: int, kernel: int, stride: int) -> Tensor:
    """How many of n stamps reach each pixel of a row."""
    out = torch.zeros((n - 1) * stride + kernel, dtype=torch.int64)
    for i in range(n):
        out[i * stride:i * stride + kernel] += 1
    return out


def overlap_counts(answer: object) -> str | None:
    """Check `overlap_counts(n, kernel, stride)` for kernel 3 and stride 2, then with gaps."""
    right = counts_of(4, 3, 2)
    longer = torch.ones(4 * 2 + 3, dtype=torch.int64)
    longer[2:-2:2] = 2
    return stages(
        lambda: likely(call(answer, 4, 3, 2), right, {
            "stamps add where they overlap: begin with zeros and add 1, do not set it.":
                right.clamp(max=1),
            "there is one stamp too many: n stamps, the first at 0.": longer,
            "the row is cut to n * stride pixels: the last stamp reaches beyond.": right[:8],
            "those are averages: how many stamps was asked for.": right / right.sum(),
            "that is for stride 1: stamps begin `stride` apart.": counts_of(4, 3, 1),
        }, "n 4, kernel 3, stride 2"),
        lambda: likely(call(answer, 3, 1, 2, rare="right where stamps overlap, but where the "
                            "kernel is smaller than the stride there are gaps."),
                       counts_of(3, 1, 2), {
            "no stamp reaches the gaps: their count is 0.": torch.ones(5)},
            "n 3, kernel 1, stride 2"))


def matrix_of(kernel: Tensor, n: int, stride: int) -> Tensor:
    """The stamps as columns."""
    k = len(kernel)
    out = torch.zeros((n - 1) * stride + k, n)
    for j in range(n):
        out[j * stride:j * stride + k, j] = kernel
    return out


def transposed_matrix(answer: object) -> str | None:
    """Check `transposed_matrix(kernel, n, stride)` for three numbers, n 3 and stride 2."""
    right = matrix_of(KERNEL, 3, 2)
    return likely(call(answer, KERNEL, 3, 2), right, {
        "that is the convolution's own matrix: yours has the input's pixels as columns.": right.T,
        "the kernel is turned: a stamp is the kernel as it is.": matrix_of(KERNEL.flip(0), 3, 2),
        "that is for stride 1: each column begins `stride` rows lower than the one before.":
            matrix_of(KERNEL, 3, 1),
        "the last rows are missing: the last stamp reaches (n - 1) * stride + k.": right[:6],
    }, "the kernel 1 2 4, n 3, stride 2")


def even_phases(answer: object) -> str | None:
    """Check `even_phases(kernel, stride)`: the numbers of each phase add up to 1."""
    kernel = torch.arange(1.0, 17.0).view(4, 4)
    blocks = kernel.view(2, 2, 2, 2)                         # tap row, phase row, tap, phase column
    right = (blocks / blocks.sum(dim=(0, 2), keepdim=True)).view(4, 4)
    wrong = (blocks / blocks.sum(dim=(1, 3), keepdim=True)).view(4, 4)
    return likely(call(answer, kernel, 2), right, {
        "the whole kernel adds up to 1: each of the stride * stride phases should.":
            kernel / kernel.sum(),
        "the whole kernel adds up to stride * stride, but its phases do not add up to 1 each.":
            4 * kernel / kernel.sum(),
        "blocks of neighbours add up to 1: a phase takes every stride-th number.": wrong,
        "rows add up to 1: a phase takes every stride-th row and column.":
            kernel / kernel.sum(dim=1, keepdim=True),
        "each phase has the mean 1: its sum should be 1.": 4 * right,
        "a softmax makes them add up to 1, but changes the kernel's shape: only scale.":
            blocks.permute(1, 3, 0, 2).flatten(2).softmax(-1).view(2, 2, 2, 2).permute(
                2, 0, 3, 1).reshape(4, 4),
        "nothing changed: divide each number by the sum of its phase.": kernel,
    }, "a kernel of 4 x 4 and stride 2")


CHECKS = {
    "output-padding": output_padding,
    "overlap-counts": overlap_counts,
    "transposed-matrix": transposed_matrix,
    "even-phases": even_phases,
}
