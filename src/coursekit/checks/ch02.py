"""Chapter 02's checks: windows, class weights, frequency-weighted IoU, soft Dice."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.checks.compare import call, likely, numbers, stages

WINDOWS = [(10, 4, 2), (11, 4, 2), (12, 5, 3), (7, 7, 1), (128, 32, 8)]


def frequency_weighted_iou(answer: object) -> str | None:
    """Check `frequency_weighted_iou(matrix)`: the IoUs weighted by the shares of true pixels.

    Source:
        Long et al. 2015, section 5.
    """
    table = torch.tensor([[5, 1, 2], [0, 3, 0], [1, 0, 4]])
    right, true, found = table.diagonal(), table.sum(dim=1), table.sum(dim=0)
    iou = right / (true + found - right)
    wanted = (iou * true).sum() / true.sum()
    padded = F.pad(table, (0, 1, 0, 1))
    mistakes = {
        "that is the mean IoU: weight each class's IoU by its share of the true pixels.":
            iou.mean(),
        "the weights are the predicted pixels, columns: take the true ones, rows.":
            (iou * found).sum() / found.sum(),
        "the IoUs are weighted by counts: divide by the number of all pixels.": (iou * true).sum(),
        "that is pixel accuracy: weight the IoUs, not the recalls.": right.sum() / true.sum(),
        "each weight is the class's right pixels: take all its true pixels.":
            (iou * right).sum() / right.sum(),
        "that is divided by the number of classes too: the weights add up to 1 already.":
            wanted / 3,
        "that is in percent: a number from 0 to 1 was asked for.": 100 * wanted,
        "that is one number a class: return their sum.": iou * true / true.sum(),
    }
    return stages(
        lambda: likely(call(answer, table), wanted, mistakes, "a table of 3 classes"),
        lambda: likely(call(answer, padded, rare="right where all classes occur, but one that does "
                            "not occur must do no harm."), wanted, {
            "a class that does not occur has the IoU 0/0, which is NaN, and NaN times 0 is NaN: "
            "leave it out.": math.nan}, "a table with an absent class"))


def class_weights(answer: object) -> str | None:
    """Check `class_weights(counts)` -> (K,): as 1 / count, mean 1 over the classes that occur."""
    counts = torch.tensor([80, 15, 5])
    inverse, share = 1 / counts, counts / counts.sum()
    right = inverse / inverse.mean()
    mistakes = {
        "the common classes get the large weights: a weight is in proportion to 1 / count.":
            counts / counts.float().mean(),
        "that is each class's share of the pixels: a weight is in proportion to 1 / count.": share,
        "the weights are not normalized: divide them by their mean.": inverse,
        "the weights are 1 / share, not yet normalized: divide them by their mean.": 1 / share,
        "the weights add up to 1: their mean should be 1.": inverse / inverse.sum(),
        "the greatest weight is 1: their mean should be 1.": inverse / inverse.max(),
        "that is the inverse of the counts' square roots: take the counts themselves.":
            inverse.sqrt() / inverse.sqrt().mean(),
        "that is total / (classes * count), scikit-learn's 'balanced': its mean is not 1; divide "
        "by the mean.": 1 / (3 * share),
        "that is 1 - share, which is nearly equal for all: take 1 / count.": 1 - share,
        "1 - share is nearly equal for all classes: take 1 / count.":
            (1 - share) / (1 - share).mean(),
    }
    absent, padded = torch.tensor([80, 0, 15, 5]), torch.zeros(4).index_copy(
        0, torch.tensor([0, 2, 3]), right)
    rule = "a class without a pixel gets weight 0, and the others keep the mean 1"
    return stages(
        lambda: likely(call(answer, counts), right, mistakes, "the counts 80, 15, 5"),
        lambda: likely(call(answer, absent, rare=f"right where all classes occur, but {rule}."),
                       padded, {
            f"1/0 is infinite: {rule}.": padded.masked_fill(absent == 0, math.inf),
            f"1/0 is infinite, and infinity divided by infinity is NaN: {rule}.":
                (1 / absent) / (1 / absent).mean(),
            f"the mean is taken over the absent classes too: {rule}.": padded / padded.mean(),
            f"there is an entry for each class that occurs only: {rule}.": right,
        }, "the counts 80, 0, 15, 5"))


def dice_loss(p: Tensor, g: Tensor, axes: tuple[int, ...] = (0, 2, 3), smooth: float = 1) -> Tensor:
    """1 - soft Dice, from probabilities and one-hot targets, both (B, K, H, W)."""
    both, sizes = (p * g).sum(dim=axes), p.sum(dim=axes) + g.sum(dim=axes)
    return 1 - ((2 * both + smooth) / (sizes + smooth)).mean()


def soft_dice(answer: object) -> str | None:
    """Check `soft_dice(probabilities, target)`: smoothing 1, over batch and pixels, void left out.

    Source:
        1 - mean over k of (2 sum(p g) + 1) / (sum(p) + sum(g) + 1); Milletari et al. 2016,
        section 3, has squares below the line.
    """
    target = torch.tensor([[[0, 0, 1], [0, 1, 1]], [[0, 0, 0], [0, 0, 1]]])
    scores = torch.linspace(-2, 2, 2 * 3 * 6).sin().reshape(2, 3, 2, 3) * 3
    p, g = scores.softmax(dim=1), F.one_hot(target, 3).movedim(-1, 1)
    both, sizes = (p * g).sum((0, 2, 3)), (p + g).sum((0, 2, 3))
    squares = (p**2 + g).sum((0, 2, 3))
    hard = F.one_hot(p.argmax(dim=1), 3).movedim(-1, 1)
    right = dice_loss(p, g)
    mistakes = {
        "that is the Dice score: the loss is 1 minus it.": 1 - right,
        "the factor 2 above the line is missing: a perfect prediction would score only 1/2.":
            1 - ((both + 1) / (sizes + 1)).mean(),
        "the smoothing is missing: add 1 above and below the line, or a class that does not occur "
        "is punished.": dice_loss(p, g, smooth=0),
        "the smoothing is only below the line: add it above too.":
            1 - (2 * both / (sizes + 1)).mean(),
        "the smoothing is only above the line: add it below too.":
            1 - ((2 * both + 1) / sizes).mean(),
        "that sums the images one by one: sum over the batch too, then divide.":
            dice_loss(p, g, axes=(2, 3)),
        "that is one Dice score over all classes together: take each class's, then their mean.":
            dice_loss(p, g, axes=(0, 1, 2, 3)),
        "the probabilities below the line are squared; that is Milletari's version, and here they "
        "are not.": 1 - ((2 * both + 1) / (squares + 1)).mean(),
        "argmax makes the prediction hard, and no gradient passes: use the probabilities.":
            dice_loss(hard, g),
        "the union stands below the line, as in IoU: Dice has the two sizes added.":
            1 - ((both + 1) / (sizes - both + 1)).mean(),
    }
    return stages(
        lambda: likely(call(answer, p, target), right, mistakes, "two images of six pixels"),
        lambda: _lets_gradients_through(answer, p, target),
        lambda: _leaves_void_out(answer, p, target, g))


def _lets_gradients_through(answer: object, p: Tensor, target: Tensor) -> str | None:
    loss = call(answer, p.detach().requires_grad_(), target)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return "the number is right, but no gradient passes: return a tensor, without .item()."
    return None


def _leaves_void_out(answer: object, p: Tensor, target: Tensor, g: Tensor) -> str | None:
    void = torch.zeros_like(target, dtype=torch.bool)
    void[0, 0, 1] = void[1, 1, 2] = True
    keep = ~void[:, None]
    advice = "pixels whose target is 255 are void: leave them out of every sum."
    got = call(answer, p, target.masked_fill(void, 255), rare=f"right without void, but {advice}")
    return likely(got, dice_loss(p * keep, g * keep), {
        f"void pixels count with their probabilities: {advice}": dice_loss(p, g * keep),
        f"void counts as background: {advice}":
            dice_loss(p, F.one_hot(target.masked_fill(void, 0), 3).movedim(-1, 1)),
    }, "two images with a void pixel each")


def output_size(answer: object) -> str | None:
    """Check `output_size(H, patch, stride)`: how many places a window has along one side."""
    def table(formula: object) -> Tensor:
        return torch.tensor([float(formula(*case)) for case in WINDOWS])

    mistakes = {
        "1 is missing: the window at 0 counts too.": table(lambda h, p, s: (h - p) // s),
        "the last window hangs over the edge: round down, with //.":
            table(lambda h, p, s: math.ceil((h - p) / s) + 1),
        "that is not a whole number: round down, with //.": table(lambda h, p, s: (h - p) / s + 1),
        "the patch has a size: the last window begins at height - patch.":
            table(lambda h, p, s: h // s),
        "the patch has a size: the last window begins at height - patch, not at height - 1.":
            table(lambda h, p, s: (h - 1) // s + 1),
        "the stride is missing: the window moves by stride pixels, not by 1.":
            table(lambda h, p, s: h - p + 1),
        "that is for windows that do not overlap: they begin every stride pixels.":
            table(lambda h, p, s: h // p),
    }
    right = table(lambda h, p, s: (h - p) // s + 1)
    return stages(
        lambda: likely(numbers(answer, WINDOWS, "side"), right, mistakes,
                       "(height, patch, stride) of " + ", ".join(map(str, WINDOWS))),
        lambda: likely(call(answer, 4, 7, 2, rare="right where the patch fits, but a patch larger "
                            "than the image fits 0 times."), torch.tensor(0.0),
                       {"a patch larger than the image fits nowhere: return 0, not a negative "
                        "number.": -1}, "a patch of 7 on 4 pixels"))


CHECKS = {
    "frequency-weighted-iou": frequency_weighted_iou,
    "class-weights": class_weights,
    "soft-dice": soft_dice,
    "output-size": output_size,
}
