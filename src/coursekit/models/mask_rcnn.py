"""Mask R-CNN: Faster R-CNN with RoIAlign, and one head more.

For each region the head draws one mask a class, cell by cell with a sigmoid of its own: classes do
not compete, the box head has decided which one it is. It learns from regions with an object, on the
true class's mask alone. In evaluation it comes after the box head, on the boxes found.

B images, R regions, K classes with background 0, S = 28 cells a side of a mask.

Source: He et al. 2017 (arXiv:1703.06870), section 3; defaults as in torchvision.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coursekit.masks import cut, join, paste
from coursekit.models.batch import Target, scaled
from coursekit.models.fast_rcnn import BINS, BoxHead, Drawn
from coursekit.models.faster_rcnn import FasterRCNN, Size
from coursekit.models.rpn import RPN
from coursekit.roi import roi_align

MASK_BINS, LAYERS, CHANNELS = 14, 4, 64      # of the head; 256 channels in the paper


def align_one_map(levels: Sequence[Tensor], boxes: Sequence[Tensor], width: int,
                  bins: int) -> Tensor:
    """(R, C, bins, bins) of the only map there is, by RoIAlign with four points a bin."""
    return roi_align(levels[0], boxes, bins, levels[0].shape[-1] / width, 2, aligned=True)


pool_boxes, pool_masks = (partial(align_one_map, bins=bins) for bins in (BINS, MASK_BINS))


class MaskHead(nn.Module):
    """What each region's mask is, for every class: four convolutions, enlarged twofold.

    Args:
        inputs: C of the maps.
        num_classes: K, background included.
        channels: of the layers.
        pool: (maps, boxes of each image, width of the batch in pixels) -> (R, C, 14, 14).
    """

    def __init__(self, inputs: int, num_classes: int, channels: int = CHANNELS,
                 pool: Callable = pool_masks):
        super().__init__()
        self.pool, layers = pool, []
        for n in range(LAYERS):
            layers += [nn.Conv2d(channels if n else inputs, channels, 3, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.up = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.masks = nn.Conv2d(channels, num_classes, 1)
        for part in (self.up, self.masks, *self.layers[::2]):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(part.bias)

    def forward(self, levels: Sequence[Tensor], boxes: Sequence[Tensor], width: int) -> Tensor:
        """Maps and each image's boxes -> (R, K, 28, 28) before the sigmoid."""
        x = self.layers(self.pool(levels, boxes, width))                     # (R, C, 14, 14)
        return self.masks(F.relu(self.up(x))).float()


def mask_loss(answers: Tensor, drawn: Sequence[Drawn], targets: Sequence[Target]) -> Tensor:
    """Mean binary cross-entropy over the cells of the true class's mask; 0 without a region.

    Args:
        answers: (R, K, S, S) before the sigmoid, for the regions drawn, all with an object.
        drawn: those regions, image by image.
        targets: `masks` (M, H, W) of each image.
    Source:
        He et al. 2017, section 3, L_mask.
    """
    masks = [target["masks"] for target in targets]
    boxes, labels = (torch.cat([one[n] for one in drawn]) for n in (0, 1))
    which = torch.cat([one.which + sum(map(len, masks[:n])) for n, one in enumerate(drawn)])
    wanted = cut(join(masks), boxes, which, answers.shape[-1])               # (R, S, S)
    mine = answers[torch.arange(len(labels), device=labels.device), labels]  # (R, S, S)
    cost = F.binary_cross_entropy_with_logits(mine, wanted, reduction="sum")
    return cost / max(wanted.numel(), 1)


class MaskRCNN(FasterRCNN):
    """`FasterRCNN` with RoIAlign and a `MaskHead`; targets and detections have `masks`, too.

    Detections' `masks` are (N, 1, H, W) in [0, 1], as torchvision's: above 0.5 is the object.

    Args:
        backbone: see `FasterRCNN`, as the other arguments.
        num_classes: K, background included.
        rpn: another `RPN` than the course's small one.
        head: another `BoxHead`, likewise.
        mask_head: another `MaskHead`, likewise.
        resize: see `FasterRCNN`.
    """

    needed = ("boxes", "labels", "masks")

    def __init__(self, backbone: nn.Module, num_classes: int = 4, rpn: RPN | None = None,
                 head: BoxHead | None = None, mask_head: MaskHead | None = None,
                 resize: tuple[int, int] | None = None):
        head = head or BoxHead(backbone.channels, num_classes, pool=pool_boxes)
        super().__init__(backbone, num_classes, rpn, head, resize)
        self.mask_head = mask_head or MaskHead(backbone.channels, num_classes)

    def losses(self, levels: Sequence[Tensor], width: int, drawn: Sequence[Drawn],
               targets: Sequence[Target]) -> dict[str, Tensor]:
        """The box head's losses, and the mask's."""
        found = [Drawn(*(part[one.labels > 0] for part in one)) for one in drawn]
        answers = self.mask_head(levels, [one.boxes for one in found], width)
        return super().losses(levels, width, drawn, targets) | {
            "mask": mask_loss(answers, found, targets)}

    @torch.no_grad()
    def detect(self, levels: Sequence[Tensor], width: int, proposals: Sequence[Tensor],
               sizes: Sequence[Size], originals: Sequence[Size]) -> list[Target]:
        """The box head's detections, and a mask for each, drawn after them."""
        found = super().detect(levels, width, proposals, sizes, sizes)
        answers = self.mask_head(levels, [one["boxes"] for one in found], width)
        answers = answers.split([len(one["labels"]) for one in found])
        for one, masks, size, original in zip(found, answers, sizes, originals, strict=True):
            one["boxes"] = scaled(one["boxes"], size, original)
            mine = masks[torch.arange(len(masks), device=masks.device), one["labels"]]
            one["masks"] = paste(mine.sigmoid(), one["boxes"], original)[:, None]
        return found
