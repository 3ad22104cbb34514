"""Lab B's checks, second half: judging detections, the curve over all images, a step AP."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, stages

OVERLAPS = torch.tensor([[0.8, 0.6, 0.9, 0.0], [0.7, 0.55, 0.0, 0.0], [0.6, 0.52, 0.7, 0.0],
                         [0.2, 0.3, 0.9, 0.1], [0.75, 0.0, 0.4, 0.0]])
HERD = torch.tensor([False, False, True, False])


def judged(table: Tensor, crowd: Tensor, threshold: float, strict: bool = False, once: bool = True,
           first: bool = True, free: bool = True, used: bool = False) -> Tensor:
    """COCO's verdicts; `first`: single objects before crowds, `used`: a crowd only once."""
    taken, out = set(), []
    for row in table.tolist():
        rank = {m: (first and not crowd[m], value) for m, value in enumerate(row)
                if (value > threshold if strict else value >= threshold)}
        open_ones = {m: r for m, r in rank.items() if m not in taken or not free}
        best = max(open_ones, key=open_ones.get, default=-1)
        best = -1 if not free and best in taken else best
        out.append(0 if best < 0 else -1 if crowd[best] else 1)
        if best >= 0 and once and (used or not crowd[best]):
            taken.add(best)
    return torch.tensor(out)


def judge(answer: object) -> str | None:
    """Check `judge(overlaps, crowd, threshold)`: five detections, three objects and a crowd."""
    given = OVERLAPS, HERD, 0.5
    right = judged(*given)
    exact = torch.tensor([[0.5, 0.2], [0.1, 0.5]]), HERD[1:3], 0.5
    nothing = torch.zeros(2, 0), HERD[:0], 0.5
    return stages(
        lambda: likely(call(answer, *given), right, {
            "the crowd is treated like a single object: what finds it does not count, -1.":
                judged(OVERLAPS, HERD & False, 0.5),
            "a crowd is never used up: any number of detections may lie in it.":
                judged(*given, used=True),
            "a crowd is taken before a single object: it comes last, however much it overlaps.":
                judged(*given, first=False),
            "what finds only a crowd does not count, -1: it is not wrong, 0.": right.clamp(min=0),
            "what finds only a crowd does not count, -1: it is not right, 1.": right.abs(),
            "what finds nothing is wrong, 0, and does count: -1 is for crowds.":
                torch.where(right == 1, 1, -1),
            "that is VOC's rule: in COCO's a detection whose best object is taken moves on to the "
            "best one that is free.": judged(*given, free=False),
            "an object was found twice: once taken, it is not free.": judged(*given, once=False),
            "the threshold is missing.": judged(OVERLAPS, HERD, 1e-6),
            "those are columns: give 1, 0 or -1 for each detection.":
                torch.tensor([0, 1, 2, 2, -1]),
        }, "five detections, three objects and a crowd"),
        lambda: likely(call(answer, *exact), judged(*exact), {
            "right, but an overlap equal to the threshold is enough.": judged(*exact, strict=True),
        }, "the rows .5 .2 and .1 .5, the second column a crowd"),
        lambda: likely(call(answer, *nothing, rare="right with objects; without any, each "
                            "detection is wrong, 0."), torch.zeros(2), {},
                       "two detections and no object"))


VERDICTS = [torch.tensor([1, 0]), torch.tensor([-1, 0, 1]), torch.tensor([], dtype=torch.int64)]
LEVELS = [torch.tensor([0.9, 0.4]), torch.tensor([0.95, 0.6, 0.5]), torch.tensor([])]


def drawn(verdicts: Tensor, objects: int) -> Tensor:
    """(2, N): precision and recall, all verdicts counted in this order."""
    hits = (verdicts == 1).double().cumsum(0)
    return torch.stack([hits / torch.arange(1, len(verdicts) + 1), hits / objects])


def curve(answer: object) -> str | None:
    """Check `curve(verdicts, scores, objects)` for three images, one without a detection."""
    flat, levels = torch.cat(VERDICTS), torch.cat(LEVELS)
    order = levels.argsort(descending=True)
    some = flat[order][flat[order] >= 0]
    right, hits = drawn(some, 4), (some == 1).double().cumsum(0)
    each = [drawn(one[one >= 0], 4) for one in VERDICTS[:2]]
    ties = [torch.tensor([0, 1]), torch.tensor([1])], [torch.full((n,), 0.5) for n in (2, 1)], 3
    none = [flat[:0]], [levels[:0]], 3
    return stages(
        lambda: likely(call(answer, VERDICTS, LEVELS, 4), right, {
            "what does not count (-1) still counts as a detection: leave it out.":
                drawn(flat[order], 4),
            "the images stand one after another: sort all detections together by score.":
                drawn(flat[flat >= 0], 4),
            "each image has a curve of its own: rank the detections of all images together.":
                torch.cat(each, dim=1),
            "sorted the wrong way: the highest score comes first.": drawn(some.flip(0), 4),
            "the -1 are added up: leave them out before you sum.": torch.stack(
                [flat[order].cumsum(0) / torch.arange(1, 6), flat[order].cumsum(0) / 4]),
            "recall is divided by the number of hits: divide by `objects`.":
                torch.stack([right[0], hits / hits[-1]]),
            "precision is divided by all detections: divide by those seen so far.":
                torch.stack([hits / len(some), right[1]]),
            "the rows are swapped: precision comes first.": right.flip(0),
            "that is the envelope: the curve itself was asked for.":
                torch.stack([right[0].flip(0).cummax(0)[0].flip(0), right[1]]),
        }, "the verdicts [1 0], [-1 0 1] and []"),
        lambda: likely(call(answer, *ties), drawn(torch.tensor([0, 1, 1]), 3), {
            "right, but equal scores must keep their order: sort with stable=True.":
                drawn(torch.tensor([1, 1, 0]), 3),
        }, "three detections with one score, verdicts [0 1] and [1]"),
        lambda: likely(call(answer, *none, rare="right for some detections; without any, an empty "
                            "(2, 0) was expected."), torch.zeros(2, 0), {}, "no detection"))


RIGHT = torch.tensor([True, True, False, True, False, True])
TIED = torch.tensor([0.7, 0.9, 0.7, 0.4, 0.8, 0.7])


def step(right: Tensor, scores: Tensor, objects: int) -> Tensor:
    """Precision and width of each step, a step for every different score."""
    levels = scores.unique().flip(0)
    seen = (scores >= levels[:, None]).sum(dim=1)
    hits = ((scores >= levels[:, None]) & right).sum(dim=1).double()
    return torch.stack([hits / seen, hits.diff(prepend=hits[:1] * 0) / objects])


def step_ap(answer: object) -> str | None:
    """Check `step_ap(right, scores, objects)`: three of six detections share a score."""
    precision, width = step(RIGHT, TIED, 6)
    order = TIED.argsort(descending=True, stable=True)
    lucky = drawn(torch.tensor([1, 0, 1, 1, 0, 1]), 6)
    single, plain = drawn(RIGHT[order].int(), 6), drawn(RIGHT.int(), 6)

    def area(curve: Tensor) -> Tensor:
        return (curve[0] * curve[1].diff(prepend=curve[1][:1] * 0)).sum()

    return stages(
        lambda: likely(call(answer, RIGHT, TIED, 6), (precision * width).sum(), {
            "equal scores were taken one after another: they make one step, with the precision "
            "after all of them.": area(single),
            "the right ones among equal scores were taken first: they make one step, with the "
            "precision after all of them.": area(lucky),
            "the detections are not sorted: the highest score comes first.": area(plain),
            "that is the mean over the hits: objects never found count as 0, so divide by "
            "`objects`.": (precision * width).sum() * 6 / 4,
            "that is the mean of the precisions: weigh each with its step in recall.":
                precision.mean(),
            "there is an envelope in it: take the precision as it is.":
                (precision.flip(0).cummax(0)[0].flip(0) * width).sum(),
            "each precision is multiplied by recall: multiply it by the step in recall.":
                (precision * width.cumsum(0)).sum(),
            "you read the precision where the step begins: read it where it ends, after all equal "
            "scores.": (precision.roll(1).index_fill(0, torch.tensor(0), 1) * width).sum(),
        }, "six detections of six objects, three of them with the score 0.7"),
        lambda: likely(call(answer, RIGHT[:0], TIED[:0], 5, rare="right for some detections; "
                            "without any, 0 was expected."), torch.tensor(0.0), {},
                       "no detection"))


CHECKS = {
    "B.judge": judge,
    "B.curve": curve,
    "B.step_ap": step_ap,
}
