"""Chapter 13's checks: whole scenes, the pyramid's sums, which map, a mean over photographs."""

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.checks.compare import call, likely, numbers, stages

SCENES, HELD = [3, 1, 3, 2, 1, 4, 2], {2, 3}


def split_scenes(answer: object) -> str | None:
    """Check `split_scenes(scenes, held)` for seven photographs of four scenes."""
    rest, out = [1, 4, 5], [0, 2, 3, 6]
    return stages(
        lambda: _split(call(answer, SCENES, HELD), rest, out),
        lambda: _split(call(answer, SCENES, set(), rare="right, but nothing may be held out."),
                       [*range(7)], []))


def _split(got: object, rest: list[int], out: list[int]) -> str | None:
    """A sentence where `got` is not the two lists."""
    try:
        first, second = ([int(n) for n in part] for part in got)
    except (TypeError, ValueError):
        return "two lists of places are expected: those to learn from, then those held out."
    if [first, second] == [rest, out]:
        return None
    if [first, second] == [out, rest]:
        return "the two lists have changed places: first those to learn from."
    if sorted(first) == rest and sorted(second) == out:
        return "the right places, but not in order."
    if [first, second] == [[SCENES[n] for n in part] for part in (rest, out)]:
        return "those are the scenes' numbers: give the photographs' places, counted from 0."
    if [first, second] == [[n + 1 for n in part] for part in (rest, out)]:
        return "places are counted from 0."
    if set(first) & set(second):
        return f"photograph {min(set(first) & set(second))} is in both lists."
    if len(first) + len(second) < len(SCENES):
        return ("some photographs are in neither list: of a scene that is held out, ALL are held "
                "out, and every other photograph is learned from.")
    crossing = {SCENES[n] for n in first if n < 7} & {SCENES[n] for n in second if n < 7}
    if crossing:
        return f"scene {min(crossing)} has photographs in both lists: a scene goes as a whole."
    return f"for scenes {SCENES} and held {HELD} the lists are {rest} and {out}, not {got}."


FINE = torch.arange(32.0).view(1, 1, 4, 8)
MIDDLE = 10 * torch.arange(1.0, 9).view(1, 1, 2, 4)
COARSE = torch.tensor([[[[100.0, 300.0]]]])


def grown(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Nearest neighbor."""
    return F.interpolate(x, size, mode="nearest")


def copies(maps: list[Tensor]) -> list[Tensor]:
    """The maps anew, for an answer that may change them."""
    return [level.clone() for level in maps]


def top_down(answer: object) -> str | None:
    """Check `top_down(maps)` for three maps, the middle one with an odd size afterwards."""
    maps = [FINE, MIDDLE, COARSE]
    middle = MIDDLE + grown(COARSE, (2, 4))
    right = FINE + grown(middle, (4, 8))
    odd = [torch.zeros(1, 1, 3, 5), torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])]
    return stages(
        lambda: _list(call(answer, copies(maps)), 3),
        lambda: likely(call(answer, copies(maps))[2], COARSE, {
            "the coarsest map gets nothing: knowledge flows from coarse to fine.":
                COARSE + F.avg_pool2d(MIDDLE + F.avg_pool2d(FINE, 2), 2),
            "the list is the wrong way round: from fine to coarse, as it came.": right,
        }, "the coarsest of three maps"),
        lambda: likely(call(answer, copies(maps))[1], middle, {
            "the middle map is as it came: the coarsest, enlarged, is added to it.": MIDDLE,
            "nearest neighbor was asked for, not bilinear interpolation.":
                MIDDLE + F.interpolate(COARSE, (2, 4), mode="bilinear"),
        }, "the middle one of three maps"),
        lambda: likely(call(answer, copies(maps))[0], right, {
            "the finest map is as it came: the middle one, enlarged, is added to it.": FINE,
            "the coarsest map does not reach the finest: begin at the coarse end, and hand on what "
            "has been added already.": FINE + grown(MIDDLE, (4, 8)),
            "the finest map has taken the middle one twice.": right + grown(middle, (4, 8)),
        }, "the finest of three maps"),
        lambda: _unchanged(answer, maps),
        lambda: likely(call(answer, copies(odd), rare="right where sizes double, but a map of 3 x "
                            "5 stands above one of 2 x 3: enlarge to the finer one's SIZE.")[0],
                       grown(odd[1], (3, 5)), {}, "maps of 3 x 5 and 2 x 3"))


def _list(got: object, count: int) -> str | None:
    if isinstance(got, Tensor) or not hasattr(got, "__len__") or len(got) != count:
        return f"a list of {count} maps is expected, as many as came."
    return None


def _unchanged(answer: object, maps: list[Tensor]) -> str | None:
    given = copies(maps)
    answer(given)
    if all(a.equal(b) for a, b in zip(given, maps, strict=True)):
        return None
    return ("the numbers are right, but the maps that came are changed: write a + b, not a += b, "
            "and keep the sums in a list of your own.")


BOXES = torch.tensor([[0.0, 0, 224, 224], [10, 20, 122, 132], [0, 0, 56, 224], [0, 0, 10, 10],
                      [5, 5, 453, 453], [0, 0, 900, 900], [300, 200, 400, 310],
                      [0, 0, 450, 60]])


def pyramid_level(answer: object) -> str | None:
    """Check `pyramid_level(boxes)` for eight regions, and for none."""
    w, h = (BOXES[:, 2:] - BOXES[:, :2]).unbind(dim=1)
    exact = 4 + ((w * h).sqrt() / 224).log2()
    right = exact.floor().clamp(2, 5).long()

    def level(side: Tensor) -> Tensor:
        return (4 + (side / 224).log2()).floor().clamp(2, 5).long()

    return stages(
        lambda: likely(call(answer, BOXES), right, {
            "levels below 2 or above 5 do not exist: clamp them.": exact.floor(),
            "round down, not to the nearest.": exact.round().clamp(2, 5),
            "the logarithm is that of base 2.":
                (4 + ((w * h).sqrt() / 224).log()).floor().clamp(2, 5),
            "that is the area: take its root first.": level(w * h),
            "the side is the root of width times height, not the width.": level(w),
            "the side is the root of width times height, not the height.": level(h),
            "the side is the root of width times height, not the longer side.":
                level(torch.maximum(w, h)),
            "those are boxes as x1, y1, x2, y2: the width is x2 - x1.":
                level((BOXES[:, 2] * BOXES[:, 3]).sqrt()),
            "counted from 0: the finest level is called 2.": right - 2,
            "those are strides: give the level k.": 2 ** right,
            "not rounded yet.": exact.clamp(2, 5),
        }, "eight regions"),
        lambda: likely(call(answer, BOXES[:0], rare="right, but there may be no region."),
                       torch.zeros(0), {}, "no region"))


CASES = [([2.0, 4.0, 9.0], [4, 4, 1]), ([1.5], [3])]


def mean_loss(answer: object) -> str | None:
    """Check `mean_loss(losses, counts)` for three batches, and for one."""
    def right(losses: list, counts: list) -> float:
        return sum(a * b for a, b in zip(losses, counts, strict=True)) / sum(counts)

    wanted = torch.tensor([right(*case) for case in CASES])
    return likely(numbers(answer, CASES, "set of batches", "one number"), wanted, {
        "each batch counts alike: a photograph in the last, smaller one weighs more than the "
        "others. Weigh each mean by its count.":
            torch.tensor([sum(a) / len(a) for a, _ in CASES]),
        "the sum over all photographs: divide by their number.":
            torch.tensor([right(*case) * sum(case[1]) for case in CASES]),
        "weighed rightly, but divided by the number of batches: divide by that of photographs.":
            torch.tensor([right(*case) * sum(case[1]) / len(case[1]) for case in CASES]),
        "the sum of the means, divided by the number of photographs: each mean stands for as many "
        "photographs as its batch has.":
            torch.tensor([sum(a) / sum(b) for a, b in CASES]),
        "the last batch is left out: its photographs count, too.":
            torch.tensor([3.0, torch.nan]),
    }, "means 2, 4, 9 of 4, 4, 1 photographs, and 1.5 of 3")


CHECKS = {
    "split-scenes": split_scenes,
    "top-down": top_down,
    "pyramid-level": pyramid_level,
    "mean-loss": mean_loss,
}
