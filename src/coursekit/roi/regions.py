"""How regions come in: as one table whose first column is the image, or as a list of boxes.

B images, C channels, H W of the map, R regions.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from coursekit.boxes.checks import check_boxes


def as_rows(features: Tensor, boxes: Tensor | Sequence[Tensor],
            output_size: int | Sequence[int]) -> tuple[Tensor, tuple[int, int]]:
    """Both ways to write regions as one, (R, 5): number of the image, then the box; and (P, Q).

    Args:
        features: (B, C, H, W) floating point.
        boxes: (R, 5), or a list of B tensors (R of that image, 4), xyxy, in pixels of the image.
        output_size: the bins, one number or (P, Q).
    Returns:
        (R, 5), float32 or more, on the device of the features; and (P, Q).
    Raises:
        ValueError: other shapes, the number of an image that is not there, x2 < x1 or y2 < y1, NaN,
            or less than one bin.
        TypeError: features that are not floating point.
    """
    _check_features(features)
    if not isinstance(boxes, Tensor):
        if len(boxes) != len(features):
            raise ValueError(f"boxes: got a list of {len(boxes)}, but {len(features)} tensors were "
                             f"expected, one for each image. No region is torch.zeros(0, 4).")
        numbers = torch.arange(len(boxes), device=features.device)
        numbers = numbers.repeat_interleave(torch.tensor([len(b) for b in boxes],
                                                         device=features.device, dtype=torch.int64))
        joined = torch.cat([features.new_zeros(0, 4), *boxes])
        boxes = torch.cat([numbers.to(joined)[:, None], joined], dim=1)
    if boxes.dim() != 2 or boxes.shape[1] != 5:
        raise ValueError(f"boxes: got shape {tuple(boxes.shape)}, but (R, 5) was expected, the "
                         "image's number before each box. For one image pass a list: [boxes].")
    check_boxes(boxes[:, 1:].float() if boxes.dtype == torch.float16 else boxes[:, 1:], "boxes")
    numbers = boxes[:, 0]
    if len(boxes) and not 0 <= numbers.min() <= numbers.max() < len(features):
        raise ValueError(f"boxes: the first column holds numbers from {numbers.min():g} to "
                         f"{numbers.max():g}, but 0 to {len(features) - 1} was expected: the "
                         "image's place in the batch, not a class.")
    kind = torch.promote_types(features.dtype, torch.float32)   # half would round coordinates
    return boxes.to(features.device, kind), _bins(output_size)


def _check_features(features: Tensor) -> None:
    if not isinstance(features, Tensor) or not features.is_floating_point():
        came = features.dtype if isinstance(features, Tensor) else f"a {type(features).__name__}"
        raise TypeError(f"features: got {came}, but a tensor of floating point was expected. "
                        "Call features.float() first.")
    if features.dim() != 4 or 0 in features.shape[1:]:
        raise ValueError(f"features: got shape {tuple(features.shape)}, but (B, C, H, W) was "
                         "expected. The map of one image is features[None].")


def _bins(output_size: int | Sequence[int]) -> tuple[int, int]:
    pair = (output_size,) * 2 if isinstance(output_size, int) else tuple(output_size)
    if len(pair) != 2 or not all(isinstance(n, int) and n >= 1 for n in pair):
        raise ValueError(f"output_size: got {output_size!r}, but the bins down and across were "
                         "expected, 1 or more each: 7 or (7, 7).")
    return pair
