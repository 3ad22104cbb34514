"""Random boxes, masks and maps for the tests, and hypothesis' strategies for them."""

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

# The same examples at every run, few of them, and no clock: a busy machine must not fail a test.
steady = settings(derandomize=True, max_examples=25, deadline=None, database=None)


def random_picture(height: int = 48, width: int = 72, seed: int = 0) -> Tensor:
    """(3, height, width) in [0, 1], not square."""
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def random_target(n: int = 3, seed: int = 0, room: float = 4) -> dict[str, Tensor]:
    """Boxes of at least `room` pixels a side in such a picture, and labels 1, 2, 3, 1, …"""
    return {"boxes": random_boxes(n, seed, 40, 60) + torch.tensor([0., 0, room, room]),
            "labels": torch.arange(n) % 3 + 1}


def random_boxes(n: int, seed: int = 0, height: float = 60, width: float = 100) -> Tensor:
    """(n, 4) xyxy boxes inside an image that is not square."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(n, 2, 2, generator=generator) * torch.tensor([width, height])
    return torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)


def random_masks(n: int, height: int, width: int, seed: int = 0) -> Tensor:
    """(n, height, width) bool; each is a sparse cloud inside a random window, and may be empty."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(n, height, width, generator=generator) < 0.15
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    for mask, (x1, y1, x2, y2) in zip(masks, random_boxes(n, seed, height, width), strict=True):
        mask &= (rows >= y1) & (rows < y2) & (columns >= x1) & (columns < x2)
    return masks


def random_labels(shape: tuple[int, ...], num_classes: int, seed: int = 0,
                  void: float = 0) -> Tensor:
    """Class ids in blobs of a few pixels; a share `void` of the pixels is 255."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(num_classes, [-(-side // 4) for side in shape], generator=generator)
    for axis, side in enumerate(shape):
        coarse = coarse.repeat_interleave(4, dim=axis).narrow(axis, 0, side)
    holes = torch.rand(shape, generator=generator) < void
    return coarse.masked_fill(holes, 255)


coordinates = st.floats(-1000, 1000, width=32).map(lambda x: round(x, 2))


@st.composite
def box_tensors(draw: st.DrawFn, max_size: int = 5) -> Tensor:
    """(N, 4) xyxy boxes, N from 0; also empty ones, equal ones, ones that touch."""
    rows = draw(st.lists(st.tuples(*[coordinates] * 4), max_size=max_size))
    a = torch.tensor(rows, dtype=torch.float64).reshape(-1, 2, 2)
    return torch.cat([a.amin(dim=1), a.amax(dim=1)], dim=1)


def with_ordinary_features(detector, scores):
    """torchvision's untrained detector, in evaluation: features of size 1, scores that differ.

    Its batch normalization has seen pictures; the box head's scores are enlarged `scores` times.
    """
    for part in detector.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None                             # the mean of what was seen
    with torch.no_grad():
        detector.backbone.train()(torch.randn(4, 3, 64, 96))
        for part in detector.backbone.fpn.layer_blocks:
            part[0].weight *= 0.02
        detector.roi_heads.box_predictor.cls_score.weight *= scores
        detector.rpn.head.cls_logits.weight *= 8
    return detector.eval()
