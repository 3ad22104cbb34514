"""Deltas: hand-worked cases, torchvision's BoxCoder, and the way there and back."""

import math

import pytest
import torch
from random_inputs import random_boxes
from torchvision.models.detection._utils import BoxCoder

from coursekit.boxes import decode, encode

WEIGHTS = [(1, 1, 1, 1), (10, 10, 5, 5)]


def boxes_of(*rows):
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def test_a_quarter_to_the_right_and_twice_as_wide_by_hand():
    anchor, box = boxes_of((10, 20, 18, 24)), boxes_of((8, 20, 24, 24))
    torch.testing.assert_close(encode(box, anchor), torch.tensor([[0.25, 0, math.log(2), 0]]))
    torch.testing.assert_close(decode(encode(box, anchor), anchor), box)


def test_deltas_of_0_leave_the_anchor_where_it_is():
    anchors = random_boxes(4)
    torch.testing.assert_close(decode(torch.zeros(4, 4), anchors), anchors)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("n", [0, 1, 30])
def test_encode_and_decode_equal_torchvision(n, weights):
    boxes, anchors = random_boxes(n, seed=0), random_boxes(n, seed=1)
    coder = BoxCoder(weights)
    torch.testing.assert_close(encode(boxes, anchors, weights),
                               coder.encode_single(boxes, anchors), rtol=1e-4, atol=1e-4)
    deltas = torch.randn(n, 3, 4, generator=torch.Generator().manual_seed(2)) * 5
    theirs = coder.decode_single(deltas.flatten(1), anchors).view(n, 3, 4)
    torch.testing.assert_close(decode(deltas, anchors, weights), theirs, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_decode_undoes_encode(weights):
    boxes = random_boxes(50, seed=3).double()
    anchors = random_boxes(50, seed=4).double() + torch.tensor([0, 0, 3, 3])
    torch.testing.assert_close(decode(encode(boxes, anchors, weights), anchors, weights), boxes)


def test_deltas_do_not_change_when_both_boxes_grow_and_move():
    boxes, anchors = random_boxes(20, seed=5).double(), random_boxes(20, seed=6).double()
    torch.testing.assert_close(encode(3 * boxes + 7, 3 * anchors + 7), encode(boxes, anchors))


def test_a_wild_delta_gives_a_box_62_and_a_half_times_as_wide():
    box = decode(torch.tensor([[0.0, 0, 1e6, 0]]), boxes_of((0, 0, 4, 2)))
    torch.testing.assert_close(box, boxes_of((-123, 0, 127, 2)))


def test_gradients_of_encode_and_decode():
    boxes = random_boxes(3, seed=0).double().requires_grad_()
    anchors = random_boxes(3, seed=1).double()
    assert torch.autograd.gradcheck(lambda b: encode(b, anchors), boxes)
    deltas = torch.randn(3, 2, 4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda d: decode(d, anchors), deltas)


def test_one_box_for_each_anchor_is_asked_for():
    with pytest.raises(ValueError, match="boxes: got 2 rows.*3 anchors.*boxes\\[matched\\]"):
        encode(random_boxes(2), random_boxes(3))
    with pytest.raises(ValueError, match="deltas: got a list.*row for each of the 1 anchors"):
        decode([[0, 0, 0, 0]], random_boxes(1))


def test_boxes_without_area_are_refused():
    with pytest.raises(ValueError, match="boxes: row 0 is .* width and height above 0"):
        encode(boxes_of((3, 3, 3, 9)), random_boxes(1))
    with pytest.raises(ValueError, match="anchors: row 0 is .* width and height above 0"):
        encode(random_boxes(1), boxes_of((3, 3, 3, 9)))


def test_a_heads_flat_output_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"\(2, 12\).*deltas.view\(N, -1, 4\)"):
        decode(torch.zeros(2, 12), random_boxes(2))
