"""Anchors, the RPN and Faster R-CNN: by hand, torchvision's parts, contract, empty inputs."""

import pytest
import torch
from random_inputs import random_boxes
from random_inputs import random_picture as picture
from random_inputs import random_target as target_of
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from coursekit.anchors import grid_anchors, shapes
from coursekit.boxes import encode, iou
from coursekit.models.backbone import Backbone
from coursekit.models.fast_rcnn import BoxHead
from coursekit.models.faster_rcnn import FasterRCNN
from coursekit.models.rpn import RPN, best, rpn_losses
from coursekit.train import fit

NOTHING = torch.zeros(0, 4)
EMPTY = {"boxes": NOTHING, "labels": torch.zeros(0, dtype=torch.int64)}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return FasterRCNN(Backbone())


# ---- anchors


def test_shapes_keep_their_area_and_ratio_is_height_to_width():
    around = shapes((16, 32), (0.25, 1, 4))
    sides = around[:, 2:] - around[:, :2]
    assert sides.tolist() == [[32, 8], [16, 16], [8, 32], [64, 16], [32, 32], [16, 64]]
    assert (around[:, :2] == -around[:, 2:]).all()


def test_anchors_go_row_by_row_cell_by_cell_shape_by_shape():
    anchors = grid_anchors((2, 3), 8, shapes((4,), (1, 4)))
    assert anchors.shape == (12, 4)
    centers = (anchors[:, :2] + anchors[:, 2:]) / 2
    assert centers[::2].tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12]]
    assert centers[::2].equal(centers[1::2])
    assert anchors[:2].tolist() == [[2, 2, 6, 6], [3, 0, 5, 8]]


@pytest.mark.parametrize("grid, stride", [((3, 5), 16), ((4, 2), (8, 12)), ((0, 3), 8)])
def test_anchors_equal_torchvisions_given_its_shapes_and_corner(grid, stride):
    generator = AnchorGenerator(((32, 64),), ((0.5, 1.0, 2.0),))
    pair = (stride, stride) if isinstance(stride, int) else stride
    image = ImageList(torch.zeros(1, 3, max(grid[0], 1) * pair[0], grid[1] * pair[1]), [(9, 9)])
    ours = grid_anchors(grid, stride, generator.cell_anchors[0], center=0)
    if grid[0]:
        assert ours.equal(generator(image, [torch.zeros(1, 4, *grid)])[0])
    assert ours.shape == (grid[0] * grid[1] * 6, 4)


@pytest.mark.parametrize("sizes, ratios", [((), (1,)), ((8,), ()), ((8, 0), (1,)), ((8,), (-1,))])
def test_shapes_without_a_size_or_below_zero_are_refused(sizes, ratios):
    with pytest.raises(ValueError, match="one or more of each, all above 0"):
        shapes(sizes, ratios)


# ---- the region proposal network


def twins(channels=6, A=3):
    """Our RPN and torchvision's, with the same weights, anchors and limits."""
    torch.manual_seed(1)
    generator = AnchorGenerator(((24,),), ((0.5, 1.0, 2.0),))
    head = RPNHead(channels, A)
    for part in head.parameters():
        torch.nn.init.normal_(part, std=0.3)
    top = {"training": 80, "testing": 40}
    theirs = RegionProposalNetwork(generator, head, 0.7, 0.3, 256, 0.5, top, top, 0.7)
    ours = RPN(channels, generator.cell_anchors, 0, (80, 40), (80, 40))
    ours.load_state_dict(dict(zip(ours.state_dict(), head.state_dict().values(), strict=True)))
    return ours, theirs


def test_proposals_and_losses_equal_torchvisions_on_a_map_that_is_not_square():
    ours, theirs = twins()
    level = torch.randn(2, 6, 5, 9)
    sizes, targets = [(40, 72), (33, 60)], [target_of(), EMPTY]
    images = ImageList(torch.zeros(2, 3, 40, 72), sizes)
    torch.manual_seed(7)
    boxes, losses = theirs.train()(images, {"0": level}, targets)
    scores, deltas = ours.train()([level])
    anchors = ours.anchors([level], (40, 72))
    for one, two in zip(ours.propose(scores, deltas, anchors, sizes), boxes, strict=True):
        torch.testing.assert_close(one, two)
    torch.manual_seed(7)
    costs = rpn_losses(scores, deltas, anchors, targets)
    torch.testing.assert_close(costs["objectness"], losses["loss_objectness"])
    torch.testing.assert_close(costs["rpn_box"], losses["loss_rpn_box_reg"])


def test_answers_come_in_the_anchors_order():
    rpn = RPN(2, [shapes((8,), (1, 2))])
    with torch.no_grad():
        rpn.conv.weight.zero_(), rpn.deltas.weight.zero_()
        rpn.conv.weight[0, 0, 1, 1] = 1.0                    # passes channel 0 on
        rpn.deltas.weight[4, 0] = 1.0                        # dx of the second shape
    level = torch.arange(6.).view(1, 1, 2, 3).expand(1, 2, 2, 3)
    deltas = rpn([level])[1][0]
    assert deltas[0, 1::2, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert not deltas[0, ::2].any() and not deltas[0, :, 1:].any()


def test_perfect_answers_propose_the_objects_first():
    rpn, target = RPN(4), target_of(4)
    level = torch.zeros(1, 4, 6, 9)
    anchors = rpn.anchors([level], (48, 72))
    overlaps = iou(anchors[0], target["boxes"])
    score, which = overlaps.max(dim=1)
    deltas = encode(target["boxes"][which], anchors[0])
    found = rpn.propose([score[None]], [deltas[None]], anchors, [(48, 72)])[0]
    assert (iou(found, target["boxes"]).amax(dim=0) > 0.99).all()


def test_proposals_lie_in_the_picture_have_area_and_no_gradient():
    rpn = RPN(4)
    torch.nn.init.normal_(rpn.deltas.weight)
    level = torch.randn(1, 4, 5, 8, requires_grad=True)
    found = rpn.propose(*rpn([level]), rpn.anchors([level], (40, 64)), [(37, 61)])[0]
    assert (found >= 0).all() and (found <= torch.tensor([61., 37, 61, 37])).all()
    assert (found[:, 2:] > found[:, :2]).all() and not found.requires_grad


def test_each_map_has_an_nms_of_its_own():
    boxes = torch.tensor([[0., 0, 20, 20]])
    same = [boxes, boxes]
    found = best([torch.tensor([1.]), torch.tensor([2.])], [torch.zeros(1, 4)] * 2, same,
                 (40, 40), 10, 10)
    assert found.tolist() == [[0, 0, 20, 20]] * 2


# ---- Faster R-CNN


def test_contract_losses_in_training_and_detections_in_evaluation(model):
    images, targets = [picture(), picture(40, 33, 1)], [target_of(), EMPTY]
    losses = model.train()(images, targets)
    assert sorted(losses) == ["box", "class", "objectness", "rpn_box"]
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters())
    found = model.eval()(images)
    for one, image in zip(found, images, strict=True):
        H, W = image.shape[1:]
        assert (one["boxes"] <= torch.tensor([W, H, W, H])).all()
        assert (one["scores"].diff() <= 0).all()


def test_the_head_is_chapter_10s():
    assert type(FasterRCNN(Backbone()).head) is BoxHead


def test_pictures_without_objects_train(model):
    losses = model.train()([picture(), picture()], [EMPTY, EMPTY])
    assert all(value.isfinite() for value in losses.values())
    sum(losses.values()).backward()


def test_resized_pictures_give_boxes_in_their_own_pixels():
    torch.manual_seed(0)
    model = FasterRCNN(Backbone(), resize=(96, 200)).eval()
    plain = FasterRCNN(model.backbone, rpn=model.rpn, head=model.head).eval()
    image = picture()
    large = torch.nn.functional.interpolate(image[None], scale_factor=2.0, mode="bilinear",
                                            recompute_scale_factor=True)[0]
    one, two = model([image])[0], plain([large])[0]
    torch.testing.assert_close(one["boxes"], two["boxes"] / 2)
    target = target_of()
    before = {key: value.clone() for key, value in target.items()}
    torch.manual_seed(3)
    mine = model.train()([image], [target])
    torch.manual_seed(3)
    twice = plain.train()([large], [{**target, "boxes": 2 * target["boxes"]}])
    assert all(mine[key].isclose(twice[key], rtol=1e-3) for key in mine)
    assert all(target[key].equal(before[key]) for key in target)         # the target stays


def test_it_learns_two_pictures_by_heart(model):
    loader = [([picture(seed=0), picture(seed=1)], [target_of(2, 0), target_of(2, 1)])]
    history = fit(model, loader, epochs=25, lr=1e-3, device="cpu", seed=0)
    assert history.last() < 0.6 * history.epochs[0]["loss"]


@pytest.mark.parametrize("images, targets, words", [
    ([], [], "an empty batch has no size"),
    ([picture()], None, "targets: got none for 1 images"),
    ([picture()], [{"boxes": random_boxes(1), "labels": torch.tensor([9])}], "from 1 to 3"),
])
def test_what_does_not_fit_is_refused(model, images, targets, words):
    with pytest.raises(ValueError, match=words):
        model.train()(images, targets)
