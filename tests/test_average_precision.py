"""COCO's average precision: by hand, against pycocotools on nasty sets, and what always holds."""

import contextlib
import io
import math

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from pycocotools.mask import encode
from random_inputs import random_boxes, random_masks

from coursekit import metrics
from coursekit.average_precision import coco_ap, interpolate, match
from coursekit.boxes import iou
from coursekit.detections import compare_boxes, compare_masks, pair_up

NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl"]


def rows(samples, iou_type):
    """The samples as COCO's files hold them."""
    out = []
    for image, sample in enumerate(samples):
        for i, label in enumerate(sample["labels"].tolist()):
            row = {"id": len(out) + 1, "image_id": image, "category_id": label}
            if iou_type == "bbox":
                x1, y1, x2, y2 = sample["boxes"][i].double().tolist()
                row.update(bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1))
            else:
                mask = np.asfortranarray(sample["masks"][i].numpy().astype(np.uint8))
                row.update(segmentation=encode(mask), area=float(mask.sum()))
            for key, column in (("area", "area"), ("iscrowd", "iscrowd"), ("score", "scores")):
                if column in sample:
                    row[key] = sample[column][i].item()
            out.append({"iscrowd": 0, **row})
    return out


def by_pycocotools(predictions, targets, iou_type="bbox"):
    """The six numbers, and AP and AP50 of every class; NaN for pycocotools' -1."""
    found, true = rows(predictions, iou_type), rows(targets, iou_type)
    classes = sorted({row["category_id"] for row in found + true})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"images": [{"id": i, "height": 60, "width": 100}
                                   for i in range(len(targets))], "info": {},
                        "annotations": true, "categories": [{"id": k} for k in classes]}
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found) if found else COCO(), iou_type)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][..., 0, -1]                     # (T, 101, K)
    table = np.where(precision > -1, precision, np.nan)
    return dict(zip(NAMES, np.where(evaluation.stats > -1, evaluation.stats, np.nan),
                    strict=False),
                per_class=dict(zip(classes, table.mean(axis=(0, 1)), strict=True)),
                per_class50=dict(zip(classes, table[0].mean(axis=0), strict=True)))


def assert_equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        if isinstance(value, dict):
            assert_equal(ours[key], value)
        else:
            assert ours[key] == pytest.approx(value, rel=0, abs=1e-9, nan_ok=True), key


def nasty_set(seed, images=12, most=6, ties=True, masks=False):
    """Images, some empty, with crowds, equal scores, equal overlaps, classes without objects."""
    g = torch.Generator().manual_seed(seed)

    def whole(*arguments):
        return torch.randint(*arguments, generator=g)

    predictions, targets = [], []
    for image in range(images):
        n = int(whole(0, most + 1, ()))
        boxes = random_boxes(n, seed=1000 * seed + image, height=60, width=100)
        boxes = boxes.div(4).round().mul(4) if ties else boxes
        labels = whole(1, 4, (n,))                                           # 4 is never true
        many = 0 if image % 5 == 4 else 4 * n
        found = boxes.repeat(4, 1)[:many] + whole(-2, 3, (many, 4)) * (4 if ties else 0.7)
        found = torch.stack([found[:, ::2].amin(1), found[:, 1::2].amin(1),
                             found[:, ::2].amax(1), found[:, 1::2].amax(1)], dim=1)
        wrong = torch.rand(many, generator=g) < 0.2
        called = torch.where(wrong, whole(1, 5, (many,)), labels.repeat(4)[:many])
        predictions.append({
            "boxes": found, "labels": called,
            "scores": whole(0, 5, (many,)) / 4 if ties else torch.rand(many, generator=g)})
        crowd = (whole(0, 8, (n,)) == 0).long()
        targets.append({"boxes": boxes, "labels": labels, "iscrowd": crowd})
        if masks:
            true = random_masks(n, 60, 100, seed=1000 * seed + image)
            noise = torch.rand(many, 60, 100, generator=g) < whole(0, 3, (many, 1, 1)) / 6
            predictions[-1]["masks"] = true.repeat(4, 1, 1)[:many] & ~noise
            targets[-1]["masks"] = true
    return predictions, targets


def one_image(boxes, scores, true, labels=None, **more):
    """A set of a single image with one class, unless labels are given."""
    labels = torch.ones(len(boxes), dtype=torch.int64) if labels is None else torch.tensor(labels)
    return ([{"boxes": torch.tensor(boxes).view(-1, 4), "scores": torch.tensor(scores),
              "labels": labels}],
            [{"boxes": torch.tensor(true).view(-1, 4),
              "labels": torch.ones(len(true), dtype=torch.int64), **more}])


def test_a_miss_before_a_hit_halves_the_precision():
    boxes = [[50.0, 50, 60, 60], [0, 0, 10, 10]]
    result = coco_ap(*one_image(boxes, [0.9, 0.8], [[0.0, 0, 10, 10], [20, 0, 30, 10]]))
    assert result["AP50"] == pytest.approx(0.5 * 51 / 101)                   # recalls 0 to 0.50


def test_a_duplicate_is_a_false_positive():
    true = [[0.0, 0, 10, 10], [20, 0, 30, 10]]
    alone = coco_ap(*one_image(true, [0.9, 0.7], true))["AP"]
    twice = coco_ap(*one_image([true[0], *true], [0.9, 0.8, 0.7], true))["AP"]
    assert alone == 1 and twice == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_detection_whose_best_object_is_taken_moves_to_the_next():
    true = [[0.0, 0, 10, 10], [0, 0, 10, 8]]
    boxes = [[0.0, 0, 10, 10], [0, 0, 10, 10]]                               # IoU 1 and 0.8 each
    assert coco_ap(*one_image(boxes, [0.9, 0.8], true))["AP50"] == 1


def test_the_match_takes_the_last_of_equal_overlaps_and_counts_before_ignored():
    overlaps = np.array([[0.8, 0.8, 0.9]])
    ignored = np.array([[False, False, True]])
    hits, skip = match(overlaps, ignored, np.zeros(3, bool))
    assert hits[0, :, 0].tolist() == [True] * 9 + [False]                    # 0.9 fits up to 0.9
    assert skip[0, :, 0].tolist() == [False] * 7 + [True] * 2 + [False]
    second = np.array([[0.8, 0.8], [0.2, 0.7]])                  # the first takes the last object
    hits, _ = match(second, np.zeros((1, 2), bool), np.zeros(2, bool))
    assert hits[0, 0].tolist() == [True, False]


def test_interpolate_takes_the_best_precision_at_this_recall_or_later():
    right, counted = np.array([0, 1, 2]), np.array([1, 2, 3])
    assert interpolate(right, counted, 4).tolist() == [2 / 3] * 51 + [0] * 50


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_boxes_equal_pycocotools(seed, ties):
    predictions, targets = nasty_set(seed, ties=ties)
    assert_equal(coco_ap(predictions, targets), by_pycocotools(predictions, targets))


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_masks_equal_pycocotools(seed, ties):
    predictions, targets = nasty_set(seed, ties=ties, masks=True)
    assert_equal(coco_ap(predictions, targets, "segm"),
                 by_pycocotools(predictions, targets, "segm"))


def test_given_areas_sort_objects_by_size():
    predictions, targets = nasty_set(30)
    for target in targets:
        target["area"] = torch.tensor([100.0, 1024, 5000, 9216, 20000, 7])[:len(target["labels"])]
    result = coco_ap(predictions, targets)
    assert_equal(result, by_pycocotools(predictions, targets))
    assert not math.isnan(result["APl"])                     # no box in the set is so large


def test_more_than_a_hundred_detections_of_a_class_are_cut_off():
    true = random_boxes(1, seed=1)
    boxes = torch.cat([random_boxes(100, seed=2) + 500, true])
    predictions = [{"boxes": boxes, "labels": torch.ones(101, dtype=torch.int64),
                    "scores": torch.linspace(1, 0, 101)}]
    targets = [{"boxes": true, "labels": torch.tensor([1])}]
    assert coco_ap(predictions, targets)["AP"] == 0
    assert_equal(coco_ap(predictions, targets), by_pycocotools(predictions, targets))


@pytest.mark.parametrize("iou_type", ["bbox", "segm"])
def test_nothing_to_measure_is_nan_and_nothing_found_is_0(iou_type):
    empty = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64),
             "masks": torch.zeros(0, 6, 8, dtype=torch.bool)}
    nothing = {**empty, "scores": torch.zeros(0)}
    one = {"boxes": torch.tensor([[1.0, 1, 4, 3]]), "labels": torch.tensor([2]),
           "masks": torch.ones(1, 6, 8, dtype=torch.bool)}
    for predictions, targets in [([], []), ([nothing], [empty]),
                                 ([{**one, "scores": torch.ones(1)}], [empty]),
                                 ([nothing], [{**one, "iscrowd": torch.ones(1)}])]:
        assert all(math.isnan(coco_ap(predictions, targets, iou_type)[name]) for name in NAMES)
    result = coco_ap([nothing], [one], iou_type)
    assert result["AP"] == result["APs"] == result["per_class"][2] == 0
    assert math.isnan(result["APl"])


def test_a_crowd_takes_any_number_of_detections_that_lie_in_it():
    boxes = [[0.0, 0, 10, 10], [1, 1, 3, 3], [5, 5, 8, 8], [50, 0, 60, 10]]
    result = coco_ap(*one_image(boxes, [0.9, 0.8, 0.7, 0.6], [[0.0, 0, 20, 20], [50, 0, 60, 10]],
                                iscrowd=torch.tensor([1, 0])))
    assert result["AP"] == 1


def test_the_order_of_images_and_a_shift_do_not_matter():
    predictions, targets = nasty_set(40, ties=False)
    before = coco_ap(predictions, targets)
    assert_equal(coco_ap(predictions[::-1], targets[::-1]), before)
    moved = [[{**sample, "boxes": sample["boxes"] + 16} for sample in samples]
             for samples in (predictions, targets)]
    assert_equal(coco_ap(*moved), before)


def test_overlaps_equal_the_package_s_iou():
    a, b = random_boxes(5, seed=1), random_boxes(7, seed=2)
    inter, of_a, of_b = compare_boxes(a.numpy(), b.numpy())
    torch.testing.assert_close(torch.from_numpy(inter / (of_a[:, None] + of_b - inter)),
                               iou(a.double(), b.double()))
    inter, of_a, _ = compare_masks(*(random_masks(n, 9, 7, seed=n).numpy() for n in (3, 4)))
    assert inter.shape == (3, 4)
    assert of_a.tolist() == random_masks(3, 9, 7, seed=3).sum(dim=(1, 2)).tolist()


def test_metrics_offers_it():
    assert metrics.coco_ap is coco_ap


@pytest.mark.parametrize("change, error, words", [
    ({"iou_type": "boxes"}, ValueError, 'iou_type: got \'boxes\', but "bbox" or "segm"'),
    ({"targets": []}, ValueError, "predictions: got 1 images, but the 0 of the targets"),
    ({"iou_type": "segm"}, ValueError, r"predictions\[0\]: got .* with masks, labels, scores was"),
    ({"predictions": [[1, 2]]}, ValueError, r"predictions\[0\]: got a list, but a dict"),
    ({"scores": torch.ones(3)}, ValueError, r"\[0\], scores: got \(3,\), but .* shape \(2,\)"),
    ({"scores": [1, 2]}, ValueError, r"\[0\], scores: got a list"),
    ({"scores": torch.tensor([1, float("nan")])}, ValueError, "scores: entry 1 is NaN"),
    ({"labels": torch.ones(2)}, TypeError, "labels: got float32, but whole class ids"),
    ({"boxes": torch.tensor([[3.0, 0, 1, 1]] * 2)}, ValueError,
     r"predictions\[0\], boxes: row 0 is .*x2 >= x1"),
    ({"boxes": [[0, 0, 1, 1]] * 2}, TypeError, r"predictions\[0\], boxes: got a list"),
])
def test_bad_input_is_refused(change, error, words):
    sample = {"boxes": random_boxes(2), "labels": torch.tensor([1, 2]), "scores": torch.ones(2)}
    arguments = {"predictions": [sample | change], "targets": [sample]} | change
    arguments = {key: arguments[key] for key in ("predictions", "targets", "iou_type")
                 if key in arguments}
    with pytest.raises(error, match=words):
        coco_ap(**arguments)


def test_bad_areas_and_masks_are_refused():
    sample = {"boxes": random_boxes(1), "labels": torch.tensor([1]), "scores": torch.ones(1),
              "masks": torch.ones(1, 4, 5, dtype=torch.bool)}
    with pytest.raises(ValueError, match=r"targets\[0\], area: got -1.0, but square pixels"):
        coco_ap([sample], [{**sample, "area": torch.tensor([-1.0])}])
    with pytest.raises(ValueError, match=r"masks: got \(4, 5\) for the predictions and \(5, 4\)"):
        coco_ap([sample], [{**sample, "masks": sample["masks"].transpose(1, 2)}], "segm")
    with pytest.raises(TypeError, match=r"predictions\[0\], masks: got torch.float32"):
        pair_up([{**sample, "masks": sample["masks"].float()}], [sample], "segm")
