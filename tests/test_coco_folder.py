"""CocoFolder: a file made by hand, pycocotools as the reference, and every kind of bad file."""

import json
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from random_inputs import steady

from coursekit.data.audit import audit
from coursekit.data.coco import CocoFolder
from coursekit.data.coco_file import run_lengths
from coursekit.data.collate import collate
from coursekit.data.sample import check_sample

H, W = 20, 30
TRIANGLE = (3.0, 2.0, 15.5, 4.0, 6.0, 17.0)
TWO_PARTS = (1, 1, 8, 1, 8, 6, 1, 6), (20, 10, 28, 10, 28, 18, 20, 18)


def rle(mask, as_text):
    """COCO's RLE of a (H, W) mask: run lengths down the columns, or its string."""
    encoded = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    counts = encoded["counts"].decode()
    return {"size": list(mask.shape), "counts": counts if as_text else run_lengths(counts)}


def crowd():
    mask = np.zeros((H, W), bool)
    mask[5:15, 2:25] = True
    return mask


def content():
    """Three images, the last without annotations; category ids with a gap, not in order."""
    images = [{"id": id, "file_name": f"{id}.png", "height": H, "width": W} for id in (7, 3, 11)]
    return {
        "images": images,
        "categories": [{"id": 90, "name": "dog"}, {"id": 0, "name": "cat"},
                       {"id": 17, "name": "hen"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 90, "bbox": [3, 2, 12.5, 15],
             "segmentation": [list(TRIANGLE)], "area": 81.5, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 0, "bbox": [1, 1, 27, 17],
             "segmentation": [list(part) for part in TWO_PARTS]},
            {"id": 3, "image_id": 3, "category_id": 17, "bbox": [2, 5, 23, 10], "iscrowd": 1,
             "segmentation": rle(crowd(), as_text=False)},
            {"id": 4, "image_id": 3, "category_id": 90, "bbox": [2, 5, 23, 10], "area": 230,
             "segmentation": rle(crowd(), as_text=True)},
        ],
    }


@pytest.fixture
def write(tmp_path):
    """Write photographs and a file; give the two arguments of CocoFolder."""
    def write(content):
        if isinstance(content, dict):
            for image in content.get("images", ()):
                if isinstance(image, dict) and isinstance(image.get("file_name"), str):
                    Image.new("RGB", (W, H), (255, 0, 51)).save(tmp_path / image["file_name"])
        (tmp_path / "instances.json").write_text(json.dumps(content))
        return tmp_path, tmp_path / "instances.json"
    return write


def test_a_sample_worked_out_by_hand(write):
    data = CocoFolder(*write(content()))
    image, target = data[0]
    assert image.shape == (3, H, W)
    torch.testing.assert_close(image[:, 0, 0], torch.tensor([1, 0, 0.2]))
    assert target["boxes"].tolist() == [[3, 2, 15.5, 17], [1, 1, 28, 18]]
    assert target["labels"].tolist() == [3, 1]
    assert target["area"].tolist() == [81.5, 7 * 5 + 8 * 8]  # the file's; the mask's
    assert target["image_id"] == 7 and target["iscrowd"].tolist() == [0, 0]
    assert target["masks"][1, 1:6, 1:8].all() and target["masks"][1, 10:18, 20:28].all()
    assert target["masks"].dtype == torch.bool


def test_sparse_category_ids_become_labels_from_1_and_lead_back(write):
    data = CocoFolder(*write(content()))
    assert data.classes == ("background", "cat", "hen", "dog")
    assert data.category_ids == {1: 0, 2: 17, 3: 90}


def test_masks_equal_pycocotools_for_polygons_and_both_kinds_of_rle(write, capsys):
    data = CocoFolder(*write(content()))
    reference = COCO(data.folder / "instances.json")
    capsys.readouterr()
    for index in range(2):
        _, target = data[index]
        annotations = reference.imgToAnns[target["image_id"].item()]
        for mask, annotation in zip(target["masks"], annotations, strict=True):
            assert np.array_equal(mask.numpy(), reference.annToMask(annotation).astype(bool))
    assert target["iscrowd"].tolist() == [1, 0] and target["area"].tolist() == [230, 230]


def test_an_image_without_annotations_is_a_sample(write):
    image, target = CocoFolder(*write(content()))[2]
    check_sample(image, target)
    assert target["boxes"].shape == (0, 4) and target["masks"].shape == (0, H, W)
    assert target["semantic"].shape == (H, W) and not target["semantic"].any()
    assert target["labels"].dtype == target["iscrowd"].dtype == torch.int64
    assert target["area"].dtype == torch.float32


def test_files_without_annotations_or_images_are_data_sets(write):
    nothing = content() | {"annotations": []}
    assert [len(target["boxes"]) for _, target in CocoFolder(*write(nothing))] == [0, 0, 0]
    assert len(CocoFolder(*write({"images": [], "categories": [], "annotations": []}))) == 0


def test_samples_are_sound_and_make_a_batch(write):
    images, targets = collate(list(CocoFolder(*write(content()))))
    assert len(images) == len(targets) == 3


def test_the_semantic_map_has_small_objects_above_large_and_all_above_crowds(write):
    made = content()
    square = {"image_id": 3, "category_id": 0, "bbox": [6, 6, 4, 4],
              "segmentation": [[6, 6, 10, 6, 10, 10, 6, 10]]}
    made["annotations"].insert(2, square)
    semantic = CocoFolder(*write(made))[1][1]["semantic"]
    assert semantic[8, 8] == 1 and semantic[12, 12] == 3 and semantic[0, 0] == 0


def test_boxes_and_masks_a_little_outside_are_cut_at_the_border(write):
    made = content()
    made["annotations"][0] |= {"bbox": [-2, 3, 33.5, 10],
                               "segmentation": [[-2, 3, 31.5, 3, 31.5, 13, -2, 13]]}
    _, target = CocoFolder(*write(made))[0]
    assert target["boxes"][0].tolist() == [0, 3, W, 13]
    assert target["masks"][0].sum() == W * 10


def test_boxes_without_area_are_left_out_with_a_warning(write):
    made = content()
    made["annotations"][0]["bbox"] = [3, 2, 0, 15]
    with pytest.warns(UserWarning, match=r"1 annotations are left out.*\[3, 2, 0, 15\]"):
        data = CocoFolder(*write(made))
    assert data[0][1]["labels"].tolist() == [1]


@steady
@given(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=7))
def test_run_lengths_reads_what_pycocotools_writes(rows):
    mask = np.array(rows)
    encoded = rle(mask, as_text=True)["counts"]
    columns = mask.flatten(order="F")
    edges = np.flatnonzero(np.diff(columns, prepend=False)).tolist()
    assert run_lengths(encoded) == np.diff([0, *edges, columns.size]).tolist()


def test_run_lengths_reads_long_runs():
    mask = np.zeros((300, 700), bool)
    mask[10:200, 5:600] = mask[7, 650] = True
    assert sum(run_lengths(rle(mask, as_text=True)["counts"])) == mask.size


# --- bad files ---------------------------------------------------------------------------------

def change(part, index, **values):
    """What spoils a good file: set keys of an entry, or drop those set to `...`."""
    def spoil(made):
        entry = made[part][index]
        entry.update(values)
        for key in [key for key, value in values.items() if value is ...]:
            del entry[key]
        return made
    return spoil


def annotation(**values):
    return change("annotations", 0, **values)


short = {"size": [H, W], "counts": [3, 4]}
BAD = {
    "results": (lambda made: made["annotations"], "holds a list, .* A list is a file of results"),
    "no categories": (lambda made: {k: v for k, v in made.items() if k != "categories"},
                      "'categories' is missing or no list; the file has .'annotations', 'images'"),
    "images no list": (lambda made: made | {"images": {}}, "'images' is missing or no list"),
    "no bbox": (annotation(bbox=..., category_id=...),
                r"annotations\[0\] lacks category_id, bbox; COCO's .* wants image_id, category_id"),
    "no file name": (change("images", 1, file_name=...), r"images\[1\] lacks file_name"),
    "no height": (change("images", 2, height=...), r"images\[2\] lacks height"),
    "no name": (change("categories", 0, name=...), r"categories\[0\] lacks name"),
    "file name": (change("images", 1, file_name=5), r"images\[1\] has file_name 5, but a text"),
    "name": (change("categories", 0, name=None), r"categories\[0\] has name None, but a text"),
    "image list": (annotation(image_id=[7]), r"annotation 1 is of image \[7\], but no image"),
    "no object": (lambda made: made | {"annotations": [5]}, r"annotations\[0\] lacks image_id"),
    "size": (change("images", 0, height=0), r"image 7 has height and width \(0, 30\)"),
    "image ids": (change("images", 1, id=7), "images hold the id 7 twice"),
    "text ids": (change("images", 1, id="a"), "images hold the id 'a' twice, or it is no whole"),
    "category ids": (change("categories", 1, id=90), "categories hold the id 90 twice"),
    "image": (annotation(image_id=8), "annotation 1 is of image 8, but no image has that id. Add"),
    "category": (annotation(category_id=1), r"of category 1, but the categories are \[0, 17, 90\]"),
    "crowd": (annotation(iscrowd=2), "iscrowd 2, but 0 or 1"),
    "area": (annotation(area=-1), "area -1, but a number of pixels"),
    "area NaN": (annotation(area=math.nan), "area nan, but a number of pixels"),
    "no id": (annotation(id=..., bbox=[0, 0, 1]), r"annotation number 0 has bbox \[0, 0, 1\]"),
    "bbox NaN": (annotation(bbox=[0, math.nan, 1, 1]), "four finite numbers are wanted: x, y"),
    "bbox text": (annotation(bbox=["0", 0, 1, 1]), "four finite numbers"),
    "bbox null": (annotation(bbox=None), "annotation 1 has bbox None, but four finite numbers"),
    "negative": (annotation(bbox=[9, 9, -3, 4]), r"\[9, 9, -3, 4\], but width and height must not"),
    "corners": (annotation(bbox=[12, 8, 28, 19]), r"reaches from \(12, 8\) to \(40, 27\), but its "
                r"image is 20 x 30 .* if these are two corners, subtract the first .* second\.$"),
    "sides": (change("images", 0, height=W, width=H),
              r"annotation 2 .* image is 30 x 20 .* Or are the image's two sides swapped\?$"),
    "no outline": (annotation(segmentation=[]), r"segmentation \[\], but polygons or RLE .* Draw"),
    "null": (annotation(segmentation=None), "segmentation None, but polygons or RLE"),
    "flat": (annotation(segmentation=list(TRIANGLE)), "polygon 3.0, but a list of x1, y1"),
    "odd": (annotation(segmentation=[[1, 1, 5, 5, 1, 5, 2]]), "polygon .*, but a list of x1, y1"),
    "line": (annotation(segmentation=[[1, 1, 5, 5]]), "three points or more"),
    "inf": (annotation(segmentation=[[1, 1, 5, 5, 1, math.inf]]), "polygon .* finite"),
    "far": (annotation(segmentation=[[1, 1, 95, 5, 1, 50]]), r"reaches to \(95, 50\), far outside"),
    "short RLE": (annotation(segmentation=short), "an RLE of size .* do not add up"),
    "RLE size": (annotation(segmentation=rle(crowd().T, True)), r"RLE of size \[30, 20\]"),
    "RLE text": (annotation(segmentation={"size": [H, W], "counts": "PP"}), "damaged"),
    "RLE letters": (annotation(segmentation={"size": [H, W], "counts": "é!"}), "damaged"),
    "RLE empty": (annotation(segmentation={"size": [H, W], "counts": []}), "damaged"),
    "RLE null": (annotation(segmentation={"size": [H, W], "counts": None}), "damaged"),
    "RLE negative": (annotation(segmentation={"size": [H, W], "counts": [-1, 601]}), "damaged"),
    "RLE fractions": (annotation(segmentation={"size": [H, W], "counts": [.5, 599.5]}), "damaged"),
    "RLE cut": (annotation(segmentation={"size": [H, W], "counts": "PPh"}), "damaged"),
    "RLE keys": (annotation(segmentation={"counts": "1"}), "the RLE of annotation 1 lacks size"),
    "many": (lambda made: made | {"categories": [{"id": i, "name": "x"} for i in range(255)]},
             "has 255 categories, but 254 is the most"),
}


@pytest.mark.parametrize("spoil, message", BAD.values(), ids=BAD)
def test_a_bad_file_is_refused(write, spoil, message):
    made = spoil(content())
    if message.startswith("has 255"):
        made["annotations"] = []
    with pytest.raises(ValueError, match=message) as caught:
        CocoFolder(*write(made))
    assert "instances.json" in str(caught.value)


JUNK = st.sampled_from([None, True, -1, 0, 7, 1e9, math.nan, math.inf, 10**30, "", "x", [], [[]],
                        [None], [1, 2], {}, {"size": 5, "counts": 5}])


@settings(steady, max_examples=100)
@given(st.data())
def test_whatever_one_value_is_the_file_is_read_or_refused_in_words(tmp_path_factory, data):
    made = content()
    entry = made[data.draw(st.sampled_from(sorted(made)))][0]
    while isinstance(entry, dict | list):
        parent, keys = entry, list(entry) if isinstance(entry, dict) else range(len(entry))
        key = data.draw(st.sampled_from(keys))
        entry = entry[key]
        if data.draw(st.booleans()):
            break
    parent[key] = data.draw(JUNK)
    folder = tmp_path_factory.getbasetemp() / "junk"
    if not folder.exists():
        folder.mkdir()
        for image in content()["images"]:
            Image.new("RGB", (W, H)).save(folder / image["file_name"])
    (folder / "instances.json").write_text(json.dumps(made))
    with warnings.catch_warnings(action="ignore"):
        try:
            made = CocoFolder(folder, folder / "instances.json")
            for image, target in made:
                check_sample(image, target)
            assert all(len(finding.split()) > 8 for finding in audit(made))
        except (ValueError, FileNotFoundError) as error:
            assert len(str(error).split()) > 8


def test_a_file_that_is_not_there_or_not_json_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file .*none.json, .* instances format"):
        CocoFolder(tmp_path, tmp_path / "none.json")
    for nonsense in (b"{'images': [", b"\xff\xd8\xff\xe0"):
        (tmp_path / "bad.json").write_bytes(nonsense)
        with pytest.raises(ValueError, match="bad.json is not JSON .* Export"):
            CocoFolder(tmp_path, tmp_path / "bad.json")


def test_photographs_that_are_not_there_are_counted_and_named(write):
    folder, annotations = write(content())
    (folder / "3.png").unlink()
    with pytest.raises(FileNotFoundError, match="lacks 1 of the 3 photographs .* first 3.png"):
        CocoFolder(folder, annotations)


def test_a_photograph_that_is_none_is_named(write):
    data = CocoFolder(*write(content()))
    (data.folder / "7.png").write_text("<html>")
    with pytest.raises(ValueError, match="7.png came as a photograph, but PIL cannot read it"):
        data[0]


def test_a_photograph_cut_short_is_named(write):
    data = CocoFolder(*write(content()))
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (H, W, 3), np.uint8)).save(
        data.folder / "7.png")
    (data.folder / "7.png").write_bytes((data.folder / "7.png").read_bytes()[:-300])
    with pytest.raises(ValueError, match="7.png came as a photograph, but PIL cannot read it"):
        data[0]


def test_a_photograph_of_another_size_is_refused(write):
    data = CocoFolder(*write(content()))
    Image.new("RGB", (W * 2, H * 2)).save(data.folder / "7.png")
    with pytest.raises(ValueError, match="7.png is 40 x 60 .* annotations are for 20 x 30"):
        data[0]
