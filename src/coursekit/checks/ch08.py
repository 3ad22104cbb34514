"""Chapter 08's checks: counting boxes, shared histograms, unions, recall."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, numbers, stages

TREES = [(5, 4), (30, 29), (7, 0), (12, 9)]
A, B = torch.tensor([0.5, 0.25, 0.25, 0.0]), torch.tensor([0.25, 0.5, 0.0, 0.25])
OVERLAPS = torch.tensor([[0.9, 0.1, 0.2, 0.0], [0.6, 0.4, 0.5, 0.3], [0.7, 0.45, 0.1, 0.0],
                         [0.1, 0.2, 0.3, 0.1], [0.0, 0.1, 0.1, 0.2]])


def num_boxes(answer: object) -> str | None:
    """Check `num_boxes(n, merges)`: n + merges."""
    def table(formula: object) -> Tensor:
        return torch.tensor([float(formula(*case)) for case in TREES])

    return likely(numbers(answer, TREES, "tree"), table(lambda n, m: n + m), {
        "2 n - 1 is right only where everything is joined in the end: count the merges.":
            table(lambda n, m: 2 * n - 1),
        "the first regions count too: they stood before any merge.": table(lambda n, m: m),
        "the unions count too: each merge makes one region more.": table(lambda n, m: n),
        "those are the regions that are left: all that ever stood were asked for.":
            table(lambda n, m: n - m),
        "each merge makes one union, not two.": table(lambda n, m: n + 2 * m),
    }, "(n, merges) of " + ", ".join(map(str, TREES)))


def shared_part(answer: object) -> str | None:
    """Check `shared_part(a, b)`: the sum of the minima."""
    right = torch.minimum(A, B).sum()
    return likely(call(answer, A, B), right, {
        "the maxima are added: what both have is the smaller one, bin by bin.":
            torch.maximum(A, B).sum(),
        "those are the minima, bin by bin: add them up.": torch.minimum(A, B),
        "products are no shared part: equal histograms should give 1.": (A * B).sum(),
        "that is the smallest bin of all: take the smaller one in each bin, and add.":
            torch.minimum(A, B).min(),
        "the mean depends on the number of bins: add them up.": torch.minimum(A, B).mean(),
        "that is how much they differ: how much they share was asked for.": (A - B).abs().sum(),
    }, "(1/2, 1/4, 1/4, 0) and (1/4, 1/2, 0, 1/4)")


def union_histogram(answer: object) -> str | None:
    """Check `union_histogram(a, size_a, b, size_b)`: the mean, weighted by size."""
    total = 30 * A + 10 * B
    return likely(call(answer, A, 30, B, 10), total / 40, {
        "the plain mean gives a small region as much say as a large one: weigh by the sizes.":
            (A + B) / 2,
        "those are numbers of pixels: divide by both sizes, so that they add up to 1.": total,
        "the weights are swapped: a counts size_a times.": (10 * A + 30 * B) / 40,
        "the sum of two histograms adds up to 2.": A + B,
        "that is what they share: what both hold together was asked for.": torch.minimum(A, B),
    }, "30 pixels of the first, 10 of the second histogram")


def recall_at(answer: object) -> str | None:
    """Check `recall_at(overlaps, threshold)` at 0.5, with one object exactly there; then empty."""
    nothing = torch.zeros(0, 3)
    return stages(
        lambda: likely(call(answer, OVERLAPS, 0.5), torch.tensor(0.5), {
            "an overlap equal to the threshold is enough: >=.": 0.25,
            "that is the share of good proposals: ask of each object whether it has one.": 0.6,
            "that is the share of good pairs: ask of each object whether it has one good proposal.":
                (OVERLAPS >= 0.5).float().mean(),
            "that is the mean best overlap.": OVERLAPS.amax(dim=0).mean(),
            "that is how many objects are found: divide by their number.": 2.0,
        }, "five proposals and four objects"),
        lambda: likely(call(answer, nothing, 0.5, rare="right, but there may be no proposal at "
                            "all: then nothing is found."), torch.tensor(0.0), {},
                       "no proposal and three objects"),
    )


CHECKS = {
    "num-boxes": num_boxes,
    "shared-part": shared_part,
    "union-histogram": union_histogram,
    "recall-at": recall_at,
}
