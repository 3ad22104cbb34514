"""Assignment and sampling: by hand, torchvision's matcher and sampler, empty inputs, refusals."""

import pytest
import torch
from random_inputs import random_boxes
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, Matcher
from torchvision.ops import box_iou

from coursekit.assignment import IGNORED, NEGATIVE, assign, sample

OBJECTS = torch.tensor([[0., 0, 10, 10], [20, 0, 30, 20]])
BOXES = torch.tensor([[0., 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 4], [22, 0, 32, 20],
                      [20, 15, 30, 40], [50, 50, 60, 60]])


def test_boxes_are_given_objects_by_hand():
    assert assign(BOXES, OBJECTS, 0.5, 0.5).tolist() == [0, 0, -1, 1, -1, -1]
    assert assign(BOXES, OBJECTS, 0.7, 0.3).tolist() == [0, IGNORED, IGNORED, IGNORED, -1, -1]


def test_rescue_gives_each_object_its_best_boxes_however_little_they_overlap():
    assert assign(BOXES[3:], OBJECTS[1:], 0.7, 0.3, rescue=True).tolist() == [0, -1, -1]
    far = torch.tensor([[0., 0, 10, 3], [0, 3, 10, 6], [0, 7, 10, 9]])
    assert assign(far, OBJECTS[:1], 0.7, 0.4).tolist() == [-1, -1, -1]
    assert assign(far, OBJECTS[:1], 0.7, 0.4, rescue=True).tolist() == [0, 0, -1]     # a tie


@pytest.mark.parametrize("rescue", [False, True])
@pytest.mark.parametrize("positive, negative", [(0.5, 0.5), (0.7, 0.3), (0.6, 0.1)])
def test_assignment_equals_torchvisions_matcher(rescue, positive, negative):
    for seed in range(5):
        objects, boxes = random_boxes(6, seed), random_boxes(200, seed + 100)
        boxes[:6] = objects + 2
        theirs = Matcher(positive, negative, rescue)(box_iou(objects, boxes))
        assert assign(boxes, objects, positive, negative, rescue).equal(theirs)


def test_without_an_object_all_is_background_and_without_a_box_there_is_nothing():
    assert assign(BOXES, OBJECTS[:0], 0.7, 0.3, rescue=True).tolist() == [NEGATIVE] * 6
    assert assign(BOXES[:0], OBJECTS, 0.7, 0.3, rescue=True).tolist() == []
    assert assign(BOXES[:0], OBJECTS[:0], 0.5, 0.5).dtype == torch.int64


@pytest.mark.parametrize("positive, negative", [(0.3, 0.7), (1.2, 0.3), (0.5, -0.1)])
def test_thresholds_in_the_wrong_order_are_refused(positive, negative):
    with pytest.raises(ValueError, match="0 <= negative <= positive <= 1 must hold"):
        assign(BOXES, OBJECTS, positive, negative)


@pytest.mark.parametrize("count, share, positives", [(16, 0.25, 40), (16, 0.5, 3), (300, 0.5, 40)])
def test_the_same_boxes_are_drawn_as_by_torchvisions_sampler(count, share, positives):
    labels = torch.zeros(120, dtype=torch.int64)
    labels[torch.randperm(120)[:positives]] = 1
    labels[::7] = -1
    torch.manual_seed(3)
    yes, no = BalancedPositiveNegativeSampler(count, share)([labels])
    torch.manual_seed(3)
    ours = sample(labels == 1, labels == 0, count, share)
    assert ours[0].equal(yes[0].nonzero().flatten()) and ours[1].equal(no[0].nonzero().flatten())


def test_negatives_fill_up_and_few_boxes_give_few():
    yes, no = torch.tensor([True, False, False, False]), torch.tensor([False, True, True, False])
    assert [part.tolist() for part in sample(yes, no, 3, 0.5)] == [[0], [1, 2]]
    assert [len(part) for part in sample(yes, no, 2, 0.0)] == [0, 2]
    assert [len(part) for part in sample(yes[:0], no[:0], 2, 0.5)] == [0, 0]
