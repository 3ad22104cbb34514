"""Augmentation moves boxes and masks with the picture, and drops what leaves it."""

import pytest
import torch
from random_inputs import random_picture
from torchvision.transforms import v2

from coursekit.boxes import from_masks
from coursekit.data import check_sample
from coursekit.data.augment import Augmented, augment


def sample():
    """A picture of 48 x 72 with two objects, every entry of the format in its target."""
    masks = torch.zeros(2, 48, 72, dtype=torch.bool)
    masks[0, 4:20, 3:15] = masks[1, 30:44, 50:70] = True
    return random_picture(), {
        "boxes": from_masks(masks), "labels": torch.tensor([1, 2]), "masks": masks,
        "semantic": (masks * torch.tensor([1, 2])[:, None, None]).sum(dim=0),
        "area": masks.sum(dim=(1, 2)).float(), "iscrowd": torch.zeros(2, dtype=torch.int64),
        "image_id": torch.tensor(7)}


def test_a_flip_turns_picture_boxes_masks_and_map_alike():
    image, target = sample()
    turned, moved = augment(image, target, v2.RandomHorizontalFlip(p=1))
    assert turned.equal(image.flip(-1)) and type(turned) is torch.Tensor
    assert moved["masks"].equal(target["masks"].flip(-1))
    assert moved["semantic"].equal(target["semantic"].flip(-1))
    assert moved["boxes"].tolist() == [[57, 4, 69, 20], [2, 30, 22, 44]]
    for key in target:
        assert type(moved[key]) is torch.Tensor and moved[key].dtype == target[key].dtype
    assert sorted(moved) == sorted(target) and moved["image_id"] == 7


def test_what_came_stays_as_it_is():
    image, target = sample()
    before = [image.clone(), {key: value.clone() for key, value in target.items()}]
    augment(image, target, v2.Compose([v2.RandomHorizontalFlip(p=1), v2.ColorJitter(0.9)]))
    assert image.equal(before[0]) and all(target[key].equal(before[1][key]) for key in target)


def test_boxes_and_areas_are_those_of_the_masks_after_any_transform():
    torch.manual_seed(0)
    for transform in (v2.RandomRotation(40), v2.RandomAffine(0, scale=(0.5, 1.5)),
                      v2.RandomResizedCrop((40, 60)), v2.RandomZoomOut(p=1)):
        for _ in range(10):
            image, target = augment(*sample(), transform)
            check_sample(image, target)
            assert target["boxes"].equal(from_masks(target["masks"]))
            assert target["area"].equal(target["masks"].sum(dim=(1, 2)).float())


def test_an_object_that_left_the_picture_is_dropped_with_its_label():
    _, target = augment(*sample(), v2.Lambda(lambda x: x))
    assert len(target["labels"]) == 2
    _, target = augment(*sample(), LeftHalf())
    assert target["labels"].tolist() == [1] and target["boxes"].tolist() == [[3, 4, 15, 20]]
    assert len(target["masks"]) == len(target["area"]) == len(target["iscrowd"]) == 1


class LeftHalf(v2.Transform):
    """Cuts the left half out."""

    def transform(self, inpt, params):
        return v2.functional.crop(inpt, 0, 0, 48, 36)


def test_without_masks_the_boxes_decide():
    image, target = sample()
    _, target = augment(image, {key: target[key] for key in ("boxes", "labels")}, LeftHalf())
    assert target["labels"].tolist() == [1] and target["boxes"].tolist() == [[3, 4, 15, 20]]


def test_a_picture_without_objects_passes():
    image, target = sample()
    empty = {key: value[:0] if value.dim() and key != "semantic" else value
             for key, value in target.items()}
    _, moved = augment(image, empty, v2.RandomHorizontalFlip(p=1))
    assert moved["boxes"].shape == (0, 4) and moved["masks"].shape == (0, 48, 72)


def test_colors_stay_in_range():
    torch.manual_seed(0)
    image, _ = augment(*sample(), v2.ColorJitter(brightness=(3, 3)))
    assert 0 <= image.min() and image.max() == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_a_data_set_comes_out_another_way_each_time_and_the_same_for_the_same_seed(seed):
    data = Augmented([sample()], v2.RandomAffine(20))
    torch.manual_seed(seed)
    first, second = data[0][0], data[0][0]
    torch.manual_seed(seed)
    assert len(data) == 1 and data[0][0].equal(first) and not first.equal(second)
