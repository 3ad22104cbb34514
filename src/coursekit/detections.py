"""Detections and objects on their way into a metric: checked, compared, and turned into arrays.

A sample holds an image's objects of all classes together, as tensors. A metric wants one class at a
time, by falling score, and knows boxes and masks by their overlaps and areas alone; these are in
float64, since float32 would move some of them across a threshold.

D detections and M objects in an image, H height and W width.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor

from coursekit.boxes.checks import check_boxes, check_masks

SHAPES = {"bbox": "boxes", "segm": "masks"}


@dataclass
class Pairs:
    """One image: its detections, its objects, and the overlap of every pair."""

    overlaps: np.ndarray        # (D, M) IoU; with a crowd, the share of the detection inside it
    scores: np.ndarray          # (D,)
    found_labels: np.ndarray    # (D,)
    found_areas: np.ndarray     # (D,)
    true_labels: np.ndarray     # (M,)
    true_areas: np.ndarray      # (M,)
    crowd: np.ndarray           # (M,) bool

    def of_class(self, k: int, most: int) -> "Pairs":
        """Its objects of class k and the `most` best detections of it, by falling score."""
        found, true = (self.found_labels == k).nonzero()[0], (self.true_labels == k).nonzero()[0]
        found = found[np.argsort(-self.scores[found], kind="stable")[:most]]     # ties: as given
        return Pairs(self.overlaps[found[:, None], true], self.scores[found],
                     self.found_labels[found], self.found_areas[found],
                     self.true_labels[true], self.true_areas[true], self.crowd[true])


def pair_up(predictions: list[dict[str, Tensor]], targets: list[dict[str, Tensor]],
            iou_type: str) -> list[Pairs]:
    """The detections and objects of every image as arrays, with all overlaps.

    Args:
        predictions: as in `coco_ap`, like all the arguments.
        targets: an entry an image, likewise.
        iou_type: "bbox" or "segm".
    Returns:
        An entry an image.
    Raises:
        ValueError: another `iou_type`, lists of different length, a missing entry, shapes that do
            not fit, NaN, an area below 0.
        TypeError: not a dict of tensors; labels, boxes or masks of another type.
    Source:
        pycocotools.mask.iou.
    """
    if iou_type not in SHAPES:
        raise ValueError(f'iou_type: got {iou_type!r}, but "bbox" or "segm" was expected. Take '
                         '"segm" to compare masks.')
    if len(predictions) != len(targets):
        raise ValueError(f"predictions: got {len(predictions)} images, but the {len(targets)} of "
                         "the targets were expected, in their order. An image without detections "
                         "has an entry too, with tensors of length 0.")
    return [_pair_image(found, true, iou_type, image)
            for image, (found, true) in enumerate(zip(predictions, targets, strict=True))]


def _pair_image(found: dict[str, Tensor], true: dict[str, Tensor], iou_type: str,
                image: int) -> Pairs:
    found = _arrays(found, f"predictions[{image}]", iou_type, ("labels", "scores"), ())
    true = _arrays(true, f"targets[{image}]", iou_type, ("labels",), ("iscrowd", "area"))
    inter, found_areas, areas = COMPARE[iou_type](found["shapes"], true["shapes"])
    crowd = true.get("iscrowd", np.zeros(len(areas))) > 0
    union = found_areas[:, None] + np.where(crowd, 0, areas - inter)
    overlaps = inter / np.where(union > 0, union, 1)                         # two empty ones: 0
    return Pairs(overlaps, found["scores"].astype(np.float64), found["labels"], found_areas,
                 true["labels"], true.get("area", areas).astype(np.float64), crowd)


def compare_boxes(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, 4) and (M, 4) boxes -> areas of the intersections (N, M), of a (N,) and of b (M,)."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    size = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    return size.clip(min=0).prod(axis=2), *((s[:, 2:] - s[:, :2]).prod(axis=1) for s in (a, b))


def compare_masks(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, H, W) and (M, H, W) masks -> pixels in common (N, M), in a (N,) and in b (M,)."""
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"masks: got {a.shape[1:]} for the predictions and {b.shape[1:]} for the "
                         "target of one image, but one (H, W) was expected. Paste the masks back "
                         "to the image's own size first.")
    a, b = (m.reshape(len(m), math.prod(m.shape[1:])).astype(np.float32) for m in (a, b))
    return tuple(n.astype(np.float64) for n in (a @ b.T, a.sum(axis=1), b.sum(axis=1)))


COMPARE = {"bbox": compare_boxes, "segm": compare_masks}


def _arrays(sample: dict[str, Tensor], name: str, iou_type: str, needed: tuple[str, ...],
            optional: tuple[str, ...]) -> dict[str, np.ndarray]:
    """A sample's checked tensors as arrays; its boxes or masks are called "shapes"."""
    shape = SHAPES[iou_type]
    if not isinstance(sample, dict) or not {shape, *needed} <= set(sample):
        came = sorted(sample) if isinstance(sample, dict) else f"a {type(sample).__name__}"
        raise ValueError(f"{name}: got {came}, but a dict with {', '.join((shape, *needed))} was "
                         f'expected for "{iou_type}". Give every image an entry of its own.')
    check_shapes = check_masks if iou_type == "segm" else partial(check_boxes, name="boxes")
    try:
        check_shapes(sample[shape])
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}, {error}") from None
    n = len(sample[shape])
    arrays = {"shapes": sample[shape].detach().cpu().numpy()}
    for key in (*needed, *(key for key in optional if key in sample)):
        value = sample[key]
        if not isinstance(value, Tensor) or value.shape != (n,):
            came = tuple(value.shape) if isinstance(value, Tensor) else f"a {type(value).__name__}"
            raise ValueError(f"{name}, {key}: got {came}, but a tensor of shape ({n},) was "
                             f"expected, one for each of the {shape}.")
        arrays[key] = value.detach().cpu().numpy()
    _check_values(arrays, name)
    return arrays


def _check_values(arrays: dict[str, np.ndarray], name: str) -> None:
    if arrays["labels"].dtype.kind not in "iu":
        raise TypeError(f"{name}, labels: got {arrays['labels'].dtype}, but whole class ids were "
                        "expected. Call labels.long() first.")
    if "scores" in arrays and np.isnan(arrays["scores"]).any():
        raise ValueError(f"{name}, scores: entry {np.isnan(arrays['scores']).argmax()} is NaN, but "
                         "numbers were expected. Look for a loss that became NaN.")
    if "area" in arrays and not (arrays["area"] >= 0).all():
        raise ValueError(f"{name}, area: got {arrays['area'].min()}, but square pixels, 0 or more, "
                         "were expected. Leave `area` out to have it measured.")
