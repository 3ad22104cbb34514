"""Fast R-CNN: contract, drawing, losses as torchvision's, detections, empty inputs, refusals."""

import pytest
import torch
import torch.nn.functional as F
from random_inputs import random_boxes
from random_inputs import random_picture as picture
from random_inputs import random_target as target_of
from torchvision.models.detection import roi_heads
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, BoxCoder, Matcher

from coursekit.boxes import iou
from coursekit.models.backbone import Backbone
from coursekit.models.batch import stack
from coursekit.models.fast_rcnn import (
    WEIGHTS,
    BoxHead,
    Drawn,
    FastRCNN,
    detections,
    draw,
    head_losses,
)
from coursekit.train import fit

NOTHING = torch.zeros(0, 4)
EMPTY = {"boxes": NOTHING, "labels": torch.zeros(0, dtype=torch.int64)}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return FastRCNN(Backbone())


# ---- the batch


@pytest.mark.parametrize("regions", [0, 5])
def test_a_head_reads_regions_bin_by_bin_wherever_their_channels_lie(regions):
    torch.manual_seed(0)
    head, pooled = BoxHead(3, 4, hidden=8), torch.randn(regions, 7, 7, 3).permute(0, 3, 1, 2)
    by_channel = head.fc6.weight.unflatten(1, (7, 7, 3)).permute(0, 3, 1, 2).flatten(1)
    first = F.relu(F.linear(pooled.flatten(1), by_channel, head.fc6.bias))
    for one in (pooled, pooled.contiguous()):
        torch.testing.assert_close(head.read(one), F.relu(head.fc7(first)))


def test_pictures_of_two_sizes_share_a_tensor_and_the_rest_is_the_fill():
    fill = torch.tensor([0.5, 0.4, 0.3])[:, None, None]
    images = [picture(9, 20), picture(17, 5)]
    batch = stack(images, 8, fill)
    assert batch.shape == (2, 3, 24, 24)
    assert batch[0, :, :9, :20].equal(images[0]) and batch[1, :, :17, :5].equal(images[1])
    assert (batch[0, :, 9:] == fill).all() and (batch[1, :, :, 5:] == fill).all()


@pytest.mark.parametrize("images, words", [
    ([], "an empty batch has no size"),
    ([torch.rand(1, 4, 4)], r"images\[0\]: got torch.float32 of shape \(1, 4, 4\)"),
    ([torch.zeros(3, 4, 4, dtype=torch.uint8)], "bytes, divided by 255"),
    ([picture(), torch.rand(3, 0, 4)], r"images\[1\]: got"),
    (["a.png"], "got a str"),
])
def test_what_is_no_picture_is_refused(model, images, words):
    with pytest.raises(ValueError, match=words):
        model.eval()(images, proposals=[NOTHING] * len(images))


# ---- drawing


def test_regions_are_drawn_and_named_by_hand():
    target = {"boxes": torch.tensor([[0., 0, 10, 10]]), "labels": torch.tensor([2])}
    proposals = torch.tensor([[0., 0, 10, 6], [0, 0, 10, 4], [30, 30, 40, 40]])
    drawn = draw(proposals, target, count=8)
    assert drawn.boxes.tolist() == [*proposals.tolist(), [0, 0, 10, 10]]      # the true box, too
    assert drawn.labels.tolist() == [2, 0, 0, 2] and drawn.which.tolist() == [0] * 4
    assert drawn.nearest.equal(target["boxes"].expand(4, 4))


def test_at_most_a_quarter_of_the_drawn_regions_has_an_object():
    target = target_of(1)
    near = target["boxes"] + 0.1 * torch.rand(40, 4)
    drawn = draw(torch.cat([near, random_boxes(200, 7, 40, 60)]), target, 64)
    assert len(drawn.boxes) == 64 and (drawn.labels > 0).sum() == 16


def test_an_image_without_objects_is_background_and_one_without_anything_empty():
    drawn = draw(random_boxes(20), EMPTY, 8)
    assert drawn.labels.tolist() == [0] * 8 and drawn.nearest.shape == (8, 4)
    assert len(draw(NOTHING, EMPTY).boxes) == 0


def test_the_same_regions_are_drawn_as_by_torchvision():
    target, proposals = target_of(4), random_boxes(300, 9, 44, 64)
    proposals[:40] = target["boxes"].repeat(10, 1) + torch.rand(40, 4) * 3
    theirs = roi_heads.RoIHeads.__new__(roi_heads.RoIHeads)
    torch.nn.Module.__init__(theirs)
    theirs.proposal_matcher, theirs.box_coder = Matcher(0.5, 0.5), BoxCoder(WEIGHTS)
    theirs.fg_bg_sampler, theirs.mask_roi_pool = BalancedPositiveNegativeSampler(64, 0.25), None
    torch.manual_seed(4)
    boxes, _, labels, wanted = theirs.select_training_samples([proposals.clone()], [target])
    torch.manual_seed(4)
    drawn = draw(proposals, target, 64)
    assert drawn.boxes.equal(boxes[0]) and drawn.labels.equal(labels[0])
    scores, deltas = torch.randn(64, 4), torch.randn(64, 4, 4)
    ours = head_losses(scores, deltas, [drawn])
    kind, box = roi_heads.fastrcnn_loss(scores, deltas.flatten(1), labels, wanted)
    torch.testing.assert_close(ours["class"], kind)
    torch.testing.assert_close(ours["box"], box)


# ---- losses and detections


def test_losses_by_hand():
    drawn = Drawn(torch.tensor([[0., 0, 10, 10], [5, 5, 9, 9]]), torch.tensor([2, 0]),
                  torch.tensor([[1., 0, 11, 10], [0, 0, 1, 1]]), torch.tensor([0, 0]))
    scores, deltas = torch.zeros(2, 3), torch.zeros(2, 3, 4)
    found = head_losses(scores, deltas, [drawn])                 # dx is 0.1, times 10 is 1
    assert found["class"].item() == pytest.approx(torch.tensor(3.).log().item())
    assert found["box"].item() == pytest.approx((1 - 1 / 18) / 2)
    deltas[0, 2] = torch.tensor([1., 0, 0, 0])                   # the true class's box is right
    deltas[0, 1], deltas[1] = 9., 9.                             # others do not count
    assert head_losses(scores, deltas, [drawn])["box"].item() == pytest.approx(0)


def test_detections_are_scored_moved_clipped_and_thinned_out_by_class():
    boxes = torch.tensor([[10., 10, 30, 30], [11, 10, 31, 30], [50, 20, 90, 40]])
    scores = torch.tensor([[0., 4, 3], [0, 3, 0], [0, 0, 5]])
    deltas = torch.zeros(3, 3, 4)
    deltas[2, 2, 0] = 5.0                                        # half a width to the right
    found, = detections(scores, deltas, [boxes], [(48, 72)])
    p = scores.softmax(dim=1)
    assert found["labels"].tolist() == [2, 1, 2]
    torch.testing.assert_close(found["scores"], torch.stack([p[2, 2], p[1, 1], p[0, 2]]))
    torch.testing.assert_close(found["boxes"], torch.tensor(
        [[70., 20, 72, 40], [11, 10, 31, 30], [10, 10, 30, 30]]))


def test_detections_equal_torchvisions_postprocessing():
    theirs = roi_heads.RoIHeads.__new__(roi_heads.RoIHeads)
    torch.nn.Module.__init__(theirs)
    theirs.box_coder, theirs.score_thresh = BoxCoder(WEIGHTS), 0.05
    theirs.nms_thresh, theirs.detections_per_img = 0.5, 100
    proposals = [random_boxes(90, 1), random_boxes(0), random_boxes(40, 2)]
    sizes = [(60, 100), (30, 30), (50, 80)]
    scores, deltas = 2 * torch.randn(130, 4), torch.randn(130, 4, 4)
    ours = detections(scores, deltas, proposals, sizes)
    kept = theirs.postprocess_detections(scores, deltas.flatten(1), proposals, sizes)
    for one, boxes, points, labels in zip(ours, *kept, strict=True):
        torch.testing.assert_close(one["boxes"], boxes)
        torch.testing.assert_close(one["scores"], points)
        assert one["labels"].equal(labels)


# ---- the model


def test_contract_losses_in_training_and_detections_in_evaluation(model):
    images, targets = [picture(), picture(40, 33, 1)], [target_of(), EMPTY]
    losses = model.train()(images, targets)
    assert sorted(losses) == ["box", "class"] and all(v.isfinite() for v in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters())   # the backbone's, too
    found = model.eval()(images)
    assert [sorted(one) for one in found] == [["boxes", "labels", "scores"]] * 2
    for one, image in zip(found, images, strict=True):
        H, W = image.shape[1:]
        assert (one["boxes"] <= torch.tensor([W, H, W, H])).all() and (one["boxes"] >= 0).all()
        assert (one["scores"].diff() <= 0).all() and one["labels"].dtype == torch.int64


def test_an_image_finds_the_same_alone_and_in_a_batch(model):
    images = [picture(48, 72), picture(40, 40, 1)]
    proposals = [random_boxes(12, 3, 48, 72), random_boxes(9, 4, 40, 40)]
    model.eval()
    both = model(images[:1] * 2, proposals=proposals[:1] * 2)
    alone, = model(images[:1], proposals=proposals[:1])
    for one in both:
        torch.testing.assert_close(one["boxes"], alone["boxes"], rtol=0, atol=1e-3)
    assert len(model(images, proposals=proposals)) == 2


def test_targets_may_bring_the_proposals(model):
    target = target_of() | {"proposals": random_boxes(30, 5, 48, 72)}
    torch.manual_seed(1)
    one = model.train()([picture()], [target])
    torch.manual_seed(1)
    two = model([picture()], [target_of()], [random_boxes(30, 5, 48, 72)])
    assert one["class"].equal(two["class"])


@pytest.mark.parametrize("targets", [[EMPTY], [target_of()]])
def test_without_proposals_nothing_breaks(model, targets):
    losses = model.train()([picture()], targets, [NOTHING])
    assert all(value.isfinite() for value in losses.values())
    sum(losses.values()).backward()
    found, = model.eval()([picture()], proposals=[NOTHING])
    assert found["boxes"].shape == (0, 4) and found["labels"].shape == found["scores"].shape == (0,)


def test_proposals_beyond_the_picture_and_without_area_are_no_trouble(model):
    odd = torch.tensor([[-20., -9, 5, 4], [70, 40, 200, 90], [8, 8, 8, 20], [100, 100, 110, 120]])
    losses = model.train()([picture()], [target_of()], [odd])
    assert all(value.isfinite() for value in losses.values())
    assert model.eval()([picture()], proposals=[odd])[0]["boxes"].isfinite().all()


def test_one_class_is_enough():
    torch.manual_seed(0)
    model = FastRCNN(Backbone(), num_classes=2)
    target = {"boxes": target_of()["boxes"], "labels": torch.ones(3, dtype=torch.int64)}
    assert model.train()([picture()], [target], [random_boxes(9)])["box"].isfinite()


def test_it_learns_two_pictures_by_heart(model):
    targets = [{**target_of(2, seed), "proposals": random_boxes(60, seed + 5, 48, 72)}
               for seed in (0, 1)]
    loader = [([picture(seed=0), picture(seed=1)], targets)]
    history = fit(model, loader, epochs=25, lr=1e-3, device="cpu", seed=0)
    assert history.last() < 0.35 * history.epochs[0]["loss"]


def test_the_head_is_small_and_its_sizes_are_as_said():
    head = BoxHead(channels=8, num_classes=5, hidden=6)
    scores, deltas = head([torch.rand(1, 8, 6, 9)], [random_boxes(7, 0, 48, 72)], width=72)
    assert scores.shape == (7, 5) and deltas.shape == (7, 5, 4)


@pytest.mark.parametrize("targets, words", [
    (None, "targets: got none for 1 images"),
    ([EMPTY, EMPTY], "targets: got 2 for 1 images"),
    ([{"boxes": NOTHING}], r"targets\[0\]: got \['boxes'\], but \['labels'\] is missing"),
    ([{"boxes": random_boxes(1), "labels": torch.tensor([0])}], "from 1 to 3, was expected"),
    ([{"boxes": random_boxes(1), "labels": torch.tensor([4])}], "from 1 to 3, was expected"),
    ([{"boxes": random_boxes(2), "labels": torch.tensor([1])}], "for 2 boxes, but one each"),
    ([{"boxes": torch.ones(1, 4), "labels": torch.tensor([1])}], "box 0 is .* without area"),
])
def test_targets_that_do_not_fit_are_refused(model, targets, words):
    with pytest.raises(ValueError, match=words):
        model.train()([picture()], targets, [NOTHING])


def test_proposals_of_another_number_of_images_are_refused(model):
    with pytest.raises(ValueError, match="proposals: got those of 2 images, but 1"):
        model.eval()([picture()], proposals=[NOTHING, NOTHING])


def test_drawn_boxes_overlap_their_objects_by_half_or_more():
    target, proposals = target_of(4), random_boxes(400, 9, 44, 64)
    drawn = draw(proposals, target, 128)
    best = iou(drawn.boxes, target["boxes"]).amax(dim=1)
    assert ((best >= 0.5) == (drawn.labels > 0)).all()
