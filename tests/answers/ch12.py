"""Answers to chapter 12's exercises."""

import torch
import torch.nn.functional as F


def points(start, end, scale, bins, samples, before=0.0, after=0.5, inside=0.5):
    a, b = (start - before) * scale - after, (end - before) * scale - after
    n = bins * samples
    return a + (torch.arange(n) + inside) / n * (b - a)


def at_least_a_cell(start, end, scale, bins, samples):
    return points(start, max(end, start + 1 / scale), scale, bins, samples)


def rounded(start, end, scale, bins, samples):
    return points(round(start * scale), round(end * scale), 1, bins, samples)


def pick(answers, labels):
    return answers[torch.arange(len(labels)), labels]


def own(answers, labels):
    return pick(answers, labels).sigmoid()


def own_by_loop(answers, labels):
    return torch.stack([a[k].sigmoid() for a, k in zip(answers, labels, strict=True)])


BCE = F.binary_cross_entropy_with_logits


def cost(answers, labels, wanted, keep=None, **other):
    keep = labels > 0 if keep is None else keep
    mine = pick(answers, labels)[keep]
    return BCE(mine, wanted[keep], reduction="sum") / other.get("share", max(mine.numel(), 1))


def all_masks(answers, labels, wanted, keep):
    hot = F.one_hot(labels, answers.shape[1])[:, :, None, None]
    return BCE(answers[keep], (wanted[:, None] * hot)[keep])


def by_classes(a, n, w):
    keep = n > 0
    return F.cross_entropy(a[keep], n[keep][:, None, None].expand(-1, 2, 2))


def owner(masks, scores, other=-1, least=0.5):
    out = torch.full(masks.shape[1:], other)
    for n in scores.argsort().tolist():
        out[masks[n] > least] = n
    return out


def in_order(masks, order):
    out = torch.full(masks.shape[1:], -1)
    for n in order:
        out[masks[n] > 0.5] = n
    return out


def greatest(masks, weights=1):
    there = (masks > 0.5).any(dim=0)
    return torch.where(there, (masks * weights * (masks > 0.5)).argmax(dim=0), -1)


RIGHT = {
    "sample-points": points,
    "own-masks": own,
    "mask-cost": cost,
    "one-owner": owner,
}
WRONG = {
    "sample-points": [
        (lambda *v: points(*v, after=0.0), "from the cells' left edges"),
        (lambda *v: points(*v, after=-0.5), "half a cell LESS"),
        (lambda a, b, s, n, m: points(a, b, 1, n, m, after=0.0), "a place in cells"),
        (lambda a, b, s, n, m: points(a, b, 1, n, m), "those are pixels less a half"),
        (lambda *v: points(*v, before=0.5, after=0.0), "then take half a cell off"),
        (lambda *v: points(*v, inside=0.0), "not at its beginning"),
        (lambda *v: points(*v, inside=1.0), "not at its end"),
        (lambda a, b, s, n, m: torch.linspace(a * s - 0.5, b * s - 0.5, n * m), "from end to end"),
        (lambda a, b, s, n, m: points(a, b, s, n, 1), "one point a bin"),
        (lambda *v: points(*v).round(), "neither the region nor the points"),
        (rounded, "the region's edges are rounded"),
        (lambda a, b, s, n, m: points(a, b, s, n, m).view(n, m), "bin after bin"),
        (at_least_a_cell, "without one all points stand on one place"),
    ],
    "own-masks": [
        (pick, "use a sigmoid"),
        (lambda a, n: pick(a.softmax(dim=1), n), "lets masks compete"),
        (lambda a, n: own(a, n - 1), "class k is mask k"),
        (lambda a, n: a[:, n].sigmoid(), "pair row n"),
        (lambda a, n: a.amax(dim=1).sigmoid(), "the one of the label"),
        (lambda a, n: (own(a, n) > 0.5).float(), "give the probabilities"),
        (lambda a, n: own(a, n)[:, None], "one plane a detection"),
        (own_by_loop, "may have no detection"),
    ],
    "mask-cost": [
        (lambda a, n, w: cost(a, n, w, n >= 0), "leave those with label 0 out"),
        (lambda a, n, w: cost(a, n, w, share=w.numel()), "not of the number it is divided by"),
        (lambda a, n, w: all_masks(a, n, w, n > 0), "only the true class's learns"),
        (lambda a, n, w: all_masks(a, n, w, n >= 0), "of regions with an object"),
        (lambda a, n, w: BCE(a[n > 0], w[n > 0][:, None].expand(-1, 3, -1, -1)),
         "should not be compared"),
        (by_classes, "a yes or no of its own"),
        (lambda a, n, w: cost(a, n, w, share=1), "take their mean"),
        (lambda a, n, w: cost(a, n, w, share=max((n > 0).sum(), 1)), "divide by S² as well"),
        (lambda a, n, w: cost(a.sigmoid(), n, w), "the sigmoid is taken twice"),
        (lambda a, n, w: F.mse_loss(own(a, n)[n > 0], w[n > 0]), "the squared error"),
        (lambda a, n, w: BCE(pick(a, n - 1)[n > 0], w[n > 0]), "background has a mask"),
        (lambda a, n, w: cost(a, n, (w > 0.5).float()), "a share of a cell"),
        (lambda a, n, w: cost(a, n, w).item(), "return a tensor"),
        (lambda a, n, w: BCE(pick(a, n)[n > 0], w[n > 0]), "a mean of nothing is NaN"),
    ],
    "one-owner": [
        (lambda m, s: greatest(m), "the highest probability there"),
        (lambda m, s: greatest(m, s[:, None, None]), "the score alone decides"),
        (lambda m, s: owner(m, s, least=0.4999), "0.5 itself"),
        (lambda m, s: owner(m, s, other=0), "belongs to nobody"),
        (lambda m, s: owner(m, s) + 1, "counted from 0"),
        (lambda m, s: in_order(m, range(len(m) - 1, -1, -1)), "the first mask in the list wins"),
        (lambda m, s: in_order(m, range(len(m))), "the last mask in the list wins"),
        (lambda m, s: owner(m, -s), "the lowest score wins"),
        (lambda m, s: owner(m * 0 + 1, s), "takes every pixel"),
        (lambda m, s: ((m > 0.5) * s[:, None, None]).amax(dim=0), "give the instance's number"),
        (lambda m, s: owner(m, s) + 0 * int(m.argmax()), "may have no instance"),
    ],
}
