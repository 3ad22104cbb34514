"""Chapter 10's checks: cells of a region, cells of a bin, what a proposal learns, the loss."""

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.box_losses import smooth_l1
from coursekit.boxes import iou
from coursekit.checks.compare import call, likely, stages

BOX = torch.tensor([20.0, 9.0, 43.0, 94.0])          # 2.5 1.125 5.375 11.75 cells of 8 pixels
BEYOND = torch.tensor([-20.0, -22.0, 12.0, 37.0])    # -2.5 -2.75 1.5 4.625


def halves_out(cells: Tensor) -> Tensor:
    """Halves away from zero."""
    return cells.sign() * (cells.abs() + 0.5).floor()


def on_map(answer: object) -> str | None:
    """Check `on_map(box, stride)` for a box inside the picture, and one that reaches beyond."""
    cells = BOX / 8
    right, end = halves_out(cells), torch.tensor([0, 0, 1, 1])
    size = torch.cat([right[:2], right[2:] - right[:2] + 1])
    return stages(
        lambda: likely(call(answer, BOX, 8), right, {
            "torch.round takes the even neighbour of a half: 2.5 is 3 here.": cells.round(),
            "those are cut off: take the nearest cell, not the one below.": cells.floor(),
            "those are rounded up: take the nearest cell.": cells.ceil(),
            "those are rounded outward; at this step the nearest cell counts, at both ends.":
                torch.cat([cells[:2].floor(), cells[2:].ceil()]),
            "the last cell belongs to the region: 1 too much was taken off.": right - end,
            "that is one cell further: the last cell itself was asked for.": right + end,
            "x and y are swapped: the columns come first.": right[[1, 0, 3, 2]],
            "those are first cell and number of cells: give the last cell.": size,
            "projected, but not rounded yet.": cells,
            "a cell stands for `stride` pixels: divide by it.": halves_out(BOX * 8),
        }, "the box 20 9 43 94 and stride 8"),
        lambda: likely(call(answer, BEYOND, 8), halves_out(BEYOND / 8), {
            "right inside the picture, but left of it halves go away from zero, too: -2.5 is -3.":
                (BEYOND / 8 + 0.5).floor(),
            "right inside the picture, but nothing is cut off at its edge: a bin beyond it must be "
            "known to be empty.": halves_out(BEYOND / 8).clamp(min=0),
            "right inside the picture, but below zero the nearest cell counts, too.":
                (BEYOND / 8 + 0.5).trunc(),
        }, "the box -20 -22 12 37 and stride 8"))


def edges(first: int, length: int, bins: int, down: str = "floor", up: str = "ceil") -> Tensor:
    """(bins, 2): where each bin of `length` cells begins and stops, each rounded its way."""
    at = torch.arange(bins + 1).double() * length / bins
    return first + torch.stack([getattr(at[:-1], down)(), getattr(at[1:], up)()], dim=1)


def bin_cells(answer: object) -> str | None:
    """Check `bin_cells(first, last, bins)` for five cells in three bins, and one cell in three."""
    right, whole = edges(1, 5, 3), torch.tensor([[1, 2], [2, 3], [3, 4]])
    return stages(
        lambda: likely(call(answer, 1, 5, 3), right, {
            "both ends belong to the region: 1 to 5 are five cells.": edges(1, 4, 3),
            "a bin's upper edge is rounded up: neighbours may share cells.":
                edges(1, 5, 3, up="floor"),
            "a bin's lower edge is rounded down: neighbours may share cells.":
                edges(1, 5, 3, down="ceil"),
            "the edges go outward, not to the nearest cell: lower ones down, upper ones up.":
                edges(1, 5, 3, "round", "round"),
            "give the cell after the last one, not the last one.": right - torch.tensor([0, 1]),
            "the region begins at `first`: add it.": right - 1,
            "a bin is 5/3 cells long, not 1: divide first, and round the edges.": whole,
            "the edges are right, but not rounded yet.": edges(1, 5, 3, "clone", "clone"),
            "one row a bin: the shape is (bins, 2).": right.T,
        }, "the cells 1 to 5 and 3 bins"),
        lambda: likely(call(answer, 4, 4, 3, rare="right for five cells, but one cell can be cut "
                            "into three bins, too."), edges(4, 1, 3), {
            "right for five cells, but with one cell and three bins some of yours are empty: all "
            "three read that cell.": torch.tensor([[4, 4], [4, 4], [4, 5]]),
        }, "the cell 4 and 3 bins"))


OBJECTS = torch.tensor([[0.0, 0, 10, 8], [20, 0, 30, 10], [20, 0, 30, 9]])
LABELS = torch.tensor([2, 1, 3])
PROPOSALS = torch.tensor([[0.0, 0, 10, 4], [0, 0, 10, 3], [20, 0, 30, 8], [40, 40, 50, 50],
                          [20, 0, 30, 10], [0, 0, 10, 8]])


def proposal_classes(answer: object) -> str | None:
    """Check `proposal_classes(proposals, boxes, labels)` for six proposals and three objects."""
    best, which = iou(PROPOSALS, OBJECTS).max(dim=1)
    near, zero = best >= 0.5, torch.zeros(())
    first = (iou(PROPOSALS, OBJECTS) >= 0.5).int().argmax(dim=1)
    right = LABELS[which].where(near, 0)
    return stages(
        lambda: likely(call(answer, PROPOSALS, OBJECTS, LABELS), right, {
            "an IoU of 0.5 is enough.": LABELS[which].where(best > 0.5, 0),
            "that is the object's row: give its class, labels[row].": which.where(near, 0),
            "that is the object's row plus 1: give its class, labels[row].":
                (which + 1).where(near, 0),
            "background is class 0 here, not -1.": LABELS[which].where(near, -1),
            "a proposal is its object's only from an IoU of 0.5 on: the rest is background.":
                LABELS[which],
            "a proposal that meets two objects belongs to the one it overlaps more.":
                LABELS[first].where(near, 0),
            "below 0.3 is the rule of R-CNN's SVMs: here all below 0.5 is background.":
                LABELS[which].where(best >= 0.3, 0),
            "those are the overlaps: give a class for each.": best.where(near, zero),
        }, "six proposals and three objects"),
        lambda: likely(call(answer, PROPOSALS, OBJECTS[:0], LABELS[:0], rare="right, but a picture "
                            "may have no object: then all is background."), torch.zeros(6), {},
                       "six proposals and no object"))


SCORES = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, -1.0], [2.0, 0.5, 0.0], [0.0, 0.5, 0.0]])
DELTAS = torch.arange(48.0).reshape(4, 3, 4).mul(7).remainder(5).sub(2).div(2)
CLASSES = torch.tensor([2, 0, 1, 0])
WANTED = torch.tensor([[0.5, 0, 1, 0], [3, 3, 3, 3], [0, -2, 0, 0.25], [3, 3, 3, 3]])


def both(scores: Tensor, deltas: Tensor, labels: Tensor, wanted: Tensor, **other: object) -> Tensor:
    """The loss; `other` replaces a part of it by a mistake."""
    positive = other.get("rows", labels > 0)
    column = other.get("column", labels)
    found = deltas[torch.arange(len(labels)), column][positive]
    box = other.get("distance", smooth_l1)(found, wanted[positive]).sum()
    naming = F.cross_entropy(scores, labels, reduction="sum")
    return (naming + box * other.get("times", 1)) / len(labels)


def multi_task_loss(answer: object) -> str | None:
    """Check `multi_task_loss(scores, deltas, labels, wanted)` for four regions, two positive."""
    given = SCORES, DELTAS, CLASSES, WANTED
    right, positive = both(*given), CLASSES > 0
    naming = F.cross_entropy(SCORES, CLASSES)
    box = right - naming
    mistakes = {
        "background has no box: only regions of an object pay for theirs.":
            both(*given, rows=CLASSES >= 0),
        "the box term is divided by the number of positives: both terms are divided by R.":
            naming + box * 2,
        "the box term is a mean over four numbers: take their sum.": naming + box / 4,
        "the box term is a mean over all its numbers: add them, and divide by R.": naming + box / 2,
        "the terms are right, but not divided by R.": right * 4,
        "the deltas of row 0 are read, the background's: read those of the region's class.":
            both(*given, column=CLASSES * 0),
        "class k is row k: background has a row, too.": both(*given, column=CLASSES - 1),
        "the deltas of the likeliest class are read: while learning, those of the true class "
        "count.": both(*given, column=SCORES.argmax(dim=1)),
        "the box term has squares: smooth L1 grows like L1 from 1 on.":
            both(*given, distance=lambda a, b: (a - b).square()),
        "the box term is L1: below 1, smooth L1 is half the square.":
            both(*given, distance=lambda a, b: (a - b).abs()),
        "cross_entropy makes the softmax itself: give it the scores as they are.":
            F.cross_entropy(SCORES.softmax(dim=1), CLASSES) + box,
        "every region has a class term, background's too.":
            F.cross_entropy(SCORES[positive], CLASSES[positive], reduction="sum") / 4 + box,
        "the box term is missing.": naming,
        "the class term is missing.": box,
    }
    return stages(
        lambda: likely(call(answer, *given), right, mistakes, "four regions"),
        lambda: _lets_gradients_through(answer),
        lambda: likely(call(answer, SCORES, DELTAS, CLASSES * 0, WANTED, rare="right, but a "
                            "picture may have no object, and then the box term is 0."),
                       F.cross_entropy(SCORES, CLASSES * 0),
                       {"right with objects, but without any the box term must be 0: a mean of "
                        "nothing is NaN.": torch.nan}, "four regions of background"))


def _lets_gradients_through(answer: object) -> str | None:
    scores, deltas = SCORES.clone().requires_grad_(), DELTAS.clone().requires_grad_()
    loss = answer(scores, deltas, CLASSES, WANTED)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return "the number is right, but no gradient passes: return a tensor, without .item()."
    loss.backward()
    if scores.grad is None or deltas.grad is None:
        return "the number is right, but one of the two terms passes no gradient."
    return None


CHECKS = {
    "on-map": on_map,
    "bin-cells": bin_cells,
    "proposal-classes": proposal_classes,
    "multi-task-loss": multi_task_loss,
}
