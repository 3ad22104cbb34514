"""Selective search: regions measured by hand, grouping against brute force, boxes that repeat."""

import numpy as np
import pytest
import torch
from skimage.segmentation import felzenszwalb

from coursekit.data import PetScenes
from coursekit.proposals import (
    MODES,
    SIMILARITIES,
    color_bins,
    describe,
    group,
    hierarchies,
    neighbours,
    selective_search,
    similarities,
    texture_bins,
    to_space,
)

LABELS = np.array([[0, 0, 1, 1],
                   [0, 2, 2, 1]])
RED = np.array([[0, 0, 0, 24],
                [0, 24, 24, 24]])


def toy():
    """Three regions of 3, 3 and 2 pixels; only the first channel differs, no slopes."""
    colors = np.stack([RED, np.zeros_like(RED), np.zeros_like(RED)])
    return describe(LABELS, colors, np.full((12, 2, 4), 9))


def cut(image, k=100):
    picture = to_space(image.permute(1, 2, 0).double().numpy(), "hsv")
    labels = felzenszwalb(picture, scale=k, sigma=0.8, min_size=30)
    return labels, color_bins(picture), texture_bins(picture)


def brute_force(regions, pairs, use):
    """Look at every pair of neighbours again at every step."""
    rows = [SIMILARITIES.index(name) for name in use]
    touching, merges = {tuple(pair) for pair in pairs.tolist()}, []
    while touching:
        ordered = sorted(touching)
        i, j = max(ordered, key=lambda pair: similarities(
            regions, pair[0], np.array(pair[1:]))[rows].sum(axis=0)[0])
        new = len(regions) + len(merges)
        regions.join(i, j, new)
        merges.append([i, j])
        renamed = {tuple(sorted(new if k in (i, j) else k for k in pair)) for pair in touching}
        touching = {pair for pair in renamed if pair[0] != pair[1]}
    return merges


def test_toy_regions_are_as_worked_out_by_hand():
    regions = toy()
    assert regions.size.tolist() == [3, 3, 2, 0, 0]
    assert regions.box[:3].tolist() == [[0, 0, 2, 2], [2, 0, 4, 2], [1, 1, 3, 2]]
    assert regions.histogram[:3].sum(axis=1) == pytest.approx([2, 2, 2])
    assert regions.histogram[1, [0, 24]] == pytest.approx([1 / 9, 2 / 9])
    assert neighbours(LABELS).tolist() == [[0, 1], [0, 2], [1, 2]]


def test_similarities_are_as_worked_out_by_hand():
    found = similarities(toy(), 2, np.array([0, 1]))
    assert found[0] == pytest.approx([2 / 3, 8 / 9])         # color: channels of equal weight
    assert found[1] == pytest.approx([1, 1])
    assert found[2] == pytest.approx([1 - 5 / 8, 1 - 5 / 8])
    assert found[3] == pytest.approx([1 - 1 / 8, 1 - 1 / 8])


def test_similarity_is_symmetric_to_the_last_digit():
    regions = describe(*cut(PetScenes("val")[0][0]))
    i, j = neighbours(cut(PetScenes("val")[0][0])[0]).T
    assert np.array_equal(similarities(regions, i, j), similarities(regions, j, i))


def test_toy_grouping_joins_the_red_ones_first():
    regions = toy()
    assert group(regions, neighbours(LABELS)).tolist() == [[1, 2], [0, 3]]
    assert regions.box[3:].tolist() == [[1, 0, 4, 2], [0, 0, 4, 2]]
    assert regions.size[3:].tolist() == [5, 8]


@pytest.mark.parametrize("use", MODES["fast"][2])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_grouping_equals_brute_force(index, use):
    parts = cut(PetScenes("val")[index][0])
    pairs, ours, theirs = neighbours(parts[0]), describe(*parts), describe(*parts)
    assert group(ours, pairs, use).tolist() == brute_force(theirs, pairs, use)
    assert np.array_equal(ours.box, theirs.box)


def test_ties_go_to_the_smaller_numbers():
    labels = np.arange(12).reshape(3, 4)
    level = np.zeros((3, 3, 4), dtype=np.int64)
    parts = (labels, level, np.full((12, 3, 4), 9))
    ours, theirs = describe(*parts), describe(*parts)
    merges = group(ours, neighbours(labels)).tolist()
    assert merges[0] == [0, 1] and merges == brute_force(theirs, neighbours(labels), SIMILARITIES)


def test_a_unions_histogram_is_that_of_its_pixels():
    labels, colors, textures = cut(PetScenes("val")[3][0])
    regions = describe(labels, colors, textures)
    i, j = group(regions, neighbours(labels))[0]
    n = len(regions)
    joined = np.where(labels == j, i, labels)
    whole = describe(np.unique(joined, return_inverse=True)[1].reshape(labels.shape), colors,
                     textures)
    assert np.allclose(whole.histogram[i], regions.histogram[n])
    assert whole.box[i].tolist() == regions.box[n].tolist()


def test_regions_that_do_not_touch_stay_apart():
    regions = toy()
    assert group(regions, np.array([[0, 2]])).tolist() == [[0, 2]]
    assert group(toy(), np.zeros((0, 2), dtype=np.int64)).shape == (0, 2)


@pytest.mark.parametrize("mode", MODES)
def test_boxes_are_unique_inside_and_the_same_again(mode):
    image = PetScenes("val")[5][0]
    boxes = selective_search(image, mode, None)
    assert boxes.dtype == torch.float32 and len(boxes.unique(dim=0)) == len(boxes)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= 128).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert boxes.equal(selective_search(image.clone(), mode, None))
    assert boxes[:40].equal(selective_search(image, mode, 40))
    assert [0, 0, 128, 128] in boxes.tolist()


def test_quality_finds_more_than_fast():
    image = PetScenes("val")[5][0]
    assert len(selective_search(image, "quality", None)) > 2 * len(selective_search(image))
    assert len(hierarchies(image, "quality")) == 32


def test_small_pictures_have_four_trees_and_large_ones_eight():
    stripes = torch.zeros(3, 256, 256)
    stripes[:, :, 100:] = 1
    assert len(hierarchies(stripes, "fast")) == 8
    assert len(hierarchies(stripes[:, :255], "fast")) == 4


def test_first_boxes_are_larger_than_the_last():
    boxes = selective_search(PetScenes("val")[6][0], max_proposals=None)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    assert areas[:50].median() > areas[-50:].median()


@pytest.mark.parametrize("image", [
    torch.zeros(3, 1, 1), torch.rand(3, 1, 1), torch.full((3, 20, 30), 0.5), torch.rand(3, 1, 9),
    torch.rand(3, 9, 1)], ids=["black pixel", "pixel", "one color", "row", "column"])
@pytest.mark.parametrize("mode", MODES)
def test_pictures_without_neighbours_give_their_own_box(image, mode):
    assert selective_search(image, mode).tolist() == [[0, 0, image.shape[2], image.shape[1]]]


@pytest.mark.parametrize("picture", [torch.rand(3, 33, 21, dtype=torch.float64), torch.rand(
    3, 33, 21).requires_grad_()])
def test_other_floats_and_gradients_are_no_obstacle(picture):
    assert not selective_search(picture).requires_grad


def test_scenes_recall_is_high_with_few_boxes():
    from coursekit.boxes import iou
    best = [iou(target["boxes"], selective_search(image, max_proposals=300)).amax(dim=1)
            for image, target in (PetScenes("val")[i] for i in range(15)) if len(target["boxes"])]
    assert (torch.cat(best) >= 0.5).float().mean() > 0.9


@pytest.mark.parametrize("arguments, error, words", [
    (([1, 2],), TypeError, "got a list, but a floating-point tensor"),
    ((torch.zeros(3, 4, 4, dtype=torch.uint8),), TypeError, "Divide bytes by 255"),
    ((torch.zeros(4, 4),), ValueError, r"got shape \(4, 4\).*batch one by one"),
    ((torch.zeros(1, 3, 4, 4),), ValueError, "batch one by one"),
    ((torch.zeros(3, 0, 4),), ValueError, r"got shape \(3, 0, 4\)"),
    ((torch.full((3, 4, 4), 255.0),), ValueError, "from 255 to 255"),
    ((torch.full((3, 4, 4), float("nan")),), ValueError, "values reach from nan"),
    ((torch.zeros(3, 4, 4), "slow"), ValueError, "got 'slow', but one of 'fast', 'quality'"),
    ((torch.zeros(3, 4, 4), "fast", 0), ValueError, "got 0, but 1 or more"),
])
def test_what_is_refused_and_why(arguments, error, words):
    with pytest.raises(error, match=words):
        selective_search(*arguments)
