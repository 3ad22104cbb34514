"""Lab C's checks, third part: pooling a region, the loss, one step of detection."""

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.box_losses import giou_loss, iou_loss
from coursekit.boxes import batched_nms
from coursekit.checks.compare import Hint, call, likely, stages

MAP = torch.arange(48.0).mul(29).remainder(53).reshape(2, 4, 6)
BOX, OUT = torch.tensor([6.0, 9, 27, 20]), torch.tensor([-10.0, -4, 20, 40])


def cut(sides: tuple, bins: tuple[int, int] = (2, 3), pool: object = F.adaptive_max_pool2d,
        ) -> Tensor:
    """The map's cells from (x1, y1) up to (x2, y2), pooled."""
    x1, y1, x2, y2 = (int(side) for side in sides)
    return pool(MAP[:, y1:y2, x1:x2], bins)


def pool_region(answer: object) -> str | None:
    """Check `pool_region(features, box, stride, bins)`; then a box that begins outside."""
    x1, y1, x2, y2 = cells = (BOX / 8).tolist()
    near = [round(side) for side in cells]
    right = cut((0, 1, 4, 3))
    return stages(
        lambda: likely(call(answer, MAP, BOX, 8, (2, 3)), right, {
            "that is RoI pooling, with corners at the nearest cells and the last cell counted in: "
            "here they go outward.": cut((near[0], near[1], near[2] + 1, 4)),
            "the corners go to the nearest cells: here they go outward.": cut(near),
            "the far corner is rounded down: both go outward, so it is rounded up.":
                cut((x1, y1, x2, y2)),
            "that is one cell more than the box touches, to the right and below.":
                cut((x1, y1, x2 + 2, y2 + 2)),
            "x counts columns, the last axis, and y rows: they are swapped.":
                cut((1, 0, 3, 4)),
            "that is the mean of each bin: take the greatest value.":
                cut((0, 1, 4, 3), pool=F.adaptive_avg_pool2d),
            "bins are (down, across): they are swapped.": cut((0, 1, 4, 3), bins=(3, 2)),
            "those are the cells: pool them into bins.": MAP[:, 1:3, 0:4],
            "the whole map was pooled.": F.adaptive_max_pool2d(MAP, (2, 3)),
        }, "a map of 4 x 6 cells, the box 6 9 27 20 and stride 8"),
        lambda: likely(call(answer, MAP, OUT, 8, (2, 3), rare="right inside the picture, but this "
                            "box begins at a cell below 0: begin at 0."), cut((0, 0, 3, 4)), {
            "right inside the picture, but where a box begins below 0 its shift is lost: cut it "
            "off, do not move it.": cut((0, 0, 5, 4)),
        }, "the box -10 -4 20 40, which begins outside the picture"))


SCORES = torch.tensor([[0.0, 1, 2], [1, 0, -1], [3, 0.5, 1], [0.5, 2, 0], [0, 0.5, 0]])
FOUND = torch.tensor([[0.0, 0, 4, 6], [1, 1, 3, 4], [2, 2, 9, 5], [10, 0, 14, 2], [5, 5, 6, 9]])
LABELS = torch.tensor([2, 0, -1, 1, 0])
WANTED = torch.tensor([[0.0, 0, 4, 3], [7, 7, 8, 9], [7, 7, 8, 9], [12, 1, 17, 3], [7, 7, 8, 9]])


def both(weight: float = 2, boxes: object = giou_loss, count: int = 4, rows: Tensor = LABELS > 0,
         naming: Tensor | None = None) -> Tensor:
    """The loss of the five regions above; an argument replaces a part of it by a mistake."""
    used = LABELS >= 0
    naming = F.cross_entropy(SCORES[used], LABELS[used]) if naming is None else naming
    return naming + weight * boxes(FOUND[rows], WANTED[rows]).sum() / count


def wrong_losses() -> dict[str, Tensor]:
    """What the typical mistakes give for the five regions."""
    used, other = LABELS >= 0, LABELS.clamp(min=0)
    return {
        "the region that is left out, -1, counts as one in R: divide both terms by the others.":
            both(count=5, naming=F.cross_entropy(SCORES, LABELS, ignore_index=-1) * 4 / 5),
        "the region that is left out, -1, pays as background: it pays nothing.":
            both(count=5, naming=F.cross_entropy(SCORES, other)),
        "the class term is divided by all regions: by those that are not left out.":
            both(naming=F.cross_entropy(SCORES, LABELS, ignore_index=-1) * 4 / 5),
        "the box term is divided by all regions: by those that are not left out.": both(count=5),
        "the box term is divided by the number of objects' regions: both terms are divided by R.":
            both(count=2),
        "the box term is not divided by R.": both(count=1),
        "background has no box: only regions of an object pay for theirs.": both(rows=used),
        "regions that are left out have no box to pay for, either.": both(rows=LABELS != 0),
        "the box term is 1 - IoU: take 1 - GIoU, which has a slope where boxes are apart.":
            both(boxes=iou_loss),
        "the box term is GIoU: the loss is 1 - GIoU.":
            both(boxes=lambda a, b: 1 - giou_loss(a, b)),
        "the weight is missing.": both(weight=1),
        "the weight belongs to the box term, not to the class term.":
            both(weight=1) + F.cross_entropy(SCORES[used], LABELS[used]),
        "both terms have the weight: it belongs to the box term.": 2 * both(weight=1),
        "cross_entropy makes the softmax itself: give it the scores as they are.":
            both(naming=F.cross_entropy(SCORES.softmax(dim=1)[used], LABELS[used])),
        "the terms are right, but not divided by R.": 4 * both(),
    }


def detection_loss(answer: object) -> str | None:
    """Check `detection_loss(scores, boxes, labels, objects, weight)` for five regions."""
    given = SCORES, FOUND, LABELS, WANTED, 2
    none = SCORES, FOUND, LABELS * 0 - 1, WANTED, 2
    return stages(
        lambda: likely(call(answer, *given), both(), wrong_losses(),
                       "five regions and the weight 2"),
        lambda: _lets_gradients_through(answer),
        lambda: likely(call(answer, SCORES, FOUND, LABELS * 0, WANTED, 2, rare="right, but a "
                            "picture may have no object, and then the box term is 0."),
                       F.cross_entropy(SCORES, LABELS * 0), {
            "right with objects, but without any the box term must be 0: a mean of nothing is "
            "NaN.": torch.nan}, "five regions of background"),
        lambda: likely(call(answer, *none, rare="right, but all regions may be left out: then the "
                            "loss is 0."), torch.tensor(0.0), {
            "right, but where all regions are left out the loss must be 0: 0 / 0 is NaN.":
                torch.nan}, "five regions that are left out"))


def _lets_gradients_through(answer: object) -> str | None:
    scores, boxes = SCORES.clone().requires_grad_(), FOUND.clone().requires_grad_()
    loss = answer(scores, boxes, LABELS, WANTED, 2)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return "the number is right, but no gradient passes: return a tensor, without .item()."
    loss.backward()
    if scores.grad is None or boxes.grad is None:
        return "the number is right, but one of the two terms passes no gradient."
    return None


CHANCES = torch.tensor([[0.05, 0.85, 0.05, 0.05], [0.1, 0.8, 0.05, 0.05], [0.5, 0.03, 0.44, 0.03],
                        [0.05, 0.44, 0.47, 0.04], [0.9, 0.04, 0.03, 0.03], [0.1, 0.1, 0.1, 0.7]])
RAW = CHANCES.log() + torch.arange(6.0)[:, None]                     # softmax gives CHANCES again
AT = torch.tensor([[0.0, 0], [1, 0], [40, 0], [20, 20], [40, 40], [0, 1]])
CORNERS = AT[:, None] + torch.tensor([[9.0, 70], [0, 0], [3, 60], [0.5, 0.5]])       # (6, 4, 2)
CHOICES = torch.cat([CORNERS, CORNERS + torch.tensor([12.0, 8.0])], dim=2)           # (6, 4, 4)
EVERY, BEST = torch.arange(6), CHANCES[:, 1:].argmax(dim=1) + 1


def table(region: Tensor, label: Tensor, chances: Tensor = CHANCES, least: float = 0.3,
          shift: int = 0, row: Tensor | None = None, classes: bool = True, thin: bool = True,
          most: int = 9, early: bool = False) -> Tensor:
    """(n, 6): box, label, score of the detections, with a mistake or without."""
    score = chances[region, label]
    order = score.argsort(descending=True, stable=True)
    order = order[score[order] > least][:most if early else None]
    region, label, score = region[order], label[order], score[order]
    boxes = CHOICES[region, label if row is None else row[order]]
    if thin:
        kept = batched_nms(boxes, score, label if classes else label * 0, 0.5)
        boxes, label, score = boxes[kept], label[kept], score[kept]
    return torch.cat([boxes, label[:, None] + shift, score[:, None]], dim=1)[:most]


def as_table(found: object) -> Tensor:
    """(n, 6) of a dict of detections."""
    if not isinstance(found, dict) or set(found) != {"boxes", "labels", "scores"}:
        raise Hint("a dict with boxes, labels and scores was expected.")
    columns = [found["boxes"], found["labels"][:, None], found["scores"][:, None]]
    return torch.cat([column.double() for column in columns], dim=1)


def detect(answer: object) -> str | None:
    """Check `detect(scores, boxes, least, overlap, most)` for six regions, two, and none."""
    without = F.pad(RAW[:, 1:].softmax(dim=1), (1, 0))
    objects = (CHANCES.argmax(dim=1) > 0).nonzero().flatten()
    right = table(EVERY, BEST)

    def found(most: int, rows: slice = slice(None), rare: str = "") -> Tensor:
        return as_table(call(answer, RAW[rows], CHOICES[rows], 0.3, 0.5, most, rare=rare))

    return stages(
        lambda: likely(found(9), right, {
            "background competes: a region answers for its likeliest class among the OBJECTS, if "
            "its probability is above `least`.": table(objects, BEST[objects]),
            "a region has answered twice: here it has one answer, its likeliest class.":
                table(*torch.cartesian_prod(EVERY, torch.arange(1, 4)).T),
            "class k is column k: the first object is class 1.": table(EVERY, BEST, shift=-1),
            "background takes part in the softmax, although it is never the answer.":
                table(EVERY, BEST, without),
            "the box is the background's: take the box of the answer's class.":
                table(EVERY, BEST, row=BEST * 0),
            "the box is that of the class before: background has a box, too, in column 0.":
                table(EVERY, BEST, row=BEST - 1),
            "a cat has struck out a rabbit: suppress class by class.":
                table(EVERY, BEST, classes=False),
            "duplicates are left: suppress class by class.": table(EVERY, BEST, thin=False),
            "`least` is missing, or it was compared with something else than probabilities.":
                table(EVERY, BEST, least=-1),
            "probabilities come from a softmax over the classes, not from a sigmoid.":
                table(EVERY, BEST, RAW.sigmoid()),
            "those are the scores before the softmax: probabilities were asked for.":
                table(EVERY, BEST, RAW),
        }, "six regions"),
        lambda: likely(found(2), right[:2], {
            "right for many; but `most` counts detections after suppression.":
                table(EVERY, BEST, most=2, early=True),
            "right for many; but at most `most` were asked for.": right,
        }, "six regions and at most two detections"),
        lambda: likely(found(9, slice(0), "right for some regions; without any, nothing is found: "
                             "boxes (0, 4), labels (0,), scores (0,)."), torch.zeros(0, 6), {},
                       "no region"))


CHECKS = {
    "C.pool_region": pool_region,
    "C.detection_loss": detection_loss,
    "C.detect": detect,
}
