"""Answers to chapter 06's exercises."""

import torch
import torchvision

from coursekit.boxes import convert


def target(boxes, size):
    height, width = size
    return convert(boxes, "xyxy", "cxcywh") / torch.tensor([width, height, width, height])


def slope(d, beta):
    return torch.where(d.abs() < beta, d / beta, d.sign())


def one(centres, loss):
    return centres.mean() if loss == "L2" else centres.median()


def diou(a, b):
    return torchvision.ops.distance_box_iou_loss(a, b)


def iou_term(a, b):
    return 1 - torchvision.ops.box_iou(a, b).diagonal()


def unsquared(a, b):
    return iou_term(a, b) + (diou(a, b) - iou_term(a, b)).sqrt()


RIGHT = {"to-target": target, "smooth-l1-slope": slope, "one-answer": one, "diou-loss": diou}
WRONG = {
    "to-target": [
        (lambda b, s: target(b, s[::-1]), "height and width are swapped"),
        (lambda b, s: convert(b, "xyxy", "cxcywh"), "those are pixels"),
        (lambda b, s: b / torch.tensor([s[1], s[0], s[1], s[0]]), "those are corners"),
        (lambda b, s: convert(b, "xyxy", "xywh") / torch.tensor([s[1], s[0]] * 2), "top left"),
        (lambda b, s: convert(b, "xyxy", "cxcywh") / s[1], "all is divided by the width"),
        (lambda b, s: convert(b, "xyxy", "cxcywh") / s[0], "all is divided by the height"),
        (lambda b, s: torch.stack([target(row[None], s)[0] for row in b]), "may have none"),
    ],
    "smooth-l1-slope": [
        (lambda d, beta: slope(d, beta).abs(), "the sign is lost"),
        (lambda d, beta: torch.where(d.abs() < beta, d / (2 * beta), d.sign()), "cancel"),
        (lambda d, beta: torch.where(d.abs() < beta, d, d.sign()), "has a 1 / beta"),
        (lambda d, beta: d.sign(), "L1's slope"),
        (lambda d, beta: d / beta, "the parabola everywhere"),
        (lambda d, beta: torch.where(d.abs() < beta, d * d / (2 * beta), d.abs() - beta / 2),
         "that is the loss"),
    ],
    "one-answer": [
        (lambda c, loss: one(c, "L1" if loss == "L2" else "L2"), "swapped"),
        (lambda c, loss: c.mean(), "the mean twice"),
        (lambda c, loss: c.median(), "the median twice"),
        (lambda c, loss: (c.min() + c.max()) / 2, "middle between the least and the greatest"),
        (lambda c, loss: (c - one(c, loss)).abs().pow(2 if loss == "L2" else 1).sum(),
         "those are the losses"),
    ],
    "diou-loss": [
        (lambda a, b: 1 - diou(a, b), "the loss is 1 minus it"),
        (lambda a, b: 2 * iou_term(a, b) - diou(a, b), "taken off the loss"),
        (unsquared, "not squared"),
        (iou_term, "the distance is missing"),
        (lambda a, b: diou(a, b) - iou_term(a, b), "the overlap is missing"),
        (lambda a, b: diou(a.detach(), b), "no gradient passes"),
        (lambda a, b: torch.stack([diou(x[None], y[None])[0] for x, y in zip(a, b, strict=True)]),
         "with no pairs"),
    ],
}
