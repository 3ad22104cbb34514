"""Chapter 07's checks: window counts, the precision-recall curve, all-point AP, COCO's matching."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, numbers, stages

CASES = [((7, 10), (3, 4), 2), ((128, 96), (40, 20), 4), ((5, 9), (5, 2), 3), ((4, 9), (5, 2), 1)]
FLAGS = torch.tensor([True, False, True, True, False])
OBJECTS = 5
OVERLAPS = torch.tensor([[0.8, 0.6, 0.1], [0.7, 0.6, 0.2], [0.9, 0.1, 0.3]])


def window_count(answer: object) -> str | None:
    """Check `window_count(size, window, stride)`, the last case with a window that is too tall."""
    def table(formula: object) -> Tensor:
        return torch.tensor([float(formula(*case)) for case in CASES])

    def places(n: int, k: int, s: int) -> int:
        return max((n - k) // s + 1, 0)

    found = numbers(answer, CASES, "case")
    return likely(found, table(lambda n, k, s: places(n[0], k[0], s) * places(n[1], k[1], s)), {
        "the last place is missing: 7 pixels hold a window of 3 at 0, 2 and 4, so add 1 on each "
        "axis.": table(lambda n, k, s: ((n[0] - k[0]) // s) * ((n[1] - k[1]) // s)),
        "that is for stride 1: divide the room by the stride first.":
            table(lambda n, k, s: places(n[0], k[0], 1) * places(n[1], k[1], 1)),
        "a window that does not fit has 0 places, also where the other axis has room.":
            table(lambda n, k, s: abs(places(n[0], k[0], s) or 1) * places(n[1], k[1], s)),
        "the places down and the places across are multiplied, not added.":
            table(lambda n, k, s: places(n[0], k[0], s) + places(n[1], k[1], s)),
        "windows that do not overlap were counted: they move by the stride, not by their size.":
            table(lambda n, k, s: (n[0] // k[0]) * (n[1] // k[1])),
    }, "(size, window, stride) of " + ", ".join(map(str, CASES)))


def curve(right: Tensor, objects: int) -> Tensor:
    """(2, N): precision and recall after every detection."""
    hits = right.double().cumsum(0)
    return torch.stack([hits / torch.arange(1, len(right) + 1), hits / objects])


def precision_recall(answer: object) -> str | None:
    """Check `precision_recall(right, objects)` for five flags, then for none."""
    right, hits = curve(FLAGS, OBJECTS + 1), FLAGS.double().cumsum(0)
    return stages(
        lambda: likely(call(answer, FLAGS, OBJECTS + 1), right, {
            "the rows are swapped: precision comes first.": right.flip(0),
            "recall is divided by the number of hits: divide by the number of objects, of which "
            "some are never found.": torch.stack([right[0], hits / hits[-1]]),
            "precision is divided by all detections: divide by those seen so far.":
                torch.stack([hits / len(FLAGS), right[1]]),
            "that is the envelope: the curve itself was asked for.":
                torch.stack([right[0].flip(0).cummax(0)[0].flip(0), right[1]]),
            "those are the flags, not their sums: begin with right.cumsum(0).":
                torch.stack([FLAGS / torch.arange(1, 6), FLAGS.double() / (OBJECTS + 1)]),
        }, "the flags 1 0 1 1 0 and 6 objects"),
        lambda: likely(call(answer, FLAGS[:0], 2, rare="right for some detections; without any, "
                            "an empty (2, 0) was expected."), torch.zeros(2, 0), {},
                       "no detection"))


def area(right: Tensor, objects: int) -> float:
    """All-point AP."""
    if not len(right):
        return 0.0
    precision, recall = curve(right, objects)
    envelope = precision.flip(0).cummax(0)[0].flip(0)
    return float((recall.diff(prepend=recall.new_zeros(1)) * envelope).sum())


def all_point_ap(answer: object) -> str | None:
    """Check `all_point_ap(right, objects)` for a curve with a tooth, then for no detection."""
    precision, recall = curve(FLAGS, OBJECTS)
    widths = recall.diff(prepend=recall.new_zeros(1))
    envelope = precision.flip(0).cummax(0)[0].flip(0)
    grid = [torch.tensor([max([float(e) for e, r in zip(envelope, recall, strict=True)
                               if r >= level - 1e-9], default=0.0)
                          for level in torch.linspace(0, 1, n).tolist()]).mean()
            for n in (11, 101)]
    return stages(
        lambda: likely(call(answer, FLAGS, OBJECTS), torch.tensor(area(FLAGS, OBJECTS)), {
            "the envelope is missing: at each recall take the best precision there or later.":
                (widths * precision).sum(),
            "that is the mean over the hits found: objects never found count as 0.":
                (widths * envelope).sum() / recall[-1],
            "that is the mean of the precisions over all detections: weigh each with the step in "
            "recall.": precision.mean(),
            "that is the 11-point AP of VOC 2007.": grid[0],
            "that is COCO's 101-point AP.": grid[1],
            "the maximum was taken from the left: the best precision at this recall or LATER.":
                (widths * precision.cummax(0)[0]).sum(),
        }, "the flags 1 0 1 1 0 and 5 objects"),
        lambda: likely(call(answer, FLAGS[:0], 2, rare="right for some detections; without any, 0 "
                            "was expected."), torch.tensor(0.0), {}, "no detection"))


def match_detections(answer: object) -> str | None:
    """Check `match_detections(overlaps, threshold)`: the second moves on, the third goes empty."""
    return stages(
        lambda: likely(call(answer, OVERLAPS, 0.5), torch.tensor([0, 1, -1]), {
            "an object was given twice: once taken, it is not free.": torch.tensor([0, 0, 0]),
            "that is VOC's rule: in COCO's the second detection moves to the best FREE object.":
                torch.tensor([0, -1, -1]),
            "the rows go by falling score: the first may choose first, whatever the others' IoU.":
                torch.tensor([1, -1, 0]),
            "the threshold is missing: below it, a detection has no object.":
                torch.tensor([0, 1, 2]),
        }, "the rows .8 .6 .1, .7 .6 .2, .9 .1 .3 and the threshold 0.5"),
        lambda: likely(call(answer, torch.tensor([[0.5, 0.2]]), 0.5), torch.tensor([0]), {
            "an IoU equal to the threshold is enough.": torch.tensor([-1])},
            "the row .5 .2 and the threshold 0.5"),
        lambda: likely(call(answer, torch.zeros(2, 0), 0.5, rare="right with objects; without any, "
                            "each detection gets -1."), torch.tensor([-1, -1]), {},
                       "two detections and no object"))


CHECKS = {
    "window-count": window_count,
    "precision-recall": precision_recall,
    "all-point-ap": all_point_ap,
    "match-detections": match_detections,
}
