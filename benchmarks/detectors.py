"""Time of the course's Mask R-CNN against torchvision's: run this file.

One thread. Calls of ours and of torchvision's alternate; a ratio is the median of the pairs'
ratios, of processor time; it stops if one is above what the course claims. The two small Mask
R-CNNs have the same backbone, anchors, heads and numbers of regions; their steps are not equal to
the digit, since each draws its regions by chance. The large ones have the same weights.
"""

import copy

import torch
from regions import compare
from torch import nn
from torchvision import ops
from torchvision.models import detection
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor

from coursekit.data import PetScenes
from coursekit.models import fast_rcnn, mask_rcnn, rpn
from coursekit.models.backbone import CHANNELS, Backbone
from coursekit.models.mask_rcnn import MaskRCNN
from coursekit.models.torchvision_weights import load_torchvision

K, SIDE, BATCH = 4, 128, 8


def small_twin(ours: MaskRCNN) -> detection.MaskRCNN:
    """Torchvision's Mask R-CNN of the course's sizes, over a copy of its backbone."""
    backbone = copy.deepcopy(ours.backbone)
    backbone.out_channels = CHANNELS
    hidden, channels = fast_rcnn.HIDDEN, mask_rcnn.CHANNELS
    (train_before, test_before), (train_after, test_after) = ours.rpn.before, ours.rpn.after
    return detection.MaskRCNN(
        backbone, min_size=SIDE, max_size=SIDE, image_mean=[0.0] * 3, image_std=[1.0] * 3,
        rpn_anchor_generator=AnchorGenerator((rpn.SIZES,), (rpn.RATIOS,)),
        rpn_pre_nms_top_n_train=train_before, rpn_pre_nms_top_n_test=test_before,
        rpn_post_nms_top_n_train=train_after, rpn_post_nms_top_n_test=test_after,
        box_batch_size_per_image=fast_rcnn.REGIONS,
        box_roi_pool=ops.MultiScaleRoIAlign(["0"], 7, 2),
        box_head=TwoMLPHead(CHANNELS * 49, hidden), box_predictor=FastRCNNPredictor(hidden, K),
        mask_roi_pool=ops.MultiScaleRoIAlign(["0"], 14, 2),
        mask_head=MaskRCNNHeads(CHANNELS, (channels,) * 4, 1),
        mask_predictor=MaskRCNNPredictor(channels, channels, K))


def small_detectors() -> None:
    """A training step of eight scenes, and detection in one by one."""
    data = PetScenes("train", length=BATCH)
    images, targets = zip(*[data[i] for i in range(BATCH)], strict=True)
    ours = MaskRCNN(Backbone())
    theirs = small_twin(ours)

    def step(model: nn.Module) -> None:
        model.zero_grad()
        sum(model(list(images), [dict(target) for target in targets]).values()).backward()

    ours.train(), theirs.train()
    compare("Mask R-CNN, a training step of 8", lambda: step(ours), lambda: step(theirs), 0.6)
    for model in (ours, theirs):            # some steps, so that there is something to find
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        for _ in range(20):
            step(model)
            optimizer.step()
        model.eval()
    with torch.inference_mode():
        compare("Mask R-CNN, detection in 8", lambda: [ours([image]) for image in images],
                lambda: [theirs([image]) for image in images], 0.7)


def large_detector() -> None:
    """ResNet-50 with FPN, the same weights, one picture of 320 x 480."""
    theirs = detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=5,
                                             min_size=320, max_size=480).eval()
    ours, image = load_torchvision(theirs), torch.rand(3, 320, 480)
    with torch.inference_mode():
        compare("Mask R-CNN, ResNet-50, detection in one", lambda: ours([image]),
                lambda: theirs([image]), 1.1, repeats=3)


def main() -> None:
    """All comparisons."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    small_detectors()
    large_detector()


if __name__ == "__main__":
    main()
