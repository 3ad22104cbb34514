"""The package on small inputs, written once and run on every device.

Each case is a function of `to`, which brings tensors, models, and lists and dicts of them to the
device; it returns all results, which `test_any_device` compares. Models are made on the CPU and
moved, as a reader's are.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from random_inputs import random_boxes, random_labels, random_masks, random_picture
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator

from coursekit import boxes, losses, masks, metrics, plot, upsample
from coursekit.anchors import grid_anchors, shapes
from coursekit.assignment import NEGATIVE, assign, sample
from coursekit.box_losses import giou_loss, iou_loss, smooth_l1
from coursekit.data import collate
from coursekit.figures import pack_scene
from coursekit.fine_tune import fine_tune
from coursekit.models import batch, pixels, rcnn_fit, torchvision_weights
from coursekit.models.backbone import Backbone, Classifier
from coursekit.models.fast_rcnn import BoxHead, FastRCNN
from coursekit.models.faster_rcnn import FasterRCNN
from coursekit.models.localiser import Localiser
from coursekit.models.mask_rcnn import MaskHead, MaskRCNN
from coursekit.models.pyramid import MobilePyramid, pyramid_mask_rcnn
from coursekit.models.rcnn import RCNN
from coursekit.models.rpn import RPN
from coursekit.models.segmentation import DECODERS, Encoder, Segmenter
from coursekit.proposals import selective_search
from coursekit.roi import align_levels, roi_align, roi_pool
from coursekit.train import fit
from coursekit.warp import warp

To = Callable[[object], object]
CASES: dict[str, Callable[[To], object]] = {}


def case(function: Callable[[To], object]) -> Callable[[To], object]:
    """Enter a case under its name."""
    CASES[function.__name__.replace("_", " ")] = function
    return function


def scene(n: int = 2, seed: int = 0, H: int = 48, W: int = 72) -> tuple[Tensor, dict]:
    """A picture with n objects and everything that a target can hold."""
    planes = torch.zeros(n, H, W, dtype=torch.bool)
    for i in range(n):
        planes[i, 4 + 3 * i:24 + 5 * i, 6 + 20 * i:26 + 20 * i] = True
    return random_picture(H, W, seed), {
        "boxes": boxes.from_masks(planes), "labels": torch.arange(n) % 3 + 1, "masks": planes,
        "semantic": random_labels((H, W), 7, seed, void=0.1), "proposals": random_boxes(9, seed, H)}


def learned(model: nn.Module, costs: dict[str, Tensor]) -> dict:
    """The losses, and their gradients in all weights that learn."""
    sum(costs.values()).backward()
    return {"costs": costs, "gradients": [p.grad for p in model.parameters() if p.requires_grad]}


def both(model: nn.Module, to: To, *extra: object) -> dict:
    """A detector's losses with their gradients, and what it finds; a second picture is empty."""
    images, targets = zip(scene(), scene(0, 1, 56, 40), strict=True)
    model, images, targets = to(model).train(), to(list(images)), to(list(targets))
    trained = learned(model, model(images, targets, *map(to, extra)))
    model.eval()
    with torch.no_grad():
        found = model(images, targets, *map(to, extra)) if extra else model(images)
    return {**trained, "found": found}


# ---- functions


@case
def boxes_compared(to: To) -> list:
    a, b = (to(random_boxes(8, seed)).requires_grad_() for seed in (0, 1))
    results = [boxes.area(a), boxes.iou(a, b[:5]), boxes.giou(a, b[:5]), iou_loss(a, b),
               giou_loss(a, b), smooth_l1(a, b, 1 / 9)]
    sum(result.sum() for result in results).backward()
    return [*results, a.grad, b.grad]


@case
def boxes_rewritten(to: To) -> list:
    a, b = to(random_boxes(8, 0) + torch.tensor([0., 0, 1, 1])), to(random_boxes(8, 1) + 1)
    found = [boxes.convert(a, "xyxy", other) for other in boxes.FORMATS]
    back = [boxes.convert(one, name, "xyxy") for one, name in zip(found, boxes.FORMATS,
                                                                    strict=True)]
    deltas = boxes.encode(a, b + to(torch.tensor([0., 0, 2, 2])), (10, 10, 5, 5))
    return [*found, *back, deltas, boxes.decode(deltas, b), boxes.clip(b, (40, 50)),
            boxes.decode(deltas[:, None].repeat(1, 3, 1), b, (10, 10, 5, 5)),
            boxes.from_masks(to(random_masks(4, 20, 30)))]


@case
def duplicates_suppressed(to: To) -> list:
    a, scores = to(random_boxes(300, 0)), to(torch.rand(300))
    return [boxes.nms(a, scores, 0.3), boxes.batched_nms(a, scores, to(torch.arange(300) % 3), 0.3)]


@case
def upsampling(to: To) -> list:
    x, weight, bias = (to(torch.randn(*shape)).requires_grad_()
                       for shape in ((2, 3, 4, 6), (3, 5, 4, 4), (5,)))
    values, places = upsample.max_pool(x, 2)
    results = [upsample.nearest(x, (2, 3)), upsample.bilinear(x, (7, 9)),
               upsample.bilinear(x, (7, 9), align_corners=True), upsample.bed_of_nails(x, 2),
               values, upsample.max_unpool(values, places, (4, 6)),
               upsample.conv_transpose2d(x, weight, bias, 2, 1, 1)]
    sum(result.square().sum() for result in results).backward()
    return [*results, places, x.grad, weight.grad, bias.grad]


@case
def maps_of_classes(to: To) -> list:
    scores, truth = to(torch.randn(2, 7, 12, 20)).requires_grad_(), to(
        random_labels((2, 12, 20), 7, void=0.1))
    weights = losses.median_frequency_weights(to(torch.tensor([9., 3, 0, 1, 2, 8, 5])))
    costs = [losses.cross_entropy(scores, truth, weights), losses.soft_dice(scores, truth)]
    sum(costs).backward()
    answer = scores.argmax(dim=1)
    matrix = metrics.confusion_matrix(answer, truth, 7)
    return [weights, *costs, scores.grad, matrix, metrics.pixel_accuracy(matrix),
            metrics.mean_iou(matrix), metrics.boundary_iou(answer, truth, 7)]


@case
def average_precision(to: To) -> list:
    planes = random_masks(6, 30, 40)
    true = to([{"boxes": random_boxes(6), "labels": torch.arange(6) % 2, "masks": planes,
                "iscrowd": torch.zeros(6, dtype=torch.int64), "area": torch.rand(6)}])
    found = to([{"boxes": random_boxes(6) + 1, "labels": torch.arange(6) % 2,
                 "masks": planes.roll(1, 2), "scores": torch.rand(6)}])
    return [metrics.coco_ap(found, true, kind) for kind in ("bbox", "segm")]


@case
def regions_learn(to: To) -> list:
    anchors = grid_anchors((4, 6), (8, 8), to(shapes((16, 28), (0.5, 1, 2))))
    given = assign(anchors, to(random_boxes(3, 0, 32, 48)), 0.5, 0.3, rescue=True)
    torch.manual_seed(0)
    return [anchors, given, *sample(given >= 0, given == NEGATIVE, 20, 0.5),
            assign(anchors, anchors.new_zeros(0, 4), 0.5, 0.3)]


@case
def regions_pooled(to: To) -> list:
    features, results = to(torch.randn(2, 3, 9, 12)).requires_grad_(), []
    rows = to([random_boxes(5, 0, 70, 90), random_boxes(3, 1, 70, 90)])
    for adaptive in (-1, 2):
        results += [roi_align(features, rows, (3, 2), 1 / 8, adaptive, aligned=adaptive > 0)]
    results += [roi_pool(features, rows, (3, 2), 1 / 8),
                align_levels([features, features[:, :, ::2, ::2]], rows, 96, 3)]
    sum(result.square().sum() for result in results).backward()
    with torch.no_grad():
        results.append(roi_pool(features, rows, 3, 1 / 8))
    return [*results, features.grad]


@case
def masks_cut_and_pasted(to: To) -> list:
    planes, some = to([random_masks(2, 40, 60), random_masks(1, 52, 36)]), to(random_boxes(4, 0))
    parts = masks.cut(masks.join(planes), some, to(torch.tensor([0, 2, 1, 0])), 7)
    return [parts, masks.paste(parts, some, (40, 60)), masks.join([planes[0][:0]])]


@case
def pictures_made_ready(to: To) -> list:
    image, target = to(scene())
    resized, aim = batch.resize(image, target, 30, 60)
    fill = to(torch.rand(3, 1, 1))
    points = to(pixels.grid_points((48, 72), 16))
    collate([(image, target)])
    return [batch.stack([image, resized], 32, fill), aim, pack_scene(image, target),
            warp(image, target["boxes"] - 9, fill, 16), pixels.patches_around(image, points, 9)]


@case
def pictures_shown(to: To) -> list:
    image, target = to(scene())
    left, middle, right = plot.row(3)
    plot.show_boxes(image, target["boxes"], ax=left)
    plot.show_masks(image, target["masks"], ax=middle)
    plot.show_semantic(target["semantic"], ax=right)
    plt.close("all")
    return []


@case
def proposals_on_the_cpu(to: To) -> Tensor:
    return selective_search(to(scene()[0]))     # NumPy's work on the picture; detectors move them


# ---- models


@case
def patches_and_their_twin(to: To) -> list:
    classifier = to(pixels.PatchClassifier()).train()
    cost = {"": F.cross_entropy(classifier(to(torch.rand(4, 3, 55, 55))), to(torch.arange(4)))}
    result = learned(classifier, cost)
    twin = pixels.FullyConvolutional.from_patch_classifier(classifier.eval())
    image, target = to(scene())
    return [result, learned(twin, losses.pixel_loss(twin, [image], [target]))]


def segmenter(name: str, to: To) -> dict:
    model, (image, target) = to(Segmenter(Encoder(), DECODERS[name]())).train(), to(scene())
    return learned(model, losses.pixel_loss(model, [image, image.flip(2)], [target] * 2))


CASES |= {f"decoder {name}": partial(segmenter, name) for name in DECODERS}


@case
def backbone_classifies(to: To) -> dict:
    model = to(Classifier(Backbone())).train()
    return learned(model, {"": F.cross_entropy(model(to(torch.rand(3, 3, 64, 64))),
                                               to(torch.arange(3)))})


@case
def localiser(to: To) -> dict:
    model, (images, targets) = to(Localiser(Encoder())), zip(scene(1), scene(0, 1), strict=True)
    trained = learned(model, model(to(list(images)), to(list(targets))))
    model.eval()
    return {**trained, "found": model(to(list(images))), "none": model([])}


@case
def rcnn_fitted(to: To) -> list:
    model, samples = to(RCNN(Backbone())), to([scene(), scene(2, 1)])
    near = [to(target["boxes"].repeat(4, 1) + 1) for _, target in samples]
    examples = rcnn_fit.gather(model, samples, near)
    counts = [rcnn_fit.fit_svms(model, examples), rcnn_fit.fit_boxes(model, examples)]
    other, image = to(RCNN(model.backbone)), samples[0][0]
    other.load_heads(model.heads())
    return [examples, counts, model.heads(), other([image], near[:1]), model([image])]


@case
def fast_rcnn(to: To) -> dict:
    proposals = [random_boxes(30, 0, 48, 72), random_boxes(20, 1, 40, 40)]
    return both(FastRCNN(Backbone()), to, proposals)


@case
def fast_rcnn_with_proposals_in_its_targets(to: To) -> dict:
    model, (image, target) = to(FastRCNN(Backbone())), to(scene())
    return [model([image], [target]), model.eval()([image])]         # and those of the search


@case
def faster_rcnn(to: To) -> dict:
    return both(FasterRCNN(Backbone()), to)


@case
def mask_rcnn(to: To) -> dict:
    return both(MaskRCNN(Backbone()), to)


class Five(nn.Module):
    """Five small maps of strides 4 to 64, as torchvision's feature pyramid gives them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 4, stride=4)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        x = self.conv(images)
        return OrderedDict((str(n), F.avg_pool2d(x, 2 ** n, ceil_mode=True)) for n in range(5))


@case
def mask_rcnn_on_a_pyramid_with_resizing(to: To) -> dict:
    ours = torchvision_weights
    pyramid = ours.Pyramid(Five(), *map(torch.tensor, (ours.MEAN, ours.STD)))
    pyramid.channels = 8
    anchors = AnchorGenerator(tuple((s,) for s in ours.SIZES), (ours.RATIOS,) * 5).cell_anchors
    head = BoxHead(8, 4, 16, partial(ours._align, output_size=7))
    mask_head = MaskHead(8, 4, 8, partial(ours._align, output_size=14))
    return both(MaskRCNN(pyramid, 4, RPN(8, anchors, center=0), head, mask_head, (64, 96)), to)


@case
def mask_rcnn_on_mobilenet_fine_tuned(to: To) -> list:
    model = to(pyramid_mask_rcnn(MobilePyramid(pretrained=False), 4, (64, 96)))
    images, targets = zip(scene(), scene(1, 1), strict=True)
    loader = [(list(images), list(targets))]
    epoch, = fine_tune(model, loader, loader, torch.optim.SGD(model.parameters(), 1e-3), 1)
    return [epoch["loss"], epoch["validation"], list(model.parameters()), model(to(list(images)))]


@case
def training_that_is_resumed(to: To) -> list:
    image, target = scene(1)
    results, device = [], to(torch.zeros(())).device
    with TemporaryDirectory() as folder:
        for _ in range(2):                          # the second time from the checkpoint
            model = Localiser(Encoder())
            history = fit(model, [([image], [target])] * 2, epochs=2, seed=0, device=device,
                          checkpoint=f"{folder}/run.pt")
            results += [history.last(), list(model.parameters())]
    return results
