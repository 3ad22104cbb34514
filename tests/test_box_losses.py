"""The losses of paired boxes against hand-worked cases, torch, torchvision and their gradients."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from random_inputs import box_tensors, random_boxes, steady

from coursekit.box_losses import giou_loss, iou_loss, smooth_l1
from coursekit.boxes import giou, iou


def boxes_of(*rows, dtype=torch.float32):
    return torch.tensor(rows, dtype=dtype).reshape(-1, 4)


# Smooth L1

def test_smooth_l1_is_a_parabola_inside_beta_and_a_line_outside_by_hand():
    predicted = torch.tensor([0.0, 1.0, -2.0, 3.0, 5.0])
    got = smooth_l1(predicted, torch.zeros(5), beta=2)
    assert got.tolist() == [0, 0.25, 1, 2, 4]           # d² / 4, then d - 1; they meet at d = 2


@pytest.mark.parametrize("beta", [0, 1 / 9, 0.5, 1.0, 10.0])
@pytest.mark.parametrize("shape", [(0, 4), (7, 4), (3,), (2, 5, 4)])
def test_smooth_l1_equals_torch(shape, beta):
    generator = torch.Generator().manual_seed(0)
    predicted, target = torch.randn(2, *shape, generator=generator) * 3
    predicted = predicted.contiguous().requires_grad_()
    ours, theirs = (f(predicted, target, beta=beta) for f in (
        smooth_l1, lambda p, t, beta: F.smooth_l1_loss(p, t, reduction="none", beta=beta)))
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad(loss.sum(), predicted)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*gradients)


@steady
@given(st.floats(-50, 50, width=32), st.floats(0.125, 8, width=32))
def test_smooth_l1_has_a_slope_of_1_at_most_and_lies_below_l1(d, beta):
    x = torch.tensor(d, dtype=torch.float64, requires_grad=True)
    loss = smooth_l1(x, torch.zeros_like(x), beta)
    loss.backward()
    assert 0 <= loss <= abs(d) and abs(x.grad) <= 1


def test_smooth_l1_at_equal_boxes_has_a_gradient_of_0_and_not_nan():
    x = torch.ones(2, 4, requires_grad=True)
    for beta in (0, 1.0):
        smooth_l1(x, torch.ones(2, 4), beta).sum().backward()
        assert x.grad.tolist() == torch.zeros(2, 4).tolist()


def test_smooth_l1_refuses_shapes_that_would_be_broadcast():
    with pytest.raises(ValueError, match=r"predicted \(5, 4\) and target \(1, 4\), .* Pick the"):
        smooth_l1(torch.zeros(5, 4), torch.zeros(1, 4))


@pytest.mark.parametrize("beta", [-1, float("nan")])
def test_smooth_l1_refuses_a_beta_that_is_no_difference(beta):
    with pytest.raises(ValueError, match=f"beta={beta} came, but 0 or more was expected"):
        smooth_l1(torch.zeros(4), torch.zeros(4), beta)


# IoU and GIoU

A = boxes_of((2, 1, 8, 5), (2, 1, 8, 5), (2, 1, 8, 5))
B = boxes_of((2, 1, 8, 5), (4, 2, 10, 7), (11, 1, 14, 5))   # the same; overlapping; 3 pixels apart


def test_losses_of_three_pairs_by_hand():
    # 24 and 24 in one place; 12 shared of 24 + 30 - 12 = 42 in a frame of 8 x 6 = 48;
    # nothing shared of 24 + 12 = 36 in a frame of 12 x 4 = 48
    torch.testing.assert_close(iou_loss(A, B), torch.tensor([0, 1 - 12 / 42, 1]))
    torch.testing.assert_close(giou_loss(A, B), torch.tensor([0, 1 - 12 / 42 + 6 / 48,
                                                              1 + 12 / 48]))


@pytest.mark.parametrize("n", [0, 1, 5, 200])
def test_losses_are_the_diagonal_of_the_tables_and_torchvisions(n):
    a, b = random_boxes(n, seed=0), random_boxes(n, seed=1)
    torch.testing.assert_close(iou_loss(a, b), 1 - iou(a, b).diagonal())
    torch.testing.assert_close(giou_loss(a, b), 1 - giou(a, b).diagonal())
    torch.testing.assert_close(giou_loss(a, b), torchvision.ops.generalized_box_iou_loss(a, b))


def test_losses_equal_torchvision_on_empty_equal_touching_and_nested_boxes():
    a = boxes_of((0, 0, 4, 2), (0, 0, 4, 2), (3, 3, 3, 3), (0, 0, 0, 5), (0, 0, 9, 9), (1, 1, 2, 2))
    b = boxes_of((0, 0, 4, 2), (4, 0, 8, 2), (3, 3, 3, 3), (2, 0, 6, 5), (3, 4, 5, 6), (1, 1, 1, 1))
    torch.testing.assert_close(giou_loss(a, b), torchvision.ops.generalized_box_iou_loss(a, b))


@steady
@given(box_tensors(), box_tensors())
def test_losses_stay_in_their_range_and_treat_both_sides_alike(a, b):
    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    near, far = iou_loss(a, b), giou_loss(a, b)
    assert ((near >= 0) & (near <= 1)).all() and ((far >= near - 1e-9) & (far < 2)).all()
    torch.testing.assert_close(giou_loss(b, a), far)


@pytest.mark.parametrize("loss", [iou_loss, giou_loss])
def test_losses_do_not_depend_on_the_unit(loss):
    a, b = random_boxes(20, seed=2), random_boxes(20, seed=3)
    torch.testing.assert_close(loss(a / 100, b / 100), loss(a, b))


def test_apart_iou_has_no_gradient_and_giou_points_home():
    apart = boxes_of((11, 1, 14, 5)).requires_grad_()       # to the right of its target
    target = boxes_of((2, 1, 8, 5))
    assert torch.autograd.grad(iou_loss(apart, target).sum(), apart)[0].tolist() == [[0] * 4]
    x1, _, x2, _ = torch.autograd.grad(giou_loss(apart, target).sum(), apart)[0][0].tolist()
    assert x1 > 0 and x1 + x2 > 0                           # downhill: the left side, and the whole


@pytest.mark.parametrize("loss", [iou_loss, giou_loss])
def test_gradients_flow_to_both_sides(loss):
    a = boxes_of((2, 1, 8, 5), (0, 0, 3, 4), (11, 1, 14, 5), dtype=torch.float64).requires_grad_()
    b = boxes_of((4, 2, 10, 7), (1, 1, 2, 3), (2, 2, 8, 6), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(loss, (a, b))


@pytest.mark.parametrize("loss", [iou_loss, giou_loss])
def test_gradients_of_empty_boxes_are_finite(loss):
    a = boxes_of((3, 3, 3, 3), (0, 0, 0, 5)).requires_grad_()
    loss(a, boxes_of((3, 3, 3, 3), (0, 0, 4, 5))).sum().backward()
    assert a.grad.isfinite().all()


@pytest.mark.parametrize("loss", [iou_loss, giou_loss])
def test_losses_refuse_what_is_not_paired_boxes(loss):
    with pytest.raises(ValueError, match="got 3 predicted boxes and 1 targets, but pairs were"):
        loss(A, B[:1])
    with pytest.raises(ValueError, match="predicted: row 0 is .* x2 >= x1 and y2 >= y1 must hold"):
        loss(boxes_of((5, 1, 2, 4)), B[:1])
    with pytest.raises(ValueError, match=r"target: got shape \(4,\), but \(N, 4\) was expected"):
        loss(A[:1], B[0])
