"""Mask R-CNN: cutting, pasting, levels, mask head and loss, contract, torchvision's parts."""

import pytest
import torch
from random_inputs import random_boxes, random_masks
from random_inputs import random_picture as picture
from torchvision.models.detection import roi_heads
from torchvision.ops import MultiScaleRoIAlign

from coursekit.boxes import from_masks
from coursekit.masks import cut, join, paste
from coursekit.models.backbone import Backbone
from coursekit.models.fast_rcnn import BoxHead, Drawn
from coursekit.models.faster_rcnn import FasterRCNN
from coursekit.models.mask_rcnn import MaskHead, MaskRCNN, mask_loss
from coursekit.roi import align_levels, level_of
from coursekit.train import fit

NOTHING = torch.zeros(0, 4)
EMPTY = {"boxes": NOTHING, "labels": torch.zeros(0, dtype=torch.int64),
         "masks": torch.zeros(0, 48, 72, dtype=torch.bool)}


def target_of(n=2, H=48, W=72):
    masks = torch.zeros(n, H, W, dtype=torch.bool)
    for i in range(n):
        masks[i, 4 + 3 * i:24 + 5 * i, 6 + 20 * i:30 + 20 * i] = True
        masks[i, :12 + 2 * i, :18 + 20 * i] = False           # not a rectangle
    return {"boxes": from_masks(masks), "labels": torch.arange(n) % 3 + 1, "masks": masks}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return MaskRCNN(Backbone())


# ---- cut and paste


def test_a_mask_is_cut_to_its_region_by_hand():
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[1, 2:6, 4:] = True                                  # rows 2 to 5, columns 4 to 7
    part = cut(masks, torch.tensor([[2., 2, 6, 6]]), torch.tensor([1]), 2)
    assert part.tolist() == [[[0.25, 1], [0.1875, 0.75]]]     # points at 2.5, 3.5 and 4.5, 5.5
    assert cut(masks, NOTHING, torch.zeros(0, dtype=torch.int64), 28).shape == (0, 28, 28)


def test_cutting_equals_torchvisions_projection():
    masks, boxes = random_masks(4, 40, 60), random_boxes(30, 2, 40, 60)
    which = torch.arange(30) % 4
    theirs = roi_heads.project_masks_on_boxes(masks, boxes, which, 28)
    torch.testing.assert_close(cut(masks, boxes, which, 28), theirs)


def test_masks_of_pictures_of_several_sizes_are_cut_at_once_as_one_by_one():
    few, many = random_masks(2, 40, 60), random_masks(3, 52, 36)
    few[:, :, -1], many[:, -1] = True, True                   # objects at the picture's edge
    boxes = [torch.tensor([[0., 0, 60, 40], [50, 3, 60, 40]]), torch.tensor([[5., 9, 36, 52]] * 3)]
    one_by_one = [cut(masks, some, torch.arange(len(some)), 14)
                  for masks, some in zip([few, many], boxes, strict=True)]
    at_once = cut(join([few, torch.zeros(0, 9, 9), many]), torch.cat(boxes), torch.arange(5), 14)
    torch.testing.assert_close(at_once, torch.cat(one_by_one))
    assert join([torch.zeros(0, 4, 6), torch.zeros(0, 8, 2)]).shape == (0, 8, 6)


def test_pasting_equals_torchvisions_also_beyond_the_edge():
    masks, boxes = torch.rand(40, 28, 28), 1.5 * random_boxes(40, 3, 40, 60) - 12
    boxes[0] = torch.tensor([10., 10, 10, 10])                # no area: one pixel
    boxes[1] = torch.tensor([100., 90, 130, 120])             # outside
    meets = ((boxes[:, 2:] > 0) & (boxes[:, :2] < torch.tensor([60, 40]))).all(dim=1)
    ours = paste(masks, boxes, (40, 60))
    theirs = roi_heads.paste_masks_in_image(masks[meets, None], boxes[meets], (40, 60))[:, 0]
    torch.testing.assert_close(ours[meets], theirs)           # which fails for boxes outside
    assert not ours[1].any() and not meets[1] and meets.sum() > 20


def test_a_pasted_masks_frame_is_rounded_to_the_same_pixel_as_torchvisions():
    mask, box = torch.rand(1, 28, 28), torch.tensor([[0., 415.4347, 555.17236328125, 532.8465]])
    theirs = roi_heads.paste_masks_in_image(mask[None], box, (536, 559))[:, 0]
    torch.testing.assert_close(paste(mask, box, (536, 559)), theirs)    # to 574.99994, not to 575


def test_a_full_mask_pasted_covers_its_box_and_nothing_else():
    box = torch.tensor([[10., 5, 40, 25]])
    pasted = paste(torch.ones(1, 28, 28), box, (48, 72)) > 0.5
    assert (from_masks(pasted) - box).abs().max() <= 1
    assert paste(torch.zeros(0, 28, 28), NOTHING, (4, 6)).shape == (0, 4, 6)


def test_cut_then_paste_gives_the_mask_back():
    target = target_of()
    small = cut(target["masks"], target["boxes"], torch.arange(2), 28)
    back = paste(small, target["boxes"], (48, 72)) > 0.5
    common = (back & target["masks"]).sum((1, 2)) / (back | target["masks"]).sum((1, 2))
    assert (common > 0.9).all()


@pytest.mark.parametrize("masks", [torch.rand(2, 28, 28), torch.rand(1, 28, 14), torch.rand(1, 28)])
def test_pasting_refuses_what_is_not_a_square_for_each_box(masks):
    with pytest.raises(ValueError, match=r"but \(1, S, S\) was expected"):
        paste(masks, random_boxes(1), (40, 60))


# ---- levels


def test_regions_come_from_the_map_that_fits_their_size():
    sides = torch.tensor([20., 111, 112, 223, 224, 447, 448, 2000])
    boxes = torch.cat([torch.zeros(8, 2), sides[:, None].expand(8, 2)], dim=1)
    assert level_of(boxes, [4, 8, 16, 32]).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert level_of(boxes, [8, 16]).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert level_of(NOTHING, [4, 8]).tolist() == []


def test_a_pyramid_is_pooled_as_by_torchvision():
    levels = [torch.randn(2, 5, 64 // 2 ** n, 96 // 2 ** n) for n in range(4)]
    boxes = [random_boxes(30, 1, 256, 384), random_boxes(20, 2, 256, 384)]
    pool = MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2)
    named = {str(n): level for n, level in enumerate(levels)}
    theirs = pool(named, boxes, [(256, 384)] * 2)
    torch.testing.assert_close(align_levels(levels, boxes, 384, 7), theirs, rtol=1e-4, atol=1e-5)


# ---- head and loss


def test_the_mask_loss_equals_torchvisions():
    target, other = target_of(), target_of(3, 60, 90)         # of another size
    drawn = [Drawn(one["boxes"] + 1, one["labels"], one["boxes"], torch.arange(len(one["boxes"])))
             for one in (target, other)]
    answers = torch.randn(5, 4, 28, 28)
    theirs = roi_heads.maskrcnn_loss(answers, [one.boxes for one in drawn],
                                     [target["masks"], other["masks"]],
                                     [target["labels"], other["labels"]],
                                     [one.which for one in drawn])
    torch.testing.assert_close(mask_loss(answers, drawn, [target, other]), theirs)


def test_only_the_true_classs_mask_is_learned():
    target = target_of(1)
    drawn = Drawn(target["boxes"], target["labels"], target["boxes"], torch.tensor([0]))
    answers = torch.zeros(1, 4, 28, 28, requires_grad=True)
    mask_loss(answers, [drawn], [target]).backward()
    assert answers.grad[0].abs().sum((1, 2)).nonzero().flatten().tolist() == [1]


def test_the_mask_head_gives_28_cells_a_side_for_every_class():
    head = MaskHead(8, 3, channels=6)
    levels = [torch.rand(1, 8, 6, 9)]
    assert head(levels, [random_boxes(5, 0, 48, 72)], 72).shape == (5, 3, 28, 28)
    assert head(levels, [NOTHING], 72).shape == (0, 3, 28, 28)


# ---- Mask R-CNN


def test_it_is_faster_rcnn_and_one_head_more(model):
    assert isinstance(model, FasterRCNN) and type(model.head) is BoxHead
    names = {name.split(".")[0] for name in model.state_dict()}
    assert names == {"backbone", "rpn", "head", "mask_head"}


def test_contract_losses_in_training_and_masks_in_evaluation(model):
    images, targets = [picture(), picture(40, 33, 1)], [target_of(), EMPTY]
    losses = model.train()(images, targets)
    assert sorted(losses) == ["box", "class", "mask", "objectness", "rpn_box"]
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters())
    for one, image in zip(model.eval()(images), images, strict=True):
        assert one["masks"].shape == (len(one["boxes"]), 1, *image.shape[1:])
        assert 0 <= one["masks"].min() and one["masks"].max() <= 1


def test_pictures_without_objects_train_and_may_find_nothing(model):
    losses = model.train()([picture()], [EMPTY])
    assert losses["mask"].item() == 0 and all(value.isfinite() for value in losses.values())
    sum(losses.values()).backward()
    with torch.no_grad():
        model.head.scores.bias[0] = 50.0                     # background, whatever comes
    found, = model.eval()([picture()])
    assert found["masks"].shape == (0, 1, 48, 72)


def test_targets_without_masks_are_refused(model):
    target = {key: value for key, value in target_of().items() if key != "masks"}
    with pytest.raises(ValueError, match=r"\['masks'\] is missing"):
        model.train()([picture()], [target])


def test_it_learns_a_picture_by_heart(model):
    loader = [([picture()], [target_of()])]
    history = fit(model, loader, epochs=20, lr=2e-3, device="cpu", seed=0)
    assert history.last("mask") < 0.7 * history.epochs[0]["mask"]
