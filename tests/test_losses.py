"""`coursekit.losses`: against hand-worked cases, torch, and each other's limits."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.losses import cross_entropy, median_frequency_weights, pixel_loss, soft_dice


def random_case(seed, B=2, K=5, H=6, W=4, void=True):
    g = torch.Generator().manual_seed(seed)
    semantic = torch.randint(0, K, (B, H, W), generator=g)
    if void:
        semantic[torch.rand(B, H, W, generator=g) < 0.3] = 255
    return 3 * torch.randn(B, K, H, W, generator=g), semantic


# p = 3/4 and 1/4 of the true class, and a void pixel
TOY_SCORES = torch.log(torch.tensor([[[[3.0, 3.0, 9.0]], [[1.0, 1.0, 1.0]]]]))    # (1, 2, 1, 3)
TOY_SEMANTIC = torch.tensor([[[0, 1, 255]]])


def test_cross_entropy_of_three_pixels_worked_by_hand():
    expected = (math.log(4 / 3) + math.log(4)) / 2
    assert cross_entropy(TOY_SCORES, TOY_SEMANTIC).item() == pytest.approx(expected)


def test_weighted_cross_entropy_of_three_pixels_worked_by_hand():
    expected = (math.log(4 / 3) + 3 * math.log(4)) / 4
    weighted = cross_entropy(TOY_SCORES, TOY_SEMANTIC, torch.tensor([1.0, 3.0]))
    assert weighted.item() == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_equals_torch_in_value_and_gradient(seed, weighted):
    scores, semantic = random_case(seed)
    weights = torch.rand(5, generator=torch.Generator().manual_seed(9)) + 0.1 if weighted else None
    ours, theirs = scores.clone().requires_grad_(), scores.clone().requires_grad_()
    a = cross_entropy(ours, semantic, weights)
    b = F.cross_entropy(theirs, semantic, weight=weights, ignore_index=255)
    torch.testing.assert_close(a, b)
    a.backward(), b.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_dice_of_three_pixels_worked_by_hand():
    # class 0: 2 * 3/4 / (3/2 + 1) = 3/5; class 1: 2 * 1/4 / (1/2 + 1) = 1/3
    assert soft_dice(TOY_SCORES, TOY_SEMANTIC).item() == pytest.approx(1 - (3 / 5 + 1 / 3) / 2)


def test_dice_is_zero_for_certain_and_right_and_one_for_certain_and_wrong():
    _, semantic = random_case(0, void=False)
    right = 100.0 * F.one_hot(semantic, 5).permute(0, 3, 1, 2).float()
    wrong = 100.0 * F.one_hot((semantic + 1) % 5, 5).permute(0, 3, 1, 2).float()
    assert soft_dice(right, semantic).item() == pytest.approx(0, abs=1e-6)
    assert soft_dice(wrong, semantic).item() == pytest.approx(1, abs=1e-6)


def test_dice_counts_a_class_of_one_pixel_as_much_as_all_the_rest():
    semantic = torch.zeros(1, 10, 10, dtype=torch.int64)
    semantic[0, 3, 7] = 1
    never = torch.zeros(1, 2, 10, 10)
    never[:, 0] = 100.0
    assert soft_dice(never, semantic).item() == pytest.approx(0.5, abs=0.01)
    assert (never.argmax(1) == semantic).float().mean().item() == pytest.approx(0.99)


@pytest.mark.parametrize("loss", [cross_entropy, soft_dice])
def test_gradients_agree_with_differences(loss):
    scores, semantic = random_case(1, B=1, K=3, H=2, W=3)
    scores = scores.double().requires_grad_()
    semantic = semantic.clamp(max=2).where(semantic != 255, semantic)
    assert torch.autograd.gradcheck(lambda s: loss(s, semantic), scores)


@pytest.mark.parametrize("loss", [cross_entropy, soft_dice])
def test_void_pixels_count_nothing_and_get_no_gradient(loss):
    scores, semantic = random_case(2)
    other = scores.clone()
    other[:, :, 0] += torch.randn(2, 5, 4)
    semantic[:, 0] = 255
    torch.testing.assert_close(loss(scores, semantic), loss(other, semantic))
    scores.requires_grad_()
    loss(scores, semantic).backward()
    assert (scores.grad[:, :, 0] == 0).all()


@pytest.mark.parametrize("loss", [cross_entropy, soft_dice])
@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (0, 3, 2, 2)])
def test_no_pixel_that_counts_gives_zero(loss, shape):
    scores = torch.randn(shape, requires_grad=True)
    value = loss(scores, torch.full((shape[0], 2, 2), 255))
    value.backward()
    assert value.item() == 0 and not scores.grad.any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_losses_stay_in_range_and_do_not_change_when_all_scores_of_a_pixel_rise(seed):
    scores, semantic = random_case(seed)
    assert cross_entropy(scores, semantic) >= 0
    assert 0 <= soft_dice(scores, semantic) <= 1
    for loss in (cross_entropy, soft_dice):
        torch.testing.assert_close(loss(scores + 7, semantic), loss(scores, semantic),
                                   atol=1e-5, rtol=1e-4)


def test_median_frequency_weights_worked_by_hand():
    weights = median_frequency_weights(torch.tensor([100, 20, 0, 10]))
    assert weights.tolist() == pytest.approx([0.2, 1.0, 0.0, 2.0])


def test_no_counts_give_zero_weights():
    assert median_frequency_weights(torch.zeros(3)).tolist() == [0, 0, 0]
    assert median_frequency_weights(torch.zeros(0)).tolist() == []


def test_pixel_loss_is_the_cross_entropy_of_the_stacked_batch():
    scores, semantic = random_case(4)
    images = [torch.zeros(3, 6, 4), torch.ones(3, 6, 4)]
    targets = [{"semantic": semantic[0]}, {"semantic": semantic[1]}]
    losses = pixel_loss(lambda batch: scores + 0 * batch.sum(), images, targets)
    assert list(losses) == ["cross_entropy"]
    torch.testing.assert_close(losses["cross_entropy"], cross_entropy(scores, semantic))


@pytest.mark.parametrize("scores, semantic, message", [
    (torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 5, dtype=torch.int64), r"scores .* and semantic"),
    (torch.zeros(3, 4, 4), torch.zeros(4, 4, dtype=torch.int64), r"\(B, K, H, W\) and .* expected"),
    (torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4), "got torch.float32, but int64"),
    (torch.zeros(1, 3, 4, 4), torch.full((1, 4, 4), 3), "got the id 3, but 0 to 2 or 255"),
    (torch.zeros(1, 3, 4, 4), torch.full((1, 4, 4), -1), "got the id -1"),
    ([[0.0]], torch.zeros(1, 4, 4, dtype=torch.int64), "scores: got a list, but a tensor .*stack"),
    (torch.zeros(1, 3, 4, 4), [0], "semantic: got a list"),
    (torch.zeros(1, 3, 4, 4, dtype=torch.int64), torch.zeros(1, 4, 4, dtype=torch.int64),
     "scores: got torch.int64, but floats .* before any argmax"),
])
@pytest.mark.parametrize("loss", [cross_entropy, soft_dice])
def test_maps_that_do_not_fit_are_refused(loss, scores, semantic, message):
    with pytest.raises(ValueError, match=message):
        loss(scores, semantic)


@pytest.mark.parametrize("weights", [
    torch.ones(2), torch.ones(3, 1), torch.tensor([1.0, -1.0, 1.0]),
    torch.tensor([1.0, math.nan, 1.0])])
def test_weights_that_do_not_fit_the_classes_are_refused(weights):
    scores, semantic = torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2, dtype=torch.int64)
    with pytest.raises(ValueError, match="class_weights: got .* but 3 finite numbers .* a class"):
        cross_entropy(scores, semantic, weights)


@pytest.mark.parametrize("counts", [torch.zeros(2, 2), torch.tensor([1, -1]),
                                    torch.tensor([math.nan, 1.0]), [3, 4]])
def test_counts_that_are_none_are_refused(counts):
    with pytest.raises(ValueError, match="counts: got .*torch.bincount"):
        median_frequency_weights(counts)
