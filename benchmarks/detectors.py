"""Time of the course's Mask R-CNN against torchvision's: run this file.

One thread. Calls of ours and of torchvision's alternate; a ratio is the median of the pairs'
ratios, of processor time; it stops if one is above what the course claims. The two small Mask
R-CNNs have the same anchors, numbers of regions and weights, those that the course ships. They
find about, not exactly, the same: torchvision's RoIAlign reads half a cell beside ours, and in
training each draws its regions by chance. All that is won is won around RoIAlign, the layers are
the same: in detection they take more than half of torchvision's time, so that much less is won
than in training, and the less, the fewer scenes are looked at together. Late in a training more
regions get a mask, whose layers take their time: of that, and of single scenes, nothing is
claimed. The two large ones are the same function.
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

from coursekit import weights
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
    theirs = detection.MaskRCNN(
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
    middles = rpn.shapes(rpn.SIZES, rpn.RATIOS) + ours.backbone.stride / 2
    theirs.rpn.anchor_generator.cell_anchors = [middles]     # its grid starts at the cells' corners
    state = ours.state_dict()
    bins = state["head.fc6.weight"].unflatten(1, (7, 7, CHANNELS))       # theirs reads by channel
    state["head.fc6.weight"] = bins.permute(0, 3, 1, 2).flatten(1)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), state.values(), strict=True)))
    return theirs


def small_detectors() -> None:
    """Detection in eight scenes, together and one by one, and a training step of them."""
    data = PetScenes("test", length=BATCH)
    images, targets = zip(*[data[i] for i in range(BATCH)], strict=True)
    ours = MaskRCNN(Backbone()).eval()
    ours.load_state_dict(weights.load("mask-rcnn"))
    theirs = small_twin(ours).eval()
    with torch.inference_mode():
        counts = [sum(len(found["labels"]) for found in model(list(images)))
                  for model in (ours, theirs)]
        print(f"detections in the {BATCH} scenes: ours {counts[0]}, torchvision {counts[1]}")
        assert abs(counts[0] - counts[1]) < 0.2 * counts[1]
        compare("Mask R-CNN, detection in a batch of 8", lambda: ours(list(images)),
                lambda: theirs(list(images)), 0.8)
        compare("Mask R-CNN, detection in 8, one by one",
                lambda: [ours([image]) for image in images],
                lambda: [theirs([image]) for image in images], None)

    def step(model: nn.Module) -> None:
        model.zero_grad()
        sum(model(list(images), [dict(target) for target in targets]).values()).backward()

    compare("Mask R-CNN, a late training step of 8", lambda: step(ours.train()),
            lambda: step(theirs.train()), None)
    torch.manual_seed(0)                    # how many regions hold an object depends on the weights
    ours = MaskRCNN(Backbone())
    theirs = small_twin(ours)
    compare("Mask R-CNN, an early training step of 8", lambda: step(ours.train()),
            lambda: step(theirs.train()), 0.6)


def large_detector() -> None:
    """ResNet-50 with FPN, the same weights, one picture of 320 x 480."""
    theirs = detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=5,
                                             min_size=320, max_size=480).eval()
    ours, image = load_torchvision(theirs), torch.rand(3, 320, 480)
    with torch.inference_mode():
        compare("Mask R-CNN, ResNet-50, detection in one", lambda: ours([image]),
                lambda: theirs([image]), 1.1)


def main() -> None:
    """All comparisons."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    small_detectors()
    large_detector()


if __name__ == "__main__":
    main()
