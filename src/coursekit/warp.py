"""Regions of a picture, warped to squares of one size: what R-CNN shows its network.

A network with a fixed input cannot read a region as it is, so each one is stretched to S x S
pixels, whatever its shape. A little of what lies around it comes along: `context` is the share of
the square that it gets on each side. What lies beyond the picture's edge is filled with one color.

B images, C channels, H W, R regions, S side of the square.

Source: Girshick et al. 2014 (arXiv:1311.2524), section 2.1, appendix A: 16 pixels of context in a
square of 227, filled with the mean color.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.boxes.checks import check_boxes

SIDE = 64                       # of the square; 227 in the paper
CONTEXT = 16 / 227              # of the square, on each side: 4.5 pixels of 64


def warp(image: Tensor, boxes: Tensor, fill: Tensor, side: int = SIDE,
         context: float = CONTEXT) -> Tensor:
    """Every box of one picture, stretched to side x side pixels with some context around it.

    Bilinear, between pixel centers, as `F.interpolate` with align_corners=False. A box without area
    gives a square of the color that is there.

    Args:
        image: (C, H, W) float.
        boxes: (R, 4) boxes, xyxy, in pixels; they may reach beyond the picture.
        fill: (C,) or (C, 1, 1), the color beyond the picture's edge.
        side: pixels a side of a square, S.
        context: the share of the square, on each of its sides, that shows what is around the box.
    Returns:
        (R, C, S, S).
    Raises:
        ValueError: an image that is not (C, H, W), a color that is not (C,), a context that leaves
            no room for the box, and whatever `check_boxes` refuses.
    Source:
        Girshick et al. 2014, appendix A, 'warp' with p = 16; torch.nn.functional.grid_sample.
    """
    _check_warp(image, boxes, fill, context)
    H, W = image.shape[1:]
    boxes = boxes.to(image)
    share = context / (1 - 2 * context)                              # of the box, on each side
    around = (boxes[:, 2:] - boxes[:, :2]) * share
    start, stop = boxes[:, :2] - around, boxes[:, 2:] + around       # (R, 2) each
    steps = (torch.arange(side, device=image.device) + 0.5) / side   # (S,) centers, in the square
    points = start[:, None] + steps[:, None] * (stop - start)[:, None]       # (R, S, 2) x and y
    points = 2 * points / points.new_tensor([W, H]) - 1              # grid_sample counts -1 to 1
    x, y = points.unbind(dim=2)                                      # (R, S) each
    grid = torch.stack([x[:, None].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)], 3)
    fill = fill.to(image).reshape(-1, 1, 1)
    squares = F.grid_sample((image - fill)[None], grid.reshape(1, -1, side, 2),
                            align_corners=False)                     # (1, C, R * S, S), 0 outside
    squares = squares.reshape(len(image), len(boxes), side, side)
    return squares.transpose(0, 1) + fill


def _check_warp(image: Tensor, boxes: Tensor, fill: Tensor, context: float) -> None:
    check_boxes(boxes, "boxes")
    if not isinstance(image, Tensor) or image.dim() != 3 or not image.is_floating_point():
        came = (f"{image.dtype} {tuple(image.shape)}" if isinstance(image, Tensor)
                else f"a {type(image).__name__}")
        raise ValueError(f"image: got {came}, but one picture of floats, (C, H, W), was expected. "
                         "Call warp once for each image of a batch.")
    if fill.numel() != len(image):
        raise ValueError(f"fill: got shape {tuple(fill.shape)}, but one number for each of the "
                         f"{len(image)} channels was expected. backbone.mean is such a color.")
    if not 0 <= context < 0.5:
        raise ValueError(f"context: got {context}, but a share of the square from 0 to below 0.5 "
                         "was expected, so that room is left for the box. The paper's is 16/227.")
