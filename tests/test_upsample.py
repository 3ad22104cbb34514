"""`coursekit.upsample`, the fixed rules: by hand, against torch, as linear maps, bad input."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from random_inputs import steady
from torch.autograd import gradcheck

from coursekit.upsample import (
    bed_of_nails,
    bilinear,
    interpolation_matrix,
    max_pool,
    max_unpool,
    nearest,
)

GRID = torch.tensor([[[[1.0, 2.0, 4.0], [3.0, 0.0, 8.0]]]])      # (1, 1, 2, 3), as in chapter 3
SIDES = st.integers(1, 25)
EVERY = range(1, 26)                # the sides that every rule is compared with torch on


def maps(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def mixed(cases):
    """The same cases in another order, for the other axis: rows and columns differ."""
    order = torch.randperm(len(cases), generator=torch.Generator().manual_seed(0))
    return [cases[k] for k in order]


def test_nearest_makes_blocks():
    assert nearest(GRID, (2, 1))[0, 0].tolist() == [[1, 2, 4], [1, 2, 4], [3, 0, 8], [3, 0, 8]]
    assert nearest(GRID, (1, 2))[0, 0].tolist() == [[1, 1, 2, 2, 4, 4], [3, 3, 0, 0, 8, 8]]


def test_bed_of_nails_puts_values_in_the_corners():
    assert bed_of_nails(GRID, 2)[0, 0].tolist() == [
        [1, 0, 2, 0, 4, 0], [0] * 6, [3, 0, 0, 0, 8, 0], [0] * 6]


@pytest.mark.parametrize("align_corners, wanted", [
    (False, [1, 1.25, 1.75, 2.5, 3.5, 5, 7, 8]),
    (True, [1, 10 / 7, 13 / 7, 18 / 7, 24 / 7, 32 / 7, 44 / 7, 8])])
def test_bilinear_gives_the_two_rows_worked_out_by_hand(align_corners, wanted):
    row = torch.tensor([[[[1.0, 2.0, 4.0, 8.0]]]])
    torch.testing.assert_close(bilinear(row, (1, 8), align_corners)[0, 0, 0], torch.tensor(wanted))


def test_max_pool_and_unpool_by_hand():
    x = torch.tensor([[[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 7.0, 6.0]]]])
    values, indices = max_pool(x, 2)
    assert values.flatten().tolist() == [5, 7] and indices.flatten().tolist() == [1, 6]
    assert max_unpool(values, indices, (2, 4))[0, 0].tolist() == [[0, 5, 0, 0], [0, 0, 7, 0]]


@pytest.mark.parametrize("sh", [1, 2, 3])
@pytest.mark.parametrize("sw", [1, 2, 3])
def test_nearest_and_bed_of_nails_equal_torch_on_every_side(sh, sw):
    nail = torch.zeros(3, 1, sh, sw)
    nail[:, :, 0, 0] = 1
    for H, W in zip(EVERY, mixed(EVERY), strict=True):
        x = maps(2, 3, H, W)
        for mode in ("nearest", "nearest-exact"):
            assert torch.equal(nearest(x, (sh, sw)), F.interpolate(x, (H * sh, W * sw), mode=mode))
        assert torch.equal(bed_of_nails(x, (sh, sw)),
                           F.conv_transpose2d(x, nail, stride=(sh, sw), groups=3))


@pytest.mark.parametrize("align_corners", [False, True])
def test_bilinear_equals_torch_from_every_side_to_every_other(align_corners):
    cases = [(n, m) for n in EVERY for m in EVERY]
    for (H, height), (W, width) in zip(cases, mixed(cases), strict=True):
        x = maps(2, 3, H, W)
        wanted = F.interpolate(x, (height, width), mode="bilinear", align_corners=align_corners)
        torch.testing.assert_close(bilinear(x, (height, width), align_corners), wanted,
                                   rtol=0, atol=1e-5)


@pytest.mark.parametrize("ties", [False, True])
def test_pooling_and_unpooling_equal_torch_on_every_side_and_kernel(ties):
    cases = [(n, k) for n in EVERY for k in range(1, 6) if k <= n]
    for (H, kh), (W, kw) in zip(cases, mixed(cases), strict=True):
        x = maps(2, 3, H, W)
        x = x.round() if ties else x
        values, indices = max_pool(x, (kh, kw))
        torchs, places = F.max_pool2d(x, (kh, kw), return_indices=True)
        assert torch.equal(values, torchs) and torch.equal(indices, places)
        assert torch.equal(max_unpool(values, indices, (H, W)),
                           F.max_unpool2d(torchs, places, (kh, kw), output_size=(H, W)))


def test_not_a_number_wins_in_a_block_as_in_torch():
    x = torch.tensor([[[[1.0, float("nan")], [3.0, 2.0]]]])
    values, indices = max_pool(x, 2)
    assert values.isnan().all() and indices.item() == 1


@pytest.mark.parametrize("enlarge", [
    lambda x: nearest(x, 2), lambda x: bed_of_nails(x, 2), lambda x: bilinear(x, 5),
    lambda x: max_unpool(*max_pool(x, 1), x.shape[2:])])
def test_no_images_give_no_images(enlarge):
    out = enlarge(torch.zeros(0, 2, 3, 4))
    assert out.shape[:2] == (0, 2) and out.numel() == 0


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.float64])
def test_class_ids_keep_their_type(dtype):
    ids = torch.tensor([[[[0, 1], [1, 0]]]]).to(dtype)
    for out in (nearest(ids, 2), bed_of_nails(ids, 2), max_unpool(ids, torch.tensor(
            [[[[0, 3], [8, 15]]]]), 4)):
        assert out.dtype == dtype and out.shape == (1, 1, 4, 4)


@steady
@given(SIDES, SIDES, st.booleans())
def test_each_output_is_a_mean_of_inputs(n_in, n_out, align_corners):
    matrix = interpolation_matrix(n_in, n_out, align_corners)
    assert matrix.shape == (n_out, n_in) and (matrix >= 0).all() and (matrix > 0).sum(1).max() <= 2
    torch.testing.assert_close(matrix.sum(dim=1), torch.ones(n_out, dtype=torch.float64))


@pytest.mark.parametrize("enlarge, shrink", [
    (lambda x: bed_of_nails(x, (2, 3)), lambda y: y[:, :, ::2, ::3]),
    (lambda x: nearest(x, (2, 3)), lambda y: F.avg_pool2d(y, (2, 3)) * 6)])
def test_each_rule_is_the_transpose_of_a_way_to_shrink(enlarge, shrink):
    x, y = maps(1, 2, 4, 5, dtype=torch.float64), maps(1, 2, 8, 15, seed=1, dtype=torch.float64)
    torch.testing.assert_close((enlarge(x) * y).sum(), (x * shrink(y)).sum())


def test_moving_the_map_moves_the_result():
    x = maps(1, 1, 5, 6)
    for enlarge in (lambda x: nearest(x, 2), lambda x: bed_of_nails(x, 2)):
        assert torch.equal(enlarge(x.roll(1, -1)), enlarge(x).roll(2, -1))


@pytest.mark.parametrize("enlarge", [
    lambda x: nearest(x, (3, 2)), lambda x: bed_of_nails(x, (3, 2)),
    lambda x: bilinear(x, (7, 2)), lambda x: bilinear(x, (3, 9), True),
    lambda x: max_unpool(x, max_pool(maps(1, 2, 9, 10), 3)[1], (9, 10)),
    lambda x: max_pool(x, (1, 2))[0]])
def test_gradients_are_right(enlarge):
    assert gradcheck(enlarge, maps(1, 2, 3, 3, dtype=torch.float64).requires_grad_())


@pytest.mark.parametrize("call, words", [
    (lambda: nearest(GRID[0], 2), r"x: got \(1, 2, 3\), but \(B, C, H, W\)"),
    (lambda: nearest(torch.zeros(1, 1, 0, 3), 2), "with H and W of 1 or more was expected"),
    (lambda: nearest(GRID, 0), "scale=0 came, but a whole number of 1 or more"),
    (lambda: nearest(GRID, 1.5), "scale=1.5 came"),
    (lambda: bed_of_nails(GRID, (2, 2, 2)), r"or a pair of them, \(height, width\)"),
    (lambda: bilinear(GRID, True), "size=True came"),
    (lambda: bilinear(GRID.long(), 4), "got torch.int64, but floating point was expected"),
    (lambda: interpolation_matrix(0, 3), "came, but a whole number of 1 or more"),
    (lambda: max_pool(GRID, 3), "kernel_size=3 came for maps of 2 x 3"),
    (lambda: max_unpool(GRID, GRID.long()[:, :, :1], 4), "the same shape and int64 were expected"),
    (lambda: max_unpool(GRID, GRID, 4), "torch.float32 for x"),
    (lambda: max_unpool(GRID, GRID.long(), 2), "from 0 to 8, but a map of size 2 x 2 has 0 to 3"),
    (lambda: max_unpool(GRID, -GRID.long(), 4), "indices reach from -8"),
])
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
