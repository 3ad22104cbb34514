"""Metrics against hand-worked tables, scikit-learn, scikit-image and plain loops."""

import math

import numpy as np
import pytest
import sklearn.metrics
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_inputs import random_labels, random_masks, steady
from skimage.morphology import erosion

from coursekit.metrics import (
    boundary_counts,
    boundary_iou,
    boundary_region,
    confusion_matrix,
    iou_per_class,
    mean_iou,
    pixel_accuracy,
)

TARGET = torch.tensor([[0, 0, 1, 1], [0, 2, 1, 255]])
PREDICTED = torch.tensor([[0, 1, 1, 1], [0, 0, 1, 2]])
TABLE = torch.tensor([[2, 1, 0], [0, 3, 0], [1, 0, 0]])

maps = st.tuples(st.integers(1, 9), st.integers(1, 12), st.integers(0, 999))


# The confusion matrix and what is read off it

def test_the_hand_worked_table_has_a_row_for_each_true_class():
    assert confusion_matrix(PREDICTED, TARGET, 3).equal(TABLE)


def test_the_hand_worked_scores():
    assert pixel_accuracy(TABLE) == 5 / 7
    torch.testing.assert_close(iou_per_class(TABLE), torch.tensor([2 / 4, 3 / 4, 0]).double())
    assert mean_iou(TABLE) == pytest.approx(5 / 12)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
@pytest.mark.parametrize("shape", [(8, 13), (3, 8, 13), (40,), (0, 4, 4)])
def test_confusion_matrix_equals_scikit_learns(shape, dtype):
    predicted, target = random_labels(shape, 5, seed=1), random_labels(shape, 5, seed=2, void=0.1)
    keep = target != 255
    wanted = np.zeros((5, 5), dtype=int)
    if keep.any():
        wanted = sklearn.metrics.confusion_matrix(target[keep], predicted[keep], labels=range(5))
    matrix = confusion_matrix(predicted.to(dtype), target.to(dtype), 5)
    assert matrix.dtype == torch.int64 and matrix.tolist() == wanted.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_mean_iou_and_accuracy_equal_scikit_learns_on_the_classes_present(seed):
    predicted, target = random_labels((9, 14), 4, seed), random_labels((9, 14), 4, seed + 50)
    present = torch.cat([predicted, target]).unique().tolist()
    flat = target.flatten(), predicted.flatten()
    matrix = confusion_matrix(predicted, target, 7)              # classes 4, 5 and 6 are absent
    wanted = sklearn.metrics.jaccard_score(*flat, average="macro", labels=present)
    assert mean_iou(matrix) == pytest.approx(wanted)
    assert pixel_accuracy(matrix) == pytest.approx(sklearn.metrics.accuracy_score(*flat))


def test_an_absent_class_is_nan_and_a_wrongly_predicted_one_is_zero():
    matrix = torch.tensor([[4, 1, 0], [0, 0, 0], [0, 0, 0]])
    scores = iou_per_class(matrix)
    assert scores[0] == 0.8 and scores[1] == 0 and scores[2].isnan()
    assert mean_iou(matrix) == 0.4


def test_without_a_pixel_every_score_is_nan():
    nothing = confusion_matrix(torch.zeros(0, 4, 4).long(), torch.zeros(0, 4, 4).long(), 3)
    assert not nothing.any()
    assert math.isnan(pixel_accuracy(nothing)) and math.isnan(mean_iou(nothing))
    assert iou_per_class(nothing).isnan().all()


def test_a_picture_that_is_all_void_adds_nothing():
    void = torch.full((3, 4), 255)
    assert not confusion_matrix(torch.zeros(3, 4).long(), void, 3).any()
    assert boundary_iou(torch.zeros(3, 4).long(), void, 3).isnan().all()


def test_what_is_predicted_on_void_pixels_does_not_matter():
    assert confusion_matrix(PREDICTED.masked_fill(TARGET == 255, 99), TARGET, 3).equal(TABLE)


def test_another_ignore_index_is_obeyed():
    assert confusion_matrix(PREDICTED, TARGET % 255, 3, ignore_index=0).sum() == 4


@steady
@given(maps)
def test_matrices_of_parts_add_up_to_that_of_the_whole(inputs):
    height, width, seed = inputs
    predicted = random_labels((2, height, width), 4, seed)
    target = random_labels((2, height, width), 4, seed + 1, void=0.2)
    parts = sum(confusion_matrix(p, t, 4) for p, t in zip(predicted, target, strict=True))
    whole = confusion_matrix(predicted, target, 4)
    assert parts.equal(whole) and whole.sum() == (target != 255).sum()
    assert confusion_matrix(target % 255, predicted, 4).T.equal(
        confusion_matrix(predicted, target % 255, 4))


@steady
@given(maps)
def test_a_perfect_prediction_scores_one_everywhere(inputs):
    height, width, seed = inputs
    target = random_labels((height, width), 4, seed, void=0.2)
    predicted = target.masked_fill(target == 255, 3)
    matrix = confusion_matrix(predicted, target, 4)
    assert mean_iou(matrix) == 1 or not matrix.any()
    present = boundary_iou(predicted, target, 4)
    assert (present[~present.isnan()] == 1).all()


# Boundary IoU

def region_loops(mask, width):
    """A pixel of the mask is in the region if a pixel outside, or the edge, is near enough."""
    height, length = mask.shape
    region = torch.zeros_like(mask)
    for i in range(height):
        for j in range(length):
            near = [(y, x) for y in range(i - width, i + width + 1)
                    for x in range(j - width, j + width + 1)]
            region[i, j] = mask[i, j] and any(
                not (0 <= y < height and 0 <= x < length) or not mask[y, x] for y, x in near)
    return region


def boundary_iou_loops(predicted, target, num_classes, width):
    scores = []
    for k in range(num_classes):
        found = region_loops((predicted == k) & (target != 255), width)
        wanted = region_loops(target == k, width)
        either = (found | wanted).sum().item()
        scores.append((found & wanted).sum().item() / either if either else float("nan"))
    return torch.tensor(scores, dtype=torch.float64)


def test_the_boundary_region_of_a_square_is_a_ring():
    mask = torch.zeros(7, 8, dtype=torch.bool)
    mask[1:6, 1:6] = True
    assert boundary_region(mask, 1).sum() == 25 - 9
    assert boundary_region(mask, 2).sum() == 25 - 1
    assert boundary_region(mask, 3).equal(mask)


def test_the_edge_of_the_image_is_an_outline():
    assert boundary_region(torch.ones(5, 6, dtype=torch.bool), 1).sum() == 30 - 12


@pytest.mark.parametrize("width", [1, 2, 5])
def test_boundary_region_equals_scikit_images_erosion(width):
    masks = ~random_masks(4, 19, 26, seed=1)
    masks[0] = random_labels((19, 26), 2, seed=3).bool()
    square = np.ones((2 * width + 1, 2 * width + 1), dtype=bool)
    for mask, region in zip(masks, boundary_region(masks, width), strict=True):
        framed = np.pad(mask.numpy(), width)                     # beyond the edge: not in the mask
        core = erosion(framed, square)[width:-width, width:-width]
        assert (region.numpy() == (mask.numpy() & ~core)).all()


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_boundary_iou_equals_plain_loops(width, seed):
    predicted, target = random_labels((13, 18), 3, seed), random_labels((13, 18), 3, seed + 9, 0.05)
    wanted = boundary_iou_loops(predicted, target, 4, width)     # class 3 is absent: NaN
    torch.testing.assert_close(boundary_iou(predicted, target, 4, width), wanted, equal_nan=True)


def test_boundary_iou_of_a_square_moved_by_one_pixel_by_hand():
    target, predicted = torch.zeros(2, 9, 10, dtype=torch.int64)
    target[2:7, 2:7], predicted[2:7, 3:8] = 1, 1
    # Two rings of 16 pixels share 4 on the upper side, 4 on the lower, and none of the others.
    assert boundary_iou(predicted, target, 2, width=1)[1] == 8 / 24
    matrix = confusion_matrix(predicted, target, 2)
    assert iou_per_class(matrix)[1] == 20 / 30


@steady
@given(maps)
def test_with_a_great_width_boundary_iou_is_plain_iou(inputs):
    height, width, seed = inputs
    predicted, target = random_labels((2, height, width), 4, seed)
    wanted = iou_per_class(confusion_matrix(predicted, target, 4))
    torch.testing.assert_close(boundary_iou(predicted, target, 4, width=12), wanted, equal_nan=True)


def test_boundary_counts_of_images_add_up_to_those_of_their_batch():
    predicted, target = random_labels((4, 12, 17), 3, 1), random_labels((4, 12, 17), 3, 2, void=0.1)
    each = [boundary_counts(p, t, 3) for p, t in zip(predicted, target, strict=True)]
    assert sum(each).equal(boundary_counts(predicted, target, 3))


@pytest.mark.parametrize("shape", [(0, 5, 5), (2, 0, 5), (0, 0)])
def test_boundary_iou_of_no_pixel_is_nan(shape):
    nothing = torch.zeros(shape, dtype=torch.int64)
    assert boundary_iou(nothing, nothing, 3).isnan().all()


# What is refused

@pytest.mark.parametrize("call", [confusion_matrix, boundary_iou, boundary_counts])
def test_scores_in_place_of_class_ids_are_refused(call):
    with pytest.raises(TypeError, match=r"predicted: got torch.float32.*scores.argmax\(dim=1\)"):
        call(torch.rand(2, 3, 4, 4), TARGET, 3)


def test_a_list_in_place_of_a_tensor_is_refused():
    with pytest.raises(TypeError, match="target: got a list, but a tensor of whole class ids"):
        confusion_matrix(PREDICTED, TARGET.tolist(), 3)


@pytest.mark.parametrize("call", [confusion_matrix, boundary_iou])
def test_shapes_that_differ_are_refused(call):
    with pytest.raises(ValueError, match=r"got shape \(2, 4\), but the target's, \(4, 2\).*Resize"):
        call(PREDICTED, TARGET.T, 3)


@pytest.mark.parametrize("call", [confusion_matrix, boundary_iou])
@pytest.mark.parametrize("predicted, target, name, value", [
    ([0, 3], [0, 1], "predicted", 3), ([0, -1], [0, 1], "predicted", -1),
    ([0, 1], [0, 7], "target", 7),
])
def test_an_id_outside_the_classes_is_named(call, predicted, target, name, value):
    with pytest.raises(ValueError, match=f"{name}: holds the id {value}, but ids from 0 to 2 were"):
        call(torch.tensor([predicted]), torch.tensor([target]), 3)


@pytest.mark.parametrize("matrix", [torch.zeros(2, 3), torch.zeros(3), [[1]]])
@pytest.mark.parametrize("call", [pixel_accuracy, iou_per_class, mean_iou])
def test_what_is_not_a_square_table_is_refused(call, matrix):
    with pytest.raises(ValueError, match=r"matrix: got .*\(K, K\).*Pass what confusion_matrix"):
        call(matrix)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_table_with_an_impossible_entry_is_refused(value):
    with pytest.raises(ValueError, match="negative, infinite or NaN"):
        mean_iou(torch.tensor([[1.0, value], [0, 1]]))


def test_flat_maps_have_no_boundary_and_are_refused():
    with pytest.raises(ValueError, match=r"got shape \(8,\).*Do not flatten"):
        boundary_iou(PREDICTED.flatten(), TARGET.flatten(), 3)


def test_a_width_below_one_pixel_is_refused():
    with pytest.raises(ValueError, match="width: got 0, but at least 1 pixel was expected"):
        boundary_iou(PREDICTED, TARGET, 3, width=0)
