"""R-CNN: propose regions, warp each one, run the network on each one, classify, refine, suppress.

Six stages, one after the other, and each was made apart from the rest: proposals by grouping, a
network trained for another task, a linear SVM a class, a linear regression a class. Nothing but the
network has more than one layer. `coursekit.models.rcnn_fit` fits the SVMs and the regressors.

B images, C channels, H W, R regions, M ground-truth boxes, D numbers of a region's features, K
classes with background 0, which has neither an SVM nor a regressor: their rows are classes 1 to
K - 1.

Source: Girshick et al. 2014 (arXiv:1311.2524), section 2 and appendix C.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coursekit.boxes import batched_nms, clip, decode
from coursekit.boxes.checks import check_boxes
from coursekit.models.backbone import CELLS, CHANNELS, Backbone
from coursekit.models.batch import check_proposals
from coursekit.proposals import selective_search
from coursekit.warp import SIDE, warp

D = CHANNELS * CELLS ** 2       # numbers that describe a region: 128 channels, 4 x 4 cells
CHUNK = 256                     # squares that go through the network together
NMS_IOU = 0.3                   # of two detections of one class that overlap more, one goes
SCORE = -1.0                    # an SVM's score of what it takes for background
MOST = 100                      # detections of an image


class Stored(NamedTuple):
    """What one image is after the slow stages: its regions, and what the network says of them."""

    boxes: Tensor               # (R, 4)
    features: Tensor            # (R, D)


class RCNN(nn.Module):
    """Regions with CNN features: a list of images -> a dict of boxes, labels and scores for each.

    Args:
        backbone: a trained one; R-CNN does not change it.
        num_classes: K, background included.
    """

    def __init__(self, backbone: Backbone, num_classes: int = 4):
        super().__init__()
        if num_classes < 2:
            raise ValueError(f"num_classes: got {num_classes}, but 2 or more was expected: the "
                             "background counts, with id 0.")
        self.backbone = backbone.requires_grad_(False)
        K = num_classes
        self.register_buffer("scale", torch.ones(()))            # 1 / mean length of the features
        self.register_buffer("svm_weight", torch.zeros(K - 1, D))
        self.register_buffer("svm_bias", torch.full((K - 1,), -2.0))     # unfitted: finds nothing
        self.register_buffer("box_weight", torch.zeros(K - 1, 4, D))
        self.register_buffer("box_bias", torch.zeros(K - 1, 4))          # unfitted: moves nothing
        self.eval()

    def heads(self) -> dict[str, Tensor]:
        """All that was fitted for detection: the state without the backbone."""
        return {key: value for key, value in self.state_dict().items()
                if not key.startswith("backbone.")}

    def load_heads(self, state: dict[str, Tensor]) -> None:
        """Take over what `heads` gave, such as `coursekit.weights.load("rcnn")`.

        Raises:
            ValueError: other names than `heads` has.
        """
        if set(state) != set(self.heads()):
            raise ValueError(f"state: got {sorted(state)}, but {sorted(self.heads())} was "
                             "expected. Pass what heads() of another RCNN gave.")
        self.load_state_dict(state, strict=False)                # strict wants the backbone, too

    def train(self, mode: bool = True) -> "RCNN":
        """Always in evaluation mode: there is nothing here that gradients could train."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Sequence[Tensor], proposals: Sequence[Tensor] | None = None,
                ) -> list[dict[str, Tensor]]:
        """What is found in each image, by falling score.

        Args:
            images: B images (3, H, W) in [0, 1], of any sizes.
            proposals: for each image (R, 4) boxes, if they are known already; by default
                selective search finds them.
        Returns:
            For each image `boxes` (N, 4), `labels` (N,) int64 from 1 on, `scores` (N,).
        Raises:
            ValueError: images that are not (3, H, W), or proposals for another number of images.
        """
        proposals = self.propose(images) if proposals is None else proposals
        _check_images(images, proposals)
        found = []
        for image, boxes in zip(images, proposals, strict=True):
            stored = Stored(boxes.to(image), self.features(image, boxes))
            found.append(self.detect(stored, image.shape[-2:]))
        return found

    def detect(self, stored: Stored, size: tuple[int, int]) -> dict[str, Tensor]:
        """The fast stages: scores, refined boxes, suppression, for an image of (height, width)."""
        scores = self.score(stored.features)                                 # (R, K - 1)
        boxes = self.refine(stored.boxes, stored.features, size)             # (R, K - 1, 4)
        return self.suppress(boxes, scores)

    # 1. propose

    def propose(self, images: Sequence[Tensor]) -> list[Tensor]:
        """Selective search in every image: (R, 4) boxes each."""
        return [selective_search(image.cpu()).to(image.device) for image in images]

    # 2. warp, 3. the network on every region

    @torch.no_grad()
    def features(self, image: Tensor, boxes: Tensor) -> Tensor:
        """(R, D) numbers for each region of one image; their average length is about 1.

        Raises:
            ValueError: whatever `warp` refuses.
        """
        check_boxes(boxes, "boxes")
        rows = [self.describe(warp(image, part, self.backbone.mean, SIDE))
                for part in boxes.split(CHUNK)]
        return torch.cat(rows) if len(boxes) else image.new_zeros(0, D)

    def describe(self, squares: Tensor) -> Tensor:
        """Squares (R, 3, 64, 64) -> (R, D)."""
        cells = F.adaptive_avg_pool2d(self.backbone(squares), CELLS)         # (R, C, 4, 4)
        return cells.flatten(1) * self.scale

    # 4. a linear SVM a class

    def score(self, features: Tensor) -> Tensor:
        """(R, D) -> (R, K - 1) signed distances to each class's plane, in units of its margin."""
        return features @ self.svm_weight.T + self.svm_bias

    # 5. a linear regression a class

    def refine(self, boxes: Tensor, features: Tensor, size: tuple[int, int]) -> Tensor:
        """(R, K - 1, 4): each region's box as each class's regression corrects it."""
        deltas = torch.einsum("rd,kcd->rkc", features, self.box_weight) + self.box_bias
        return clip(decode(deltas, boxes).flatten(0, 1), size).view_as(deltas)

    # 6. suppress duplicates, class by class

    def suppress(self, boxes: Tensor, scores: Tensor) -> dict[str, Tensor]:
        """The best boxes (R, K - 1, 4) of each class; none overlaps a better one of its class."""
        region, column = (scores > SCORE).nonzero().unbind(dim=1)
        boxes, scores, labels = boxes[region, column], scores[region, column], column + 1
        kept = batched_nms(boxes, scores, labels, NMS_IOU)[:MOST]
        return {"boxes": boxes[kept], "labels": labels[kept], "scores": scores[kept]}


def _check_images(images: Sequence[Tensor], proposals: Sequence[Tensor]) -> None:
    for n, image in enumerate(images):
        if image.dim() != 3 or image.shape[0] != 3:
            raise ValueError(f"images[{n}]: got shape {tuple(image.shape)}, but (3, H, W) was "
                             "expected. A batch (B, 3, H, W) becomes a list by list(batch).")
    check_proposals(images, proposals)
