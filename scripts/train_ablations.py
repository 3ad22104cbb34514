"""Make chapter 12's table of small trainings: does RoIAlign matter, and does the sigmoid?

Three kinds of Mask R-CNN: the course's own; one whose two heads read the map by RoI pooling; and
one whose classes compete for every cell of a mask, by a softmax over the K channels with background
0, as in semantic segmentation. Each is trained by `train_detector.py`'s recipe with fewer steps,
and measured on the same 200 test scenes. No weights are stored; the scores of all seeds become
`src/coursekit/weights/mask-ablations.json`.

Source: the questions are those of He et al. 2017, tables 2b and 2c.

    python scripts/train_ablations.py --seeds 0 1 2
"""

import argparse
import json
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from train_detector import BATCH, LR, measure, samples, train_one

from coursekit import weights
from coursekit.data.petscenes import code_version
from coursekit.masks import cut
from coursekit.models.backbone import Backbone
from coursekit.models.fast_rcnn import Drawn, pool_one_map
from coursekit.models.mask_rcnn import MASK_BINS, MaskHead, MaskRCNN
from coursekit.roi import roi_pool

K = 4


def main() -> None:
    """Train, measure, store the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--scenes", type=int, default=4000, help="of the training split")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--test", type=int, default=200, help="scenes of the test split")
    parser.add_argument("--dry", action="store_true", help="store nothing")
    options = parser.parse_args()
    train = samples("mask-rcnn", "train", options.scenes)
    test = samples("mask-rcnn", "test", options.test)
    table = {"recipe": {"steps": options.steps, "batch": BATCH, "lr": LR, "scenes": options.scenes,
                        "data": f"PetScenes {code_version()}", "seeds": options.seeds,
                        "test_scenes": options.test}, "runs": []}
    for seed in options.seeds:
        for variant, make in VARIANTS.items():
            model = train_one(make, train, seed, options.steps)
            table["runs"].append({"variant": variant, "seed": seed, **measure(model, test)})
            print(table["runs"][-1], flush=True)
    if not options.dry:
        file = weights.FOLDER / "mask-ablations.json"
        file.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def pooled(backbone: Backbone) -> MaskRCNN:
    """Both heads read the map by RoI pooling, each with as many bins as before."""
    model = MaskRCNN(backbone, K)
    model.head.pool, model.mask_head.pool = pool_one_map, pool_masks_rounded
    return model


def pool_masks_rounded(levels: Sequence[Tensor], boxes: Sequence[Tensor], width: int) -> Tensor:
    """(R, C, 14, 14) of the only map there is, by RoI pooling."""
    return roi_pool(levels[0], boxes, MASK_BINS, levels[0].shape[-1] / width)


class CompetingHead(MaskHead):
    """In evaluation the log odds of a softmax over the classes: a sigmoid of them is its share."""

    def forward(self, levels: Sequence[Tensor], boxes: Sequence[Tensor], width: int) -> Tensor:
        """Maps and each image's boxes -> (R, K, 28, 28)."""
        x = super().forward(levels, boxes, width)
        return x if self.training else x.softmax(dim=1).logit(eps=1e-6)


class Competing(MaskRCNN):
    """Each cell of a mask is one of K classes, background included."""

    def __init__(self, backbone: Backbone):
        super().__init__(backbone, K, mask_head=CompetingHead(backbone.channels, K))

    def losses(self, levels: Sequence[Tensor], width: int, drawn: Sequence[Drawn],
               targets: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        """The box head's losses, and a cross-entropy over all K channels for the mask."""
        found = [Drawn(*(part[one.labels > 0] for part in one)) for one in drawn]
        answers = self.mask_head(levels, [one.boxes for one in found], width)    # (R, K, 28, 28)
        side = answers.shape[-1]
        wanted = torch.cat([one.labels[:, None, None]
                            * (cut(target["masks"], one.boxes, one.which, side) > 0.5)
                            for one, target in zip(found, targets, strict=True)])
        cost = F.cross_entropy(answers, wanted, reduction="sum") / max(wanted.numel(), 1)
        return super(MaskRCNN, self).losses(levels, width, drawn, targets) | {"mask": cost}


VARIANTS: dict[str, Callable[[Backbone], MaskRCNN]] = {
    "align, sigmoid": MaskRCNN, "pool, sigmoid": pooled, "align, softmax": Competing}


if __name__ == "__main__":
    main()
