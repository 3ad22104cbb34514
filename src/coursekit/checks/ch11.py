"""Chapter 11's checks: one anchor, the order of answers, the roles of anchors, proposals."""

import torch
from torch import Tensor

from coursekit.assignment import assign
from coursekit.boxes import clip, convert, iou, nms
from coursekit.checks.compare import call, likely, stages


def around(x: float, y: float, w: float, h: float) -> Tensor:
    """The box of that center, width and height."""
    return torch.tensor([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def anchor_at(answer: object) -> str | None:
    """Check `anchor_at(i, j, stride, size, ratio)` for a tall anchor, and a flat one at the rim."""
    right, rim = around(44, 20, 8, 18), around(8, 8, 40, 10)
    return stages(
        lambda: likely(call(answer, 2, 5, 8, 12, 2.25), right, {
            "a ratio of 2.25 means higher than wide: that one is wider than high.":
                around(44, 20, 18, 8),
            "the area must stay size × size: each side changes by the root of the ratio.":
                around(44, 20, 12 / 2.25, 27),
            "the area must stay size × size: if the height grows, the width shrinks.":
                around(44, 20, 12, 27),
            "x comes from the column j, y from the row i.": around(20, 44, 8, 18),
            "that is the cell's corner: its middle is half a cell further on.":
                around(40, 16, 8, 18),
            "the middle is counted in cells: a cell is `stride` pixels.": around(5.5, 2.5, 8, 18),
            "half a cell is added in pixels: add the half before you multiply by the stride.":
                around(40.5, 16.5, 8, 18),
            "those are center and sides: give the corners.": torch.tensor([44.0, 20, 8, 18]),
            "that is xywh: give both corners.": convert(right[None], "xyxy", "xywh")[0],
            "half of the width lies on each side of the center, and half of the height.":
                around(44, 20, 16, 36),
            "the center became a corner: half of the sides lies on each side of it.":
                right + torch.tensor([4.0, 9, 4, 9]),
            "`size` is the root of the area, not the area.":
                around(44, 20, (12 / 2.25) ** 0.5, 27 ** 0.5),
        }, "row 2, column 5, stride 8, size 12, ratio 2.25"),
        lambda: likely(call(answer, 0, 0, 16, 20, 0.25), rim, {
            "right inside the picture, but an anchor may reach beyond it: nothing is clipped.":
                rim.clamp(min=0),
            "right for stride 8, but here the stride is 16.": around(4, 4, 40, 10),
        }, "row 0, column 0, stride 16, size 20, ratio 1/4"))


def in_order(answer: object) -> str | None:
    """Check `in_order(answers)` for two pictures, three shapes, a map of two rows and four."""
    B, A, H, W = 2, 3, 2, 4
    x = torch.arange(B * 4 * A * H * W).view(B, 4 * A, H, W).float()
    last = x.permute(0, 2, 3, 1)                                     # (B, H, W, 4 * A)
    right = last.reshape(B, -1, 4)
    split = x.view(B, A, 4, H, W)
    return stages(
        lambda: likely(call(answer, x), right, {
            "reshaped as it lies: bring the channels last first.": x.reshape(B, -1, 4),
            "rows and columns are mixed: cells go row by row.":
                x.permute(0, 3, 2, 1).reshape(B, -1, 4),
            "all of the first shape come first: cell by cell, and in each cell shape by shape.":
                split.permute(0, 1, 3, 4, 2).reshape(B, -1, 4),
            "four channels belong together, those of one shape: yours are three apart.":
                x.view(B, 4, A, H, W).permute(0, 3, 4, 2, 1).reshape(B, -1, 4),
            "the order is right, but the pictures are joined: keep the first axis.":
                right.reshape(-1, 4),
            "the order is right, but a row is an anchor's four deltas: unfold the last axis.":
                right.reshape(B, -1),
            "the order is right, but each cell still holds all its shapes in one row.":
                last.reshape(B, -1, 4 * A),
            "the channels are last, but the axes are not joined yet.": last,
        }, "two pictures, three shapes and a map of 2 × 4"),
        lambda: likely(call(answer, x[:1, :4, :, :1]), x[:1, :4, :, :1].permute(0, 2, 3, 1)
                       .reshape(1, -1, 4), {}, "one picture, one shape and a map of 2 × 1"))


OBJECTS = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 20], [60, 0, 70, 20]])
ANCHORS = torch.tensor([[0.0, 0, 10, 7], [0, 0, 10, 5], [0, 0, 10, 3], [0, 0, 10, 2],
                        [20, 0, 30, 9], [20, 11, 30, 20], [20, 0, 30, 5], [40, 40, 50, 50],
                        [60, 0, 70, 4], [0, 0, 10, 9]])


def roles(positive: float = 0.7, negative: float = 0.3, first: bool = False, only: float = 0.0,
          strict: bool = False) -> Tensor:
    """The anchors' roles; `first` saves one anchor an object, from an IoU of `only` on."""
    overlaps = iou(ANCHORS, OBJECTS)                                 # (N, M)
    best = overlaps.amax(dim=1)
    low = best <= negative if strict else best < negative
    high = best > positive if strict else best >= positive
    given = torch.where(low, 0, -1).where(~high, 1)
    saved = (overlaps == overlaps.amax(dim=0)) & (overlaps >= only)
    if first:
        saved &= torch.arange(len(ANCHORS))[:, None] == overlaps.argmax(dim=0)
    return given.where(~saved.any(dim=1), 1)


def anchor_roles(answer: object) -> str | None:
    """Check `anchor_roles(anchors, boxes)` for ten anchors and three objects."""
    right, plain = roles(), roles(only=2.0)
    rows = assign(ANCHORS, OBJECTS, 0.7, 0.3, rescue=True)
    other = plain.clone()
    other[iou(ANCHORS, OBJECTS).argmax(dim=1)] = 1
    return stages(
        lambda: likely(call(answer, ANCHORS, OBJECTS), right, {
            "each object's best anchor is positive, too, however little it overlaps.": plain,
            "two anchors can be an object's best, equally good: both are positive.":
                roles(first=True),
            "an object's best anchor is positive even if it overlaps by less than 0.3.":
                roles(only=0.3),
            "what lies between 0.3 and 0.7 is ignored, -1: neither a yes nor a no.":
                right.clamp(min=0),
            "an IoU of 0.7 is enough, and one of 0.3 is too much for background.":
                roles(strict=True),
            "background is 0 and ignored is -1: yours are the other way round.":
                torch.where(right < 1, -1 - right, right),
            "0.5 is the head's threshold: anchors have 0.7 and 0.3.": roles(0.5, 0.5),
            "those are the rows of the objects, from `assign`: 1, 0 or -1 was asked for.": rows,
            "the best anchor of each object, not the best object of each anchor: take the "
            "maximum along the other axis.": other,
            "those are the overlaps: give a role for each.": iou(ANCHORS, OBJECTS).amax(dim=1),
        }, "ten anchors and three objects"),
        lambda: likely(call(answer, ANCHORS, OBJECTS[:0], rare="right, but a picture may have no "
                            "object: then all is background."), torch.zeros(10), {
            "right with objects, but without any all is background: 0.": -torch.ones(10),
        }, "ten anchors and no object"))


SIZE = 16, 24                                        # height, width
BOXES = torch.tensor([[16.0, 4, 24, 20], [1, 0, 9, 8], [26, 2, 34, 10], [4, 0, 12, 8],
                      [2, 0, 10, 8], [16, 4, 24, 40], [10, 9, 14, 15], [0, 0, 8, 8],
                      [0, 10, 6, 16], [0, 1, 8, 9]])
SCORES = torch.tensor([1.0, 1.5, 3.0, 0.9, 1.2, 0.95, 0.8, 2.0, 0.7, 1.4])


def kept(before: int = 7, after: int = 6, threshold: float = 0.7, size: tuple[int, int] = SIZE,
         boxes: Tensor = BOXES, scores: Tensor = SCORES, solid: bool = True) -> Tensor:
    """Proposals by the rules, but for what is changed."""
    top = scores.argsort(descending=True)[:before]
    boxes, scores = clip(boxes[top], size), scores[top]
    keep = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(dim=1) | (not solid)
    boxes, scores = boxes[keep], scores[keep]
    return boxes[nms(boxes, scores, threshold)[:after]]


def propose(answer: object) -> str | None:
    """Check `propose(boxes, scores, size, before, after)` for ten boxes."""
    right, far = kept(), (200, 200)
    early = nms(BOXES, SCORES, 0.7)
    inside = ((clip(BOXES, SIZE)[:, 2:] - clip(BOXES, SIZE)[:, :2]) > 0).all(dim=1)
    late = kept(before=10, after=10)
    unclipped = kept(size=far)
    seen = (unclipped[:, 0] < 24) & (unclipped[:, 1] < 16)
    return stages(
        lambda: likely(call(answer, BOXES, SCORES, SIZE, 7, 6), right, {
            "nothing is clipped to the picture.": unclipped,
            "`size` is (height, width): the picture is 24 wide and 16 high.": kept(size=(24, 16)),
            "a box that has no area left is still there.": kept(solid=False),
            "0.5 is for detections: proposals go from an IoU of 0.7 on.": kept(threshold=0.5),
            "the `before` best go into NMS, not all of them.": kept(before=10),
            "take the `before` best first, and drop what is empty then.":
                kept(boxes=BOXES[inside], scores=SCORES[inside]),
            "clip first: boxes that differ outside the picture only are the same box.":
                clip(unclipped[seen], SIZE),
            "NMS is missing.": kept(threshold=1.0),
            "NMS comes after the choice of the `before` best.":
                kept(boxes=BOXES[early], scores=SCORES[early]),
            "the worst come first: higher is better.": kept(scores=-SCORES),
            "the right boxes, but by rising score: best first.": right.flip(0),
            "those are the boxes of `nms`, without the first steps.": BOXES[early],
        }, "ten boxes, 7 before and 6 after"),
        lambda: likely(call(answer, BOXES, SCORES, SIZE, 10, 2), kept(before=10, after=2), {
            "right with few, but `after` is the most that may come out.": late,
        }, "ten boxes, 10 before and 2 after"),
        lambda: likely(call(answer, BOXES, SCORES, SIZE, 20, 20, rare="right, but there may be "
                            "fewer boxes than `before`."), late, {}, "ten boxes, 20 before"))


CHECKS = {
    "anchor-at": anchor_at,
    "in-order": in_order,
    "anchor-roles": anchor_roles,
    "propose": propose,
}
