"""The course's detectors with torchvision's weights find what torchvision's find."""

import pytest
import torch
from random_inputs import with_ordinary_features
from torchvision.models.detection import fasterrcnn_resnet50_fpn, maskrcnn_resnet50_fpn
from torchvision.models.detection.ssdlite import ssdlite320_mobilenet_v3_large

from coursekit.data import PennFudan
from coursekit.models.faster_rcnn import FasterRCNN
from coursekit.models.mask_rcnn import MaskRCNN
from coursekit.models.torchvision_weights import load_torchvision

SIZES = [(60, 97), (110, 70)]
FEW = {"rpn_pre_nms_top_n_test": 60, "rpn_post_nms_top_n_test": 9,      # a test must be quick
       "rpn_pre_nms_top_n_train": 60, "rpn_post_nms_top_n_train": 20}


def pictures():
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(3, *size, generator=generator) for size in SIZES]


@pytest.fixture(scope="module")
def theirs():
    """Mask R-CNN with random weights, and batch norm that has seen pictures: features of size 1."""
    torch.manual_seed(0)
    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=5,
                                  min_size=64, max_size=120, **FEW)
    return with_ordinary_features(model, scores=8)


def limit(model):
    model.resize, model.rpn.before, model.rpn.after = (64, 120), (60, 60), (20, 9)


def assert_same(ours, found, masks=True):
    for one, two in zip(ours, found, strict=True):
        assert len(two["boxes"]) > 5 and one["labels"].equal(two["labels"])
        torch.testing.assert_close(one["boxes"], two["boxes"], rtol=0, atol=1e-2)
        torch.testing.assert_close(one["scores"], two["scores"], rtol=0, atol=1e-4)
        if masks:
            torch.testing.assert_close(one["masks"], two["masks"], rtol=0, atol=1e-3)


@pytest.mark.timeout(240)
def test_mask_rcnn_gives_the_same_detections_for_pictures_of_two_sizes(theirs):
    ours = load_torchvision(theirs)
    assert type(ours) is MaskRCNN and not ours.training
    with torch.no_grad():
        assert_same(ours(pictures()), theirs(pictures()))


@pytest.mark.needs_pennfudan
@pytest.mark.timeout(240)
def test_photographs_of_six_shapes_alone_and_in_unequal_batches_are_read_alike(theirs):
    data, shapes = PennFudan(download=False), {}
    for n in range(0, len(data), 7):
        shapes.setdefault(data[n][0].shape[1:], data[n][0])
    photos = [shapes[size] for size in sorted(shapes, key=lambda size: size[0] / size[1])]
    photos = [photos[n] for n in torch.linspace(0, len(photos) - 1, 6).long()]
    assert len({photo.shape for photo in photos}) == 6       # from the tallest to the widest
    ours = load_torchvision(theirs)
    limit(ours)
    with torch.no_grad():
        for batch in (photos[:1], photos[1:3], photos[3:]):
            assert_same(ours(batch), theirs(batch))


@pytest.mark.timeout(240)
def test_a_state_dict_is_enough_for_frozen_and_for_trained_batch_norm(theirs):
    state = theirs.state_dict()
    ours = load_torchvision(state)
    limit(ours)                                              # a state says nothing of that
    with torch.no_grad():
        assert_same(ours(pictures()[:1]), theirs(pictures()[:1]))
    frozen = {key: value for key, value in state.items() if "num_batches_tracked" not in key}
    again = load_torchvision(frozen, frozen_eps=1e-5)
    limit(again)
    with torch.no_grad():
        assert_same(again(pictures()[:1]), theirs(pictures()[:1]))


@pytest.mark.timeout(240)
def test_losses_are_the_same_when_the_same_regions_are_drawn(theirs):
    ours = load_torchvision(theirs)
    targets = []
    for H, W in SIZES:
        masks = torch.zeros(2, H, W, dtype=torch.bool)
        masks[0, 5:40, 8:50], masks[1, 20:55, 30:66] = True, True
        boxes = torch.tensor([[8., 5, 50, 40], [30, 20, 66, 55]])
        targets.append({"boxes": boxes, "labels": torch.tensor([1, 3]), "masks": masks})
    ours.train(), theirs.train()
    for part in (*ours.modules(), *theirs.modules()):
        if isinstance(part, torch.nn.BatchNorm2d):
            part.eval()
    for model in (ours, theirs):                             # theirs has drawn a size before
        model.rpn.register_forward_pre_hook(lambda *_: torch.manual_seed(5) and None)
    wanted = theirs(pictures(), [dict(target) for target in targets])
    found = ours(pictures(), targets)
    theirs.eval()
    for mine, name in {"objectness": "loss_objectness", "rpn_box": "loss_rpn_box_reg",
                       "class": "loss_classifier", "box": "loss_box_reg",
                       "mask": "loss_mask"}.items():
        torch.testing.assert_close(found[mine], wanted[name], rtol=1e-4, atol=1e-4)


def test_the_official_files_older_names_are_understood(theirs):
    state = {key.replace("rpn.head.conv.0.0.", "rpn.head.conv."): value
             for key, value in theirs.state_dict().items()}
    for n in range(4):
        state = {key.replace(f"mask_head.{n}.0.", f"mask_head.mask_fcn{n + 1}."): value
                 for key, value in state.items()}
    ours = load_torchvision(state)
    assert ours.rpn.conv.weight.equal(theirs.state_dict()["rpn.head.conv.0.0.weight"])
    assert ours.mask_head.layers[6].bias.equal(theirs.state_dict()["roi_heads.mask_head.3.0.bias"])


def test_faster_rcnn_has_no_mask_head():
    torch.manual_seed(0)
    theirs = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=3,
                                     min_size=64, max_size=96, **FEW).eval()
    ours = load_torchvision(theirs)
    assert type(ours) is FasterRCNN and ours.head.num_classes == 3
    with torch.no_grad():
        found, wanted = ours(pictures()[:1])[0], theirs(pictures()[:1])[0]
    torch.testing.assert_close(found["boxes"], wanted["boxes"], rtol=0, atol=1e-2)


def test_what_is_no_such_detector_is_refused(theirs):
    with pytest.raises(ValueError, match="got a SSD, but a torchvision Faster"):
        load_torchvision(ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None))
    with pytest.raises(ValueError, match="got an entry 'body.conv1.weight'"):
        load_torchvision(theirs.backbone.state_dict())
    only = {key: value for key, value in theirs.state_dict().items() if key.startswith("backbone")}
    with pytest.raises(ValueError, match="none for .*rpn.conv.weight"):
        load_torchvision(only)
