"""Answers to lab C: right ones, and typical wrong ones with words of the hint they get."""

import torch
import torch.nn.functional as F
from torchvision.ops import batched_nms, generalized_box_iou_loss, nms

LEVELS = torch.linspace(0.5, 0.95, 10)


def best_overlaps(tables, count):
    out = []
    for table in tables:
        for m in range(table.shape[1]):
            column = table[:count, m]
            out.append(float(column.max()) if len(column) else 0.0)
    return torch.tensor(out)


def average_recall(tables, count, levels=LEVELS):
    best = best_overlaps(tables, count)
    return (best[:, None] >= levels).double().mean().item() if len(best) else float("nan")


def mean_of_pictures(tables, count, empty=None):
    each = [average_recall([t], count) if t.shape[1] else empty for t in tables]
    return sum(each := [e for e in each if e is not None]) / len(each)


def only_pictures_with_proposals(tables, count):
    return average_recall([t for t in tables if len(t)], count)


def good_proposals(tables, count):
    best = torch.cat([t[:count].amax(dim=1) for t in tables if t.shape[1]])
    return (best[:, None] >= LEVELS).double().mean()


def one_to_one(tables, count):
    best = []
    for table in tables:
        left = table[:count].clone()
        for m in range(left.shape[1]):
            best.append(float(left[:, m].max()) if len(left) else 0.0)
            if len(left):
                left[left[:, m].argmax()] = 0
    return (torch.tensor(best)[:, None] >= LEVELS).double().mean()


def roles(overlaps, least=0.5, low=0.1, background=-1, out=-2, empty=-2, first=False, plus=0):
    given = []
    for row in overlaps.tolist():
        best = max(row, default=0)
        which = row.index(best) if row else None
        if first and best >= least:
            which = next(m for m, value in enumerate(row) if value >= least)
        given.append(which + plus if best >= least and row
                     else background if best >= low else out if row else empty)
    return torch.tensor(given, dtype=torch.int64)


def choose(roles, order, count, share, most=None, ignored=False, fill=True, more=False):
    roles_of = [(int(i), int(roles[i])) for i in order]
    positive = [i for i, role in roles_of if role >= 0]
    background = [i for i, role in roles_of if role == -1 or (ignored and role < 0)]
    quota = int(count * share) if most is None else most
    quota = max(quota, count - len(background)) if more else quota
    drawn = positive[:quota]
    drawn += background[:count - (len(drawn) if fill else quota)]
    return torch.tensor(drawn, dtype=torch.int64)


def with_repeats(roles, order, count, share):
    drawn = choose(roles, order, count, share)
    last = drawn[-1:] if len(drawn) else drawn
    return torch.cat([drawn, last.repeat(count - len(drawn))]) if len(drawn) else drawn


def object_zero_forgotten(roles, order, count, share):
    return choose(torch.where(roles == 0, -2, roles), order, count, share)


def places(roles, order, count, share):
    return torch.tensor([order.tolist().index(i) for i in choose(roles, order, count, share)])


def background_first(roles, order, count, share):
    drawn = choose(roles, order, count, share)
    return torch.cat([drawn[roles[drawn] < 0], drawn[roles[drawn] >= 0]])


def middle(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def size(boxes):
    return boxes[:, 2:] - boxes[:, :2]


def plain(regions, objects, start=middle, unit=None, ratio=torch.log):
    shift = (start(objects) - start(regions)) / (size(regions) if unit is None else unit)
    return torch.cat([shift, ratio(size(objects) / size(regions))], dim=1)


def targets(regions, objects, mean, std, **other):
    return (plain(regions, objects, **other) - mean) / std


def restore(answers, regions, mean, std, picture, back=None, start=middle, grow=torch.exp,
            half=0.5, cut=True, unit=None):
    deltas = answers * std + mean if back is None else back
    at = start(regions) + deltas[:, :2] * (size(regions) if unit is None else unit)
    new = size(regions) * grow(deltas[:, 2:])
    boxes = torch.cat([at - half * new, at + half * new], dim=1)
    if cut:
        boxes[:, 0::2] = boxes[:, 0::2].clamp(0, picture[1])
        boxes[:, 1::2] = boxes[:, 1::2].clamp(0, picture[0])
    return boxes


def other_limits(answers, regions, mean, std, picture, low=0.0, high=True):
    boxes = restore(answers, regions, mean, std, picture, cut=False)
    limits = torch.tensor([picture[1], picture[0]] * 2) if high else torch.full((4,), 1e9)
    return boxes.clamp(min=low).minimum(limits)


def pool_region(features, box, stride, bins, pool=F.adaptive_max_pool2d, far=0,
                far_round=torch.ceil, near_round=torch.floor):
    x1, y1 = near_round(box[:2] / stride).long().clamp(min=0).tolist()
    x2, y2 = (far_round(box[2:] / stride).long() + far).tolist()
    return pool(features[:, y1:y2, x1:x2], bins)


def c_rounded(cells):
    return (cells + 0.5).floor()


def transposed(features, box, stride, bins):
    return pool_region(features, box[[1, 0, 3, 2]], stride, bins)


def moved_inside(features, box, stride, bins):
    shift = (-(box[:2] / stride).floor()).clamp(min=0) * stride
    return pool_region(features, box + torch.cat([shift, shift]), stride, bins)


def not_cut(features, box, stride, bins):
    x1, y1 = (box[:2] / stride).floor().long().tolist()
    x2, y2 = (box[2:] / stride).ceil().long().tolist()
    return F.adaptive_max_pool2d(features[:, y1:y2, x1:x2], bins)


def detection_loss(scores, boxes, labels, objects, weight, used=None, count=None, rows=None,
                   cost=generalized_box_iou_loss, weigh=None, named=None):
    used = labels >= 0 if used is None else used
    count = max(int(used.sum()), 1) if count is None else count
    naming = F.cross_entropy(scores[used], labels[used].clamp(min=0), reduction="sum") / count
    naming = naming if named is None else named
    rows = labels > 0 if rows is None else rows
    box = cost(boxes[rows], objects[rows]).sum() / count
    weigh = (1, weight) if weigh is None else weigh
    return weigh[0] * naming + weigh[1] * box


def by_all(scores, boxes, labels, objects, weight, box_only=False, class_only=False):
    naming = F.cross_entropy(scores, labels, ignore_index=-1, reduction="sum")
    rows, used = labels > 0, int((labels >= 0).sum())
    box = generalized_box_iou_loss(boxes[rows], objects[rows], reduction="sum")
    return (naming / (used if box_only else len(labels))
            + weight * box / (used if class_only else len(labels)))


def box_by(scores, boxes, labels, objects, weight, count):
    rows, used = labels > 0, labels >= 0
    box = generalized_box_iou_loss(boxes[rows], objects[rows], reduction="sum")
    return F.cross_entropy(scores[used], labels[used]) + weight * box / count(labels)


def box_mean(scores, boxes, labels, objects, weight):
    rows = labels > 0
    box = generalized_box_iou_loss(boxes[rows], objects[rows])
    right = detection_loss(scores, boxes, labels, objects, weight)
    return right + 0 * box.sum() / rows.sum()                    # NaN without an object


def left_out_mean(scores, boxes, labels, objects, weight):
    used = labels >= 0
    return detection_loss(scores, boxes, labels, objects, weight) + 0 / used.sum()


def plain_iou_cost(a, b):
    inside = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    shared = inside.prod(dim=1)
    return 1 - shared / (size(a).prod(dim=1) + size(b).prod(dim=1) - shared)


def softmax_twice(scores, boxes, labels, objects, weight):
    return detection_loss(scores.softmax(dim=1), boxes, labels, objects, weight)


def detect(scores, boxes, least, overlap, most, chances=None, compete=False, column=0, shift=0,
           classes=True, early=False, thin=True):
    chances = scores.softmax(dim=1) if chances is None else chances
    chance, k = chances[:, 1:].max(dim=1)
    rows = (chance > least).nonzero().flatten()
    if compete:
        rows = rows[chances[rows].argmax(dim=1) > 0]
    if early:
        rows = rows[chance[rows].argsort(descending=True)[:most]]
    k, chance = k[rows] + 1, chance[rows]
    found = boxes[rows, k * 0 if column is None else k + column]
    kept = (batched_nms(found, chance, k, overlap) if classes else nms(found, chance, overlap))
    kept = kept if thin else chance.argsort(descending=True)
    return {"boxes": found[kept][:most], "labels": (k + shift)[kept][:most],
            "scores": chance[kept][:most]}


def several_answers(scores, boxes, least, overlap, most):
    chances = scores.softmax(dim=1)
    rows, k = (chances[:, 1:] > least).nonzero().T
    k = k + 1
    kept = batched_nms(boxes[rows, k], chances[rows, k], k, overlap)[:most]
    return {"boxes": boxes[rows, k][kept], "labels": k[kept], "scores": chances[rows, k][kept]}


def without_background(scores, *given):
    inside = scores[:, 1:].softmax(dim=1)
    return detect(scores, *given, chances=torch.cat([inside[:, :1] * 0, inside], dim=1))


def all_found(scores, boxes, least, overlap, most):
    return detect(scores, boxes, least, overlap, 99)


RIGHT = {
    "C.average_recall": average_recall,
    "C.roles": roles,
    "C.choose": choose,
    "C.targets": targets,
    "C.restore": restore,
    "C.pool_region": pool_region,
    "C.detection_loss": detection_loss,
    "C.detect": detect,
}
WRONG = {
    "C.average_recall": [
        (mean_of_pictures, "each picture has a recall of its own"),
        (lambda t, n: mean_of_pictures(t, n, 0), "it must not count as 0"),
        (lambda t, n: mean_of_pictures(t, n, 1), "it must not count as 1"),
        (lambda t, n: average_recall(t, 999), "all proposals were taken"),
        (lambda t, n: average_recall(t, n, LEVELS[:1]), "the recall at 0.5 alone"),
        (lambda t, n: best_overlaps(t, n).mean(), "the mean best overlap"),
        (only_pictures_with_proposals, "is missed, not left out"),
        (good_proposals, "the share of good proposals"),
        (one_to_one, "there is no matching here"),
        (lambda t, n: average_recall(t, n, torch.linspace(0.5, 1, 11)), "end at 0.95"),
        (lambda t, n: average_recall(t, n) * 10, "the thresholds are added"),
        (lambda t, n: average_recall(t, n) if sum(x.shape[1] for x in t) else 0.0, "NaN, not 0"),
    ],
    "C.roles": [
        (lambda o: roles(o, low=-1), "here it is background"),
        (lambda o: roles(o, least=0.5001), "an overlap of 0.5 is enough"),
        (lambda o: roles(o, low=0.1001), "an overlap of 0.1 is enough"),
        (lambda o: roles(o, background=-2, out=-1), "are swapped"),
        (lambda o: roles(o, plus=1), "rows count from 0"),
        (lambda o: roles(o, first=True), "the one it overlaps more"),
        (lambda o: roles(o, background=0), "background is -1 here"),
        (lambda o: roles(o, out=0), "what is left out is -2"),
        (lambda o: roles(o, least=0), "however little they overlap"),
        (lambda o: roles(o, empty=-1), "all are left out, -2"),
        (lambda o: roles(o) + 0 * o.argmax(dim=1), "reaches 0.1, and all are left out"),
    ],
    "C.choose": [
        (lambda r, o, n, s: choose(r, o, n, s, most=round(n * s)), "rounded down"),
        (lambda *given: choose(*given, ignored=True), "were drawn as background"),
        (lambda r, o, n, s: choose(r, torch.arange(len(r)), n, s), "you go row by row"),
        (object_zero_forgotten, "role 0 is an object, too"),
        (places, "those are places in `order`"),
        (background_first, "background came first"),
        (lambda *given: choose(*given).sort()[0], "sorted by row"),
        (lambda r, o, n, s: o[:n], "whatever they are"),
        (lambda r, o, n, s: choose(r, o, n, s, most=n), "too many positives"),
        (lambda r, o, n, s: choose(r, o.argsort(), n, s), "it is no rank"),
        (lambda *given: choose(*given, fill=False), "background fills up"),
        (lambda *given: choose(*given, more=True), "no more positives"),
        (with_repeats, "none twice"),
    ],
    "C.targets": [
        (lambda r, o, m, s: plain(r, o) / s, "the mean is not taken off"),
        (lambda r, o, m, s: plain(r, o) - m, "not divided by the standard deviations"),
        (lambda r, o, m, s: plain(r, o), "neither the mean"),
        (lambda r, o, m, s: (plain(r, o) - m) * s, "you multiply by the standard"),
        (lambda r, o, m, s: (plain(r, o) + m) / s, "the mean is added"),
        (lambda r, o, m, s: plain(r, o) / s - m, "before you divide"),
        (lambda r, o, m, s: targets(r, o, m, s, unit=size(o)), "not of the object's"),
        (lambda r, o, m, s: targets(r, o, m, s, start=lambda b: b[:, :2]), "corner to corner"),
        (lambda r, o, m, s: targets(r, o, m, s, unit=1), "divide by it"),
        (lambda r, o, m, s: targets(r, o, m, s, ratio=lambda x: x), "needs a logarithm"),
        (lambda r, o, m, s: targets(r, o, m, s, ratio=lambda x: -x.log()), "upside down"),
        (lambda r, o, m, s: targets(r, o, m, s, unit=size(r).flip(1)), "they are swapped"),
        (lambda r, o, m, s: targets(r, o, m, s, unit=-size(r)), "the sign of the shift"),
    ],
    "C.restore": [
        (lambda a, r, m, s, p: restore(a, r, m, s, p, back=(a + m) * s), "added too early"),
        (lambda a, r, m, s, p: restore(a, r, m, s, p, back=a * s), "is not added again"),
        (lambda a, r, m, s, p: restore(a, r, m, s, p, back=(a - m) / s), "the way there"),
        (lambda *given: restore(*given, cut=False), "not cut off at the picture's edges"),
        (lambda a, r, m, s, p: restore(a, r, m, s, p[::-1]), "the size is (height, width)"),
        (lambda *given: other_limits(*given, high=False), "cut off at 0 only"),
        (lambda *given: other_limits(*given, low=-1e9), "no corner lies below 0"),
        (lambda *given: restore(*given, grow=lambda d: d), "the exponential of dw and dh"),
        (lambda *given: restore(*given, grow=lambda d: 1 + d), "only near to the exponential"),
        (lambda *given: restore(*given, start=lambda b: b[:, :2]), "not at its corner"),
        (lambda *given: restore(*given, half=1), "half the size"),
        (lambda *given: restore(*given, unit=1), "multiply by it"),
    ],
    "C.pool_region": [
        (lambda *given: pool_region(*given, near_round=c_rounded, far_round=c_rounded, far=1),
         "that is RoI pooling"),
        (lambda *given: pool_region(*given, near_round=torch.round, far_round=torch.round),
         "go to the nearest cells"),
        (lambda *given: pool_region(*given, far_round=torch.floor), "rounded down"),
        (lambda *given: pool_region(*given, far=1), "one cell more"),
        (transposed, "they are swapped"),
        (lambda *given: pool_region(*given, pool=F.adaptive_avg_pool2d), "the mean of each bin"),
        (lambda f, b, s, n: pool_region(f, b, s, n[::-1]), "bins are (down, across)"),
        (lambda *given: pool_region(*given, pool=lambda x, bins: x), "those are the cells"),
        (lambda f, b, s, n: F.adaptive_max_pool2d(f, n), "the whole map"),
        (not_cut, "begin at 0"),
        (moved_inside, "do not move it"),
    ],
    "C.detection_loss": [
        (by_all, "counts as one in R"),
        (lambda s, b, n, o, w: detection_loss(s, b, n, o, w, used=n > -9), "pays as background"),
        (lambda *given: by_all(*given, class_only=True), "the class term is divided by all"),
        (lambda *given: by_all(*given, box_only=True), "the box term is divided by all"),
        (lambda *given: box_by(*given, count=lambda n: (n > 0).sum()), "of objects' regions"),
        (lambda *given: box_by(*given, count=lambda n: 1), "is not divided by R"),
        (lambda s, b, n, o, w: detection_loss(s, b, n, o, w, rows=n >= 0), "background has no box"),
        (lambda s, b, n, o, w: detection_loss(s, b, n, o, w, rows=n != 0), "have no box to pay"),
        (lambda *given: detection_loss(*given, cost=plain_iou_cost), "the box term is 1 - IoU"),
        (lambda *given: detection_loss(*given, cost=lambda a, b: 1 - generalized_box_iou_loss(
            a, b)), "the box term is GIoU"),
        (lambda s, b, n, o, w: detection_loss(s, b, n, o, 1), "the weight is missing"),
        (lambda *given: detection_loss(*given, weigh=(given[4], 1)), "not to the class term"),
        (lambda *given: detection_loss(*given, weigh=(2, 2)), "both terms have the weight"),
        (softmax_twice, "the scores as they are"),
        (lambda *given: detection_loss(*given, count=1), "not divided by R"),
        (lambda *given: detection_loss(*given).item(), "return a tensor"),
        (lambda s, b, *given: detection_loss(s, b.detach(), *given), "one of the two terms"),
        (box_mean, "a mean of nothing is NaN"),
        (left_out_mean, "0 / 0 is NaN"),
    ],
    "C.detect": [
        (lambda *given: detect(*given, compete=True), "background competes"),
        (several_answers, "has answered twice"),
        (lambda *given: detect(*given, shift=-1), "the first object is class 1"),
        (without_background, "takes part in the softmax"),
        (lambda *given: detect(*given, column=None), "the box is the background's"),
        (lambda *given: detect(*given, column=-1), "the class before"),
        (lambda *given: detect(*given, classes=False), "a cat has struck out a rabbit"),
        (lambda *given: detect(*given, thin=False), "duplicates are left"),
        (lambda s, b, least, *given: detect(s, b, -1, *given), "`least` is missing"),
        (lambda s, *given: detect(s, *given, chances=s.sigmoid()), "not from a sigmoid"),
        (lambda s, *given: detect(s, *given, chances=s), "before the softmax"),
        (lambda *given: detect(*given, early=True), "counts detections after suppression"),
        (all_found, "at most `most` were asked for"),
        (lambda *given: list(detect(*given).values()), "a dict with boxes, labels and scores"),
    ],
}
