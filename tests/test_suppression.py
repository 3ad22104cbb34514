"""Non-maximum suppression: by hand, against loops and torchvision, and what always holds."""

import pytest
import torch
import torchvision
from random_inputs import random_boxes

from coursekit.boxes import batched_nms, iou, nms


def crowd(n, seed, centers=12):
    """(n, 4) boxes in clusters, as a detector gives them, with n different scores."""
    g = torch.Generator().manual_seed(seed)
    center = torch.rand(centers, 2, generator=g)[torch.randint(centers, (n,), generator=g)] * 200
    center = center + torch.randn(n, 2, generator=g) * 5
    size = 10 + torch.rand(n, 2, generator=g) * 40
    boxes = torch.cat([center - size / 2, center + size / 2], dim=1)
    return boxes, torch.rand(n, generator=g)


def nms_loops(boxes, scores, threshold):
    kept = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if all(iou(boxes[i:i + 1], boxes[j:j + 1]) <= threshold for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


def test_a_box_that_was_struck_out_strikes_out_no_other():
    boxes = torch.tensor([[0.0, 0, 10, 4], [4, 0, 14, 4], [8, 0, 18, 4]])   # a chain: 3/7, 1/9
    assert nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.4).tolist() == [0, 2]


def test_nms_keeps_one_of_two_equal_boxes_and_of_equal_scores_the_first():
    boxes = random_boxes(1).repeat(3, 1)
    assert nms(boxes, torch.tensor([0.5, 0.9, 0.9]), 0.5).tolist() == [1]


def test_a_box_at_the_threshold_stays():
    boxes = torch.tensor([[0.0, 0, 4, 2], [2, 0, 6, 2], [0, 0, 2, 2]])      # IoU 1/3 and 1/2
    assert nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist() == [0, 1, 2]


def test_boxes_without_area_strike_out_nothing():
    assert nms(torch.zeros(3, 4), torch.ones(3), 0.0).tolist() == [0, 1, 2]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("n", [0, 1, 2, 127, 128, 129, 700])
def test_nms_equals_torchvision(n, threshold):
    boxes, scores = crowd(n, seed=n)
    assert nms(boxes, scores, threshold).equal(torchvision.ops.nms(boxes, scores, threshold))


@pytest.mark.parametrize("seed", range(20))
def test_nms_equals_torchvision_with_ties_everywhere(seed):
    g = torch.Generator().manual_seed(seed)
    corner = torch.randint(0, 12, (300, 2), generator=g)
    boxes = torch.cat([corner, corner + torch.randint(0, 9, (300, 2), generator=g)], dim=1).float()
    scores = torch.randint(0, 5, (300,), generator=g) / 4
    for threshold in (0.25, 1 / 3, 0.5):                     # overlaps that occur exactly
        assert nms(boxes, scores, threshold).equal(torchvision.ops.nms(boxes, scores, threshold))


def test_nms_equals_plain_loops():
    boxes, scores = crowd(60, seed=7)
    assert nms(boxes, scores, 0.4).equal(nms_loops(boxes, scores, 0.4))


def test_nms_of_its_own_result_changes_nothing():
    boxes, scores = crowd(200, seed=8)
    kept = nms(boxes, scores, 0.5)
    assert nms(boxes[kept], scores[kept], 0.5).equal(torch.arange(len(kept)))


@pytest.mark.parametrize("n", [0, 1, 500])
def test_batched_nms_is_nms_label_by_label(n):
    boxes, scores = crowd(n, seed=9)
    boxes = boxes - 100                                  # some left of 0, where offsets go wrong
    labels = torch.randint(0, 90, (n,), generator=torch.Generator().manual_seed(1))
    kept = [(labels == k).nonzero()[:, 0] for k in labels.unique()]
    kept = [rows[nms(boxes[rows], scores[rows], 0.5)] for rows in kept]
    kept = torch.cat([torch.zeros(0, dtype=torch.int64), *kept])
    kept = kept[scores[kept].argsort(descending=True)]
    assert batched_nms(boxes, scores, labels, 0.5).equal(kept)


def test_a_cat_does_not_strike_out_a_dog_at_the_same_place():
    boxes = random_boxes(1).repeat(3, 1)
    scores, labels = torch.tensor([0.9, 0.8, 0.7]), torch.tensor([1, 2, 1])
    assert batched_nms(boxes, scores, labels, 0.5).tolist() == [0, 1]


@pytest.mark.parametrize("boxes, scores, threshold, words", [
    (random_boxes(2), torch.ones(3), 0.5, r"scores: got \(3,\), but one score for each of the 2"),
    (random_boxes(2), torch.tensor([1, float("nan")]), 0.5, "entry 1 is NaN"),
    (random_boxes(2), torch.ones(2), 1.5, "threshold: got 1.5, but an IoU from 0 to 1"),
    (random_boxes(2), [1, 2], 0.5, "scores: got a list"),
    (torch.ones(2, 5), torch.ones(2), 0.5, r"boxes: got shape \(2, 5\)"),
])
def test_bad_input_to_nms_is_refused(boxes, scores, threshold, words):
    with pytest.raises(ValueError, match=words):
        nms(boxes, scores, threshold)


def test_bad_labels_are_refused():
    boxes, scores = random_boxes(2), torch.ones(2)
    with pytest.raises(ValueError, match=r"labels: got \(1,\), but one label for each of the 2"):
        batched_nms(boxes, scores, torch.tensor([1]), 0.5)
    with pytest.raises(TypeError, match="labels: got torch.float32, but torch.int64"):
        batched_nms(boxes, scores, torch.ones(2), 0.5)
