"""Several processes train one detector: each learns its share of every batch.

Every process holds a whole copy of the model and a part of the batch. It computes its own
gradients, torch's DistributedDataParallel takes the mean over the processes, and all make the same
step. That equals one process with the whole batch only if the loss is a mean over the same number
of things everywhere. A detector's is not: it divides by the regions with an object, by the anchors
drawn, and each process has another number of them. `Share` repairs that. With the divisors C_p of
P processes, the loss L_p of one is multiplied by P C_p / (C_1 + … + C_P); then the mean over the
processes is (C_1 L_1 + … + C_P L_P) / (C_1 + … + C_P), the loss of the whole batch.

What is equal, then. Exactly, but for the rounding of float32: the losses and gradients of the same
images, of one size, with the same anchors and regions drawn. What differs: anchors and regions are
drawn by chance, in each process by another, as they would with another seed. Photographs of several
sizes are padded to the largest of a process's part, not of the whole batch. Batch normalization
would see another batch in each process: the command line keeps it as it was learned. And where the
images cannot be divided by P, up to P - 1 of an epoch are learned twice.

Source: Li et al. 2020, 'PyTorch Distributed' (arXiv:2006.15704); torch.nn.parallel.
"""

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from coursekit.assignment import NEGATIVE, assign
from coursekit.models import rpn
from coursekit.models.batch import Target
from coursekit.models.fast_rcnn import Drawn
from coursekit.models.faster_rcnn import FasterRCNN


def shared_loss(model: FasterRCNN, device: torch.device) -> Callable | None:
    """The `loss` that `fit` needs to train `model` in several processes; None alone.

    Args:
        model: on its device; all processes go on from the first one's weights.
        device: from `join`.
    """
    if not dist.is_initialized():
        return None
    team = DistributedDataParallel(Share(model), [device] if device.type == "cuda" else None)
    return lambda _, images, targets: team(images, targets)


class Share(nn.Module):
    """A detector that learns this process's part of a batch: the losses are the whole batch's.

    As a value each loss is that of all processes' images, in every process the same: what is
    printed is true of the whole, and a loss that is not finite stops all of them. Its gradient is
    this process's part; the mean over the processes is the whole batch's.

    Args:
        model: `FasterRCNN` or `MaskRCNN`.
    """

    def __init__(self, model: FasterRCNN):
        super().__init__()
        self.model = model

    def forward(self, images: Sequence[Tensor], targets: Sequence[Target]) -> dict[str, Tensor]:
        """The losses of the images of all processes."""
        counts, head_losses = {}, self.model.losses

        def counted(levels: Sequence[Tensor], width: int, drawn: Sequence[Drawn],
                    targets: Sequence[Target]) -> dict[str, Tensor]:
            counts.update(divisors(self.model, levels, width, drawn, targets))
            return head_losses(levels, width, drawn, targets)

        self.model.losses = counted             # the one place where all that is counted is known
        try:
            losses = self.model(images, targets)
        finally:
            del self.model.losses
        return whole(losses, counts)


def divisors(model: FasterRCNN, levels: Sequence[Tensor], width: int, drawn: Sequence[Drawn],
             targets: Sequence[Target]) -> dict[str, int]:
    """What each loss is divided by: the anchors drawn, the regions drawn, those with an object.

    Args:
        model: the detector.
        levels: as in its `losses`, like the other arguments.
        width: of the batch, in pixels.
        drawn: the regions of each image.
        targets: at the network's size.
    """
    H, W = levels[0].shape[-2:]
    anchors = torch.cat(model.rpn.anchors(levels, (H * (width // W), width)))
    regions = sum(len(one.labels) for one in drawn)
    count = sum(drawn_anchors(anchors, target["boxes"].to(anchors)) for target in targets)
    return {"objectness": count, "rpn_box": count, "class": regions, "box": regions,
            "mask": sum(int((one.labels > 0).sum()) for one in drawn)}


def drawn_anchors(anchors: Tensor, objects: Tensor) -> int:
    """How many anchors of one image `rpn_losses` draws; which ones is chance, their number not."""
    given = assign(anchors, objects, rpn.POSITIVE_IOU, rpn.NEGATIVE_IOU, rescue=True)
    positives = min(int((given >= 0).sum()), int(rpn.DRAWN * rpn.POSITIVES))
    return min(positives + int((given == NEGATIVE).sum()), rpn.DRAWN)


def whole(losses: dict[str, Tensor], counts: dict[str, int]) -> dict[str, Tensor]:
    """Each loss with the value of all processes' batch, and this process's part of its gradient."""
    P, terms = dist.get_world_size(), torch.stack(list(losses.values())).double()
    mine = terms.new_tensor([counts[name] for name in losses])               # C_p
    sums = torch.stack([terms.detach() * mine, mine])
    dist.all_reduce(sums)
    total = sums[1].clamp(min=1)                # where nothing is counted anywhere, a loss is 0
    parts = terms * (P * mine / total)
    values = parts + (sums[0] / total - parts).detach()
    return dict(zip(losses, values.float(), strict=True))
