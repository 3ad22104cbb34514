"""RoI pooling and RoIAlign: by hand, loops, torchvision, gradients, edges, what is refused."""

import math
from itertools import product

import pytest
import torch
from random_inputs import random_boxes
from torchvision import ops

from coursekit.roi import as_rows, cells, roi_align, roi_pool
from coursekit.roi.pool import rounded

NOTHING = torch.zeros(0, 4)
TOY = torch.tensor([[3., 8, 2, 9, 1, 0], [4, 1, 7, 5, 6, 2],
                    [0, 6, 5, 3, 8, 7], [2, 9, 1, 4, 0, 5]])


def maps(B=2, C=3, H=9, W=14, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(B, C, H, W, generator=generator).relu()       # zeros: bins with ties


def regions(n=60, seed=1, H=9, W=14, stride=8):
    """(n, 5) over and beyond a picture of 8 H x 8 W pixels; some on half cells, some flat."""
    boxes = random_boxes(n, seed, 1.4 * stride * H, 1.4 * stride * W) - 0.2 * stride * H
    boxes[:12] = (boxes[:12] / 4).round() * 4                         # corners on half cells
    boxes[12, 2:] = boxes[12, :2]                                     # no area
    boxes[13, 2], boxes[14, 3] = boxes[13, 0], boxes[14, 1]           # a line each
    boxes[15] = torch.tensor([-90., -70, -40, -30])                   # wholly outside
    boxes[16] = torch.tensor([0., 0, stride * W, stride * H])         # the whole picture
    numbers = torch.arange(n)[:, None] % 2
    return torch.cat([numbers.to(boxes), boxes], dim=1)


def roi_pool_loops(features, rows, P, Q, scale):
    """One region, one bin, one cell after the other."""
    def half_up(value):
        return math.copysign(math.floor(abs(value) + 0.5), value)
    out = torch.zeros(len(rows), features.shape[1], P, Q)
    H, W = features.shape[2:]
    for r, (number, *box) in enumerate(rows.tolist()):
        x1, y1, x2, y2 = (half_up(value * scale) for value in box)
        height, width = max(y2 - y1 + 1, 1) / P, max(x2 - x1 + 1, 1) / Q
        for p, q in product(range(P), range(Q)):
            top, bottom = y1 + math.floor(p * height), y1 + math.ceil((p + 1) * height)
            left, right = x1 + math.floor(q * width), x1 + math.ceil((q + 1) * width)
            part = features[int(number), :, int(max(top, 0)):int(max(min(bottom, H), 0)),
                            int(max(left, 0)):int(max(min(right, W), 0))]
            if part.numel():
                out[r, :, p, q] = part.amax(dim=(1, 2))
    return out


def roi_align_loops(features, rows, P, Q, scale, samples, aligned):
    """One region, one bin, one point after the other."""
    out = torch.zeros(len(rows), features.shape[1], P, Q)
    H, W = features.shape[2:]
    for r, (number, *box) in enumerate(rows.tolist()):
        x1, y1, x2, y2 = (value * scale - 0.5 * aligned for value in box)
        width, height = (x2 - x1, y2 - y1) if aligned else (max(x2 - x1, 1), max(y2 - y1, 1))
        for p, q in product(range(P), range(Q)):
            for i, j in product(range(samples), range(samples)):
                y = y1 + (p + (i + 0.5) / samples) * height / P
                x = x1 + (q + (j + 0.5) / samples) * width / Q
                if not (-1 <= y <= H and -1 <= x <= W):
                    continue
                y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
                for row, column in product({int(y), min(int(y) + 1, H - 1)},
                                           {int(x), min(int(x) + 1, W - 1)}):
                    share = max(1 - abs(y - row), 0) * max(1 - abs(x - column), 0)
                    out[r, :, p, q] += share * features[int(number), :, row, column] / samples ** 2
    return out


# ---- RoI pooling


def test_a_region_is_pooled_by_hand():
    box = torch.tensor([[8., 4, 40, 24]])         # / 8: 1, 0.5, 5, 3 -> columns 1..5, rows 1..3
    assert roi_pool(TOY[None, None], [box], 2, 1 / 8).tolist() == [[[[7, 8], [9, 8]]]]
    top, bottom = cells(box[:, [1, 3]], 1 / 8, 2, 4)
    left, right = cells(box[:, [0, 2]], 1 / 8, 2, 6)
    assert (top.tolist(), bottom.tolist()) == ([[1, 2]], [[3, 4]])    # rows 1, 2 and 2, 3: shared
    assert (left.tolist(), right.tolist()) == ([[1, 3]], [[4, 6]])


def test_half_cells_are_rounded_away_from_zero_and_nothing_else_is_moved():
    values = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, 2.0, -3.2, 7.6])
    assert rounded(values).tolist() == [1, 2, 3, -1, -2, 0, 2, -3, 8]


@pytest.mark.parametrize("size", [1, 2, 7, (3, 2), (2, 5)])
def test_pooling_equals_plain_loops_and_torchvision(size):
    features, rows = maps(), regions()
    P, Q = (size, size) if isinstance(size, int) else size
    ours = roi_pool(features, rows, size, 1 / 8)
    assert ours.equal(ops.roi_pool(features, rows, size, 1 / 8))
    assert ours.equal(roi_pool_loops(features, rows, P, Q, 1 / 8))


@pytest.mark.parametrize("size", [2, 7, (3, 2)])
def test_poolings_gradient_goes_to_the_first_greatest_as_torchvisions(size):
    rows, (ours, theirs) = regions(), (maps().requires_grad_(), maps().requires_grad_())
    one, two = roi_pool(ours, rows, size, 1 / 8), ops.roi_pool(theirs, rows, size, 1 / 8)
    assert one.equal(two)                          # the path that remembers the winners
    wish = torch.randn(one.shape, generator=torch.Generator().manual_seed(5))
    one.backward(wish), two.backward(wish)
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_pooling_passes_gradcheck():
    features = torch.rand(2, 2, 5, 7, dtype=torch.float64, requires_grad=True)
    rows = regions(20, H=5, W=7).double()
    assert torch.autograd.gradcheck(lambda x: roi_pool(x, rows, (2, 3), 1 / 8), features)


# ---- RoIAlign


@pytest.mark.parametrize("samples, aligned", list(product([1, 2, 3], [False, True])))
def test_align_equals_plain_loops(samples, aligned):
    features, rows = maps(H=5, W=6), regions(24, H=5, W=6)
    rows = rows[~(rows[:, 3:] == rows[:, 1:3]).any(dim=1)]
    ours = roi_align(features, rows, (2, 3), 1 / 8, samples, aligned)
    loops = roi_align_loops(features, rows, 2, 3, 1 / 8, samples, aligned)
    torch.testing.assert_close(ours, loops, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("samples, aligned", list(product([-1, 0, 1, 2, 5], [False, True])))
@pytest.mark.parametrize("size", [1, 7, (3, 2)])
def test_align_equals_torchvision_gradient_included(samples, aligned, size):
    rows, (ours, theirs) = regions(), (maps().requires_grad_(), maps().requires_grad_())
    one = roi_align(ours, rows, size, 1 / 8, samples, aligned)
    two = ops.roi_align(theirs, rows, size, 1 / 8, samples, aligned)
    torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)
    wish = torch.randn(one.shape, generator=torch.Generator().manual_seed(5))
    one.backward(wish), two.backward(wish)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)


def test_align_passes_gradcheck():
    features = torch.rand(2, 2, 5, 7, dtype=torch.float64, requires_grad=True)
    rows = regions(20, H=5, W=7).double()[[0, 3, 12, 13, 15, 16]]
    for samples, aligned in product([-1, 2], [False, True]):
        assert torch.autograd.gradcheck(
            lambda x, s=samples, a=aligned: roi_align(x, rows, (2, 3), 1 / 8, s, a), features)


def test_on_a_ramp_align_reads_the_place_of_each_bin_and_pooling_does_not():
    ramp = torch.arange(16.)[None, None, None].expand(1, 1, 16, 16)   # a cell's value: its column
    box = torch.tensor([[21., 16, 77, 72]])                           # 2.625 to 9.625 cells
    centers = 21 / 8 + torch.arange(7) + 0.5 - 0.5                    # of seven bins, as numbers
    aligned = roi_align(ramp, [box], 7, 1 / 8, 2, aligned=True)[0, 0]
    torch.testing.assert_close(aligned, centers.expand(7, 7))
    pooled = roi_pool(ramp, [box], 7, 1 / 8)[0, 0, 0]
    assert (pooled - centers).abs().max() > 0.3


def test_align_moves_with_the_picture_by_whole_cells():
    features, rows = maps(B=1), regions()[:, 1:]
    moved = torch.zeros(1, 3, 13, 20)
    moved[:, :, 2:11, 3:17] = features
    inside = ((rows >= 8) & (rows <= torch.tensor([104., 64, 104, 64]))).all(dim=1)
    ours = roi_align(features, [rows[inside]], 3, 1 / 8, 2, True)
    shifted = rows[inside] + torch.tensor([24., 16, 24, 16])
    torch.testing.assert_close(roi_align(moved, [shifted], 3, 1 / 8, 2, True), ours)
    assert inside.sum() > 3


# ---- both


@pytest.mark.parametrize("pool", [roi_pool, roi_align])
def test_a_list_of_boxes_and_a_table_with_numbers_are_the_same(pool):
    rows = regions()
    boxes = [rows[rows[:, 0] == n][:, 1:] for n in (0, 1)]
    table = torch.cat([rows[rows[:, 0] == n] for n in (0, 1)])
    assert pool(maps(), boxes, 3, 1 / 8).equal(pool(maps(), table, 3, 1 / 8))


@pytest.mark.parametrize("pool", [roi_pool, roi_align])
@pytest.mark.parametrize("learning", [False, True])
def test_no_region_and_no_image_give_no_block(pool, learning):
    features = maps().requires_grad_(learning)
    out = pool(features, [NOTHING, NOTHING], 7, 1 / 8)
    assert out.shape == (0, 3, 7, 7)
    assert out.requires_grad == learning
    if learning:
        out.sum().backward()
        assert not features.grad.any()
    assert pool(torch.zeros(0, 3, 4, 4), [], 7).shape == (0, 3, 7, 7)


@pytest.mark.parametrize("pool", [roi_pool, roi_align])
def test_half_precision_keeps_its_type_and_exact_coordinates(pool):
    rows = torch.tensor([[0., 8, 4, 2041, 4.5]])                      # 2041 is no half number
    features = maps(H=3, W=256)
    halves = pool(features.half(), rows, 2, 1 / 8)
    assert halves.dtype == torch.float16
    torch.testing.assert_close(halves.float(), pool(features.half().float(), rows, 2, 1 / 8),
                               rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("pool", [roi_pool, roi_align])
@pytest.mark.parametrize("features, boxes, size, error, words", [
    (torch.zeros(1, 2, 4, 4, dtype=torch.int64), [NOTHING], 2, TypeError, "features: got"),
    (torch.zeros(2, 4, 4), [NOTHING], 2, ValueError, "map of one image is features"),
    (torch.zeros(1, 2, 0, 4), [NOTHING], 2, ValueError, "features: got shape"),
    (torch.zeros(2, 2, 4, 4), [NOTHING], 2, ValueError, "a list of 1, but 2 tensors"),
    (torch.zeros(1, 2, 4, 4), NOTHING, 2, ValueError, "the image's number before each box"),
    (torch.zeros(1, 2, 4, 4), torch.tensor([[1., 0, 0, 2, 2]]), 2, ValueError, "not a class"),
    (torch.zeros(1, 2, 4, 4), [torch.tensor([[3., 0, 2, 2]])], 2, ValueError, "x2 >= x1"),
    (torch.zeros(1, 2, 4, 4), [torch.full((1, 4), math.nan)], 2, ValueError, "finite"),
    (torch.zeros(1, 2, 4, 4), [NOTHING], 0, ValueError, "output_size: got 0"),
    (torch.zeros(1, 2, 4, 4), [NOTHING], (2, 2, 2), ValueError, "output_size: got"),
])
def test_what_is_refused(pool, features, boxes, size, error, words):
    with pytest.raises(error, match=words):
        pool(features, boxes, size)


def test_rows_name_the_image_of_every_box():
    rows, size = as_rows(maps(), [random_boxes(2), random_boxes(1)], 7)
    assert rows[:, 0].tolist() == [0, 0, 1] and rows.shape == (3, 5) and size == (7, 7)
