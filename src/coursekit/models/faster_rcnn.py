"""Faster R-CNN: a region proposal network on the map, and chapter 10's head, unchanged.

Both read the same map and learn together, by the sum of their losses.

B images, R regions, K classes with background 0, M ground-truth boxes.

Source: Ren et al. 2015 (arXiv:1506.01497).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from coursekit.models.batch import Target, check_targets, levels_of, stack
from coursekit.models.fast_rcnn import HIDDEN, BoxHead, detections, draw, head_losses
from coursekit.models.rpn import RPN, rpn_losses


class FasterRCNN(nn.Module):
    """A backbone, an `RPN` and a `BoxHead`: losses in training, detections in evaluation.

    Args:
        backbone: (B, 3, H, W) -> one map, or several from fine to coarse; has `channels`, `stride`
            (the coarsest map's), and `mean`, a picture's fill.
        num_classes: K, background included.
        rpn: another `RPN` than the course's small one.
        head: another `BoxHead`, likewise.
    """

    def __init__(self, backbone: nn.Module, num_classes: int = 4, rpn: RPN | None = None,
                 head: BoxHead | None = None):
        super().__init__()
        self.backbone = backbone
        self.rpn = rpn or RPN(backbone.channels)
        self.head = head or BoxHead(backbone.channels, num_classes, HIDDEN)

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
        batch = stack(images, self.backbone.stride, self.backbone.mean)
        if self.training:
            check_targets(images, targets, self.head.num_classes)
        sizes, width = [image.shape[-2:] for image in images], batch.shape[-1]
        levels = levels_of(self.backbone(batch))
        scores, deltas = self.rpn(levels)
        anchors = self.rpn.anchors(levels, batch.shape[-2:])
        proposals = self.rpn.propose(scores, deltas, anchors, sizes)
        if self.training:
            drawn = [draw(*pair) for pair in zip(proposals, targets, strict=True)]
            answers = self.head(levels, [one.boxes for one in drawn], width)
            return rpn_losses(scores, deltas, anchors, targets) | head_losses(*answers, drawn)
        return detections(*self.head(levels, proposals, width), proposals, sizes)
