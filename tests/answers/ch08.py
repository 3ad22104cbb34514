"""Answers to chapter 08's exercises."""

import torch


def recall(overlaps, threshold):
    return (overlaps >= threshold).any(dim=0).float().mean().item()


RIGHT = {
    "num-boxes": lambda n, merges: n + merges,
    "shared-part": lambda a, b: torch.minimum(a, b).sum().item(),
    "union-histogram": lambda a, m, b, n: (m * a + n * b) / (m + n),
    "recall-at": recall,
}
WRONG = {
    "num-boxes": [
        (lambda n, m: 2 * n - 1, "count the merges"),
        (lambda n, m: m, "the first regions count too"),
        (lambda n, m: n, "the unions count too"),
        (lambda n, m: n - m, "that are left"),
        (lambda n, m: n + 2 * m, "one union, not two"),
        (lambda n, m: "a few", "a whole number was expected"),
    ],
    "shared-part": [
        (lambda a, b: torch.maximum(a, b).sum(), "the maxima are added"),
        (lambda a, b: torch.minimum(a, b), "add them up"),
        (lambda a, b: (a * b).sum(), "products are no shared part"),
        (lambda a, b: torch.minimum(a, b).min(), "the smallest bin of all"),
        (lambda a, b: torch.minimum(a, b).mean(), "the mean depends"),
        (lambda a, b: (a - b).abs().sum(), "how much they differ"),
    ],
    "union-histogram": [
        (lambda a, m, b, n: (a + b) / 2, "the plain mean"),
        (lambda a, m, b, n: m * a + n * b, "numbers of pixels"),
        (lambda a, m, b, n: (n * a + m * b) / (m + n), "swapped"),
        (lambda a, m, b, n: a + b, "adds up to 2"),
        (lambda a, m, b, n: torch.minimum(a, b), "what they share"),
    ],
    "recall-at": [
        (lambda o, t: (o > t).any(dim=0).float().mean(), "equal to the threshold"),
        (lambda o, t: (o >= t).any(dim=1).float().mean(), "share of good proposals"),
        (lambda o, t: (o >= t).float().mean(), "share of good pairs"),
        (lambda o, t: o.amax(dim=0).mean(), "mean best overlap"),
        (lambda o, t: (o >= t).any(dim=0).sum(), "divide by their number"),
        (lambda o, t: (o.amax(dim=0) >= t).float().mean(), "no proposal at all"),
    ],
}
