"""The region proposal network: a small head on the map says where objects may be.

At every cell, for each of A anchors: one number for "is there an object?" and four deltas to its
box. It knows no classes. It replaces selective search: the map is there anyway, so proposals cost
next to nothing, and it learns.

Anchors learn by `assign`: from an IoU of 0.7 with an object on, and each object's best anchor;
below 0.3 with all, background; what lies between does not learn. 256 of an image are drawn, half
of them positive.

B images, C channels, H W of a map, A anchors a cell, N = H * W * A of all maps.

Source: Ren et al. 2015 (arXiv:1506.01497), section 3.1; defaults as in torchvision.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coursekit.anchors import grid_anchors, shapes
from coursekit.assignment import NEGATIVE, assign, sample
from coursekit.box_losses import smooth_l1
from coursekit.boxes import batched_nms, clip, decode, encode

SIZES = (16, 28, 48, 80)                # square roots of the anchors' areas, in pixels
RATIOS = (0.5, 1.0, 2.0)                # height / width
POSITIVE_IOU, NEGATIVE_IOU = 0.7, 0.3   # Ren et al. 2015, section 3.1.2
DRAWN, POSITIVES = 256, 0.5             # anchors of an image to learn from; share with an object
BETA = 1 / 9                            # where the box loss turns from L2 to L1
NMS_IOU, SMALLEST = 0.7, 1e-3           # of proposals: overlap; side in pixels


class RPN(nn.Module):
    """Maps of a picture -> proposals, and in training the losses that make them better.

    Args:
        channels: C of the maps.
        around: for each map the (A, 4) shapes around a cell; one entry, if there is one map.
        center: see `grid_anchors`.
        before: proposals of a map that go into NMS, in training and in evaluation.
        after: proposals of an image that come out of it, likewise.
    """

    def __init__(self, channels: int, around: Sequence[Tensor] | None = None, center: float = 0.5,
                 before: tuple[int, int] = (600, 300), after: tuple[int, int] = (200, 100)):
        super().__init__()
        self.around = list(around or [shapes(SIZES, RATIOS)])
        self.center, self.before, self.after = center, before, after
        A = len(self.around[0])
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.objectness = nn.Conv2d(channels, A, 1)
        self.deltas = nn.Conv2d(channels, 4 * A, 1)
        self.apply(near_zero)

    def forward(self, levels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Each map's scores (B, H * W * A) and deltas (B, H * W * A, 4), in the anchors' order."""
        scores, deltas = [], []
        for level in levels:
            x = F.relu(self.conv(level))
            scores.append(by_cell(self.objectness(x)))
            deltas.append(by_cell(self.deltas(x)).unflatten(1, (-1, 4)))
        return scores, deltas

    def anchors(self, levels: Sequence[Tensor], size: tuple[int, int]) -> list[Tensor]:
        """(H * W * A, 4) for each map of a batch of (height, width), in pixels."""
        return [grid_anchors(*grid_of(level, size), around.to(level.device), self.center)
                for level, around in zip(levels, self.around, strict=True)]

    @torch.no_grad()
    def propose(self, scores: Sequence[Tensor], deltas: Sequence[Tensor], anchors: Sequence[Tensor],
                sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
        """The best boxes of each image, (R, 4), whose (height, width) is in `sizes`.

        Without a gradient: what the detector learns from a proposal's place does not come back here
        (section 3.2 of the paper calls that approximate joint training).
        """
        before, after = (pair[0 if self.training else 1] for pair in (self.before, self.after))
        return [best([level[n] for level in scores], [level[n] for level in deltas], anchors, size,
                     before, after) for n, size in enumerate(sizes)]


def near_zero(part: nn.Module) -> None:
    """Let a layer's answers start near 0: what an anchor says is nothing but itself at first.

    Source:
        Ren et al. 2015, section 3.1.3.
    """
    if isinstance(part, nn.Conv2d):
        nn.init.normal_(part.weight, std=0.01)
        nn.init.zeros_(part.bias)


def by_cell(answers: Tensor) -> Tensor:
    """(B, A * n, H, W) -> (B, H * W * A * n): in the order in which anchors go.

    A convolution answers channel by channel, each a whole map. Anchors go cell by cell, so the
    channels must come last before the axes are joined.
    """
    return answers.permute(0, 2, 3, 1).flatten(1).float()


def grid_of(level: Tensor, size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """A map's (H, W), and its stride, (down, across), for a batch of (height, width)."""
    H, W = level.shape[-2:]
    return (H, W), (size[0] // H, size[1] // W)


def best(scores: Sequence[Tensor], deltas: Sequence[Tensor], anchors: Sequence[Tensor],
         size: tuple[int, int], before: int, after: int) -> Tensor:
    """Proposals (R, 4) of one image: top scores of each map, decoded, clipped, thinned out."""
    boxes, points, level = [], [], []
    for n, (score, delta, start) in enumerate(zip(scores, deltas, anchors, strict=True)):
        top, place = score.topk(min(before, len(score)))
        boxes.append(clip(decode(delta[place], start[place]), size))
        points.append(top.sigmoid())
        level.append(torch.full_like(place, n))
    boxes, points, level = torch.cat(boxes), torch.cat(points), torch.cat(level)
    solid = ((boxes[:, 2:] - boxes[:, :2]) >= SMALLEST).all(dim=1)
    boxes, points, level = boxes[solid], points[solid], level[solid]
    return boxes[batched_nms(boxes, points, level, NMS_IOU)[:after]]         # each map for itself


def rpn_losses(scores: Sequence[Tensor], deltas: Sequence[Tensor], anchors: Sequence[Tensor],
               targets: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Both terms: is there an object (two classes), and how far is its box.

    Args:
        scores: for each map (B, H * W * A).
        deltas: for each map (B, H * W * A, 4).
        anchors: for each map (H * W * A, 4).
        targets: `boxes` (M, 4) of each image; labels are not looked at.
    Source:
        Ren et al. 2015, equation 1; both terms are divided by the anchors drawn, as in torchvision.
    """
    start = torch.cat(list(anchors))                                         # (N, 4)
    scores, deltas = torch.cat(list(scores), dim=1), torch.cat(list(deltas), dim=1)
    given = [assign(start, target["boxes"].to(start), POSITIVE_IOU, NEGATIVE_IOU, rescue=True)
             for target in targets]
    objectness, box, count = 0, 0, 0
    for n, (one, target) in enumerate(zip(given, targets, strict=True)):
        yes, no = sample(one >= 0, one == NEGATIVE, DRAWN, POSITIVES)
        drawn = torch.cat([yes, no])
        truth = (one[drawn] >= 0).to(scores)
        objectness += F.binary_cross_entropy_with_logits(scores[n, drawn], truth, reduction="sum")
        wanted = encode(target["boxes"].to(start)[one[yes]], start[yes])
        box += smooth_l1(deltas[n, yes], wanted, BETA).sum()
        count += len(drawn)
    return {"objectness": objectness / max(count, 1), "rpn_box": box / max(count, 1)}
