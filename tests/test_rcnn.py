"""R-CNN: contract, matching, SVMs with mining, ridge regression, empty inputs, what is refused."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from coursekit.boxes import encode, iou
from coursekit.models import rcnn_fit
from coursekit.models.backbone import Backbone, Classifier
from coursekit.models.rcnn import RCNN, D, Stored

NOTHING = torch.zeros(0, 4)


def boxes_of(*rows):
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def picture(H=24, W=40, seed=0):
    return torch.rand(3, H, W, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return RCNN(Backbone())


def sure(model):
    """A model that finds class 2 in every region, and nothing else."""
    model.svm_bias[:] = torch.tensor([-2.0, 1.0, -2.0])
    return model


# ---- backbone


@pytest.mark.parametrize("H, W", [(64, 64), (40, 24), (17, 9), (1, 1)])
def test_maps_of_the_backbone_have_strides_4_and_8_rounded_up(H, W):
    fine, coarse = Backbone().eval().maps(torch.rand(2, 3, H, W))
    assert fine.shape == (2, 64, -(-H // 4), -(-W // 4))
    assert coarse.shape == (2, Backbone.channels, -(-H // 8), -(-W // 8))


def test_a_cell_of_the_last_map_sees_73_pixels():
    backbone = Backbone().eval()
    images = torch.rand(1, 3, 160, 160, requires_grad=True)
    backbone(images)[0, :, 10, 10].sum().backward()
    seen = (images.grad[0].abs().sum(dim=0) > 0).any(dim=0).nonzero().flatten()
    assert int(seen[-1] - seen[0]) + 1 == 73


def test_the_backbone_is_small_and_takes_no_image_at_all():
    assert sum(p.numel() for p in Backbone().parameters()) < 1_500_000
    assert Backbone().eval()(torch.zeros(0, 3, 16, 24)).shape == (0, 128, 2, 3)
    assert Classifier(Backbone()).eval()(torch.rand(2, 3, 64, 64)).shape == (2, 4)
    with pytest.raises(ValueError, match="images: got"):
        Backbone()(torch.rand(3, 8, 8))


# ---- the detector's contract


def test_an_unfitted_model_finds_nothing(model):
    found, = model([picture()], [boxes_of((0, 0, 8, 8), (2, 2, 20, 20))])
    assert found["boxes"].shape == (0, 4) and found["labels"].dtype == torch.int64


def test_equal_regions_become_one_detection_and_labels_are_class_ids(model):
    boxes = boxes_of((0, 0, 8, 8), (0, 0, 8, 8), (20, 4, 36, 20))
    found, = sure(model)([picture()], [boxes])
    assert found["labels"].tolist() == [2, 2] and found["scores"].tolist() == [1.0, 1.0]
    torch.testing.assert_close(found["boxes"], boxes[[0, 2]])


def test_images_of_different_sizes_without_proposals_and_no_images(model):
    images = [picture(), picture(16, 30), picture(9, 12)]
    found = sure(model)(images, [boxes_of((1, 1, 9, 9)), NOTHING, boxes_of((0, 0, 12, 9))])
    assert [len(one["boxes"]) for one in found] == [1, 0, 1]
    assert model([], []) == []


def test_proposals_are_made_where_none_are_given(model, monkeypatch):
    monkeypatch.setattr("coursekit.models.rcnn.selective_search",
                        lambda image: boxes_of((2, 3, 10, 12)))
    found, = sure(model)([picture()])
    torch.testing.assert_close(found["boxes"], boxes_of((2, 3, 10, 12)))


def test_an_image_alone_and_in_a_batch_is_treated_alike(model):
    images, boxes = [picture(), picture(seed=1)], [boxes_of((1, 1, 9, 9)), boxes_of((0, 0, 9, 9))]
    torch.manual_seed(1)
    model.svm_weight.normal_()
    model.svm_bias.zero_()
    together, alone = model(images, boxes), [model([i], [b])[0] for i, b in zip(images, boxes,
                                                                               strict=True)]
    for a, b in zip(together, alone, strict=True):
        assert all(a[name].equal(b[name]) for name in a)


def test_features_do_not_depend_on_the_other_regions(model, monkeypatch):
    image, boxes = picture(), boxes_of((0, 0, 8, 8), (2, 2, 20, 20), (5, 0, 9, 24))
    whole = model.features(image, boxes)
    monkeypatch.setattr("coursekit.models.rcnn.CHUNK", 2)
    torch.testing.assert_close(model.features(image, boxes), whole, rtol=1e-4, atol=1e-5)
    assert whole.shape == (3, D) and model.features(image, NOTHING).shape == (0, D)


def test_boxes_are_refined_per_class_and_stay_in_the_image(model):
    model.box_bias[1] = torch.tensor([0.5, 0.0, 0.0, 0.0])       # class 2: half a width right
    boxes = model.refine(boxes_of((4, 4, 12, 10)), torch.zeros(1, D), (24, 14))
    wanted = boxes_of((4, 4, 12, 10), (8, 4, 14, 10), (4, 4, 12, 10))
    torch.testing.assert_close(boxes[0], wanted)


def test_classes_suppress_only_their_own(model):
    boxes = boxes_of((0, 0, 8, 8)).expand(1, 3, 4)
    found = model.suppress(boxes, torch.tensor([[0.5, 0.7, -3.0]]))
    assert found["labels"].tolist() == [2, 1]


def test_heads_go_from_one_model_to_another(model):
    other, boxes = RCNN(Backbone()), boxes_of((1, 1, 9, 9))
    other.load_heads(sure(model).heads())
    assert other([picture()], [boxes])[0]["labels"].tolist() == [2]
    with pytest.raises(ValueError, match=r"state: got \['scale'\], but \['box_bias', 'box_weight'"):
        other.load_heads({"scale": torch.ones(())})


def test_it_never_trains(model):
    model.train()
    assert not model.training and not model.backbone.training
    assert not any(p.requires_grad for p in model.parameters())


# ---- fitting


def toy(count=60, seed=0):
    """Examples whose first feature tells class 1 from the rest; class 2 has no object."""
    torch.manual_seed(seed)
    features = torch.randn(count, D) * 0.01
    truth = torch.zeros(count, dtype=torch.int64)
    truth[:10] = 1
    features[:10, 0] += 1
    overlaps = torch.zeros(count, 3)
    overlaps[:10, 0] = 1
    boxes = boxes_of((0, 0, 8, 8)).repeat(count, 1)
    return rcnn_fit.Examples(features, boxes, overlaps, boxes[:, None].repeat(1, 3, 1), truth,
                             truth)


def test_matching_takes_the_best_object_of_each_class():
    true, labels = boxes_of((0, 0, 10, 10), (0, 0, 10, 6), (20, 0, 30, 10)), torch.tensor([1, 1, 3])
    regions = boxes_of((0, 0, 10, 5), (25, 0, 35, 10))
    overlaps, nearest = rcnn_fit.match(regions, true, labels, 4)
    torch.testing.assert_close(overlaps, torch.tensor([[5 / 6, 0, 0], [0, 0, 1 / 3]]))
    assert nearest[0, 0].equal(true[1]) and nearest[1, 2].equal(true[2])
    assert iou(regions, nearest[:, 1]).diag().tolist() == [1, 1]         # no object: itself


def test_matching_without_objects_and_without_regions():
    overlaps, nearest = rcnn_fit.match(boxes_of((0, 0, 4, 4)), NOTHING, torch.zeros(0).long(), 3)
    assert overlaps.tolist() == [[0, 0]] and nearest.shape == (1, 2, 4)
    overlaps, nearest = rcnn_fit.match(NOTHING, boxes_of((0, 0, 4, 4)), torch.tensor([1]), 3)
    assert overlaps.shape == (0, 2) and nearest.shape == (0, 2, 4)


def test_the_svm_of_a_class_separates_it_and_a_class_without_object_stays_silent(model):
    examples = toy()
    counts = rcnn_fit.fit_svms(model, examples)
    scores = model.score(examples.features)
    assert (scores[:10, 0] > 0).all() and (scores[10:, 0] < 0).all()
    assert len(counts[0]) == rcnn_fit.ROUNDS + 1 and counts[1:] == [[], []]
    assert (scores[:, 1:] == -2).all()


def test_regions_between_are_no_examples(model):
    examples = toy()
    examples.overlaps[10:20, 0] = 0.4                        # neither positive nor negative
    changed = examples._replace(features=examples.features.clone())
    changed.features[10:20] = 100.0
    weights = []
    for given in (examples, changed):
        rcnn_fit.fit_svms(model, given)
        weights.append(model.svm_weight.clone())
    assert weights[0].equal(weights[1])


def test_mining_finds_the_negatives_that_the_first_round_did_not_see(model, monkeypatch):
    examples = toy(count=400)
    examples.features[10:, 0] -= 3.0                         # easy ones, but for one
    examples.features[203, 0] = 0.8
    monkeypatch.setattr(rcnn_fit, "FIRST", 40)
    monkeypatch.setattr(rcnn_fit, "C", 100.0)
    counts = rcnn_fit.fit_svms(model, examples)[0]
    assert counts[1] == counts[0] + 1 == counts[2]
    assert model.score(examples.features)[203, 0] < model.score(examples.features)[:10, 0].min()


def test_ridge_by_hand_and_as_scikit_learn():
    x, y = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [5.0]])
    weight, bias = rcnn_fit.ridge(x, y, 0.0)
    torch.testing.assert_close((weight, bias), (torch.tensor([[2.0]]), torch.tensor([1.0])))
    weight, bias = rcnn_fit.ridge(x, y, 2.0)                 # 2 w = 4 becomes (2 + 2) w = 4
    torch.testing.assert_close((weight, bias), (torch.tensor([[1.0]]), torch.tensor([2.0])))
    torch.manual_seed(0)
    x, y = torch.randn(12, 20), torch.randn(12, 4)
    weight, bias = rcnn_fit.ridge(x, y, 0.7)
    theirs = Ridge(alpha=0.7).fit(x.numpy().astype(np.float64), y.numpy().astype(np.float64))
    np.testing.assert_allclose(weight.T.numpy(), theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(bias.numpy(), theirs.intercept_, atol=1e-5)


def test_box_regression_learns_from_near_proposals_alone(model):
    examples = toy()
    examples.overlaps[:] = 0
    examples.overlaps[20:30, 0] = 0.7
    examples.overlaps[30:40, 0] = 0.55                       # too far
    examples.nearest[20:30, 0] = torch.tensor([2.0, 0, 10, 8])
    assert rcnn_fit.fit_boxes(model, examples) == [10, 0, 0]
    near = model.refine(examples.boxes[20:21], examples.features[20:21], (40, 40))[0]
    torch.testing.assert_close(near[0], torch.tensor([2.0, 0, 10, 8]), rtol=0, atol=0.1)
    torch.testing.assert_close(near[1], examples.boxes[20])  # another class: not moved
    assert encode(examples.nearest[20:21, 0], examples.boxes[20:21])[0, 0] == 0.25


def test_gather_scales_features_and_keeps_truth_apart(model):
    target = {"boxes": boxes_of((2, 2, 12, 12)), "labels": torch.tensor([3])}
    empty = {"boxes": NOTHING, "labels": torch.zeros(0, dtype=torch.int64)}
    samples = [(picture(), target), (picture(seed=1), empty)]
    examples = rcnn_fit.gather(model, samples, [boxes_of((2, 2, 12, 7)), boxes_of((0, 0, 9, 9))])
    assert examples.truth.tolist() == [3, 0, 0] and examples.image.tolist() == [0, 0, 1]
    torch.testing.assert_close(examples.overlaps, torch.tensor([[0, 0, 1], [0, 0, 0.5], [0, 0, 0]]))
    assert abs(examples.features.norm(dim=1).mean() - 1) < 1e-5
    again = model.features(samples[0][0], examples.boxes[:2])
    torch.testing.assert_close(again, examples.features[:2], rtol=1e-4, atol=1e-6)


def test_one_class_only():
    model = RCNN(Backbone(), num_classes=2)
    target = {"boxes": boxes_of((2, 2, 12, 12)), "labels": torch.tensor([1])}
    examples = rcnn_fit.gather(model, [(picture(), target)],
                               [boxes_of((2, 2, 12, 11), (20, 2, 36, 20), (14, 0, 20, 6))])
    rcnn_fit.fit_svms(model, examples)
    rcnn_fit.fit_boxes(model, examples)
    found = model.detect(Stored(examples.boxes, examples.features), (24, 40))
    assert found["labels"].unique().tolist() in ([], [1])


def test_what_is_refused(model):
    with pytest.raises(ValueError, match="num_classes: got 1, but 2 or more"):
        RCNN(Backbone(), 1)
    with pytest.raises(ValueError, match=r"images\[0\]: got shape \(1, 3, 8, 8\), but \(3, H, W\)"):
        model([torch.rand(1, 3, 8, 8)], [NOTHING])
    with pytest.raises(ValueError, match="proposals: got those of 0 images, but 1 images came"):
        model([picture()], [])
    bad = {"boxes": boxes_of((2, 2, 12, 12)), "labels": torch.tensor([4])}
    with pytest.raises(ValueError, match=r"targets\[0\]: got labels \[4\], but 1 to 3"):
        rcnn_fit.gather(model, [(picture(), bad)], [NOTHING])
    with pytest.raises(ValueError, match="samples: got neither a proposal nor an object"):
        rcnn_fit.gather(model, [], [])
