"""Boxes: four numbers that say where an object is.

A box is (x1, y1, x2, y2) in pixels, x to the right and y down: 'xyxy'. It is half-open, as a
slice in Python is: the pixel in column j covers the interval from j to j + 1, so a box around
columns 2, 3 and 4 runs from x1 = 2 to x2 = 5, and its width is x2 - x1 = 3, with no "+ 1" anywhere.
Older code takes the last pixel's index as x2 (inclusive boxes); mixing the two shifts every overlap
a little, silently.

Boxes are plain tensors whose last axis holds the coordinates, so every function works on all of
them at once, on none, on any device. Semantics are torchvision.ops'. A module an idea: `overlap`
compares boxes, `formats` makes and rewrites them, `deltas` writes one box as seen from another,
`suppression` thins out the many that lie on one object.

Letters: N and M boxes, K classes, H height and W width of the image.
"""

from coursekit.boxes.checks import check_boxes, check_masks
from coursekit.boxes.deltas import decode, encode
from coursekit.boxes.formats import FORMATS, clip, convert, from_masks
from coursekit.boxes.overlap import area, giou, iou
from coursekit.boxes.suppression import batched_nms, nms

__all__ = ["FORMATS", "area", "batched_nms", "check_boxes", "check_masks", "clip", "convert",
           "decode", "encode", "from_masks", "giou", "iou", "nms"]
