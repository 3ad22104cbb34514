"""Answers to chapter 11's exercises."""

import math

import torch

from coursekit.assignment import assign
from coursekit.boxes import clip, iou, nms


def anchor(i, j, stride, size, ratio, half=0.5, sides=None, share=2):
    x, y = (j + half) * stride, (i + half) * stride
    w, h = (sides or by_root)(size, ratio)
    return torch.tensor([x - w / share, y - h / share, x + w / share, y + h / share])


def by_root(size, ratio):
    return size / math.sqrt(ratio), size * math.sqrt(ratio)


def ordered(answers):
    return answers.permute(0, 2, 3, 1).reshape(len(answers), -1, 4)


def roles(anchors, boxes, high=0.7, low=0.3, rescue=True, ignored=-1, background=0):
    given = assign(anchors, boxes, high, low, rescue)
    return torch.where(given >= 0, 1, torch.where(given == -1, background, ignored))


def roles_first_only(anchors, boxes):
    given = roles(anchors, boxes, rescue=False)
    if len(boxes):
        given[iou(anchors, boxes).argmax(dim=0)] = 1
    return given


def roles_other_axis(anchors, boxes):
    given = roles(anchors, boxes, rescue=False)
    given[iou(anchors, boxes).argmax(dim=1)] = 1
    return given


def roles_background_last(anchors, boxes):
    given = roles(anchors, boxes)
    return torch.where(iou(anchors, boxes).amax(dim=1) < 0.3, 0, given)


def roles_strict(anchors, boxes):
    overlaps = iou(anchors, boxes)
    best = overlaps.amax(dim=1)
    given = torch.where(best > 0.7, 1, torch.where(best <= 0.3, 0, -1))
    return torch.where((overlaps == overlaps.amax(dim=0)).any(dim=1), 1, given)


def roles_empty_ignored(anchors, boxes):
    return roles(anchors, boxes) if len(boxes) else torch.full((len(anchors),), -1)


def propose(boxes, scores, size, before, after, threshold=0.7, solid=True):
    top = scores.argsort(descending=True)[:before]
    boxes, scores = clip(boxes[top], size), scores[top]
    if solid:
        keep = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(dim=1)
        boxes, scores = boxes[keep], scores[keep]
    return boxes[nms(boxes, scores, threshold)[:after]]


def drop_first(b, s, size, before, after):
    keep = ((clip(b, size)[:, 2:] - clip(b, size)[:, :2]) > 0).all(dim=1)
    return propose(b[keep], s[keep], size, before, after)


def clip_last(b, s, size, before, after):
    top = s.argsort(descending=True)[:before]
    boxes = b[top][nms(b[top], s[top], 0.7)]
    boxes = clip(boxes, size)
    return boxes[((boxes[:, 2:] - boxes[:, :2]) > 0).all(dim=1)][:after]


def nms_first(b, s, size, before, after):
    kept = nms(b, s, 0.7)
    return propose(b[kept], s[kept], size, before, after)


def by_topk(b, s, size, before, after):
    top = s.topk(before).indices
    return propose(b[top], s[top], size, before, after)


RIGHT = {
    "anchor-at": anchor,
    "in-order": ordered,
    "anchor-roles": roles,
    "propose": propose,
}
WRONG = {
    "anchor-at": [
        (lambda i, j, t, s, r: anchor(i, j, t, s, 1 / r), "is wider than high"),
        (lambda i, j, t, s, r: anchor(i, j, t, s, r, sides=lambda s, r: (s / r, s * r)),
         "by the root of the ratio"),
        (lambda i, j, t, s, r: anchor(i, j, t, s, r, sides=lambda s, r: (s, s * r)),
         "the width shrinks"),
        (lambda i, j, t, s, r: anchor(j, i, t, s, r), "x comes from the column"),
        (lambda i, j, t, s, r: anchor(i, j, t, s, r, half=0), "half a cell further on"),
        (lambda i, j, t, s, r: anchor(i, j, 1, s, r), "counted in cells"),
        (lambda i, j, t, s, r: anchor(i, j, t, s, r, half=0) + 0.5, "before you multiply"),
        (lambda i, j, t, s, r: torch.tensor([(j + .5) * t, (i + .5) * t, *by_root(s, r)]),
         "center and sides"),
        (lambda i, j, t, s, r: torch.tensor([*anchor(i, j, t, s, r)[:2], *by_root(s, r)]),
         "that is xywh"),
        (lambda i, j, t, s, r: anchor(i, j, t, s, r, share=1), "half of the width"),
        (lambda i, j, t, s, r: anchor(i, j, t, s, r) + torch.tensor(by_root(s, r)).repeat(2) / 2,
         "the center became a corner"),
        (lambda i, j, t, s, r: anchor(i, j, t, math.sqrt(s), r), "not the area"),
        (lambda i, j, t, s, r: anchor(i, j, t, s, r).clamp(min=0), "nothing is clipped"),
        (lambda i, j, t, s, r: anchor(i, j, 8, s, r), "here the stride is 16"),
    ],
    "in-order": [
        (lambda x: x.reshape(len(x), -1, 4), "as it lies"),
        (lambda x: x.permute(0, 3, 2, 1).reshape(len(x), -1, 4), "rows and columns are mixed"),
        (lambda x: x.unflatten(1, (-1, 4)).permute(0, 1, 3, 4, 2).reshape(len(x), -1, 4),
         "all of the first shape"),
        (lambda x: x.unflatten(1, (4, -1)).permute(0, 3, 4, 2, 1).reshape(len(x), -1, 4),
         "three apart"),
        (lambda x: ordered(x).flatten(0, 1), "the pictures are joined"),
        (lambda x: ordered(x).flatten(1), "unfold the last axis"),
        (lambda x: x.permute(0, 2, 3, 1).flatten(1, 2), "all its shapes in one row"),
        (lambda x: x.permute(0, 2, 3, 1), "not joined yet"),
        (lambda x: ordered(x) if len(x) > 1 else ordered(x)[0], "one picture, one shape"),
    ],
    "anchor-roles": [
        (lambda a, b: roles(a, b, rescue=False), "each object's best anchor is positive"),
        (roles_first_only, "both are positive"),
        (roles_background_last, "by less than 0.3"),
        (lambda a, b: roles(a, b, ignored=0), "neither a yes nor a no"),
        (roles_strict, "0.7 is enough"),
        (lambda a, b: roles(a, b, ignored=0, background=-1), "the other way round"),
        (lambda a, b: roles(a, b, 0.5, 0.5), "the head's threshold"),
        (lambda a, b: assign(a, b, 0.7, 0.3, True), "the rows of the objects"),
        (roles_other_axis, "along the other axis"),
        (lambda a, b: iou(a, b).amax(dim=1), "those are the overlaps"),
        (lambda a, b: roles(a, b) + 0 * int(iou(a, b).max()), "may have no object"),
        (roles_empty_ignored, "without any all is background"),
    ],
    "propose": [
        (lambda b, s, z, m, n: propose(b, s, (99, 99), m, n), "nothing is clipped"),
        (lambda b, s, z, m, n: propose(b, s, z[::-1], m, n), "24 wide and 16 high"),
        (lambda b, s, z, m, n: propose(b, s, z, m, n, solid=False), "no area left"),
        (lambda b, s, z, m, n: propose(b, s, z, m, n, 0.5), "0.5 is for detections"),
        (lambda b, s, z, m, n: propose(b, s, z, 99, n), "not all of them"),
        (drop_first, "drop what is empty then"),
        (clip_last, "clip first"),
        (lambda b, s, z, m, n: propose(b, s, z, m, n, 1.0), "NMS is missing"),
        (nms_first, "NMS comes after the choice"),
        (lambda b, s, z, m, n: propose(b, -s, z, m, n), "higher is better"),
        (lambda b, s, z, m, n: propose(b, s, z, m, n).flip(0), "best first"),
        (lambda b, s, z, m, n: b[nms(b, s, 0.7)], "without the first steps"),
        (lambda b, s, z, m, n: propose(b, s, z, m, 99), "the most that may come out"),
        (by_topk, "fewer boxes than"),
    ],
}
