"""PetScenes: the same everywhere, exact to the pixel, and no class to be told by color or size."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.measure import label as regions
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torchvision.ops import masks_to_boxes

from coursekit.data import CLASSES, STUFF, THINGS, PetScenes, check_sample
from coursekit.data.petscenes import MODES, SPLITS, code_version
from coursekit.data.scenes.backdrop import random_setting
from coursekit.data.scenes.layout import plan
from coursekit.data.scenes.noise import blur, dice
from coursekit.data.scenes.scene import MIN_PIXELS, MIN_SHARE, PLAN, footprint, touch

REFERENCE = Path(__file__).parent / "reference"
SIZE = (64, 88)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def samples():
    """Six scenes of every mode, not square."""
    return {mode: list(PetScenes("val", 6, mode, SIZE, cache=False)) for mode in MODES}


def empty_scene() -> int:
    """The first train scene that is planned without an animal."""
    data = PetScenes("train")
    for i in range(1000):
        rng = dice(data.seed(i), PLAN)
        if not any(actor.label for actor in plan(random_setting(rng), "many", 1.0, rng)):
            return i
    raise AssertionError("no empty scene among a thousand")


def equal(one, other) -> bool:
    """Whether two samples agree bit by bit."""
    return torch.equal(one[0], other[0]) and one[1].keys() == other[1].keys() and all(
        torch.equal(one[1][key], other[1][key]) for key in one[1])


# --- the same everywhere ---

def reference_names():
    with np.load(REFERENCE / "scenes.npz") as file:
        return sorted(name.removesuffix("-image") for name in file if name.endswith("-image"))


@pytest.mark.parametrize("name", reference_names())
def test_a_scene_equals_its_stored_reference(name):
    split, mode, index = name.rsplit("-", 2)
    with np.load(REFERENCE / "scenes.npz") as file:
        stored = {key.removeprefix(name + "-"): file[key] for key in file if name in key}
    size = stored["image"].shape[1:]
    image, target = PetScenes(split, mode=mode, size=size, cache=False)[int(index)]
    again = "the drawing has changed: run scripts/petscenes_reference.py if that was meant"
    for key in ("semantic", "boxes", "labels", "masks", "full_masks"):
        assert np.array_equal(target[key].numpy(), stored[key]), f"{key}: {again}"
    pixels = (image * 255).round().numpy()
    assert np.abs(pixels - stored["image"]).max() <= 1, again
    assert sha256(pixels.astype(np.uint8)).digest() == sha256(stored["image"]).digest(), again


def test_a_scene_does_not_depend_on_the_order_of_access_or_on_the_length():
    forward = PetScenes("test", size=48, cache=False)
    backward = PetScenes("test", 3, size=48, cache=False)
    last = backward[-1]
    first = forward[0]
    assert equal(backward[0], first) and equal(forward[2], last)


def test_splits_and_modes_draw_from_seeds_that_never_meet():
    ranges = []
    for split in SPLITS:
        for mode in MODES:
            data = PetScenes(split, mode=mode, length=2**40)
            ranges.append((data.seed(0), data.seed(len(data) - 1)))
    ranges.sort()
    assert len(ranges) == 9
    assert all(one[1] < other[0] for one, other in zip(ranges[:-1], ranges[1:], strict=True))


def test_lengths_are_the_splits_own_unless_given():
    assert [len(PetScenes(split)) for split in ("train", "val", "test")] == [2000, 200, 400]
    assert len(PetScenes("val", length=3)) == 3
    assert PetScenes("val").classes == CLASSES


# --- exact to the pixel ---

@pytest.mark.parametrize("mode", MODES)
def test_every_sample_is_sound(samples, mode):
    for image, target in samples[mode]:
        check_sample(image, target)
        assert image.dtype == torch.float32 and image.shape == (3, *SIZE)
        assert target["boxes"].dtype == torch.float32 and target["labels"].dtype == torch.int64
        assert target["masks"].dtype == target["full_masks"].dtype == torch.bool
        assert target["semantic"].dtype == torch.int64
        assert torch.equal(target["area"], target["masks"].sum((1, 2)).float())
        assert not target["iscrowd"].any()


@pytest.mark.parametrize("mode", MODES)
def test_semantic_map_and_masks_agree_at_every_pixel(samples, mode):
    for _, target in samples[mode]:
        masks, semantic = target["masks"], target["semantic"]
        assert masks.sum(0).max() <= 1                       # visible masks do not overlap
        painted = (masks * target["labels"][:, None, None]).sum(0)
        things = torch.isin(semantic, torch.tensor(THINGS))
        assert torch.equal(semantic * things, painted)
        assert set(semantic[~things].tolist()) <= {0, *STUFF}


@pytest.mark.parametrize("mode", MODES)
def test_boxes_are_those_of_torchvision_made_half_open(samples, mode):
    for _, target in samples[mode]:
        closed = masks_to_boxes(target["masks"]) if len(target["masks"]) else torch.zeros(0, 4)
        half_open = closed + torch.tensor([0.0, 0.0, 1.0, 1.0])
        assert torch.equal(target["boxes"], half_open)


@pytest.mark.parametrize("mode", MODES)
def test_whole_masks_hold_the_visible_ones_and_enough_of_each_is_visible(samples, mode):
    for _, target in samples[mode]:
        assert not (target["masks"] & ~target["full_masks"]).any()
        visible, whole = target["masks"].sum((1, 2)), target["full_masks"].sum((1, 2))
        assert (visible >= MIN_PIXELS).all() and (visible >= MIN_SHARE * whole).all()


def test_hidden_parts_belong_to_whole_masks_only(samples):
    """What a whole mask has beyond the visible one lies under another animal, a thing or grass."""
    hidden = 0
    for _, target in samples["three_dogs"] + samples["many"]:
        extra = target["full_masks"] & ~target["masks"]
        hidden += int(extra.sum())
        own = target["labels"][:, None, None] == target["semantic"]
        others = target["masks"].sum(0).bool() & ~target["masks"]
        assert not (extra & own & ~others).any()
    assert hidden > 100


def test_mode_one_has_one_animal_and_mode_many_up_to_six(samples):
    assert all(len(target["labels"]) == 1 for _, target in samples["one"])
    counts = [len(target["labels"]) for _, target in samples["many"]]
    assert max(counts) <= 6 and len(set(counts)) > 2


def test_three_dogs_are_one_region_of_three_instances(samples):
    for _, target in samples["three_dogs"]:
        assert target["labels"].tolist() == [2, 2, 2]
        dogs = regions(target["semantic"].numpy() == 2, connectivity=1)
        largest = dogs == 1 + np.argmax(np.bincount(dogs.ravel())[1:])
        assert largest.sum() >= 0.98 * (dogs > 0).sum()
        assert all((mask.numpy() & largest).any() for mask in target["masks"])


def test_a_scene_without_animals_is_a_sound_sample():
    index = empty_scene()
    image, target = PetScenes("train", size=SIZE, cache=False)[index]
    check_sample(image, target)
    assert target["boxes"].shape == (0, 4) and target["masks"].shape == (0, *SIZE)
    assert target["labels"].shape == target["area"].shape == (0,)


# --- no class by color or size ---

def accuracies(columns):
    """Test accuracy of logistic regression and of a forest on 3000 + 1000 objects."""
    with np.load(REFERENCE / "objects.npz") as file:
        rows = file["objects"].astype(np.float64)
    features, kinds = columns(rows), rows[:, 0]
    models = (make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
              RandomForestClassifier(100, random_state=0))
    return [model.fit(features[:3000], kinds[:3000]).score(features[3000:], kinds[3000:])
            for model in models]


def test_mean_color_and_size_of_the_box_do_not_tell_the_class():
    regression, forest = accuracies(
        lambda rows: np.column_stack([rows[:, 1:4], np.sqrt(rows[:, 4] * rows[:, 5])]))
    assert regression < 0.45 and forest < 0.45


def test_the_stored_objects_are_those_of_the_train_split():
    with np.load(REFERENCE / "objects.npz") as file:
        rows = file["objects"]
    assert rows.shape == (4000, 6)
    data, start = PetScenes("train", cache=False), 0
    for index in range(4):
        image, target = data[index]
        boxes = target["boxes"].int().tolist()
        for kind, (x1, y1, x2, y2) in zip(target["labels"].tolist(), boxes, strict=True):
            mean = image[:, y1:y2, x1:x2].double().mean((1, 2)).tolist()
            np.testing.assert_allclose(rows[start], [kind, *mean, x2 - x1, y2 - y1], rtol=1e-5,
                                       err_msg="run scripts/petscenes_reference.py")
            start += 1
    assert start > 0


# --- bad input ---

@pytest.mark.parametrize("arguments, message", [
    ({"split": "training"}, "split is 'training', but one of 'train', 'val', 'test'"),
    ({"mode": "two"}, "mode is 'two', but one of 'many', 'one', 'three_dogs'"),
    ({"length": -1}, "length is -1, but a whole number of scenes"),
    ({"length": 2.5}, "length is 2.5, but a whole number"),
    ({"size": 8}, "size is 8, but the pixels of a side"),
    ({"size": (128, 2000)}, r"size is \(128, 2000\), but"),
    ({"size": (64, 64, 3)}, "size is .* are wanted: size=128"),
    ({"size": 99.5}, "size is 99.5, but"),
])
def test_bad_arguments_are_told_apart(arguments, message):
    with pytest.raises(ValueError, match=message):
        PetScenes(**arguments)


def test_an_index_beyond_the_end_says_how_many_there_are():
    with pytest.raises(IndexError, match="index 3 is beyond this data set of 3 scenes"):
        PetScenes("val", length=3)[3]
    with pytest.raises(IndexError, match="index -1 is beyond this data set of 0 scenes"):
        PetScenes("val", length=0)[-1]
    assert list(PetScenes("val", length=0)) == []


# --- the cache ---

def test_a_kept_scene_reads_back_as_it_was_drawn():
    data = PetScenes("val", size=48)
    drawn, read = data[1], data[1]
    assert data._path(1).is_file() and code_version() in str(data._path(1))
    assert equal(drawn, read) and equal(drawn, PetScenes("val", size=48, cache=False)[1])


@pytest.mark.parametrize("garbage", [b"", b"PK\x03\x04 half a file", b"\x00" * 5000])
def test_a_broken_file_is_drawn_anew(garbage):
    data = PetScenes("val", size=48)
    drawn = data[0]
    data._path(0).write_bytes(garbage)
    assert equal(data[0], drawn)
    assert data._path(0).stat().st_size != len(garbage)


def test_a_file_cut_short_is_drawn_anew():
    data = PetScenes("val", size=48)
    drawn = data[0]
    whole = data._path(0).read_bytes()
    data._path(0).write_bytes(whole[:len(whole) // 2])
    assert equal(data[0], drawn) and data._path(0).read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("COURSEKIT_CACHE", str(tmp_path / "file"))
    data = PetScenes("val", size=48)
    assert equal(data[0], data[0])


def test_two_processes_can_fill_one_cache(tmp_path):
    code = ("from coursekit.data.petscenes import PetScenes\n"
            "print([int(t['boxes'].sum()) for _, t in PetScenes('val', length=3, size=48)])")
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                             env=os.environ) for _ in range(2)]
    printed = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0] and printed[0] == printed[1] != ""
    assert len(list(tmp_path.rglob("*.npz"))) == 3 and not list(tmp_path.rglob("*.part"))


# --- pieces of the drawing ---

def test_a_pixel_belongs_to_a_sprite_with_two_of_its_four_sub_pixels():
    mask = np.array([[1, 1, 0], [0, 0, 1]], bool)
    assert footprint(mask, 0, 0, 2, 2).tolist() == [[True, False], [False, False]]
    assert footprint(mask, 1, 0, 2, 2).tolist() == [[True, False], [False, False]]
    assert footprint(mask, -1, 0, 1, 2).tolist() == [[False, False]]
    assert not footprint(mask, 40, 0, 2, 2).any() and not footprint(mask, -40, -40, 2, 2).any()


def test_masks_touch_where_they_share_an_edge_not_a_corner():
    a, b = np.zeros((3, 3), bool), np.zeros((3, 3), bool)
    a[0, 0], b[1, 1] = True, True
    assert not touch(a, b)
    b[0, 1] = True
    assert touch(a, b)


def test_the_blur_of_one_point_is_a_square():
    point = np.zeros((5, 6), np.int64)
    point[2, 0] = 1
    expected = np.zeros((5, 6), np.int64)
    expected[1:4, :2] = 1
    assert np.array_equal(blur(point, 1), expected)
