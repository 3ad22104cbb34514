"""Lab C's checks, second part: box targets, and the way back."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, stages

REGIONS = torch.tensor([[10.0, 20, 30, 60], [0, 0, 8, 4]])
OBJECTS = torch.tensor([[14.0, 22, 24, 62], [2, 1, 10, 9]])
MEAN, STD = torch.tensor([0.05, 0.0, 0.0, 0.1]), torch.tensor([0.1, 0.1, 0.2, 0.2])


def halves(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 4) corners -> centers and sizes, (N, 2) each."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def targets(answer: object) -> str | None:
    """Check `targets(regions, objects, mean, std)` for two regions, then for none."""
    (at, size), (to, new) = halves(REGIONS), halves(OBJECTS)

    def both(shift: Tensor, grow: Tensor) -> Tensor:
        return torch.cat([shift, grow], dim=1)

    plain = both((to - at) / size, (new / size).log())
    right = (plain - MEAN) / STD

    def scaled(shift: Tensor, grow: Tensor) -> Tensor:
        return (both(shift, grow) - MEAN) / STD

    return stages(
        lambda: likely(call(answer, REGIONS, OBJECTS, MEAN, STD), right, {
            "the mean is not taken off.": plain / STD,
            "the numbers are not divided by the standard deviations.": plain - MEAN,
            "neither the mean nor the standard deviations are used.": plain,
            "you multiply by the standard deviations: divide.": (plain - MEAN) * STD,
            "the mean is added: take it off.": (plain + MEAN) / STD,
            "take the mean off before you divide.": plain / STD - MEAN,
            "shifts are in units of the region's size, not of the object's.":
                scaled((to - at) / new, (new / size).log()),
            "shifts lead from centre to centre, not from corner to corner.":
                scaled((OBJECTS - REGIONS)[:, :2] / size, (new / size).log()),
            "shifts are in units of the region's size: divide by it.":
                scaled(to - at, (new / size).log()),
            "the ratio of the sizes needs a logarithm.": scaled((to - at) / size, new / size),
            "the ratio is upside down: the object's size, divided by the region's.":
                scaled((to - at) / size, (size / new).log()),
            "x goes with the width, y with the height: they are swapped.":
                scaled((to - at) / size.flip(1), (new / size).log()),
            "the way leads from the region to the object: the sign of the shift is wrong.":
                scaled((at - to) / size, (new / size).log()),
        }, "two regions and their objects"),
        lambda: likely(call(answer, REGIONS[:0], OBJECTS[:0], MEAN, STD, rare="right for some "
                            "regions; without any, an empty (0, 4) was expected."),
                       torch.zeros(0, 4), {}, "no region"))


ANSWERS = torch.tensor([[-1.0, 0.5, -3.5, -0.5], [5, -2, 1, 2]])


def restore(answer: object) -> str | None:
    """Check `restore(answers, regions, mean, std, size)`, boxes beyond two edges; then none."""
    at, size = halves(REGIONS)

    def boxes(deltas: Tensor, start: Tensor = at, unit: Tensor = size, whole: float = 0.5,
              grow: object = torch.exp) -> Tensor:
        to, new = start + deltas[:, :2] * unit, size * grow(deltas[:, 2:])
        return torch.cat([to - whole * new, to + whole * new], dim=1)

    def inside(found: Tensor, low: float = 0, width: float = 40, height: float = 50) -> Tensor:
        return found.clamp(min=low).minimum(torch.tensor([width, height] * 2).float())

    deltas = ANSWERS * STD + MEAN
    plain = boxes(deltas)
    return stages(
        lambda: likely(call(answer, ANSWERS, REGIONS, MEAN, STD, (50, 40)), inside(plain), {
            "the mean is added too early: first multiply by the standard deviations.":
                inside(boxes((ANSWERS + MEAN) * STD)),
            "the mean is not added again.": inside(boxes(ANSWERS * STD)),
            "that is the way there: on the way back multiply by std, then add the mean.":
                inside(boxes((ANSWERS - MEAN) / STD)),
            "the boxes are not cut off at the picture's edges.": plain,
            "x is cut off at the width, y at the height: the size is (height, width).":
                inside(plain, width=50, height=40),
            "the boxes are cut off at 0 only: the other edges count, too.":
                inside(plain, width=1e9, height=1e9),
            "the boxes are cut off at width and height only: no corner lies below 0.":
                inside(plain, low=-1e9),
            "sizes grow by the exponential of dw and dh.": inside(boxes(deltas, grow=lambda d: d)),
            "1 + dw is only near to the exponential of dw.":
                inside(boxes(deltas, grow=lambda d: 1 + d)),
            "the shift begins at the region's centre, not at its corner.":
                inside(boxes(deltas, REGIONS[:, :2])),
            "from the centre to a side it is half the size.": inside(boxes(deltas, whole=1)),
            "shifts are in units of the region's size: multiply by it.":
                inside(boxes(deltas, unit=torch.ones(2))),
        }, "two regions in a picture of 50 x 40"),
        lambda: likely(call(answer, ANSWERS[:0], REGIONS[:0], MEAN, STD, (50, 40), rare="right for "
                            "some regions; without any, an empty (0, 4) was expected."),
                       torch.zeros(0, 4), {}, "no region"))


CHECKS = {
    "C.targets": targets,
    "C.restore": restore,
}
