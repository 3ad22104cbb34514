"""Chapter 12's checks: where RoIAlign reads, whose mask, what a mask costs, one owner a pixel."""

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.checks.compare import call, likely, stages

START, END, SCALE, BINS, SAMPLES = 15.0, 55.0, 1 / 8, 3, 2      # 1.875 to 6.875 cells


def places(start: float, width: float, bins: int, samples: int, inside: float = 0.5) -> Tensor:
    """(bins * samples,): `start`, and equal steps; `inside` of a step before the first."""
    steps = (torch.arange(bins * samples) + inside) / (bins * samples)
    return (start + steps * width).double()


def sample_points(answer: object) -> str | None:
    """Check `sample_points(start, end, scale, bins, samples)`: three bins, and one without area."""
    start, end, n = START * SCALE, END * SCALE, BINS * SAMPLES
    width = end - start
    right = places(start - 0.5, width, BINS, SAMPLES)
    return stages(
        lambda: likely(call(answer, START, END, SCALE, BINS, SAMPLES), right, {
            "counted from the cells' left edges: from their middles it is half a cell less.":
                right + 0.5,
            "half a cell is added: from the cells' middles every place is half a cell LESS.":
                right + 1,
            "those are pixels: a place in cells is scale times as much.":
                places(START, END - START, BINS, SAMPLES),
            "those are pixels less a half: multiply by scale first, then take the half off.":
                places(START - 0.5, END - START, BINS, SAMPLES),
            "multiply by scale first, then take half a cell off.":
                places((START - 0.5) * SCALE, width, BINS, SAMPLES),
            "each point stands in the middle of its part, not at its beginning: add half a step.":
                places(start - 0.5, width, BINS, SAMPLES, 0),
            "each point stands in the middle of its part, not at its end: add half a step only.":
                places(start - 0.5, width, BINS, SAMPLES, 1),
            "from end to end would put points on the region's edges: each stands in the middle of "
            "its part.": torch.linspace(start - 0.5, end - 0.5, n),
            "one point a bin: `samples` of them were asked for, evenly.":
                places(start - 0.5, width, BINS, 1),
            "nothing is rounded in RoIAlign, neither the region nor the points.": right.round(),
            "the region's edges are rounded: in RoIAlign they are not.":
                places(round(start) - 0.5, round(end) - round(start), BINS, SAMPLES),
            "one row a bin: join them, bin after bin.": right.view(BINS, SAMPLES),
        }, "15 to 55 pixels, scale 1/8, three bins of two points"),
        lambda: likely(call(answer, 20.0, 20.0, SCALE, 2, 1, rare="right, but a region may have no "
                            "width."), torch.full((2,), 2.0), {
            "right for a region with a width, but without one all points stand on one place; only "
            "aligned=False makes it a cell wide.": places(2.0, 1.0, 2, 1),
        }, "a region from 20 to 20"))


ANSWERS = torch.tensor([[[[9.0, 9], [9, 9]], [[1, -1], [0, 2]], [[-2, 0], [3, 1]]],
                        [[[8, 8], [8, 8]], [[0, 1], [-3, 1]], [[2, 2], [-1, 0]]],
                        [[[7, 7], [7, 7]], [[-1, 4], [1, 0]], [[0, -2], [1, 1]]]])
OWNERS = torch.tensor([2, 1, 2])


def pick(answers: Tensor, labels: Tensor) -> Tensor:
    """(N, K, S, S) -> (N, S, S): each row's own plane."""
    return answers[torch.arange(len(labels)), labels]


def own_masks(answer: object) -> str | None:
    """Check `own_masks(answers, labels)` for three detections of three classes, and for none."""
    right = pick(ANSWERS, OWNERS).sigmoid()
    return stages(
        lambda: likely(call(answer, ANSWERS, OWNERS), right, {
            "the right masks, but not as probabilities yet: use a sigmoid.": pick(ANSWERS, OWNERS),
            "a softmax across the classes lets masks compete: each cell has a sigmoid of its own.":
                pick(ANSWERS.softmax(dim=1), OWNERS),
            "class k is mask k: background has a mask, too.": pick(ANSWERS, OWNERS - 1).sigmoid(),
            "every detection got every label's mask: pair row n with labels[n], by "
            "torch.arange(N).": ANSWERS[:, OWNERS].sigmoid(),
            "each cell took the class that is likeliest there: take the one of the label.":
                ANSWERS.amax(dim=1).sigmoid(),
            "that is yes and no already: give the probabilities.": (right > 0.5).float(),
            "keep one plane a detection: the shape is (N, S, S).": right[:, None],
        }, "three detections"),
        lambda: likely(call(answer, ANSWERS[:0], OWNERS[:0], rare="right, but a picture may have "
                            "no detection."), torch.zeros(0, 2, 2), {}, "no detection"))


CLASSES = torch.tensor([2, 0, 1])
TARGETS = torch.tensor([[[1.0, 0], [1, 0.5]], [[1, 1], [1, 1]], [[0, 1], [0.25, 0]]])


def mask_cost(answer: object) -> str | None:
    """Check `mask_cost(answers, labels, wanted)` for three regions, one of them background."""
    mine, goal = pick(ANSWERS, CLASSES)[CLASSES > 0], TARGETS[CLASSES > 0]
    right = F.binary_cross_entropy_with_logits(mine, goal)
    return stages(
        lambda: likely(call(answer, ANSWERS, CLASSES, TARGETS), right,
                       wrong_regions(right) | wrong_costs(mine, goal, right), "three regions"),
        lambda: _lets_gradients_through(answer),
        lambda: likely(call(answer, ANSWERS, CLASSES * 0, TARGETS, rare="right, but there may be "
                            "no region with an object, and then the loss is 0."), torch.zeros(()),
                       {"right with objects, but without any the loss must be 0: a mean of nothing "
                        "is NaN.": torch.nan}, "three regions of background"))


def wrong_regions(right: Tensor) -> dict[str, Tensor]:
    """Costs of masks that should not learn."""
    cost, positive = F.binary_cross_entropy_with_logits, CLASSES > 0
    hot = F.one_hot(CLASSES, 3)[:, :, None, None]
    everything = cost(ANSWERS, TARGETS[:, None] * hot, reduction="none")
    return {
        "regions of background have no mask to learn: leave those with label 0 out.":
            cost(pick(ANSWERS, CLASSES), TARGETS),
        "background's regions are left out of the sum, but not of the number it is divided by.":
            right * 2 / 3,
        "all K masks are in it: only the true class's learns.": everything[positive].mean(),
        "all K masks and the background's regions are in it: only the true class's mask learns, "
        "of regions with an object.": everything.mean(),
        "the other classes' masks should not be compared with the target either.":
            cost(ANSWERS[positive], TARGETS[positive, None].expand(-1, 3, -1, -1)),
        "class k is mask k: background has a mask, too.":
            cost(pick(ANSWERS, CLASSES - 1)[positive], TARGETS[positive]),
    }


def wrong_costs(mine: Tensor, goal: Tensor, right: Tensor) -> dict[str, Tensor]:
    """Other costs than the mean binary cross-entropy of the masks `mine`."""
    cost = F.binary_cross_entropy_with_logits
    shown = CLASSES[CLASSES > 0, None, None].expand(-1, 2, 2)
    return {
        "a cross-entropy across the classes lets masks compete: each cell has a yes or no of its "
        "own.": F.cross_entropy(ANSWERS[CLASSES > 0], shown),
        "that is the sum over the cells: take their mean.": right * goal.numel(),
        "that is the sum over a mask's cells: divide by S² as well.": right * goal[0].numel(),
        "the sigmoid is taken twice: the function with logits makes its own.":
            cost(mine.sigmoid(), goal),
        "the squared error is not this loss: it is the binary cross-entropy.":
            (mine.sigmoid() - goal).square().mean(),
        "the target was cut to yes and no: a share of a cell is a fair target.":
            cost(mine, (goal > 0.5).float()),
    }


def _lets_gradients_through(answer: object) -> str | None:
    answers = ANSWERS.clone().requires_grad_()
    loss = answer(answers, CLASSES, TARGETS)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return "the number is right, but no gradient passes: return a tensor, without .item()."
    return None


LAID = torch.tensor([[[0.9, 0.8, 0.6, 0.7, 0.1]], [[0.2, 0.7, 0.3, 0.6, 0.5]],
                     [[0.0, 0.6, 0.95, 0.3, 0.4]]])              # (3, 1, 5)
SURE = torch.tensor([0.6, 0.9, 0.5])


def one_owner(answer: object) -> str | None:
    """Check `one_owner(masks, scores)` for three masks on a row of five pixels, and for none."""
    there, right = LAID > 0.5, torch.tensor([[0, 1, 0, 1, -1]])
    first = torch.where(there.any(dim=0), there.int().argmax(dim=0), -1)
    last = torch.where(there.any(dim=0), 2 - there.flip(0).int().argmax(dim=0), -1)
    weighted = (LAID * SURE[:, None, None]).where(there, -1.0)
    lowest = torch.where(there, SURE[:, None, None], 9.0).argmin(dim=0)
    return stages(
        lambda: likely(call(answer, LAID, SURE), right, {
            "the pixel goes to the mask with the highest probability there; it should go to the "
            "instance with the highest score.":
                torch.where(there.any(dim=0), LAID.argmax(dim=0), -1),
            "mask and score are multiplied: the score alone decides among those above 0.5.":
                torch.where(there.any(dim=0), weighted.argmax(dim=0), -1),
            "0.5 itself is not above 0.5.": torch.tensor([[0, 1, 0, 1, 1]]),
            "a pixel without a mask belongs to nobody: -1.": right.clamp(min=0),
            "instances are counted from 0, and nobody is -1.": right + 1,
            "the first mask in the list wins: the highest score should.": first,
            "the last mask in the list wins: the highest score should.": last,
            "the lowest score wins: paint in the other order.":
                torch.where(there.any(dim=0), lowest, -1),
            "the instance with the highest score takes every pixel: only where its mask is above "
            "0.5.": torch.full((1, 5), 1),
            "those are scores: give the instance's number.":
                torch.where(there, SURE[:, None, None], 0.0).amax(dim=0),
        }, "three masks of 1 × 5 pixels"),
        lambda: likely(call(answer, LAID[:0], SURE[:0], rare="right, but a picture may have no "
                            "instance: then all is -1."), torch.full((1, 5), -1), {},
                       "no instance"))


CHECKS = {
    "sample-points": sample_points,
    "own-masks": own_masks,
    "mask-cost": mask_cost,
    "one-owner": one_owner,
}
