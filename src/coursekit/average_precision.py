"""Average precision as COCO defines it: one number for a detector over a whole data set.

Detections of one class, from all images together, are taken by falling score. Each is matched with
the free object of its image that it overlaps most, if by the threshold at least; otherwise it is a
false positive, also where the object it means has been found before. Precision over recall is a
curve; its envelope, read off at 101 recalls, gives the AP. The mean over the classes, and over the
thresholds 0.5, 0.55, ... 0.95, is "AP". Objects marked `iscrowd`, and objects outside the range of
areas in question, are ignored: finding them is neither right nor wrong.

D detections and M objects of one class in one image; A = 4 ranges of areas, T = 10 thresholds.

Source: Lin et al. 2014, 'Microsoft COCO: Common Objects in Context'; the definition is its code,
pycocotools.cocoeval.COCOeval, whose numbers these equal.
"""

from collections import defaultdict

import numpy as np
from torch import Tensor

from coursekit.detections import Pairs, pair_up

THRESHOLDS = np.linspace(0.5, 0.95, 10)                                      # (T,)
RECALLS = np.linspace(0, 1, 101)
AREAS = np.array([[0, 1e10], [0, 32**2], [32**2, 96**2], [96**2, 1e10]])     # (A, 2): all, s, m, l
MAX_DETECTIONS = 100                                     # of a class in an image, as in pycocotools


def coco_ap(predictions: list[dict[str, Tensor]], targets: list[dict[str, Tensor]],
            iou_type: str = "bbox") -> dict:
    """AP, AP50, AP75, AP by size, and AP of every class, over a whole data set.

    Args:
        predictions: an entry an image, each a dict of `boxes` (N, 4) xyxy for "bbox" or `masks`
            (N, H, W) bool for "segm", `labels` (N,) int64, `scores` (N,).
        targets: likewise without scores; optional `iscrowd` (M,) and `area` (M,) in square pixels.
            Where `area` is missing it is the mask's for "segm", the box's for "bbox". COCO's files
            give the mask's for both: pass it to have COCO's APs, APm, APl of boxes.
        iou_type: "bbox" or "segm".
    Returns:
        Floats "AP", "AP50", "AP75", "APs", "APm", "APl", and dicts "per_class", "per_class50":
        class id -> AP. NaN (not -1) where there is no object to find. Classes are those in the
        targets and in the predictions; a mean leaves NaN out.
    Raises:
        ValueError: another `iou_type`, lists of different length, a missing entry, shapes that do
            not fit, NaN.
        TypeError: labels, masks or boxes of another type.
    Source:
        pycocotools.cocoeval.COCOeval, with its default parameters.
    """
    return ap_of_pairs(pair_up(predictions, targets, iou_type))


def ap_of_pairs(images: list[Pairs]) -> dict:
    """What `coco_ap` returns, of images whose detections and objects have been compared already.

    Args:
        images: from `pair_up`; it is enough to keep these, which are small, and no masks.
    """
    holding = defaultdict(list)                                              # class id -> images
    for image in images:
        for k in np.union1d(image.found_labels, image.true_labels).tolist():
            holding[k].append(image)
    tables = {k: class_precision(holding[k], k) for k in sorted(holding)}    # (A, T, 101) each
    table = np.stack([np.full((4, 10, 101), np.nan), *tables.values()])      # (1 + K, A, T, 101)
    return {
        "AP": _mean(table[:, 0]), "AP50": _mean(table[:, 0, 0]), "AP75": _mean(table[:, 0, 5]),
        "APs": _mean(table[:, 1]), "APm": _mean(table[:, 2]), "APl": _mean(table[:, 3]),
        "per_class": {k: _mean(curves[0]) for k, curves in tables.items()},
        "per_class50": {k: _mean(curves[0, 0]) for k, curves in tables.items()},
    }


def _mean(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def class_precision(images: list[Pairs], k: int) -> np.ndarray:
    """Precision of class k at the 101 recalls, for every range of areas and threshold.

    Args:
        images: those of the data set that hold the class, from `pair_up`.
        k: the class's id.
    Returns:
        (A, T, 101), NaN for a range of areas without an object.
    """
    curves = np.full((len(AREAS), len(THRESHOLDS), len(RECALLS)), np.nan)
    images = [image.of_class(k, MAX_DETECTIONS) for image in images]
    ignored = [image.crowd | outside(image.true_areas) for image in images]  # (A, M) each
    objects = sum((~part).sum(axis=1) for part in ignored)                   # (A,)
    if not objects.any():
        return curves
    right, counted = zip(*map(judge, images, ignored), strict=True)          # (A, T, D) each
    order = np.argsort(-np.concatenate([image.scores for image in images]), kind="stable")
    right = np.concatenate(right, axis=2)[:, :, order].cumsum(axis=2)        # all images together
    counted = np.concatenate(counted, axis=2)[:, :, order].cumsum(axis=2)
    for a in objects.nonzero()[0]:
        for t in range(len(THRESHOLDS)):
            curves[a, t] = interpolate(right[a, t], counted[a, t], objects[a])
    return curves


def judge(image: Pairs, ignored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For the detections of one class in one image, (A, T, D) bool: is it right, does it count?"""
    hits, skip = match(image.overlaps, ignored, image.crowd)
    skip |= ~hits & outside(image.found_areas)[:, None]      # no object, and of another size
    return hits & ~skip, ~skip


def outside(areas: np.ndarray) -> np.ndarray:
    """(N,) areas -> (A, N) bool: which lie outside each range."""
    return (areas < AREAS[:, :1]) | (areas > AREAS[:, 1:])


def match(overlaps: np.ndarray, ignored: np.ndarray,
          crowd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give every detection, best score first, the best object that is still free.

    All ranges of areas and all thresholds at once. An object that counts goes before one that is
    ignored, then the greater overlap decides, and of equal overlaps the last object. A crowd is
    always free.

    Args:
        overlaps: (D, M) of one class in one image, rows by falling score.
        ignored: (A, M) bool, for every range of areas.
        crowd: (M,) bool.
    Returns:
        (A, T, D) bool twice: whether the detection has an object; whether that one is ignored.
    """
    (D, M), A, T = overlaps.shape, len(ignored), len(THRESHOLDS)
    hits, skip = np.zeros((2, A, T, D), dtype=bool)
    rank = overlaps.argsort(axis=1, kind="stable").argsort(axis=1) + 1       # (D, M): M is best
    key = rank[:, None] + M * ~ignored                                       # (D, A, M)
    fits = overlaps[:, None] >= THRESHOLDS[:, None]                          # (D, T, M)
    free = np.ones((A, T, M), dtype=bool)
    a, t = np.arange(A)[:, None], np.arange(T)
    for d in fits.any(axis=(1, 2)).nonzero()[0]:
        wish = (free & fits[d]) * key[d, :, None]                            # (A, T, M)
        best = wish.argmax(axis=2)                                           # (A, T)
        hits[:, :, d] = wish[a, t, best] > 0
        skip[:, :, d] = hits[:, :, d] & ignored[a, best]
        free[a, t, best] &= ~hits[:, :, d] | crowd[best]
    return hits, skip


def interpolate(right: np.ndarray, counted: np.ndarray, objects: int) -> np.ndarray:
    """Precision at recall 0, 0.01, ... 1: the highest that is reached at this recall or later.

    Args:
        right: (N,) true positives so far, detections by falling score.
        counted: (N,) detections so far, those ignored left out.
        objects: how many there are to find, 1 or more.
    Returns:
        (101,); 0 at recalls that are never reached.
    """
    recall, precision = right / objects, right / np.maximum(counted, 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    first = np.searchsorted(recall, RECALLS, side="left")
    return np.append(envelope, 0)[first]
