"""Faster R-CNN: a region proposal network on the map, and chapter 10's head, unchanged.

Both read the same map and learn together, by the sum of their losses.

B images, R regions, K classes with background 0, M ground-truth boxes.

Source: Ren et al. 2015 (arXiv:1506.01497).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from coursekit.models.batch import (
    Size,
    Target,
    check_pictures,
    check_targets,
    levels_of,
    resize,
    scaled,
    stack,
)
from coursekit.models.fast_rcnn import REGIONS, BoxHead, Drawn, detections, draw, head_losses
from coursekit.models.rpn import RPN, rpn_losses


class FasterRCNN(nn.Module):
    """A backbone, an `RPN` and a `BoxHead`: losses in training, detections in evaluation.

    Args:
        backbone: (B, 3, H, W) -> one map, or several from fine to coarse; has `channels`, `stride`
            (what both sides of a batch are a multiple of), and `mean`, a picture's fill.
        num_classes: K, background included.
        rpn: another `RPN` than the course's small one.
        head: another `BoxHead`, likewise.
        resize: (shortest, longest): pictures are brought to a shorter side of `shortest` pixels,
            the longer one below `longest`; None leaves them as they are.
    """

    def __init__(self, backbone: nn.Module, num_classes: int = 4, rpn: RPN | None = None,
                 head: BoxHead | None = None, resize: tuple[int, int] | None = None):
        super().__init__()
        self.backbone, self.resize = backbone, resize
        self.rpn = rpn or RPN(backbone.channels)
        self.head = head or BoxHead(backbone.channels, num_classes)

    def forward(self, images: Sequence[Tensor],
                targets: Sequence[Target] | None = None) -> dict[str, Tensor] | list[Target]:
        """What torchvision's detectors give: a dict of losses, or a list of detections.

        Args:
            images: B images (3, H, W) in [0, 1], of any sizes.
            targets: in training, `boxes` (M, 4) and `labels` (M,) of each image, 1 to K - 1.
        Returns:
            In training four losses; in evaluation for each image `boxes` (N, 4), `labels` (N,) and
            `scores` (N,), by falling score.
        Raises:
            ValueError: images or targets that do not fit.
        """
        batch, targets, sizes, originals = ready_batch(self, images, targets)
        levels, width = levels_of(self.backbone(batch)), batch.shape[-1]
        scores, deltas = self.rpn(levels)
        anchors = self.rpn.anchors(levels, batch.shape[-2:])
        proposals = self.rpn.propose(scores, deltas, anchors, sizes)
        if self.training:
            costs = rpn_losses(scores, deltas, anchors, targets)
            drawn = [draw(*pair, self.regions) for pair in zip(proposals, targets, strict=True)]
            return costs | self.losses(levels, width, drawn, targets)
        return self.detect(levels, width, proposals, sizes, originals)

    needed, regions = ("boxes", "labels"), REGIONS      # of targets; drawn from each image

    def losses(self, levels: Sequence[Tensor], width: int, drawn: Sequence[Drawn],
               targets: Sequence[Target]) -> dict[str, Tensor]:
        """What the head's answers for the regions drawn cost."""
        return head_losses(*self.head(levels, [one.boxes for one in drawn], width), drawn)

    @torch.no_grad()
    def detect(self, levels: Sequence[Tensor], width: int, proposals: Sequence[Tensor],
               sizes: Sequence[Size], originals: Sequence[Size]) -> list[Target]:
        """Detections of each image, found at `sizes` and given at the size that it came in."""
        found = detections(*self.head(levels, proposals, width), proposals, sizes)
        return [one | {"boxes": scaled(one["boxes"], size, original)}
                for one, size, original in zip(found, sizes, originals, strict=True)]


def ready_batch(model: FasterRCNN, images: Sequence[Tensor], targets: Sequence[Target] | None,
           ) -> tuple[Tensor, Sequence[Target] | None, list[Size], list[Size]]:
    """One batch (B, 3, H, W), its targets, each picture's size in it, and the size that it had."""
    check_pictures(images)
    if model.training:
        check_targets(images, targets, model.head.num_classes, model.needed)
    originals = [image.shape[-2:] for image in images]
    if model.resize is not None:
        targets = targets if model.training else [None] * len(images)
        pairs = [resize(*pair, *model.resize) for pair in zip(images, targets, strict=True)]
        images, targets = zip(*pairs, strict=True)
    batch = stack(images, model.backbone.stride, model.backbone.mean)
    return batch, targets, [image.shape[-2:] for image in images], originals
