"""Batches: two lists, nothing stacked, and each unsound sample named by its number."""

import pytest
import torch
from torch.utils.data import DataLoader

from coursekit.data.collate import collate
from coursekit.data.sample import check_sample


def sample(height=4, width=6, **changes):
    target = {"boxes": torch.tensor([[1., 0., 3., 2.]]), "labels": torch.tensor([1]),
              "masks": torch.zeros(1, height, width, dtype=torch.bool)}
    return torch.rand(3, height, width), target | changes


def test_images_of_different_sizes_stay_as_they_are():
    samples = [sample(4, 6), sample(9, 3)]
    images, targets = collate(samples)
    assert images[0] is samples[0][0] and targets[1] is samples[1][1]
    assert [tuple(image.shape) for image in images] == [(3, 4, 6), (3, 9, 3)]


def test_no_samples_make_two_empty_lists():
    assert collate([]) == ([], [])


def test_an_image_without_objects_belongs_in_a_batch():
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    images, targets = collate([(torch.zeros(3, 2, 2), nothing), sample()])
    assert len(images) == 2 and len(targets[0]["boxes"]) == 0


def test_a_data_loader_takes_it():
    loader = DataLoader([sample(), sample(5, 5), sample()], batch_size=2, collate_fn=collate)
    assert [len(images) for images, _ in loader] == [2, 1]


@pytest.mark.parametrize("bad, came", [
    (torch.zeros(3, 2, 2), "is a Tensor"),
    ((torch.zeros(3, 2, 2), torch.zeros(4)), "is a tuple of Tensor, Tensor"),
    ((*sample(), 5), "is a tuple of Tensor, dict, int"),
    (None, "is a NoneType"),
])
def test_what_is_not_a_pair_is_named(bad, came):
    with pytest.raises(ValueError, match=f"sample 1 of the batch {came}, but a pair .* Return"):
        collate([sample(), bad])


@pytest.mark.parametrize("bad, message", [
    ((torch.zeros(3, 2, 2, dtype=torch.uint8), {}), "sample 1 .*: the image is torch.uint8"),
    ((torch.full((3, 2, 2), 200.), {}), "image values run from 200"),
    ((torch.zeros(3, 2, 2), {"boxes": torch.zeros(0, 4)}), "'labels'. are missing"),
    (sample(labels=torch.tensor([0])), "sample 1 of the batch: labels .* 0 is background"),
    (sample(labels=torch.tensor([1, 2])), r"labels has shape \(2,\), but \(1,\) fits 1 boxes"),
    (sample(boxes=torch.tensor([[3., 0., 1., 2.]])), "box 0 is .* convert them to xyxy"),
    (sample(boxes=torch.tensor([[1., 0., 3., float("nan")]])), "box 0 is"),
    (sample(masks=torch.zeros(1, 9, 9, dtype=torch.bool)), r"masks has shape \(1, 9, 9\)"),
    (sample(boxes=[[0., 0., 1., 1.]]), "boxes is a list, but a tensor .* torch.as_tensor"),
    (sample(boxes=torch.tensor([[0, 0, 1, 1]])), "boxes is torch.int64, but torch.float32"),
    (sample(masks=torch.zeros(1, 4, 6)), "masks is torch.float32, but torch.bool"),
    (sample(semantic=torch.zeros(4, 6)), "semantic is torch.float32, but torch.int64"),
    (sample(semantic=torch.full((4, 6), -1)), "ids from -1 to -1, but 0 to 254, or 255 for void"),
])
def test_an_unsound_sample_is_named_by_its_number(bad, message):
    with pytest.raises(ValueError, match=message):
        collate([sample(), bad])


def test_an_image_that_is_no_tensor_is_named():
    with pytest.raises(ValueError, match=r"sample: the image is a list, but a tensor \(3, H, W\)"):
        check_sample([[0.5]], {})
