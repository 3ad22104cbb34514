"""Warping: cut exactly, plain loops, resizing by torch, context, edges, and what is refused."""

import pytest
import torch
import torch.nn.functional as F

from coursekit.warp import warp

BLACK = torch.zeros(1)


def picture(C=3, H=9, W=13, seed=0):
    return torch.rand(C, H, W, generator=torch.Generator().manual_seed(seed))


def boxes_of(*rows):
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def warp_loops(image, box, fill, side, context):
    """One box, one pixel after the other."""
    C, H, W = image.shape
    x1, y1, x2, y2 = box.tolist()
    share = context / (1 - 2 * context)
    dx, dy = (x2 - x1) * share, (y2 - y1) * share
    out = torch.zeros(C, side, side)
    for i in range(side):
        for j in range(side):
            y = y1 - dy + (i + 0.5) / side * (y2 - y1 + 2 * dy) - 0.5
            x = x1 - dx + (j + 0.5) / side * (x2 - x1 + 2 * dx) - 0.5
            for row in (int(y // 1), int(y // 1) + 1):
                for column in (int(x // 1), int(x // 1) + 1):
                    inside = 0 <= row < H and 0 <= column < W
                    color = image[:, row, column] if inside else fill
                    out[:, i, j] += (1 - abs(y - row)) * (1 - abs(x - column)) * color
    return out


def test_a_row_of_four_pixels_becomes_two_by_hand():
    image = torch.tensor([[[1.0, 3.0, 10.0, 20.0]]])
    halves = warp(image.expand(1, 4, 4), boxes_of((0, 0, 4, 4)), BLACK, side=2, context=0)
    assert torch.allclose(halves, torch.tensor([[[[2.0, 15.0], [2.0, 15.0]]]]))


def test_a_box_of_the_squares_own_size_is_cut_out_as_it_is():
    image = picture()
    square = warp(image, boxes_of((2, 1, 10, 9)), torch.zeros(3), side=8, context=0)
    torch.testing.assert_close(square[0], image[:, 1:9, 2:10])


def test_context_of_one_pixel_is_one_pixel_of_the_square():
    image = picture()
    square = warp(image, boxes_of((3, 2, 9, 8)), torch.zeros(3), side=8, context=1 / 8)
    torch.testing.assert_close(square[0], image[:, 1:9, 2:10])


@pytest.mark.parametrize("context", [0, 0.15, 0.3])
def test_equals_plain_loops_also_beyond_the_edge(context):
    image, fill = picture(), torch.tensor([0.2, 0.5, 0.9])
    boxes = boxes_of((1, 2, 8, 7), (0, 0, 13, 9), (-4, 3, 5, 12), (9.3, 0.2, 12.9, 1.1))
    squares = warp(image, boxes, fill, side=10, context=context)
    for box, square in zip(boxes, squares, strict=True):
        torch.testing.assert_close(square, warp_loops(image, box, fill, 10, context),
                                   rtol=1e-4, atol=1e-5)


def test_equals_interpolate_on_a_crop_that_shrinks_by_a_whole_number():
    image = picture(H=16, W=24)
    square = warp(image, boxes_of((4, 4, 20, 12)), torch.zeros(3), side=4, context=0)
    crop = image[None, :, 4:12, 4:20]
    torch.testing.assert_close(square, F.interpolate(crop, (4, 4), mode="bilinear"))


def test_equals_interpolate_inside_where_it_grows():
    image = picture(H=16, W=16)
    square = warp(image, boxes_of((4, 4, 12, 12)), torch.zeros(3), side=32, context=0)
    large = F.interpolate(image[None], scale_factor=4, mode="bilinear")
    torch.testing.assert_close(square, large[..., 16:48, 16:48], rtol=1e-4, atol=1e-5)


def test_a_box_wholly_outside_is_all_fill():
    fill = torch.tensor([0.2, 0.5, 0.9])
    square = warp(picture(), boxes_of((40, 40, 50, 60)), fill, side=4)[0]
    torch.testing.assert_close(square, fill[:, None, None].expand(3, 4, 4))


def test_moving_image_and_box_together_changes_nothing():
    image = picture(H=20, W=20)
    one = warp(image, boxes_of((5, 6, 12, 11)), torch.zeros(3), side=6)
    moved = warp(image.roll((2, 3), (1, 2)), boxes_of((8, 8, 15, 13)), torch.zeros(3), side=6)
    torch.testing.assert_close(one, moved, rtol=1e-4, atol=1e-5)


def test_no_boxes_and_a_box_without_area():
    assert warp(picture(), boxes_of(), torch.zeros(3), side=6).shape == (0, 3, 6, 6)
    image = picture()
    square = warp(image, boxes_of((4.5, 3.5, 4.5, 3.5)), torch.zeros(3), side=6)[0]
    torch.testing.assert_close(square, image[:, 3:4, 4:5].expand(3, 6, 6))


def test_gradients_reach_the_image():
    image = picture(C=1, H=4, W=5).double().requires_grad_()
    boxes = torch.tensor([[0.4, 0.8, 4.1, 3.3]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: warp(x, boxes, BLACK, side=4, context=0.1), image)


@pytest.mark.parametrize("change, message", [
    ({"image": torch.rand(1, 3, 4, 4)}, r"image: got torch.float32 \(1, 3, 4, 4\), but one pict"),
    ({"image": torch.zeros(3, 4, 4, dtype=torch.uint8)}, "image: got torch.uint8"),
    ({"image": [1]}, "image: got a list, but one picture"),
    ({"fill": torch.zeros(2)}, r"fill: got shape \(2,\), but one number for each of the 3"),
    ({"context": 0.5}, "context: got 0.5, but a share of the square from 0 to below 0.5"),
    ({"context": -1}, "context: got -1"),
    ({"boxes": torch.zeros(4)}, r"boxes: got shape \(4,\), but \(N, 4\)"),
])
def test_what_is_refused(change, message):
    given = {"image": picture(), "boxes": boxes_of((0, 0, 2, 2)), "fill": torch.zeros(3),
             "side": 8, "context": 0.1}
    with pytest.raises(ValueError, match=message):
        warp(**{**given, **change})
