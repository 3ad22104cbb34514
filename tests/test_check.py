"""The exercise checker: what it says to right answers, to typical wrong ones, and to none."""

import math

import pytest
import torch
import torch.nn.functional as F
from answers import ch03 as answers03
from answers import ch04 as answers04
from answers import ch05 as answers05
from answers import ch06 as answers06
from answers import ch07 as answers07
from answers import ch08 as answers08
from answers import ch09 as answers09
from answers import ch10 as answers10
from answers import ch11 as answers11
from answers import ch12 as answers12
from answers import ch13 as answers13
from IPython.core.interactiveshell import InteractiveShell

from coursekit.check import CHAPTERS, CHECKS, LABS, check
from coursekit.metrics import iou_per_class

# Right answers


def flip(boxes, width):
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return torch.stack([width - x2, y1, width - x1, y2], dim=1)


def visible(full_masks):
    owner = torch.full(full_masks.shape[1:], -1)
    for n, mask in enumerate(full_masks):
        owner[mask] = n
    return owner == torch.arange(len(full_masks))[:, None, None]


def weighted_iou(matrix):
    true = matrix.sum(dim=1).double()
    return (true / true.sum() * iou_per_class(matrix).nan_to_num()).sum().item()


def weights(counts):
    inverse = torch.where(counts > 0, 1 / counts.clamp(min=1), 0.0)
    return inverse / inverse[counts > 0].mean()


def one_hot(target, num_classes):
    keep = target != 255
    hot = F.one_hot(target.where(keep, 0), num_classes) * keep[..., None]
    return hot.movedim(-1, 1), keep[:, None]


def dice(probabilities, target, smooth=1, axes=(0, 2, 3)):
    hot, keep = one_hot(target, probabilities.shape[1])
    p = probabilities * keep
    top, bottom = 2 * (p * hot).sum(axes), p.sum(axes) + hot.sum(axes)
    return 1 - ((top + smooth) / (bottom + smooth)).mean()


RIGHT = {
    "count-instances": lambda labels, num_classes: torch.bincount(labels, minlength=num_classes),
    "flip-boxes": flip,
    "visible-masks": visible,
    "frequency-weighted-iou": weighted_iou,
    "class-weights": weights,
    "soft-dice": dice,
    "output-size": lambda height, patch, stride: max((height - patch) // stride + 1, 0),
}


# Typical wrong answers, each with the words that its hint must hold


def flip_over_itself(boxes, width):
    boxes = boxes.clone()
    boxes[:, 0] = width - boxes[:, 2]
    boxes[:, 2] = width - boxes[:, 0]
    return boxes


def flip_in_place(boxes, width):
    boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    return boxes


def hard_dice(probabilities, target):
    hard = F.one_hot(probabilities.argmax(dim=1), probabilities.shape[1]).movedim(-1, 1)
    return dice(hard, target)


def dice_with_void(probabilities, target):
    hot, keep = one_hot(target, probabilities.shape[1])
    top = 2 * (probabilities * hot).sum((0, 2, 3))
    return 1 - ((top + 1) / ((probabilities + hot).sum((0, 2, 3)) + 1)).mean()


def dice_by_one_hot(probabilities, target):
    F.one_hot(target, probabilities.shape[1])                    # refuses 255
    return dice(probabilities, target)


WRONG = {
    "count-instances": [
        (lambda n, k: n.unique(return_counts=True)[1], "classes without an object are missing"),
        (lambda n, k: torch.bincount(n), "minlength=num_classes"),
        (lambda n, k: torch.bincount(n, minlength=k)[1:], "background, class 0, has an entry too"),
        (lambda n, k: torch.bincount(n, minlength=k) > 0, "whether a class is present"),
        (lambda n, k: len(n), "counts all the objects together"),
        (lambda n, k: len(n.unique()), "counts the classes"),
        (lambda n, k: torch.bincount(n, minlength=k + 1), "one entry too many"),
        (lambda n, k: torch.bincount(n, minlength=k) if n.max() else n, "five objects, but"),
    ],
    "flip-boxes": [
        (lambda b, w: torch.stack([w - b[:, 0], b[:, 1], w - b[:, 2], b[:, 3]], 1), "swap the two"),
        (lambda b, w: flip(b, w - 1), "width - 1 is for pixel indices"),
        (lambda b, w: flip(b, w - 1)[:, [2, 1, 0, 3]], "mirror at width, not width - 1"),
        (flip_over_itself, "x2 is computed from the new x1"),
        (flip_in_place, "changes the tensor it is given"),
        (lambda b, w: flip(b[:, [1, 0, 3, 2]], w)[:, [1, 0, 3, 2]], "y1 and y2 are flipped"),
        (lambda b, w: torch.stack([w - b[:, 0] - b[:, 2], *b[:, 1:].T], 1), "these boxes are xyxy"),
        (lambda b, w: b.clone(), "did not move"),
    ],
    "visible-masks": [
        (lambda full: visible(full.flip(0)).flip(0), "the wrong one is in front"),
        (lambda full: full.clone(), "the masks still overlap"),
        (lambda full: full & (full.sum(dim=0) == 1), "belong to nobody now"),
        (lambda full: full & ~torch.cat([full[1:], full[:1] & False]), "only what the next one"),
        (lambda full: full & ~visible(full), "the hidden part of each mask"),
        (lambda full: (visible(full) * torch.arange(1, 4)[:, None, None]).sum(0), "map of owners"),
        (lambda full: torch.stack(list(visible(full))), "three masks, but no mask at all"),
    ],
    "frequency-weighted-iou": [
        (lambda m: iou_per_class(m).nanmean(), "that is the mean IoU"),
        (lambda m: (m.sum(0) * iou_per_class(m)).nansum() / m.sum(), "take the true ones, rows"),
        (lambda m: (m.sum(1) * iou_per_class(m)).nansum(), "weighted by counts"),
        (lambda m: m.trace() / m.sum(), "pixel accuracy"),
        (lambda m: weighted_iou(m) / len(m), "divided by the number of classes too"),
        (lambda m: m.sum(1) * iou_per_class(m) / m.sum(), "return their sum"),
        (lambda m: (m.sum(1) * iou_per_class(m)).sum() / m.sum(), "NaN times 0 is NaN"),
    ],
    "class-weights": [
        (lambda c: c / c.float().mean(), "the common classes get the large weights"),
        (lambda c: c / c.sum(), "each class's share of the pixels"),
        (lambda c: 1 / c, "not normalized: divide them by their mean"),
        (lambda c: c.sum() / c, "1 / share, not yet normalized"),
        (lambda c: (1 / c) / (1 / c).sum(), "add up to 1: their mean should be 1"),
        (lambda c: (1 / c) / (1 / c).max(), "greatest weight is 1"),
        (lambda c: c**-0.5 / (c**-0.5).mean(), "square roots"),
        (lambda c: c.sum() / (len(c) * c), "scikit-learn's 'balanced'"),
        (lambda c: 1 - c / c.sum(), "that is 1 - share"),
        (lambda c: (1 / c) / (1 / c).mean(), "infinity divided by infinity is NaN"),
        (lambda c: (1 / c) / (1 / c)[c > 0].mean(), "1/0 is infinite: a class without a pixel"),
        (lambda c: weights(c) / weights(c).mean(), "taken over the absent classes too"),
        (lambda c: weights(c)[c > 0], "for each class that occurs only"),
    ],
    "soft-dice": [
        (lambda p, t: 1 - dice(p, t), "the loss is 1 minus it"),
        (lambda p, t: dice(p, t, smooth=0), "the smoothing is missing"),
        (lambda p, t: dice(p, t, axes=(2, 3)), "sum over the batch too"),
        (lambda p, t: dice(p, t, axes=(0, 1, 2, 3)), "over all classes together"),
        (hard_dice, "argmax makes the prediction hard"),
        (lambda p, t: dice(p, t).item(), "no gradient passes: return a tensor"),
        (lambda p, t: dice(p.detach(), t), "no gradient passes"),
        (dice_with_void, "void pixels count with their probabilities"),
        (dice_by_one_hot, "right without void, but pixels whose target is 255"),
        (lambda p, t: dice(p, t.where(t != 255, 0)), "void counts as background"),
        (lambda p, t: dice(p, t) * 3, "for two images of six pixels the result is"),
    ],
    "output-size": [
        (lambda h, p, s: (h - p) // s, "1 is missing: the window at 0 counts too"),
        (lambda h, p, s: math.ceil((h - p) / s) + 1, "the last window hangs over the edge"),
        (lambda h, p, s: (h - p) / s + 1, "not a whole number: round down"),
        (lambda h, p, s: h // s, "the last window begins at height - patch"),
        (lambda h, p, s: (h - 1) // s + 1, "at height - patch, not at height - 1"),
        (lambda h, p, s: h - p + 1, "the stride is missing"),
        (lambda h, p, s: h // p, "windows that do not overlap"),
        (lambda h, p, s: (h - p) // s + 1, "a patch larger than the image fits nowhere"),
        (lambda h, p, s: range(0, h - p + 1, s), "a whole number was expected for each side"),
    ],
}
for chapter in (answers03, answers04, answers05, answers06, answers07, answers08, answers09,
                answers10, answers11, answers12, answers13):
    RIGHT |= chapter.RIGHT
    WRONG |= chapter.WRONG
CASES = [(name, answer, words) for name, cases in WRONG.items() for answer, words in cases]


def test_every_check_has_a_right_answer_and_at_least_three_wrong_ones_here():
    """Those of the graded labs: tests/teach/test_lab_answers.py."""
    assert set(RIGHT) == set(WRONG) == {name for part in CHAPTERS for name in part.CHECKS}
    assert min(len(cases) for cases in WRONG.values()) >= 3


def test_no_two_chapters_or_labs_have_a_check_of_the_same_name():
    assert len(CHECKS) == sum(len(part.CHECKS) for part in (*CHAPTERS, *LABS))


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_is_called_right_in_one_line(name, capsys):
    assert check(name, RIGHT[name])
    assert capsys.readouterr().out == f"{name}: right.\n"


@pytest.mark.parametrize("name, answer, words", CASES, ids=[f"{c[0]}: {c[2]}" for c in CASES])
def test_a_typical_wrong_answer_is_told_its_mistake_in_one_line(name, answer, words, capsys):
    assert not check(name, answer)
    out = capsys.readouterr().out
    assert out.startswith(f"{name}: not right yet: ") and words in out and out.count("\n") == 1


def stub(*inputs):
    ...


def raising_stub(*inputs):
    raise NotImplementedError


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("answer", [None, ..., stub, raising_stub, lambda *inputs: ...])
def test_an_answer_that_is_not_there_is_not_written_yet(name, answer, capsys):
    assert not check(name, answer)
    assert capsys.readouterr().out == f"{name}: not written yet.\n"


@pytest.mark.parametrize("name", RIGHT)
def test_an_error_in_the_readers_code_is_named_in_one_line_without_a_traceback(name, capsys):
    def broken(*inputs):
        raise TypeError("unsupported operand\n  for you")
    assert not check(name, broken)
    heard = capsys.readouterr()
    assert heard.out == f"{name}: your code raised TypeError: unsupported operand for you\n"
    assert heard.err == ""


def test_a_function_with_other_arguments_gets_pythons_own_words(capsys):
    assert not check("flip-boxes", lambda boxes: boxes)
    assert "your code raised TypeError: " in (out := capsys.readouterr().out) and "argument" in out


def test_an_error_without_words_is_named_all_the_same(capsys):
    def broken(*inputs):
        raise AssertionError
    check("soft-dice", broken)
    assert capsys.readouterr().out == "soft-dice: your code raised AssertionError: no message\n"


def test_a_result_in_place_of_a_function_is_asked_for_the_function(capsys):
    assert not check("flip-boxes", torch.zeros(3, 4))
    assert "a function was expected, but a Tensor came: pass the function's name" in (
        capsys.readouterr().out)


def test_an_unknown_name_is_refused_with_the_near_ones():
    with pytest.raises(ValueError, match="got 'flip-box', but .* Did you mean flip-boxes"):
        check("flip-box", None)


def test_a_name_near_to_none_is_refused_with_all_of_them():
    with pytest.raises(ValueError, match="Did you mean " + " or ".join(sorted(CHECKS))):
        check("zzzz", None)


def test_a_notebook_shows_the_sentence_alone():
    verdict = check("flip-boxes", None)
    assert InteractiveShell().display_formatter.format(verdict) == ({}, {})
    assert repr(verdict) == "False" and not verdict and repr(check("flip-boxes", flip)) == "True"
