"""`coursekit.models.pixels`: the classifier of a patch, and the twin that must say the same."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from coursekit.models.pixels import (
    PATCH,
    STRIDE,
    FullyConvolutional,
    PatchClassifier,
    copy_weights,
    grid_points,
    patches_around,
)


def trained_classifier(seed=0):
    """A classifier whose batch normalisation is not the identity, as after training."""
    torch.manual_seed(seed)
    classifier = PatchClassifier()
    for layer in classifier.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            layer.momentum = 1.0
            nn.init.normal_(layer.weight, 1, 0.2)
            nn.init.normal_(layer.bias, 0, 0.2)
    with torch.no_grad():
        classifier(torch.rand(16, 3, PATCH, PATCH))        # sets the running means and variances
    return classifier.eval()


def assert_close(a, b):
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def random_image(H, W, seed=0):
    return torch.rand(3, H, W, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("H, W", [(128, 128), (40, 61), (PATCH, PATCH), (9, 8), (1, 1)])
def test_the_twin_equals_the_classifier_in_every_window(H, W):
    classifier, image = trained_classifier(), random_image(H, W)
    twin = FullyConvolutional.from_patch_classifier(classifier)
    points = grid_points((H, W))
    with torch.no_grad():
        one_by_one = classifier(patches_around(image, points))             # (N, K)
        at_once = twin(image[None])[0][:, points[:, 1], points[:, 0]].T    # (N, K)
    assert_close(one_by_one, at_once)
    assert len(points) < 3 or one_by_one.std(0).max() > 0.02      # not merely constant


def test_a_shifted_picture_gives_the_twins_scores_for_all_other_pixels():
    """Every pixel's patch can be had from the twin: S x S passes, each shifted by a pixel."""
    classifier, image = trained_classifier(1), random_image(30, 22)
    twin = FullyConvolutional.from_patch_classifier(classifier)
    large = F.pad(image, (40, 40, 40, 40))
    points = torch.tensor([[3, 5], [21, 29], [10, 1]])
    with torch.no_grad():
        wanted = classifier(patches_around(image, points))
        for (x, y), scores in zip(points.tolist(), wanted, strict=True):
            shifted = large[None, :, 40 + y - 32:, 40 + x - 32:]   # the point comes to (32, 32)
            at = 32 // STRIDE
            assert_close(twin.grid(shifted)[0, :, at, at], scores)


def test_the_twin_keeps_the_grids_scores_and_lies_between_them_elsewhere():
    twin = FullyConvolutional.from_patch_classifier(trained_classifier())
    with torch.no_grad():
        grid, dense = twin.grid(random_image(20, 33)[None]), twin(random_image(20, 33)[None])
    kept = dense[..., ::STRIDE, ::STRIDE]
    torch.testing.assert_close(kept, grid[..., :kept.shape[-2], :kept.shape[-1]])
    middle = (grid[..., 0, 0] + grid[..., 0, 1] + grid[..., 1, 0] + grid[..., 1, 1]) / 4
    torch.testing.assert_close(dense[..., STRIDE // 2, STRIDE // 2], middle)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50))
def test_the_twin_gives_a_map_of_the_pictures_size(H, W):
    twin = FullyConvolutional(num_classes=3).eval()
    with torch.no_grad():
        assert twin(random_image(H, W)[None]).shape == (1, 3, H, W)


def test_copying_there_and_back_changes_no_number():
    classifier, back = trained_classifier(3), PatchClassifier()
    copy_weights(FullyConvolutional.from_patch_classifier(classifier), back)
    for name, value in classifier.state_dict().items():
        assert torch.equal(value, back.state_dict()[name]), name


def test_the_twin_is_a_copy_and_not_a_view():
    classifier = trained_classifier()
    twin = FullyConvolutional.from_patch_classifier(classifier)
    with torch.no_grad():
        twin.hidden.weight.zero_()
    assert classifier.hidden.weight.abs().sum() > 0


def test_the_twin_takes_over_the_mode():
    assert FullyConvolutional.from_patch_classifier(PatchClassifier()).training
    assert not FullyConvolutional.from_patch_classifier(PatchClassifier().eval()).training


def test_the_patch_and_the_stride_are_those_of_the_layers():
    """The scores of one cell depend on all rows and columns of its patch, and on no others."""
    twin = FullyConvolutional.from_patch_classifier(trained_classifier()).double()
    image = torch.rand(1, 3, 128, 128, dtype=torch.float64, requires_grad=True)
    twin.grid(image)[0, :, 8, 8].sum().backward()          # the cell of the pixel (64, 64)
    rows = image.grad[0].abs().sum((0, 2)).nonzero().flatten()
    columns = image.grad[0].abs().sum((0, 1)).nonzero().flatten()
    for seen in (rows, columns):
        assert (seen.min().item(), seen.max().item()) == (64 - PATCH // 2, 64 + PATCH // 2)


def test_no_patch_and_no_picture_are_valid():
    classifier = trained_classifier()
    twin = FullyConvolutional.from_patch_classifier(classifier)
    assert classifier(torch.zeros(0, 3, PATCH, PATCH)).shape == (0, 7)
    assert twin(torch.zeros(0, 3, 20, 10)).shape == (0, 7, 20, 10)
    assert patches_around(random_image(5, 5), torch.zeros(0, 2, dtype=torch.int64), 3).shape == \
        (0, 3, 3, 3)


def test_patches_around_two_corners_worked_by_hand():
    image = torch.arange(1, 7.0).view(1, 2, 3).expand(3, 2, 3)      # 1 2 3 / 4 5 6
    patches = patches_around(image, torch.tensor([[0, 0], [2, 1]]), size=3)
    assert patches[0, 0].tolist() == [[0, 0, 0], [0, 1, 2], [0, 4, 5]]
    assert patches[1, 2].tolist() == [[2, 3, 0], [5, 6, 0], [0, 0, 0]]


def test_grid_points_go_row_by_row_and_are_x_then_y():
    assert grid_points((3, 5), stride=2).tolist() == \
        [[0, 0], [2, 0], [4, 0], [0, 2], [2, 2], [4, 2]]


def test_both_can_be_trained():
    classifier = PatchClassifier()
    classifier(torch.rand(2, 3, PATCH, PATCH)).sum().backward()
    twin = FullyConvolutional()
    twin(torch.rand(2, 3, 32, 24)).sum().backward()
    for model in (classifier, twin):
        assert all(weight.grad is not None for weight in model.parameters())


# --- errors

@pytest.mark.parametrize("images, came", [
    (torch.zeros(3, 8, 8), r"\(3, 8, 8\)"),
    (torch.zeros(1, 1, 8, 8), r"\(1, 1, 8, 8\)"),
    (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "uint8"),
    (torch.zeros(1, 3, 0, 8), r"\(1, 3, 0, 8\)"),
    ([torch.zeros(3, 8, 8)], "a list"),
])
def test_what_is_not_a_batch_of_pictures_is_refused(images, came):
    with pytest.raises(ValueError, match=rf"images: got .*{came}.*\(B, 3, H, W\) was exp.*stack"):
        FullyConvolutional()(images)
    with pytest.raises(ValueError, match="patches: got"):
        PatchClassifier()(images)


def test_patches_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 3, 32, 32\).*Cut them with patches_around"):
        PatchClassifier()(torch.zeros(1, 3, 32, 32))


def test_networks_of_different_classes_exchange_no_weights():
    with pytest.raises(ValueError, match="different layers or numbers of classes.*num_classes"):
        copy_weights(PatchClassifier(7), FullyConvolutional(3))


@pytest.mark.parametrize("points, message", [
    (torch.tensor([[6, 0]]), r"\[6, 0\] lies outside the image of height 8 and width 6"),
    (torch.tensor([[0, -1]]), "lies outside"),
    (torch.tensor([[0.0, 1.0]]), r"integers \(N, 2\)"),
    (torch.tensor([0, 1]), r"integers \(N, 2\)"),
    ([[0, 1]], r"got a list, but a tensor of integers \(N, 2\)"),
])
def test_points_outside_the_picture_are_refused(points, message):
    with pytest.raises(ValueError, match=message):
        patches_around(random_image(8, 6), points, 3)


@pytest.mark.parametrize("image, came", [([[0.0]], "a list"), (torch.zeros(8, 6), "float32")])
def test_patches_of_what_is_no_picture_are_refused(image, came):
    with pytest.raises(ValueError, match=rf"image\[None\]: got .*{came}.*\(B, 3, H, W\)"):
        patches_around(image, torch.tensor([[0, 0]]), 3)


@pytest.mark.parametrize("size", [7, (0, 4), (8, 6, 3)])
def test_a_grid_of_what_is_no_size_is_refused(size):
    with pytest.raises(ValueError, match=r"size: got .* but \(height, width\), each at least 1"):
        grid_points(size)


def test_an_even_patch_is_refused():
    with pytest.raises(ValueError, match="size=4 came, but an odd number.*Use 5"):
        patches_around(random_image(8, 6), torch.tensor([[0, 0]]), 4)
