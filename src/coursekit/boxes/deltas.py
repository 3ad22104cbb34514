"""Deltas: a box as seen from another one, as four numbers that a network can learn.

A detector does not say "x1 = 412". It says "from this region, go a tenth of its width to the right,
and be a fifth wider": (dx, dy, dw, dh), of the same size for a mouse and for an elephant. Shifts
are in units of the region's size; sizes are ratios, as logarithms, so that twice and half are as
far from 0, and no number can ask for a negative width.

N boxes, K classes.

Source: Girshick et al. 2014, appendix C, equations 1 to 4 and 6 to 9; torchvision's BoxCoder.
"""

import math

import torch
from torch import Tensor

from coursekit.boxes.checks import check_boxes, refuse_rows
from coursekit.boxes.formats import convert

MAX_LOG_RATIO = math.log(1000 / 16)      # no box may grow more than 62.5 times: exp stays finite


def encode(boxes: Tensor, anchors: Tensor, weights: tuple[float, ...] = (1, 1, 1, 1)) -> Tensor:
    """The deltas that lead from every anchor to the box in the same row.

    Args:
        boxes: (N, 4) boxes to reach, xyxy, in pixels, none without area.
        anchors: (N, 4) boxes to start from, likewise: anchors, or a picture's proposals.
        weights: factors for dx, dy, dw, dh that bring them to about the same spread: Fast R-CNN
            takes (10, 10, 5, 5).
    Returns:
        (N, 4) deltas (dx, dy, dw, dh), without unit.
    Raises:
        ValueError: boxes without area, row counts that differ, whatever `check_boxes` refuses.
    Source:
        Girshick et al. 2014, equations 6 to 9; torchvision.models.detection's BoxCoder.encode.
    """
    _check_pairs(boxes, "boxes", anchors)
    _check_sides(boxes, "boxes")
    _check_sides(anchors, "anchors")
    box, anchor = convert(boxes, "xyxy", "cxcywh"), convert(anchors, "xyxy", "cxcywh")
    shift = (box[:, :2] - anchor[:, :2]) / anchor[:, 2:]                     # (N, 2)
    ratio = (box[:, 2:] / anchor[:, 2:]).log()                               # (N, 2)
    return torch.cat([shift, ratio], dim=1) * boxes.new_tensor(weights)


def decode(deltas: Tensor, anchors: Tensor, weights: tuple[float, ...] = (1, 1, 1, 1)) -> Tensor:
    """The boxes to which the deltas lead from the anchors: `encode` backwards.

    dw and dh are cut off at log(1000 / 16), so that an untrained net cannot ask for infinity.

    Args:
        deltas: (N, 4), or (N, K, 4) for a box a class.
        anchors: (N, 4) boxes to start from, xyxy, in pixels.
        weights: as they were in `encode`.
    Returns:
        (N, 4) or (N, K, 4) boxes, xyxy, in pixels, which may reach beyond the image.
    Raises:
        ValueError: row counts that differ, another shape, whatever `check_boxes` refuses.
    Source:
        Girshick et al. 2014, equations 1 to 4; torchvision.models.detection's BoxCoder.decode.
    """
    _check_pairs(deltas, "deltas", anchors)
    if deltas.shape[-1] != 4 or deltas.dim() not in (2, 3):
        raise ValueError(f"deltas: got shape {tuple(deltas.shape)}, but (N, 4) or (N, K, 4) was "
                         "expected. A head's (N, 4 * K) becomes deltas.view(N, -1, 4).")
    anchor = convert(anchors, "xyxy", "cxcywh")
    if deltas.dim() == 3:
        anchor = anchor[:, None]                                             # one for all classes
    deltas = deltas / deltas.new_tensor(weights)
    center = anchor[..., :2] + deltas[..., :2] * anchor[..., 2:]
    half = deltas[..., 2:].clamp(max=MAX_LOG_RATIO).exp() * anchor[..., 2:] / 2
    return torch.cat([center - half, center + half], dim=-1)


def _check_pairs(rows: Tensor, name: str, anchors: Tensor) -> None:
    check_boxes(anchors, "anchors")
    if not isinstance(rows, Tensor) or len(rows) != len(anchors):
        came = f"{len(rows)} rows" if isinstance(rows, Tensor) else f"a {type(rows).__name__}"
        raise ValueError(f"{name}: got {came}, but a tensor with a row for each of the "
                         f"{len(anchors)} anchors was expected. Pick the box of every anchor "
                         "first: boxes[matched].")


def _check_sides(boxes: Tensor, name: str) -> None:
    check_boxes(boxes, name)
    refuse_rows((boxes[:, 2:] <= boxes[:, :2]).any(dim=1), boxes, name,
                "width and height above 0 were expected: nothing can be measured in units of 0. "
                "Leave such boxes out first.")
