"""Answers to chapter 07's exercises."""

import torch


def places(n, k, s):
    return max((n - k) // s + 1, 0)


def count(size, window, s):
    return places(size[0], window[0], s) * places(size[1], window[1], s)


def curve(right, objects):
    hits = right.double().cumsum(0)
    return torch.stack([hits / torch.arange(1, len(right) + 1), hits / objects])


def envelope(right, objects):
    precision, recall = curve(right, objects)
    return precision.flip(0).cummax(0)[0].flip(0), recall


def area(right, objects):
    if not len(right):
        return 0.0
    best, recall = envelope(right, objects)
    return (recall.diff(prepend=recall.new_zeros(1)) * best).sum()


def points(right, objects, n):
    if not len(right):
        return 0.0
    best, recall = envelope(right, objects)
    return sum(max([b.item() for b, r in zip(best, recall, strict=True) if r >= level - 1e-9],
                   default=0.0) for level in torch.linspace(0, 1, n).tolist()) / n


def widths(recall):
    return recall.diff(prepend=recall.new_zeros(1))


def raw_area(right, objects):
    precision, recall = curve(right, objects)
    return (widths(recall) * precision).sum()


def from_the_left(right, objects):
    precision, recall = curve(right, objects)
    return (widths(recall) * precision.cummax(0)[0]).sum()


def match(overlaps, threshold, strict=False, free_only=True, once=True):
    taken, out = set(), []
    for row in overlaps.tolist():
        columns = [m for m in range(len(row)) if not (free_only and once and m in taken)]
        best = max(columns, key=row.__getitem__, default=-1)
        fits = best >= 0 and (row[best] > threshold if strict else row[best] >= threshold)
        fits = fits and not (once and best in taken)
        out.append(best if fits else -1)
        taken.add(out[-1])
    return torch.tensor(out, dtype=torch.int64)


def by_iou(overlaps, threshold):
    out, left = torch.full((len(overlaps),), -1), overlaps.clone()
    for _ in range(2):
        d, m = divmod(int(left.argmax()), left.shape[1])
        if d == 2:
            out[d] = m
            left[d], left[:, m] = -1, -1
        else:
            out[0] = 1
            break
    return out


RIGHT = {
    "window-count": count,
    "precision-recall": curve,
    "all-point-ap": area,
    "match-detections": match,
}
WRONG = {
    "window-count": [
        (lambda n, k, s: ((n[0] - k[0]) // s) * ((n[1] - k[1]) // s), "the last place is missing"),
        (lambda n, k, s: count(n, k, 1), "that is for stride 1"),
        (lambda n, k, s: (places(n[0], k[0], s) or 1) * places(n[1], k[1], s), "does not fit"),
        (lambda n, k, s: places(n[0], k[0], s) + places(n[1], k[1], s), "not added"),
        (lambda n, k, s: (n[0] // k[0]) * (n[1] // k[1]), "by the stride, not by their size"),
        (lambda n, k, s: "many", "a whole number was expected"),
    ],
    "precision-recall": [
        (lambda r, m: curve(r, m).flip(0), "the rows are swapped"),
        (lambda r, m: curve(r, int(r.sum())), "divided by the number of hits"),
        (lambda r, m: torch.stack([r.double().cumsum(0) / len(r), curve(r, m)[1]]),
         "precision is divided by all detections"),
        (lambda r, m: torch.stack(envelope(r, m)), "that is the envelope"),
        (lambda r, m: torch.stack([r / torch.arange(1, len(r) + 1), r.double() / m]),
         "those are the flags"),
        (lambda r, m: curve(r, m) if r[0] else None, "an empty (2, 0) was expected"),
    ],
    "all-point-ap": [
        (raw_area, "the envelope is missing"),
        (lambda r, m: area(r, int(r.sum())), "objects never found count as 0"),
        (lambda r, m: curve(r, m)[0].mean(), "mean of the precisions over all detections"),
        (lambda r, m: points(r, m, 11), "11-point AP"),
        (lambda r, m: points(r, m, 101), "101-point AP"),
        (from_the_left, "from the left"),
        (lambda r, m: envelope(r, m)[0][0] * 0 + area(r, m), "without any, 0 was expected"),
    ],
    "match-detections": [
        (lambda o, t: match(o, t, once=False), "an object was given twice"),
        (lambda o, t: match(o, t, free_only=False), "that is VOC's rule"),
        (by_iou, "may choose first"),
        (lambda o, t: match(o, -1), "the threshold is missing"),
        (lambda o, t: match(o, t, strict=True), "equal to the threshold is enough"),
        (lambda o, t: match(o, t) if o.shape[1] else o.argmax(dim=1),
         "without any, each detection"),
    ],
}
