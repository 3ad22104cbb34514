"""Half precision where it is safe: what would overflow or blur there is computed in float32.

float16 ends at 65504 and has 11 bits, bfloat16 has 8: the area of a box of 4000 x 4000 pixels, the
number of pixels of a batch and a coordinate beyond 2048 are out of reach. Autocast on the CPU
stands for a GPU's here; it keeps fewer operations in float32 than CUDA's, so it is the harder test.
"""

from functools import cache

import pytest
import torch
from device_cases import CASES, scene
from random_inputs import random_boxes, random_labels
from test_any_device import CPU, run
from torch.utils import _pytree as tree

from coursekit import boxes, losses, upsample
from coursekit.anchors import grid_anchors, shapes
from coursekit.assignment import assign
from coursekit.box_losses import giou_loss, smooth_l1
from coursekit.models.backbone import Backbone
from coursekit.models.fast_rcnn import BoxHead, detections
from coursekit.models.mask_rcnn import MaskRCNN
from coursekit.models.rcnn import RCNN
from coursekit.models.rpn import RPN, best
from coursekit.roi import roi_align, roi_pool
from coursekit.train import fit, train_steps

HALVES = [torch.bfloat16, torch.float16]
MODELS = [name for name in CASES if name.startswith("decoder") or name in (
    "patches and their twin", "backbone classifies", "localiser", "fast rcnn", "faster rcnn",
    "mask rcnn", "mask rcnn on a pyramid with resizing", "mask rcnn on mobilenet fine tuned")]
DETECTORS = [name for name in MODELS if "rcnn" in name]


@pytest.fixture(params=HALVES, ids=str)
def half(request):
    """Mixed precision of either kind, as long as the test runs."""
    with torch.autocast("cpu", request.param):
        yield request.param


@cache
def mixed(name: str, half: torch.dtype) -> object:
    """A case's results in mixed precision."""
    with torch.autocast("cpu", half):
        return run(name, CPU)


def big_boxes(n: int, seed: int = 0) -> torch.Tensor:
    """(n, 4) boxes in a picture of 3000 x 4000, one of all of it."""
    found = random_boxes(n, seed, 3000, 4000)
    found[0] = torch.tensor([0.0, 0, 4000, 3000])
    return found


# ---- models


@pytest.mark.parametrize("name", MODELS)
def test_losses_and_gradients_are_finite_and_losses_are_float32(half, name):
    result = mixed(name, half)
    for part in tree.tree_leaves(result):
        assert not isinstance(part, torch.Tensor) or part.isfinite().all()
    costs = result.get("costs", {}) if isinstance(result, dict) else {}
    assert all(cost.dtype == torch.float32 for cost in costs.values())


@pytest.mark.parametrize("name", DETECTORS)
def test_detections_come_out_in_float32(half, name):
    result = mixed(name, half)
    found = result["found"] if isinstance(result, dict) else result[-1]
    assert sum(len(one["labels"]) for one in found) > 0
    for one in found:
        assert all(one[key].dtype == torch.float32 for key in ("boxes", "scores"))


@pytest.mark.parametrize("name", [name for name in MODELS if name.startswith("decoder")])
def test_losses_are_about_those_of_float32(half, name):
    with torch.autocast("cpu", enabled=False):
        whole = run(name, CPU)["costs"]["cross_entropy"].item()
    assert mixed(name, half)["costs"]["cross_entropy"].item() == pytest.approx(whole, rel=0.02)


def test_rcnn_detects_in_mixed_precision(half):
    """Its features are half then; nothing of it learns by gradients."""
    model = RCNN(Backbone())
    model.svm_bias.fill_(1.0)
    found, = model([scene()[0]], [random_boxes(20, 0, 48, 72)])
    assert len(found["boxes"]) and found["boxes"].dtype == torch.float32


def test_mixed_precision_trains_a_detector():
    torch.manual_seed(0)
    model, (image, target) = MaskRCNN(Backbone()), scene()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    rows = [losses for _ in range(4) for losses in train_steps(
        model, [([image], [target])], optimizer, scaler=scaler)]
    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    assert scaler.get_scale() == 1024                        # which a gradient of infinity halves


def test_amp_changes_nothing_on_a_cpu():
    states = []
    for amp in (False, True):
        torch.manual_seed(0)
        model, (image, target) = MaskRCNN(Backbone()), scene()
        fit(model, [([image], [target])] * 2, amp=amp, seed=0, device="cpu")
        states.append(model.state_dict())
    assert all(states[0][key].equal(states[1][key]) for key in states[0])


# ---- what would overflow


def test_boxes_of_4000_pixels_are_computed_as_in_float32(half):
    a, b = big_boxes(40), big_boxes(30, 1)
    anchors = grid_anchors((6, 8), 500, shapes((512, 2048), (0.5, 1, 2)))

    def results() -> list:
        near = a + torch.tensor([0.0, 0, 9, 9])
        deltas = boxes.encode(near, a + torch.tensor([0.0, 0, 5, 3]), (10, 10, 5, 5))
        return [boxes.area(a), boxes.iou(a, b), boxes.giou(a, b), boxes.clip(a, (2999, 3999)),
                giou_loss(near, a), smooth_l1(near, a), deltas, boxes.decode(deltas, a),
                boxes.nms(a, torch.linspace(0, 1, 40), 0.4), assign(anchors, b, 0.5, 0.3, True),
                boxes.convert(a, "xyxy", "cxcywh")]

    ours = results()
    with torch.autocast("cpu", enabled=False):
        whole = results()
    assert boxes.area(a).max() == 4000 * 3000 > torch.finfo(torch.float16).max
    for one, other in zip(ours, whole, strict=True):
        assert one.dtype == other.dtype and one.equal(other)


def test_deltas_from_a_half_precision_head_reach_across_a_large_picture(half):
    """The heads' answers come out in float32, so boxes beyond 2048 keep their fractions."""
    torch.manual_seed(0)
    x, regions = torch.rand(1, 16, 12, 16), [big_boxes(20)]
    head, rpn = BoxHead(16, 4, 8), RPN(16)
    scores, deltas = head([x], regions, 4000)
    one, = detections(3 * scores, deltas, regions, [(3000, 4000)])
    points, moves = rpn([x])
    anchors, = rpn.anchors([x], (3000, 4000))
    proposals = best([points[0][0]], [moves[0][0]], [anchors], (3000, 4000), 300, 100)
    for answer in (scores, deltas, points[0], moves[0], one["boxes"], proposals):
        assert answer.dtype == torch.float32 and answer.isfinite().all()
    assert one["boxes"].max() > 2048 and (one["boxes"] % 1 > 0).any() and len(proposals) > 20


def test_the_greatest_deltas_do_not_overflow(half):
    """exp of a large number: cut off at 62.5 times the size before it is taken."""
    wild = torch.full((3, 4), 6e4, dtype=half)
    found = boxes.decode(wild.float(), torch.tensor([[0.0, 0, 4000, 3000]] * 3), (10, 10, 5, 5))
    assert found.isfinite().all()


@pytest.mark.parametrize("pool", [roi_align, roi_pool])
def test_regions_are_placed_as_in_float32_on_a_map_of_half_precision(half, pool):
    x, regions = torch.rand(1, 4, 94, 125), [big_boxes(30)]
    ours = pool(x.to(half), regions, 7, 1 / 32)
    assert ours.dtype == half
    whole = pool(x.to(half).float(), regions, 7, 1 / 32)
    torch.testing.assert_close(ours.float(), whole, atol=0.01, rtol=0.01)


@pytest.mark.parametrize("loss", [losses.cross_entropy, losses.soft_dice])
def test_a_map_of_more_pixels_than_float16_can_count(loss):
    scores, truth = torch.randn(2, 5, 200, 200), random_labels((2, 200, 200), 5)
    assert truth.numel() > torch.finfo(torch.float16).max
    torch.testing.assert_close(loss(scores.half(), truth), loss(scores.half().float(), truth))


def test_scores_that_fill_float16_give_a_finite_loss(half):
    scores = torch.tensor([6e4, -6e4, 0, 1.0]).to(half).view(1, 4, 1, 1).repeat(1, 1, 3, 5)
    truth = torch.arange(15).view(1, 3, 5) % 4
    for loss in (losses.cross_entropy, losses.soft_dice):
        assert loss(scores.clone().requires_grad_(), truth).isfinite()


def test_transposed_convolution_takes_two_types_only_where_autocast_makes_them_one(half):
    x, weight = torch.rand(1, 2, 3, 4), torch.rand(2, 3, 2, 2)
    assert upsample.conv_transpose2d(x.to(half), weight, torch.zeros(3), 2).dtype == half
    with torch.autocast("cpu", enabled=False), pytest.raises(ValueError, match="one type for all"):
        upsample.conv_transpose2d(x.to(half), weight)
