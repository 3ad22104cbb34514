"""torchvision's Faster and Mask R-CNN with ResNet-50 and FPN, as the course's own classes.

The backbone is torchvision's own; the region proposal network, both heads, and everything between
them are the course's, with torchvision's sizes and its weights under our names. That both give the
same detections is the test that ours are the published detectors.

Where the two differ: torchvision's anchors are whole pixels, go ratio by ratio, and lie around
their cell's upper left corner; its RoIAlign has the half-cell shift of the first implementation
(aligned=False); its head has 1024 numbers between its layers.

Source: torchvision.models.detection, faster_rcnn.py and mask_rcnn.py.
"""

import copy
from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN as TorchvisionFasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d

from coursekit.models.fast_rcnn import BINS, BoxHead
from coursekit.models.faster_rcnn import FasterRCNN
from coursekit.models.mask_rcnn import MASK_BINS, MaskHead, MaskRCNN
from coursekit.models.pyramid import MEAN, STD
from coursekit.models.rpn import RPN
from coursekit.roi import align_levels

CHANNELS, STRIDE, REGIONS = 256, 32, 512
SIZES, RATIOS = (32, 64, 128, 256, 512), (0.5, 1.0, 2.0)
RESIZE = (800, 1333)            # shortest and longest side
TOPS = ((2000, 1000),) * 2      # proposals before and after NMS, in training and in evaluation
NAMES = {                       # ours: theirs
    "backbone.maps.": "backbone.", "rpn.conv.": "rpn.head.conv.0.0.",
    "rpn.objectness.": "rpn.head.cls_logits.", "rpn.deltas.": "rpn.head.bbox_pred.",
    "head.fc6.": "roi_heads.box_head.fc6.", "head.fc7.": "roi_heads.box_head.fc7.",
    "head.scores.": "roi_heads.box_predictor.cls_score.",
    "head.deltas.": "roi_heads.box_predictor.bbox_pred.",
    **{f"mask_head.layers.{2 * n}.": f"roi_heads.mask_head.{n}.0." for n in range(4)},
    "mask_head.up.": "roi_heads.mask_predictor.conv5_mask.",
    "mask_head.masks.": "roi_heads.mask_predictor.mask_fcn_logits."}
OLD_NAMES = {                   # theirs, before their version 2, as in the official files
    "rpn.head.conv.0.0.": "rpn.head.conv.",
    **{f"roi_heads.mask_head.{n}.0.": f"roi_heads.mask_head.mask_fcn{n + 1}." for n in range(4)}}


class Pyramid(nn.Module):
    """torchvision's ResNet with FPN: (B, 3, H, W) in [0, 1] -> five maps of strides 4 to 64."""

    channels, stride = CHANNELS, STRIDE

    def __init__(self, maps: nn.Module, mean: Tensor, std: Tensor):
        super().__init__()
        self.maps = maps
        self.register_buffer("mean", mean.view(3, 1, 1), persistent=False)
        self.register_buffer("std", std.view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps, from fine to coarse; the last is for the region proposal network alone."""
        return list(self.maps((images - self.mean) / self.std).values())


def load_torchvision(source: nn.Module | Mapping[str, Tensor],
                     frozen_eps: float = 0.0) -> FasterRCNN | MaskRCNN:
    """The course's own detector with a torchvision detector's weights: the same detections.

    Args:
        source: `fasterrcnn_resnet50_fpn` or `maskrcnn_resnet50_fpn`, or the `state_dict` of one,
            such as the official COCO_V1 files hold. A model brings its picture sizes and numbers
            of proposals along; the other settings are torchvision's defaults.
        frozen_eps: what frozen batch normalization adds to a variance, if a state dict has it: 0
            in the official files. A model that is passed brings its own.
    Returns:
        `MaskRCNN` if the source has masks, else `FasterRCNN`; in evaluation mode.
    Raises:
        ValueError: a source that is neither.
    Source:
        torchvision.models.detection, version 0.26 and later.
    """
    if isinstance(source, nn.Module):
        if not isinstance(source, TorchvisionFasterRCNN):
            raise ValueError(f"source: got a {type(source).__name__}, but a torchvision Faster or "
                             "Mask R-CNN was expected: maskrcnn_resnet50_fpn(), say.")
        state, transform = source.state_dict(), source.transform
        maps, colors = copy.deepcopy(source.backbone), (transform.image_mean, transform.image_std)
        size = transform.min_size[-1], transform.max_size
        tops = [(top["training"], top["testing"])
                for top in (source.rpn._pre_nms_top_n, source.rpn._post_nms_top_n)]
    else:
        state = source
        frozen = not any(key.endswith("num_batches_tracked") for key in state)
        norm = partial(FrozenBatchNorm2d, eps=frozen_eps) if frozen else nn.BatchNorm2d
        maps = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=norm)
        colors, size, tops = (MEAN, STD), RESIZE, TOPS
    model = build(Pyramid(maps, *map(torch.tensor, colors)), _renamed(state), size)
    model.rpn.before, model.rpn.after = tops
    return model.eval()


def build(backbone: Pyramid, state: dict[str, Tensor], size: tuple[int, int]) -> FasterRCNN:
    """The detector that the state's shapes call for, with that state in it."""
    K, hidden = state["head.scores.weight"].shape
    generator = AnchorGenerator(tuple((s,) for s in SIZES), (RATIOS,) * len(SIZES))
    rpn = RPN(CHANNELS, generator.cell_anchors, center=0)
    head = BoxHead(CHANNELS, K, hidden, partial(_align, output_size=BINS))
    parts = {"backbone": backbone, "num_classes": K, "rpn": rpn, "head": head, "resize": size}
    if "mask_head.masks.weight" in state:
        pool = partial(_align, output_size=MASK_BINS)
        model = MaskRCNN(**parts, mask_head=MaskHead(CHANNELS, K, CHANNELS, pool))
    else:
        model = FasterRCNN(**parts)
    model.regions = REGIONS
    model.load_state_dict(state)
    return model


def _align(levels: list[Tensor], boxes: list[Tensor], width: int, output_size: int) -> Tensor:
    """Heads read the four finest maps."""
    return align_levels(levels[:4], boxes, width, output_size)


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state of theirs under our names."""
    theirs = {name: ours for ours, name in NAMES.items()}
    theirs |= {old: theirs[name] for name, old in OLD_NAMES.items()}
    renamed = {}
    for key, value in state.items():
        begin = next((name for name in theirs if key.startswith(name)), None)
        if begin is None:
            raise ValueError(f"source: got an entry {key!r}, but only those of torchvision's "
                             "fasterrcnn_resnet50_fpn and maskrcnn_resnet50_fpn were expected. "
                             "Other backbones and the _v2 models are built another way.")
        renamed[theirs[begin] + key[len(begin):]] = value
    if "head.fc6.weight" in renamed:                 # theirs reads channel by channel, ours by bin
        weight = renamed["head.fc6.weight"].unflatten(1, (-1, BINS, BINS))
        renamed["head.fc6.weight"] = weight.permute(0, 2, 3, 1).flatten(1)
    missing = sorted(name for name in ("rpn.conv.weight", "head.scores.weight")
                     if name not in renamed)
    if missing:
        raise ValueError(f"source: got {len(state)} entries, but none for {missing}. Pass the "
                         "whole detector's state_dict, not its backbone's.")
    return renamed
