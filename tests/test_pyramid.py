"""The feature pyramid: by hand, against torchvision's, and under the course's Mask R-CNN."""

import pytest
import torch
from random_inputs import random_masks, random_picture
from torch import nn
from torchvision.models import mobilenet_v2
from torchvision.ops import FeaturePyramidNetwork

from coursekit.boxes import from_masks
from coursekit.models import pyramid
from coursekit.models.hub import cached
from coursekit.models.pyramid import FeaturePyramid, MobilePyramid, pyramid_mask_rcnn

CHANNELS = (3, 5, 8)


def maps(sizes=((12, 20), (6, 10), (3, 5)), channels=CHANNELS, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, C, *size, generator=generator)
            for C, size in zip(channels, sizes, strict=True)]


def twin(ours):
    """torchvision's pyramid with the same weights."""
    theirs = FeaturePyramidNetwork(CHANNELS, 4)
    for n in range(len(CHANNELS)):
        theirs.inner_blocks[n][0].load_state_dict(ours.lateral[n].state_dict())
        theirs.layer_blocks[n][0].load_state_dict(ours.smooth[n].state_dict())
    return theirs


def test_by_hand_the_coarse_number_is_added_to_the_four_cells_below_it():
    net = FeaturePyramid((1, 1), 1)
    for layer in (*net.lateral, *net.smooth):
        nn.init.dirac_(layer.weight)                         # hands on what comes
    fine, coarse = torch.arange(8.).view(1, 1, 2, 4), torch.tensor([[[[10., 20.]]]])
    with torch.no_grad():
        out = net([fine, coarse])
    assert out[0].tolist() == [[[[10, 11, 22, 23], [14, 15, 26, 27]]]]
    assert out[1].equal(coarse)


@pytest.mark.parametrize("sizes", [((12, 20), (6, 10), (3, 5)), ((13, 21), (7, 11), (4, 6)),
                                   ((1, 2), (1, 1), (1, 1))])
def test_the_pyramid_equals_torchvision_s(sizes):
    torch.manual_seed(0)
    ours, given = FeaturePyramid(CHANNELS, 4), maps(sizes)
    theirs = twin(ours)(dict(enumerate(given)))
    for mine, other in zip(ours(given), theirs.values(), strict=True):
        torch.testing.assert_close(mine, other)


def test_its_weights_begin_as_torchvision_s():
    torch.manual_seed(0)
    pairs = zip(FeaturePyramid((96, 320), 96).parameters(),
                FeaturePyramidNetwork((96, 320), 96).parameters(), strict=True)
    for mine, other in pairs:
        assert mine.shape == other.shape
        assert mine.dim() == 1 or abs(mine.std() / other.std() - 1) < 0.05


def test_a_coarse_cell_reaches_all_finer_maps_and_no_fine_one_reaches_back():
    torch.manual_seed(0)
    given = [level.requires_grad_() for level in maps()]
    out = FeaturePyramid(CHANNELS, 4)(given)
    reached = [[g is not None for g in torch.autograd.grad(level.sum(), given, retain_graph=True,
                                                           allow_unused=True)] for level in out]
    assert reached == [[True, True, True], [False, True, True], [False, False, True]]


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    net = FeaturePyramid((2, 2), 2).double()
    given = [level.double().requires_grad_() for level in maps(((4, 6), (2, 3)), (2, 2))]
    assert torch.autograd.gradcheck(lambda *levels: tuple(net(levels)), given)


@pytest.mark.parametrize("bad, message", [
    (lambda: FeaturePyramid(()), "got no map"),
    (lambda: FeaturePyramid(CHANNELS)(maps()[:2]), "got 2, but a list of 3 maps"),
    (lambda: FeaturePyramid(CHANNELS)(maps()[0]), r"one tensor \(2, 3, 12, 20\)"),
    (lambda: FeaturePyramid(CHANNELS[::-1])(maps()[::-1]), "Turn the list round"),
    (lambda: MobilePyramid(False)(torch.rand(3, 64, 64)), "images: "),
])
def test_bad_input_is_refused_in_words(bad, message):
    with pytest.raises(ValueError, match=message):
        bad()


@pytest.fixture(scope="module")
def backbone():
    torch.manual_seed(0)
    return MobilePyramid(pretrained=False, channels=16)


def test_maps_have_strides_4_to_32_and_one_number_of_channels(backbone):
    with torch.no_grad():
        sizes = [tuple(level.shape) for level in backbone.eval()(torch.rand(1, 3, 64, 96))]
    assert sizes == [(1, 16, 16, 24), (1, 16, 8, 12), (1, 16, 4, 6), (1, 16, 2, 3)]


def test_the_stages_are_mobilenet_s_features_on_normalized_pictures(backbone):
    theirs = mobilenet_v2()
    state = {f"features.{n}.{key}": value for n, layer in enumerate(
        layer for stage in backbone.stages for layer in stage)
        for key, value in layer.state_dict().items()}
    theirs.load_state_dict(state, strict=False)
    x = torch.rand(1, 3, 64, 96)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (pyramid.MEAN, pyramid.STD))
    with torch.no_grad():
        wanted, found = theirs.eval().features[:18]((x - mean) / std), (x - mean) / std
        for stage in backbone.eval().stages:
            found = stage(found)
    assert found.abs().sum() > 0
    torch.testing.assert_close(found, wanted)


def people(seed=0):
    masks = torch.zeros(2, 64, 96, dtype=torch.bool)
    masks[0, 8:50, 10:30] = masks[1, 12:60, 50:72] = True
    masks |= random_masks(2, 64, 96, seed)
    return {"boxes": from_masks(masks), "labels": torch.ones(2, dtype=torch.int64), "masks": masks}


def test_mask_rcnn_on_the_pyramid_learns_with_all_its_parts(backbone):
    torch.manual_seed(0)
    model = pyramid_mask_rcnn(backbone, resize=(64, 128)).train()
    losses = model([random_picture(64, 96), random_picture(64, 80)],
                   [people(), people(1) | {"masks": people(1)["masks"][..., :80]}])
    assert set(losses) == {"objectness", "rpn_box", "class", "box", "mask"}
    sum(losses.values()).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert [name for name in silent if not name.startswith(("backbone.pyramid.smooth",
                                                            "mask_head.masks"))] == []
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_detections_come_in_the_picture_s_own_pixels(backbone):
    model = pyramid_mask_rcnn(backbone, resize=(64, 128)).eval()
    nn.init.constant_(model.head.scores.bias, 1.0)           # so that something is found
    with torch.no_grad():
        found, = model([random_picture(90, 150)])
    assert len(found["boxes"]) > 0 and found["masks"].shape[1:] == (1, 90, 150)
    assert (found["boxes"] <= torch.tensor([150., 90, 150, 90]) + 1e-3).all()


def test_the_features_are_those_of_the_file_in_torch_s_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    file = cached(pyramid.OFFICIAL.url)
    file.parent.mkdir()
    torch.manual_seed(0)
    state = mobilenet_v2().state_dict()
    torch.save(state, file)
    first = MobilePyramid().stages[0][0][0].weight
    assert file.name == "mobilenet_v2-b0353104.pth" and first.equal(state["features.0.0.weight"])
