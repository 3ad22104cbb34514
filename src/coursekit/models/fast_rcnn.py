"""Fast R-CNN: the network runs once over the picture; regions are cut out of its map.

Proposals still come from outside, from the picture alone; here by selective search. Each is
projected onto the map and pooled to 7 x 7 bins. Two layers read them, and two more answer: K scores
for a softmax, background included, and a box for each class, as deltas from the proposal. One loss
for both trains all layers together, the backbone's too.

`BoxHead` is all that comes after the map. Faster R-CNN takes it over unchanged.

B images, C channels, R regions, K classes with background 0, M ground-truth boxes.

Source: Girshick 2015 (arXiv:1504.08083); defaults as in torchvision.models.detection.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coursekit.assignment import assign, sample
from coursekit.box_losses import smooth_l1
from coursekit.boxes import batched_nms, clip, decode, encode
from coursekit.models.batch import Target, check_proposals, check_targets, levels_of, stack
from coursekit.proposals import selective_search
from coursekit.roi import roi_pool

BINS = 7                        # a region's, down and across
HIDDEN = 96                     # numbers between the two layers; 4096 in the paper
REGIONS = 64                    # that are drawn from an image, to learn from
POSITIVE_IOU = 0.5              # from it on, a region is its object's; below, background
POSITIVES = 0.25                # share of them with an object, at most
WEIGHTS = (10, 10, 5, 5)        # bring deltas to about the same spread as scores
BETA = 1 / 9                    # where the box loss turns from L2 to L1, in weighted deltas
SCORE, NMS_IOU, MOST = 0.05, 0.5, 100       # of a detection: least, overlap, how many an image


def pool_one_map(levels: Sequence[Tensor], boxes: Sequence[Tensor], width: int) -> Tensor:
    """(R, C, 7, 7) of the only map there is, by RoI pooling; `width` is the batch's, in pixels."""
    return roi_pool(levels[0], boxes, BINS, levels[0].shape[-1] / width)


class BoxHead(nn.Module):
    """What each region is, and where exactly: pooling, two layers, two answers.

    Args:
        channels: C of the maps.
        num_classes: K, background included.
        hidden: outputs of the two layers.
        pool: (maps, boxes of each image, width of the batch in pixels) -> (R, C, 7, 7).
    """

    def __init__(self, channels: int, num_classes: int, hidden: int = HIDDEN,
                 pool: Callable = pool_one_map):
        super().__init__()
        self.num_classes, self.pool = num_classes, pool
        self.fc6 = nn.Linear(channels * BINS ** 2, hidden)
        self.fc7 = nn.Linear(hidden, hidden)
        self.scores = nn.Linear(hidden, num_classes)
        self.deltas = nn.Linear(hidden, 4 * num_classes)

    def read(self, pooled: Tensor) -> Tensor:
        """Regions (R, C, 7, 7) -> (R, hidden), from which both answers are made."""
        x = pooled.permute(0, 2, 3, 1).flatten(1)        # bin by bin, as they lie in memory
        return F.relu(self.fc7(F.relu(self.fc6(x))))

    def forward(self, levels: Sequence[Tensor], boxes: Sequence[Tensor],
                width: int) -> tuple[Tensor, Tensor]:
        """Maps and each image's boxes -> scores (R, K) before the softmax, deltas (R, K, 4)."""
        x = self.read(self.pool(levels, boxes, width))                       # (R, hidden)
        return self.scores(x).float(), self.deltas(x).float().unflatten(1, (-1, 4))


class Drawn(NamedTuple):
    """The regions of one image that a head learns from."""

    boxes: Tensor               # (R, 4)
    labels: Tensor              # (R,) int64, 0 for background
    nearest: Tensor             # (R, 4), the box of each one's object; of any for background
    which: Tensor               # (R,) int64, that object's row; 0 for background


@torch.no_grad()
def draw(proposals: Tensor, target: Target, count: int = REGIONS) -> Drawn:
    """Choose the regions of one image to learn from, and say what each should answer.

    True boxes join the proposals, so that an object which none of them meets is learned, too.

    Args:
        proposals: (R, 4) boxes.
        target: `boxes` (M, 4) and `labels` (M,); M may be 0: then all is background.
        count: how many to draw.
    """
    true, labels = target["boxes"].to(proposals), target["labels"].to(proposals.device)
    boxes = torch.cat([proposals, true])
    given = assign(boxes, true, POSITIVE_IOU, POSITIVE_IOU)                  # a row, or -1
    chosen = torch.cat(sample(given >= 0, given < 0, count, POSITIVES)).sort()[0]
    boxes, given = boxes[chosen], given[chosen]
    if not len(true):                                                        # nothing to point at
        true, labels = true.new_zeros(1, 4), labels.new_zeros(1)
    which = given.clamp(min=0)
    return Drawn(boxes, labels[which].where(given >= 0, 0), true[which], which)


def head_losses(scores: Tensor, deltas: Tensor, drawn: Sequence[Drawn]) -> dict[str, Tensor]:
    """Both terms: cross-entropy of all regions, smooth L1 of the true class's box of positives.

    Both are divided by the number of all regions, R; 0 where there is none.

    Args:
        scores: (R, K), of the images' regions one after the other, before the softmax.
        deltas: (R, K, 4), likewise.
        drawn: those regions.
    Source:
        Girshick 2015, equation 1, with lambda 1.
    """
    boxes, labels, nearest, _ = map(torch.cat, zip(*drawn, strict=True))
    positive = labels.nonzero().flatten()                                    # background: no box
    wanted = encode(nearest[positive], boxes[positive], WEIGHTS)             # (P, 4)
    found = deltas[positive, labels[positive]]                               # of the true class
    count = max(len(labels), 1)
    return {"class": F.cross_entropy(scores, labels, reduction="sum") / count,
            "box": smooth_l1(found, wanted, BETA).sum() / count}


@torch.no_grad()
def detections(scores: Tensor, deltas: Tensor, proposals: Sequence[Tensor],
               sizes: Sequence[tuple[int, int]]) -> list[Target]:
    """What the answers (R, K) and (R, K, 4) for each image's proposals mean, by falling score."""
    boxes = decode(deltas, torch.cat(list(proposals)), WEIGHTS)              # (R, K, 4)
    rows = [len(one) for one in proposals]
    parts = zip(boxes.split(rows), scores.softmax(dim=1).split(rows), sizes, strict=True)
    return [suppress(*part) for part in parts]


def suppress(boxes: Tensor, scores: Tensor, size: tuple[int, int]) -> Target:
    """The likely ones of one image's boxes (R, K, 4), class by class, without duplicates."""
    region, label = (scores[:, 1:] > SCORE).nonzero().unbind(dim=1)
    label = label + 1                                                        # 0 is no object
    boxes, scores = clip(boxes[region, label], size), scores[region, label]
    solid = ((boxes[:, 2:] - boxes[:, :2]) >= 0.01).all(dim=1)
    boxes, scores, label = boxes[solid], scores[solid], label[solid]
    kept = batched_nms(boxes, scores, label, NMS_IOU)[:MOST]
    return {"boxes": boxes[kept], "labels": label[kept], "scores": scores[kept]}


class FastRCNN(nn.Module):
    """A backbone and a `BoxHead`: losses in training, detections in evaluation.

    Args:
        backbone: (B, 3, H, W) -> one map; has `channels`, `stride`, and `mean`, a picture's fill.
        num_classes: K, background included.
        hidden: see `BoxHead`.
    """

    def __init__(self, backbone: nn.Module, num_classes: int = 4, hidden: int = HIDDEN):
        super().__init__()
        self.backbone = backbone
        self.head = BoxHead(backbone.channels, num_classes, hidden)

    def forward(self, images: Sequence[Tensor], targets: Sequence[Target] | None = None,
                proposals: Sequence[Tensor] | None = None) -> dict[str, Tensor] | list[Target]:
        """What torchvision's detectors give: a dict of losses, or a list of detections.

        Args:
            images: B images (3, H, W) in [0, 1], of any sizes.
            targets: in training, `boxes` (M, 4) and `labels` (M,) of each image, 1 to K - 1.
            proposals: for each image (R, 4) boxes, if they are known already; else the targets'
                `proposals`, if they have any; else selective search finds them.
        Returns:
            In training the losses `class` and `box`; in evaluation for each image `boxes` (N, 4),
            `labels` (N,) and `scores` (N,), by falling score.
        Raises:
            ValueError: images, targets or proposals that do not fit.
        """
        batch = stack(images, self.backbone.stride, self.backbone.mean)
        if self.training:
            check_targets(images, targets, self.head.num_classes)
        proposals = _proposals(images, targets, proposals, batch)
        levels, width = levels_of(self.backbone(batch)), batch.shape[-1]
        if self.training:
            drawn = [draw(*pair) for pair in zip(proposals, targets, strict=True)]
            return head_losses(*self.head(levels, [one.boxes for one in drawn], width), drawn)
        sizes = [image.shape[-2:] for image in images]
        return detections(*self.head(levels, proposals, width), proposals, sizes)


def _proposals(images: Sequence[Tensor], targets: Sequence[Target] | None,
               proposals: Sequence[Tensor] | None, batch: Tensor) -> list[Tensor]:
    if proposals is None and targets and all("proposals" in target for target in targets):
        proposals = [target["proposals"] for target in targets]
    if proposals is None:
        proposals = [selective_search(image) for image in images]
    check_proposals(images, proposals)
    return [boxes.to(batch) for boxes in proposals]
