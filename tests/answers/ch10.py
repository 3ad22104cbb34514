"""Answers to chapter 10's exercises."""

import torch
import torch.nn.functional as F

from coursekit.boxes import iou


def rounded(box, stride):
    cells = box / stride
    return (cells.sign() * (cells.abs() + 0.5).floor()).long()


def cut(first, last, bins, length=None, down=torch.floor, up=torch.ceil):
    at = torch.arange(bins + 1) * (length or last - first + 1) / bins
    return first + torch.stack([down(at[:-1]), up(at[1:])], dim=1).long()


def classes(proposals, boxes, labels, least=0.5, other=0):
    if not len(boxes):
        return torch.zeros(len(proposals), dtype=torch.int64)
    best, which = iou(proposals, boxes).max(dim=1)
    return torch.where(best >= least, labels[which], other)


def first_that_fits(p, b, n):
    near = iou(p, b) >= 0.5
    return torch.where(near.any(dim=1), n[near.int().argmax(dim=1)], 0)


def smooth(found, wanted):
    return F.smooth_l1_loss(found, wanted, reduction="sum")


def loss(s, d, n, w, column=None, rows=None, box=smooth, share=None):
    rows = n > 0 if rows is None else rows
    found = d[torch.arange(len(n)), n if column is None else column][rows]
    return F.cross_entropy(s, n) + box(found, w[rows]) / (share or len(n))


def loss_by_means(s, d, n, w):
    rows = n > 0
    term = F.smooth_l1_loss(d[rows, n[rows]], w[rows])           # NaN without rows
    return F.cross_entropy(s, n) + term * 4 * rows.sum() / len(n)


def loss_of_objects_only(s, d, n, w):
    naming = F.cross_entropy(s[n > 0], n[n > 0], reduction="sum") / len(n)
    return naming + loss(s, d, n, w) - F.cross_entropy(s, n)


RIGHT = {
    "on-map": rounded,
    "bin-cells": cut,
    "proposal-classes": classes,
    "multi-task-loss": loss,
}
WRONG = {
    "on-map": [
        (lambda b, s: (b / s).round().long(), "the even neighbour"),
        (lambda b, s: (b / s).long(), "not the one below"),
        (lambda b, s: (b / s).ceil().long(), "those are rounded up"),
        (lambda b, s: torch.cat([(b[:2] / s).floor(), (b[2:] / s).ceil()]), "rounded outward"),
        (lambda b, s: rounded(b, s) - torch.tensor([0, 0, 1, 1]), "1 too much was taken off"),
        (lambda b, s: rounded(b, s) + torch.tensor([0, 0, 1, 1]), "one cell further"),
        (lambda b, s: rounded(b[[1, 0, 3, 2]], s), "the columns come first"),
        (lambda b, s: torch.cat([rounded(b, s)[:2], rounded(b, s)[2:] - rounded(b, s)[:2] + 1]),
         "give the last cell"),
        (lambda b, s: b / s, "not rounded yet"),
        (lambda b, s: rounded(b, 1 / s), "divide by it"),
        (lambda b, s: (b / s + 0.5).floor().long(), "-2.5 is -3"),
        (lambda b, s: (b / s + 0.5).long(), "below zero the nearest cell"),
        (lambda b, s: rounded(b, s).clamp(min=0), "nothing is cut off"),
    ],
    "bin-cells": [
        (lambda a, b, n: cut(a, b, n, b - a), "1 to 5 are five cells"),
        (lambda a, b, n: cut(a, b, n, up=torch.floor), "upper edge is rounded up"),
        (lambda a, b, n: cut(a, b, n, down=torch.ceil), "lower edge is rounded down"),
        (lambda a, b, n: cut(a, b, n, None, torch.round, torch.round), "not to the nearest cell"),
        (lambda a, b, n: cut(a, b, n) - torch.tensor([0, 1]), "the cell after the last one"),
        (lambda a, b, n: cut(a, b, n) - a, "add it"),
        (lambda a, b, n: torch.stack([a + torch.arange(n), a + 1 + torch.arange(n)], dim=1),
         "divide first"),
        (lambda a, b, n: a + torch.stack([torch.arange(n), torch.arange(n) + 1], 1) * (b - a + 1)
         / n, "not rounded yet"),
        (lambda a, b, n: cut(a, b, n).T, "the shape is (bins, 2)"),
        (lambda a, b, n: cut(a, b, n, up=torch.floor if b == a else torch.ceil), "some of yours"),
        (lambda a, b, n: cut(a, b, n) + 0 * (1 // (b - a)), "one cell can be cut"),
    ],
    "proposal-classes": [
        (lambda p, b, n: classes(p, b, n, 0.5001), "an IoU of 0.5 is enough"),
        (lambda p, b, n: classes(p, b, torch.arange(len(n))), "that is the object's row: give"),
        (lambda p, b, n: classes(p, b, torch.arange(len(n)) + 1), "the object's row plus 1"),
        (lambda p, b, n: classes(p, b, n, other=-1), "background is class 0"),
        (lambda p, b, n: classes(p, b, n, least=0.0), "the rest is background"),
        (first_that_fits, "the one it overlaps more"),
        (lambda p, b, n: classes(p, b, n, least=0.3), "the rule of R-CNN's SVMs"),
        (lambda p, b, n: iou(p, b).amax(dim=1) * (iou(p, b).amax(dim=1) >= 0.5), "the overlaps"),
        (lambda p, b, n: classes(p, b, n) + 0 * n.max(), "may have no object"),
    ],
    "multi-task-loss": [
        (lambda s, d, n, w: loss(s, d, n, w, rows=n >= 0), "background has no box"),
        (lambda s, d, n, w: loss(s, d, n, w, share=int((n > 0).sum())), "number of positives"),
        (lambda s, d, n, w: loss(s, d, n, w, share=4 * len(n)), "a mean over four numbers"),
        (lambda s, d, n, w: loss(s, d, n, w, share=4 * int((n > 0).sum())), "all its numbers"),
        (lambda s, d, n, w: loss(s, d, n, w) * len(n), "not divided by R"),
        (lambda s, d, n, w: loss(s, d, n, w, column=n * 0), "the deltas of row 0"),
        (lambda s, d, n, w: loss(s, d, n, w, column=n - 1), "class k is row k"),
        (lambda s, d, n, w: loss(s, d, n, w, column=s.argmax(dim=1)), "the likeliest class"),
        (lambda s, d, n, w: loss(s, d, n, w, box=lambda f, t: (f - t).square().sum()), "squares"),
        (lambda s, d, n, w: loss(s, d, n, w, box=lambda f, t: (f - t).abs().sum()), "is L1"),
        (lambda s, d, n, w: loss(s, d, n, w) - F.cross_entropy(s, n)
         + F.cross_entropy(s.softmax(dim=1), n), "the scores as they are"),
        (loss_of_objects_only, "background's too"),
        (lambda s, d, n, w: F.cross_entropy(s, n), "the box term is missing"),
        (lambda s, d, n, w: loss(s, d, n, w) - F.cross_entropy(s, n), "the class term is missing"),
        (lambda s, d, n, w: loss(s, d, n, w).item(), "return a tensor"),
        (lambda s, d, n, w: loss(s, d.detach(), n, w), "one of the two terms"),
        (loss_by_means, "a mean of nothing is NaN"),
    ],
}
