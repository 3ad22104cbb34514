"""Non-maximum suppression: of many boxes on one object, keep the one with the highest score.

Greedy: take the boxes by falling score, keep one, strike out every later box that overlaps it by
more than the threshold, go on with what is left. Nothing is averaged or merged, and a box that was
itself struck out strikes out no other.

N boxes.
"""

import numpy as np
import torch
from torch import Tensor

from coursekit.boxes.checks import check_boxes

BLOCK = 128                             # overlaps are computed for so many boxes at once


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Indices of the boxes that survive non-maximum suppression, by falling score.

    Boxes go by blocks. Within a block every pair is compared; what the block keeps then strikes
    out all later boxes in one step.

    Args:
        boxes: (N, 4) boxes, xyxy, in pixels.
        scores: (N,), higher is better; of two equal ones the first row goes first.
        threshold: a box goes if its IoU with one that is kept is greater, in [0, 1].
    Returns:
        (M,) int64 indices into `boxes`, by falling score.
    Raises:
        ValueError: one score a box was expected, a NaN score, a threshold outside [0, 1], and
            whatever `check_boxes` refuses.
    Source:
        torchvision.ops.nms; Felzenszwalb et al. 2010, section 7.2.
    """
    _check_scores(boxes, scores, threshold)
    order = scores.argsort(descending=True, stable=True)
    x1, y1, x2, y2 = boxes[order].detach().cpu().numpy().T
    rows = np.stack([x1, y1, x2, y2, (x2 - x1) * (y2 - y1)])                 # (5, N)
    kept = np.ones(len(order), dtype=bool)
    for start in range(0, len(order), BLOCK):
        stop = start + BLOCK
        block = start + kept[start:stop].nonzero()[0]                        # still standing
        mine = rows[:, block]
        kept[block] = best = _greedy(_overlaps(mine, mine, threshold))
        later = stop + kept[stop:].nonzero()[0]
        kept[later] = ~_overlaps(mine[:, best], rows[:, later], threshold).any(axis=0)
    return order[torch.from_numpy(kept).to(order.device)]


def _greedy(overlaps: np.ndarray) -> np.ndarray:
    """(n, n) bool, rows and columns by falling score -> (n,) bool: who is kept.

    All are kept at first; then those go that a kept box before them overlaps, again and again until
    nothing changes. The first row is right from the start, the second after one round, and so on.
    """
    before = np.triu(overlaps, k=1)                                          # row before column
    kept, last = np.ones(len(before), dtype=bool), None
    while not np.array_equal(kept, last):
        kept, last = ~before[kept].any(axis=0), kept
    return kept


def _overlaps(a: np.ndarray, b: np.ndarray, threshold: float) -> np.ndarray:
    """(5, n) and (5, m) corners and areas -> (n, m) bool: is the IoU above the threshold?"""
    width = np.minimum(a[2, :, None], b[2])              # in place from here: half the time
    width -= np.maximum(a[0, :, None], b[0])
    height = np.minimum(a[3, :, None], b[3])
    height -= np.maximum(a[1, :, None], b[1])
    inter = np.maximum(width, 0, out=width)
    inter *= np.maximum(height, 0, out=height)
    union = np.add(a[4, :, None], b[4], out=height)
    union -= inter
    with np.errstate(invalid="ignore"):                                      # 0 / 0: no overlap
        inter /= union
    below = inter.dtype.type(threshold)
    if float(below) > threshold:                # x > t for float32 x means x > t rounded down
        below = np.nextafter(below, inter.dtype.type(0))
    return inter > below


def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> Tensor:
    """NMS within each label only: a cat never strikes out a dog.

    One NMS over all boxes, after those of every label were moved to a place of their own, so far
    apart that boxes of two labels cannot meet.

    Args:
        boxes: (N, 4) boxes, xyxy, in pixels.
        scores: (N,), higher is better.
        labels: (N,) int64: class ids, or whatever keeps groups apart, as the image's number.
        threshold: as in `nms`.
    Returns:
        (M,) int64 indices into `boxes`, by falling score over all labels.
    Raises:
        ValueError: one label a box was expected, and all that `nms` refuses.
        TypeError: labels that are not int64.
    Source:
        torchvision.ops.batched_nms. The shifted boxes are float64 here: in float32, far from 0,
        the shift would cut digits off the coordinates.
    """
    _check_scores(boxes, scores, threshold)
    if not isinstance(labels, Tensor) or labels.shape != scores.shape:
        came = tuple(labels.shape) if isinstance(labels, Tensor) else f"a {type(labels).__name__}"
        raise ValueError(f"labels: got {came}, but one label for each of the {len(boxes)} boxes "
                         "was expected. Repeat a class id with torch.full_like(scores, id).long().")
    if labels.dtype != torch.int64:
        raise TypeError(f"labels: got {labels.dtype}, but torch.int64 class ids were expected. "
                        "Call labels.long() first.")
    if len(boxes) and (labels != labels[0]).any():
        boxes = boxes.double()
        room = boxes.max() - boxes.min() + 1                                 # more than any box
        boxes = boxes + (labels * room)[:, None]
    return nms(boxes, scores, threshold)


def _check_scores(boxes: Tensor, scores: Tensor, threshold: float) -> None:
    check_boxes(boxes, "boxes")
    if not isinstance(scores, Tensor) or scores.shape != boxes.shape[:1]:
        came = tuple(scores.shape) if isinstance(scores, Tensor) else f"a {type(scores).__name__}"
        raise ValueError(f"scores: got {came}, but one score for each of the {len(boxes)} boxes "
                         "was expected. A table (N, K) of class scores goes in column by column.")
    if scores.isnan().any():
        raise ValueError(f"scores: entry {int(scores.isnan().nonzero()[0, 0])} is NaN, but numbers "
                         "were expected. Look for a loss that became NaN, or a division by 0.")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold: got {threshold}, but an IoU from 0 to 1 was expected. "
                         "0.5 is usual for detections, 0.7 for proposals.")
