"""`audit`: a made-up folder for each mistake, each found once and by name; good ones, nothing."""

import copy
import json
import math
import re

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from coursekit.data import CocoFolder, PetScenes, audit
from coursekit.data.photo import ORIENTATION

H, W = 60, 90
LEGS = {"cat": (10, 5, 20, 25), "dog": (30, 12, 21, 14)}        # x, y, width, height


def corner(x, y, width, height):
    """An outline of an L, so that it is no rectangle; its box is x, y, width, height."""
    return [x, y, x + width / 2, y, x + width / 2, y + height / 2, x + width, y + height / 2,
            x + width, y + height, x, y + height]


def around(outline):
    x, y = outline[::2], outline[1::2]
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]


def good():
    """Three images with a cat and a dog each; ids with gaps."""
    outlines = [(category, n, corner(*(a + n for a in LEGS[name])))
                for n in (1, 2, 3) for category, name in ((17, "cat"), (18, "dog"))]
    return {
        "images": [{"id": n, "file_name": f"{n}.jpg", "height": H, "width": W} for n in (1, 2, 3)],
        "categories": [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}],
        "annotations": [{"id": id, "image_id": n, "category_id": category, "iscrowd": 0,
                         "bbox": around(outline), "segmentation": [outline]}
                        for id, (category, n, outline) in enumerate(outlines, start=1)],
    }


@pytest.fixture
def folder(tmp_path):
    """Write photographs and the list; open them."""
    def folder(made, turns=(1, 1, 1), sizes=((W, H),) * 3):
        for entry, turn, size in zip(made["images"], turns, sizes, strict=False):
            photo = Image.new("RGB", size, (90, 120, 60))
            exif = photo.getexif()
            exif[ORIENTATION] = turn
            photo.save(tmp_path / entry["file_name"], exif=exif)
        (tmp_path / "instances.json").write_text(json.dumps(made))
        return CocoFolder(tmp_path, tmp_path / "instances.json")
    return folder


def test_good_files_have_no_findings(folder):
    assert audit(folder(good())) == []
    assert audit(folder(good() | {"annotations": []})) == []                 # nothing but images
    assert audit(folder({"images": [], "categories": [], "annotations": []})) == []


def test_good_files_with_run_lengths_crowds_areas_and_an_empty_image_have_none(folder):
    made = good()
    for entry in made["annotations"]:
        rle = coco_mask.merge(coco_mask.frPyObjects(entry["segmentation"], H, W))
        entry |= {"segmentation": {"size": [H, W], "counts": rle["counts"].decode()},
                  "area": int(coco_mask.area(rle)), "iscrowd": 1}
    made["annotations"] = [entry for entry in made["annotations"] if entry["image_id"] != 3]
    assert audit(folder(made)) == []


@pytest.mark.parametrize("turn", [6, 8, 5])
def test_a_photograph_turned_upright_before_it_was_annotated_is_no_finding(folder, turn):
    assert audit(folder(good(), turns=(turn, 1, 1), sizes=((H, W), (W, H), (W, H)))) == []


def test_an_outline_on_the_edge_is_no_finding(folder):
    made = good()
    outline = corner(-0.9, -0.9, W + 1.8, H + 1.8)                           # a tool's rounding
    made["annotations"][0] |= {"bbox": around(outline), "segmentation": [outline]}
    assert audit(folder(made)) == []


def test_drawn_scenes_saved_as_a_coco_file_have_no_findings(tmp_path):
    """Real outlines: parts of animals behind others, in several pieces, of a few pixels."""
    made = {"images": [], "annotations": [],
            "categories": [{"id": n, "name": name} for n, name in enumerate(("cat", "dog", "hen"))]}
    for n, (image, target) in enumerate(PetScenes("test", length=8)):
        pixels = (image.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{n}.png")
        made["images"].append({"id": n, "file_name": f"{n}.png", "height": 128, "width": 128})
        for mask, label in zip(target["masks"], target["labels"].tolist(), strict=True):
            rle = coco_mask.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))
            made["annotations"].append({
                "id": len(made["annotations"]) + 1, "image_id": n, "category_id": label - 1,
                "bbox": coco_mask.toBbox(rle).tolist(), "area": int(coco_mask.area(rle)),
                "segmentation": rle | {"counts": rle["counts"].decode()}})
    (tmp_path / "a.json").write_text(json.dumps(made))
    assert audit(CocoFolder(tmp_path, tmp_path / "a.json")) == []


# --- mistakes ----------------------------------------------------------------------------------

def each(change):
    """Rewrite every annotation's bbox x, y, width, height."""
    def spoil(made):
        for entry in made["annotations"]:
            entry["bbox"] = change(*entry["bbox"])
    return spoil


def sized(part, n, **values):
    def spoil(made):
        made[part][n] |= values
    return spoil


def ids_from(start):
    def spoil(made):
        for n, entry in enumerate(made["annotations"], start=start):
            entry["id"] = n
    return spoil


def moved(made):
    outline = [value if n % 2 else value + 63 for n, value in enumerate(corner(7, 2, 23, 9))]
    made["annotations"][2] |= {"bbox": around(outline), "segmentation": [outline]}


def rectangles(made):
    for entry in made["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["segmentation"] = [[x, y, x + width, y, x + width, y + height, x, y + height]]


def listed_91(made):
    made["categories"] = [{"id": 0, "name": "__background__"}, *made["categories"],
                          {"id": 26, "name": "N/A"}, {"id": 29, "name": "N/A"}]


def two_names(made):
    made["categories"].append({"id": 3, "name": " Cat"})
    made["annotations"][0]["category_id"] = 3


def shifted_ids(made):
    made["categories"] = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"},
                          {"id": 2, "name": "hen"}]
    for entry in made["annotations"]:
        entry["category_id"] -= 16                                           # 1 and 2, of 0 to 2


def same_photo(made):
    made["images"][2]["file_name"] = "1.jpg"


def half_done(made):
    made["annotations"] = [entry for entry in made["annotations"] if entry["image_id"] == 1]


def box_areas(made):
    for entry in made["annotations"]:
        entry["area"] = math.prod(entry["bbox"][2:])


def nowhere(made):
    made["annotations"][1]["segmentation"] = [[31, 12.1, 45, 12.1, 38, 12.2]]


READ = r"^Boxes that are not around their outlines, but are if bbox is read as "
MISTAKES = {
    "corners": (each(lambda x, y, w, h: [x, y, x + w, y + h]), READ + r"two corners, x1, y1, x2, "
                r"y2: 6 of 6, first annotation 1 of 1\.jpg: bbox \(11, 6, 32, 32\), outline within "
                r"\(11, 6, 21, 26\)\. COCO's bbox is x, y, width, height: write that"),
    "center": (each(lambda x, y, w, h: [x + w / 2, y + h / 2, w, h]), READ + "a center and a size"),
    "sides": (each(lambda x, y, w, h: [x, y, h, w]), READ + "x, y, height, width"),
    "transposed": (each(lambda x, y, w, h: [y, x, h, w]), READ + "y, x, height, width"),
    "shares": (each(lambda x, y, w, h: [(x + w / 2) / W, (y + h / 2) / H, w / W, h / H]),
               READ + "a center and a size in parts of the image"),
    "one box": (sized("annotations", 3, bbox=[2, 30, 9, 9]), r"^Boxes that are not around their "
                r"outlines: 1 of 6, first annotation 4 of 2\.jpg: bbox \(2, 30, 9, 9\),.* Look at"),
    "beyond": (moved, "^Boxes or outlines that reach beyond the image: 1 of 6, first annotation 3 "
               "of 2.jpg, by 3 pixels. They are cut"),
    "rectangles": (rectangles, "^Outlines that are only rectangles: 6 of 6, .* Faster R-CNN"),
    "no pixel": (nowhere, "^Outlines that cover no pixel: 1 of 6, first annotation 2 of 1.jpg"),
    "areas": (box_areas, r"^Areas that are not the outlines': 6 of 6, first annotation 1 of 1.jpg, "
              r"546 for \d+ pixels.* Leave the key out"),
    "id 0": (ids_from(0), "^Annotations with the id 0: 1 of 6, first annotation 0 of 1.jpg. The "
             "course does not mind; but pycocotools"),
    "ids twice": (sized("annotations", 4, id=1), "^Annotation ids used twice: 1 of 5, first 1. py"),
    "object twice": (lambda made: made["annotations"].append(made["annotations"][5] | {"id": 9}),
                     "^Objects annotated twice, in the same box and category: 1 of 7, first "
                     "annotation 9 of 3.jpg"),
    "two names": (two_names, "^Names that more than one category has: 1 of 2, first 'cat'. Give"),
    "shifted": (shifted_ids, r"^Categories without annotations: 1 of 3, first 'cat' \(id 0\).* do "
                "its ids begin where"),
    "one photograph": (same_photo, "^Photographs listed twice: 1 of 2, first 1.jpg. Keep one"),
    "half done": (half_done, "^Images without annotations: 2 of 3, first 2.jpg. All that they"),
    "swapped": (sized("images", 1, height=W, width=H), r"^Images with height and width swapped: 1 "
                r"of 3, first 2\.jpg, 90 x 60 in the list and 60 x 90 in the folder"),
    "other size": (sized("images", 2, height=H + 8, width=W + 12), r"^Images listed in another "
                   r"size than their photographs: 1 of 3, first 3\.jpg, 68 x 102"),
}


@pytest.mark.parametrize("spoil, message", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found_and_nothing_else(folder, spoil, message):
    made = good()
    spoil(made)
    finding, = audit(folder(made))
    assert re.search(message, finding)


def test_91_ids_for_80_classes_are_told_three_times(folder):
    made = good()
    listed_91(made)
    no_object, same, unused = audit(folder(made))
    assert no_object.startswith("Categories that are no objects: 3 of 5, first '__background__' "
                                "(id 0). Remove them: background is label 0")
    assert same.startswith("Names that more than one category has: 1 of 4, first 'n/a'")
    assert unused.startswith("Categories without annotations: 3 of 5, first '__background__'")


@pytest.mark.parametrize("turn", [3, 6])
def test_photographs_annotated_as_stored_though_exif_turns_them(folder, turn):
    finding, = audit(folder(good(), turns=(1, turn, 1)))
    assert finding.startswith("Photographs that EXIF says to turn, but whose annotations are of "
                              "the size that is stored: 1 of 3, first 2.jpg. They will be read as")


def test_an_unreadable_photograph_is_found_before_it_is_asked_for(folder):
    data = folder(good())
    (data.folder / "3.jpg").write_text("<html>")
    finding, = audit(data)
    assert finding.startswith("Photographs that cannot be read: 1 of 3, first 3.jpg. Save")


def test_what_is_no_folder_is_refused():
    with pytest.raises(TypeError, match="got a PetScenes, but a CocoFolder was expected. Open"):
        audit(PetScenes("test", length=1))


def test_pycocotools_takes_the_object_with_id_0_for_a_miss(capsys):
    """Why `audit` names that id: found exactly, and yet no match."""
    found = {}
    for start in (0, 1):
        made = copy.deepcopy(good())
        ids_from(start)(made)
        for entry in made["annotations"]:
            entry["area"] = math.prod(entry["bbox"][2:])
        truth = COCO()
        truth.dataset = made | {"info": {}}
        truth.createIndex()
        results = truth.loadRes([{"image_id": entry["image_id"], "bbox": entry["bbox"],
                                  "category_id": entry["category_id"], "score": 0.9}
                                 for entry in made["annotations"]])
        evaluation = COCOeval(truth, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        found[start] = evaluation.stats[1]
    capsys.readouterr()
    assert found[1] == pytest.approx(1) and found[0] < 0.95
