"""Answers to chapter 04's exercises."""

import torch


def leftover(n, k, s, p):
    return (n + 2 * p - k) % s


def counts(n, k, s):
    out = torch.zeros((n - 1) * s + k, dtype=torch.int64)
    for i in range(n):
        out[i * s:i * s + k] += 1
    return out


def matrix(kernel, n, s):
    out = torch.zeros((n - 1) * s + len(kernel), n)
    for j in range(n):
        out[j * s:j * s + len(kernel), j] = kernel
    return out


def even(kernel, s):
    out = kernel.clone()
    for i in range(s):
        for j in range(s):
            out[i::s, j::s] /= out[i::s, j::s].sum()
    return out


def even_blocks(kernel, s):
    out = kernel.clone()
    for i in range(0, len(kernel), s):
        for j in range(0, len(kernel), s):
            out[i:i + s, j:j + s] /= out[i:i + s, j:j + s].sum()
    return out


def even_softmax(kernel, s):
    out = kernel.clone()
    for i in range(s):
        for j in range(s):
            phase = out[i::s, j::s]
            out[i::s, j::s] = phase.flatten().softmax(0).view_as(phase)
    return out


RIGHT = {
    "output-padding": leftover,
    "overlap-counts": counts,
    "transposed-matrix": matrix,
    "even-phases": even,
}
WRONG = {
    "output-padding": [
        (lambda n, k, s, p: (n + p - k) % s, "counts on both sides"),
        (lambda n, k, s, p: (n - k) % s, "the padding is missing"),
        (lambda n, k, s, p: (n + 2 * p) % s, "the kernel is missing"),
        (lambda n, k, s, p: -leftover(n, k, s, p) % s, "missing to the next size"),
        (lambda n, k, s, p: (n + 2 * p - k) // s + 1, "the size of the convolution's output"),
        (lambda n, k, s, p: s - 1, "it depends on n"),
        (lambda n, k, s, p: n % s, "only where 2 p - k is a multiple"),
        (lambda n, k, s, p: "1 or 2", "a whole number was expected"),
    ],
    "overlap-counts": [
        (lambda n, k, s: counts(n, k, s).clamp(max=1), "do not set it"),
        (lambda n, k, s: counts(n + 1, k, s), "one stamp too many"),
        (lambda n, k, s: counts(n, k, s)[:n * s], "the last stamp reaches beyond"),
        (lambda n, k, s: counts(n, k, s) / counts(n, k, s).sum(), "those are averages"),
        (lambda n, k, s: counts(n, k, 1), "that is for stride 1"),
        (lambda n, k, s: counts(n, k, s).clamp(min=1), "no stamp reaches the gaps"),
    ],
    "transposed-matrix": [
        (lambda w, n, s: matrix(w, n, s).T, "the convolution's own matrix"),
        (lambda w, n, s: matrix(w.flip(0), n, s), "the kernel is turned"),
        (lambda w, n, s: matrix(w, n, 1), "that is for stride 1"),
        (lambda w, n, s: matrix(w, n, s)[:n * s], "the last rows are missing"),
    ],
    "even-phases": [
        (lambda w, s: w / w.sum(), "the whole kernel adds up to 1"),
        (lambda w, s: s * s * w / w.sum(), "adds up to stride * stride"),
        (even_blocks, "blocks of neighbours"),
        (lambda w, s: w / w.sum(dim=1, keepdim=True), "rows add up to 1"),
        (lambda w, s: 4 * even(w, s), "each phase has the mean 1"),
        (even_softmax, "only scale"),
        (lambda w, s: w.clone(), "nothing changed"),
    ],
}
