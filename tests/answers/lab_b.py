"""Answers to lab B: right ones, and typical wrong ones with words of the hint they get."""

import torch


def shared(a, b, cut="sides", more=0):
    start, stop = torch.maximum(a[:, None, :2], b[:, :2]), torch.minimum(a[:, None, 2:], b[:, 2:])
    size = stop - start + more
    product = (size.clamp(min=0) if cut == "sides" else size).prod(dim=2)
    return product.clamp(min=0) if cut == "product" else product


def areas(boxes, more=0):
    return (boxes[:, 2] - boxes[:, 0] + more) * (boxes[:, 3] - boxes[:, 1] + more)


def overlaps(a, b, crowd, bottom="found", cut="sides", more=0, empty=True):
    inter, found, true = shared(a, b, cut, more), areas(a, more)[:, None], areas(b, more)
    union = found + true - inter
    below = torch.where(crowd, {"found": found, "true": true, "union": union}[bottom], union)
    return torch.where(below > 0, inter / below, 0) if empty else inter / below


def overlaps_by_loops(a, b, crowd):
    return torch.stack([overlaps(row[None], b, crowd)[0] for row in a])


def cover(boxes, bottom=torch.minimum, cut="sides", empty=True):
    inter, area = shared(boxes, boxes, cut), areas(boxes)
    below = bottom(area[:, None], area[None]).expand(len(area), len(area))
    return torch.where(below > 0, inter / below, 0) if empty else inter / below


def plain_iou(boxes):
    return overlaps(boxes, boxes, torch.zeros(len(boxes), dtype=torch.bool))


def suppress(table, scores, labels, threshold, most, order=None, classes=True, strict=True,
             chain=True):
    order = scores.argsort(descending=True, stable=True) if order is None else order
    out, seen = [], []
    for i in order.tolist():
        rivals = [j for j in (out if chain else seen) if not classes or labels[i] == labels[j]]
        seen.append(i)
        over = [table[i, j] > threshold if strict else table[i, j] >= threshold for j in rivals]
        if not any(over):
            out.append(i)
    return torch.tensor(out[:most], dtype=torch.int64)


def first_the_best(table, scores, labels, threshold, most):
    best = scores.argsort(descending=True, stable=True)[:most]
    return suppress(table, scores, labels, threshold, most, order=best)


def later_rows_first(table, scores, labels, threshold, most):
    order = len(scores) - 1 - scores.flip(0).argsort(descending=True, stable=True)
    return suppress(table, scores, labels, threshold, most, order=order)


def as_mask(*given):
    return torch.isin(torch.arange(len(given[1])), suppress(*given))


def strict_only_late(table, scores, labels, threshold, most):
    return suppress(table, scores, labels, threshold, most, strict=most < 4)


def vote(boxes, scores, kept, table, threshold, weigh=True, share=True):
    weights = (table[kept] > threshold) * (scores if weigh else torch.ones_like(scores))
    sums = weights @ boxes
    return sums / weights.sum(dim=1, keepdim=True) if share else sums


def only_kept_vote(boxes, scores, kept, table, threshold):
    return vote(boxes[kept], scores[kept], torch.arange(len(kept)), table[kept][:, kept], threshold)


def all_but_itself(boxes, scores, kept, table, threshold):
    return vote(boxes, scores, kept, table - torch.eye(len(table)), threshold)


def divided_by_voters(boxes, scores, kept, table, threshold):
    near = (table[kept] > threshold).float()
    return near * scores @ boxes / near.sum(dim=1, keepdim=True)


def weighed_by_overlap(boxes, scores, kept, table, threshold, also=False):
    weights = table[kept] * (table[kept] > threshold) * (scores if also else 1)
    return weights @ boxes / weights.sum(dim=1, keepdim=True)


def judge(overlaps, crowd, threshold, strict=False, reuse=False, best_first=False, once=False,
          found_crowd=-1, nothing=0):
    free, out = [True] * len(crowd), []
    for row in overlaps.tolist():
        fits = [m for m, value in enumerate(row)
                if free[m] and (value > threshold if strict else value >= threshold)]
        best = max(fits, key=lambda m: (best_first or not crowd[m], row[m]), default=None)
        if best is None:
            out.append(nothing)
        elif crowd[best]:
            out.append(found_crowd)
            free[best] = not once
        else:
            out.append(1)
            free[best] = reuse
    return torch.tensor(out, dtype=torch.int64)


def judge_voc(overlaps, crowd, threshold):
    taken, out = set(), []
    for row in overlaps.tolist():
        fits = [m for m, value in enumerate(row) if value >= threshold]
        best = max(fits, key=lambda m: (not crowd[m], row[m]), default=None)
        out.append(0 if best is None or best in taken else -1 if crowd[best] else 1)
        if best is not None and not crowd[best]:
            taken.add(best)
    return torch.tensor(out)


def counted(verdicts, scores, order=None):
    verdicts, scores = torch.cat(verdicts), torch.cat(scores)
    verdicts = verdicts[scores.argsort(descending=True, stable=True) if order is None else order]
    return verdicts[verdicts >= 0]


def drawn(verdicts, objects):
    hits = (verdicts == 1).double().cumsum(0)
    return torch.stack([hits / torch.arange(1, len(verdicts) + 1), hits / objects])


def curve(verdicts, scores, objects):
    return drawn(counted(verdicts, scores), objects)


def later_ones_first(verdicts, scores, objects):
    return curve([v.flip(0) for v in verdicts[::-1]], [s.flip(0) for s in scores[::-1]], objects)


def by_image(verdicts, scores, objects):
    return torch.cat([curve([v], [s], objects) for v, s in zip(verdicts, scores, strict=True)], 1)


def minus_ones_added(verdicts, scores, objects):
    order = torch.cat(scores).argsort(descending=True)
    sums = torch.cat(verdicts)[order].double().cumsum(0)
    return torch.stack([sums / torch.arange(1, len(sums) + 1), sums / objects])


def crowds_counted(verdicts, scores, objects):
    return drawn(torch.cat(verdicts)[torch.cat(scores).argsort(descending=True)], objects)


def envelope(verdicts, scores, objects):
    precision, recall = curve(verdicts, scores, objects)
    if len(precision):
        precision = precision.flip(0).cummax(0)[0].flip(0)
    return torch.stack([precision, recall])


def over_all(verdicts, scores, objects):
    flags = counted(verdicts, scores)
    return torch.stack([(flags == 1).double().cumsum(0) / len(flags), drawn(flags, objects)[1]])


def steps(right, scores):
    total, seen, hits = 0, [], []
    for level in sorted(set(scores.tolist()), reverse=True):
        chosen = scores == level
        total += int(right[chosen].sum())
        seen.append(int((scores >= level).sum()))
        hits.append(total)
    return torch.tensor(hits, dtype=torch.float64), torch.tensor(seen, dtype=torch.float64)


def step_ap(right, scores, objects, best=False):
    if not len(right):
        return 0.0
    hits, seen = steps(right, scores)
    precision = hits / seen
    if best:
        precision = precision.flip(0).cummax(0)[0].flip(0)
    return (precision * hits.diff(prepend=torch.zeros(1)) / objects).sum().item()


def one_by_one(right, scores, objects, key=None):
    order = scores.argsort(descending=True, stable=True) if key is None else key
    flags, area, hits = right[order].tolist(), 0.0, 0
    for n, flag in enumerate(flags, start=1):
        hits += flag
        area += flag * hits / n / objects
    return area


def lucky(right, scores, objects):
    return one_by_one(right, scores, objects, (scores + 1e-3 * right).argsort(descending=True))


def read_before(right, scores, objects):
    hits, seen = steps(right, scores)
    before = torch.cat([torch.ones(1), (hits / seen)[:-1]])
    return (before * hits.diff(prepend=torch.zeros(1)) / objects).sum()


RIGHT = {
    "B.overlaps": overlaps,
    "B.cover": cover,
    "B.suppress": suppress,
    "B.vote": vote,
    "B.judge": judge,
    "B.curve": curve,
    "B.step_ap": step_ap,
}
WRONG = {
    "B.overlaps": [
        (lambda a, b, c: overlaps(a, b, c, "union"), "crowds are compared like single objects"),
        (lambda a, b, c: overlaps(a, b, c, "true"), "you divide by the crowd's area"),
        (lambda a, b, c: overlaps(a, b, c | ~c), "every object is treated as a crowd"),
        (lambda a, b, c: overlaps(a, b, ~c), "crowds and single objects are swapped"),
        (lambda a, b, c: overlaps(a, b, c, cut=""), "before you multiply"),
        (lambda a, b, c: overlaps(a, b, c, cut="product"), "not the product"),
        (lambda a, b, c: overlaps(a, b, c, more=1), "half-open"),
        (lambda a, b, c: overlaps(a, b, c).T, "transposed"),
        (lambda a, b, c: overlaps(a, b, c, empty=False), "0 / 0"),
        (overlaps_by_loops, "an empty (0, 3) was expected"),
    ],
    "B.cover": [
        (plain_iou, "that is the IoU"),
        (lambda b: cover(b, torch.maximum), "you divide by the larger area"),
        (lambda b: cover(b, lambda row, column: row), "the row's box"),
        (lambda b: cover(b, lambda row, column: column), "the column's box"),
        (lambda b: cover(b, torch.add), "the sum of the areas"),
        (lambda b: cover(b, cut=""), "before you multiply"),
        (lambda b: cover(b, cut="product"), "not the product"),
        (lambda b: cover(b) - torch.eye(len(b)), "the diagonal is 1"),
        (lambda b: cover(b, empty=False), "0 / 0"),
    ],
    "B.suppress": [
        (lambda *given: suppress(*given, classes=False), "different classes"),
        (lambda *given: suppress(*given, chain=False), "itself struck out"),
        (first_the_best, "suppress, then take them"),
        (lambda t, s, n, least, most: suppress(t, s, n, least, 99), "`most` is missing"),
        (lambda *given: suppress(*given, strict=False), "MORE than the threshold"),
        (strict_only_late, "right for most = 3, but a box goes only"),
        (lambda t, *given: suppress(t, *given, order=torch.arange(len(t))), "row by row"),
        (lambda t, s, *given: suppress(t, s, *given, order=s.argsort(stable=True)),
         "the lowest score"),
        (lambda *given: suppress(*given).sort()[0], "by falling score"),
        (later_rows_first, "stable=True"),
        (lambda t, s, *given: s[suppress(t, s, *given)], "those are the scores"),
        (as_mask, "give the rows of those that are"),
    ],
    "B.vote": [
        (lambda *given: vote(*given, weigh=False), "weigh each with its score"),
        (only_kept_vote, "only kept boxes have a vote"),
        (all_but_itself, "itself has no vote"),
        (lambda *given: vote(*given, share=False), "the weights do not add up to 1"),
        (divided_by_voters, "the number of voters"),
        (lambda b, s, k, t, least: vote(b, s, k, t, -1), "far boxes vote, too"),
        (weighed_by_overlap, "weighed with its overlap"),
        (lambda *given: weighed_by_overlap(*given, also=True), "score times overlap"),
        (lambda b, s, k, t, least: vote(b, s, torch.arange(len(b)), t, least), "a row for each"),
        (lambda b, s, k, t, least: b[k], "those that were struck out vote, too"),
    ],
    "B.judge": [
        (lambda o, c, t: judge(o, c & False, t), "like a single object"),
        (lambda *given: judge(*given, once=True), "never used up"),
        (lambda *given: judge(*given, best_first=True), "a crowd is taken before"),
        (lambda *given: judge(*given, found_crowd=0), "it is not wrong, 0"),
        (lambda *given: judge(*given, found_crowd=1), "it is not right, 1"),
        (lambda *given: judge(*given, nothing=-1), "-1 is for crowds"),
        (judge_voc, "that is VOC's rule"),
        (lambda *given: judge(*given, reuse=True), "found twice"),
        (lambda o, c, t: judge(o, c, 1e-6), "the threshold is missing"),
        (lambda *given: judge(*given, strict=True), "equal to the threshold is enough"),
    ],
    "B.curve": [
        (crowds_counted, "leave it out"),
        (lambda v, s, m: drawn(counted(v, s, torch.arange(len(torch.cat(s)))), m),
         "the images stand one after another"),
        (by_image, "rank the detections of all images together"),
        (lambda v, s, m: drawn(counted(v, s).flip(0), m), "sorted the wrong way"),
        (minus_ones_added, "the -1 are added up"),
        (lambda v, s, m: curve(v, s, int((torch.cat(v) == 1).sum())), "divide by `objects`"),
        (over_all, "divide by those seen so far"),
        (lambda *given: curve(*given).flip(0), "the rows are swapped"),
        (envelope, "that is the envelope"),
        (later_ones_first, "stable=True"),
    ],
    "B.step_ap": [
        (one_by_one, "one after another"),
        (lucky, "the right ones among equal scores were taken first"),
        (lambda r, s, m: one_by_one(r, s, m, torch.arange(len(r))), "are not sorted"),
        (lambda r, s, m: step_ap(r, s, int(r.sum())), "the mean over the hits"),
        (lambda r, s, m: (steps(r, s)[0] / steps(r, s)[1]).mean(), "the mean of the precisions"),
        (lambda r, s, m: (steps(r, s)[0] ** 2 / steps(r, s)[1] / m).sum(), "multiplied by recall"),
        (read_before, "where the step begins"),
        (lambda *given: step_ap(*given, best=True), "there is an envelope in it"),
        (lambda r, s, m: step_ap(r, s, m) + 0 * s[0], "without any, 0 was expected"),
    ],
}
