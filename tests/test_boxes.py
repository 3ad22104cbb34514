"""Boxes against hand-worked cases, torchvision.ops and what must hold for all boxes."""

import pytest
import torch
import torchvision
from hypothesis import given
from random_inputs import box_tensors, random_boxes, random_masks, steady

from coursekit.boxes import FORMATS, area, check_boxes, clip, convert, from_masks, giou, iou

ORDERS = [(source, target) for source in FORMATS for target in FORMATS]


def boxes_of(*rows, dtype=torch.float32):
    return torch.tensor(rows, dtype=dtype).reshape(-1, 4)


# Area and IoU

def test_area_of_three_columns_and_two_rows_is_six():
    assert area(boxes_of((2, 1, 5, 3))).tolist() == [6]


def test_iou_of_boxes_that_overlap_by_half_is_one_third():
    a, b = boxes_of((0, 0, 4, 2)), boxes_of((2, 0, 6, 2))
    torch.testing.assert_close(iou(a, b), torch.tensor([[1 / 3]]))


def test_iou_has_a_row_for_each_of_a_and_a_column_for_each_of_b():
    a = boxes_of((0, 0, 4, 2), (10, 10, 20, 14))
    b = boxes_of((0, 0, 4, 2), (0, 0, 4, 1), (15, 10, 25, 14))
    torch.testing.assert_close(iou(a, b), torch.tensor([[1, 1 / 2, 0], [0, 0, 1 / 3]]))


def test_iou_of_touching_boxes_and_of_boxes_apart_on_both_axes_is_zero():
    a = boxes_of((0, 0, 4, 2))
    assert iou(a, boxes_of((4, 0, 8, 2), (0, 2, 4, 5), (5, 3, 9, 9))).tolist() == [[0, 0, 0]]


def test_iou_of_two_empty_boxes_is_zero_and_not_nan():
    point = boxes_of((3, 3, 3, 3), (0, 0, 0, 5))
    assert iou(point, point).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("n, m", [(0, 0), (0, 3), (3, 0), (1, 1), (5, 7), (40, 30)])
def test_iou_and_area_equal_torchvision(n, m):
    a, b = random_boxes(n, seed=0), random_boxes(m, seed=1)
    torch.testing.assert_close(iou(a, b), torchvision.ops.box_iou(a, b))
    torch.testing.assert_close(area(a), torchvision.ops.box_area(a))


def test_giou_of_boxes_apart_falls_with_the_gap_by_hand():
    a = boxes_of((0, 0, 4, 2))
    near, far = boxes_of((6, 0, 10, 2)), boxes_of((12, 0, 16, 2))       # gaps of 2 and of 8 pixels
    torch.testing.assert_close(giou(a, near), torch.tensor([[-2 / 10]]))
    torch.testing.assert_close(giou(a, far), torch.tensor([[-8 / 16]]))


def test_giou_of_equal_boxes_is_one_and_of_two_empty_ones_zero():
    assert giou(boxes_of((1, 2, 5, 4)), boxes_of((1, 2, 5, 4))).tolist() == [[1]]
    assert giou(boxes_of((3, 3, 3, 3)), boxes_of((3, 3, 3, 3))).tolist() == [[0]]


@pytest.mark.parametrize("n, m", [(0, 0), (0, 3), (1, 1), (40, 30)])
def test_giou_equals_torchvision(n, m):
    a, b = random_boxes(n, seed=0), random_boxes(m, seed=1)
    torch.testing.assert_close(giou(a, b), torchvision.ops.generalized_box_iou(a, b))


@pytest.mark.parametrize("overlap", [iou, giou])
def test_gradients_of_overlaps(overlap):
    a, b = random_boxes(4, seed=2).double(), random_boxes(3, seed=3).double()
    assert torch.autograd.gradcheck(overlap, (a.requires_grad_(), b.requires_grad_()))


def test_boxes_apart_have_no_slope_in_iou_and_one_in_giou():
    a, b = boxes_of((0, 0, 4, 2)).requires_grad_(), boxes_of((6, 0, 10, 2))
    assert not torch.autograd.grad(iou(a, b).sum(), a)[0].any()
    assert torch.autograd.grad(giou(a, b).sum(), a)[0][0, 2] > 0         # x2 to the right: better


@steady
@given(box_tensors(), box_tensors())
def test_iou_is_symmetric_and_between_zero_and_one(a, b):
    overlap = iou(a, b)
    torch.testing.assert_close(overlap, iou(b, a).T)
    assert ((overlap >= 0) & (overlap <= 1 + 1e-12)).all()


@steady
@given(box_tensors())
def test_iou_of_a_box_with_itself_is_one_unless_it_is_empty(boxes):
    torch.testing.assert_close(iou(boxes, boxes).diagonal(), (area(boxes) > 0).double())


@steady
@given(box_tensors(), box_tensors())
def test_iou_does_not_change_when_everything_moves_or_grows(a, b):
    shift = torch.tensor([7.0, -3.0, 7.0, -3.0], dtype=torch.float64)
    torch.testing.assert_close(iou(a + shift, b + shift), iou(a, b), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(iou(a * 4, b * 4), iou(a, b), atol=1e-6, rtol=1e-6)


def test_gradients_of_area_and_iou_are_those_of_finite_differences():
    a = random_boxes(3, seed=2).double().requires_grad_()
    b = random_boxes(4, seed=3).double().requires_grad_()
    assert torch.autograd.gradcheck(area, (a,))
    assert torch.autograd.gradcheck(iou, (a, b))


# Formats

def test_convert_writes_one_box_in_three_ways():
    corners, coco, center = boxes_of((2, 1, 6, 3)), boxes_of((2, 1, 4, 2)), boxes_of((4, 2, 4, 2))
    assert convert(corners, "xyxy", "xywh").equal(coco)
    assert convert(corners, "xyxy", "cxcywh").equal(center)
    assert convert(coco, "xywh", "xyxy").equal(corners)
    assert convert(center, "cxcywh", "xyxy").equal(corners)
    assert convert(coco, "xywh", "cxcywh").equal(center)
    assert convert(center, "cxcywh", "xywh").equal(coco)


@pytest.mark.parametrize("source, target", ORDERS)
@pytest.mark.parametrize("n", [0, 1, 9])
def test_convert_equals_torchvision(source, target, n):
    boxes = torchvision.ops.box_convert(random_boxes(n), "xyxy", source)
    wanted = torchvision.ops.box_convert(boxes, source, target)
    torch.testing.assert_close(convert(boxes, source, target), wanted)


@pytest.mark.parametrize("target", FORMATS)
@steady
@given(boxes=box_tensors())
def test_converting_there_and_back_changes_nothing(target, boxes):
    back = convert(convert(boxes, "xyxy", target), target, "xyxy")
    torch.testing.assert_close(back, boxes, atol=1e-9, rtol=0)


def test_convert_to_the_same_format_returns_a_copy():
    boxes = random_boxes(2)
    convert(boxes, "xyxy", "xyxy").zero_()
    assert boxes.equal(random_boxes(2))


# Masks

def test_the_box_of_a_mask_ends_one_past_its_last_row_and_column():
    masks = torch.zeros(2, 5, 7, dtype=torch.bool)
    masks[0, 1:3, 2:6] = True
    masks[1, 4, 0] = masks[1, 0, 6] = True                       # two pixels, in opposite corners
    assert from_masks(masks).tolist() == [[2, 1, 6, 3], [0, 0, 7, 5]]


def test_a_mask_without_a_pixel_gets_the_box_of_zeros():
    masks = torch.zeros(2, 5, 7, dtype=torch.bool)
    masks[1, 4, 6] = True
    assert from_masks(masks).tolist() == [[0, 0, 0, 0], [6, 4, 7, 5]]


@pytest.mark.parametrize("shape", [(0, 5, 7), (0, 0, 0), (2, 0, 7), (2, 5, 0)])
def test_no_mask_and_no_pixel_give_boxes_of_zeros(shape):
    boxes = from_masks(torch.zeros(shape, dtype=torch.bool))
    assert boxes.shape == (shape[0], 4) and not boxes.any() and boxes.dtype == torch.float32


@pytest.mark.parametrize("n, height, width, seed", [(1, 1, 1, 0), (20, 9, 14, 1), (20, 14, 9, 2)])
def test_from_masks_equals_torchvision_made_half_open(n, height, width, seed):
    masks = random_masks(n, height, width, seed)
    some = masks.flatten(1).any(dim=1)
    wanted = torchvision.ops.masks_to_boxes(masks) + torch.tensor([0, 0, 1, 1]) * some[:, None]
    assert from_masks(masks).equal(wanted)


def test_moving_a_mask_moves_its_box():
    masks = torch.zeros(6, 20, 30, dtype=torch.bool)
    masks[:, 3:12, 4:19] = random_masks(6, 9, 15, seed=3)
    masks[:, 5, 5] = True
    moved = masks.roll((4, 9), dims=(1, 2))
    assert from_masks(moved).equal(from_masks(masks) + torch.tensor([9, 4, 9, 4]))


# Clipping

def test_clip_cuts_x_at_the_width_and_y_at_the_height():
    boxes = boxes_of((-2, 1, 12, 9), (11, 7, 15, 8))
    assert clip(boxes, (5, 10)).tolist() == [[0, 1, 10, 5], [10, 5, 10, 5]]


@pytest.mark.parametrize("n", [0, 1, 30])
def test_clip_equals_torchvision(n):
    boxes = random_boxes(n) * 2 - 40
    torch.testing.assert_close(clip(boxes, (30, 50)),
                               torchvision.ops.clip_boxes_to_image(boxes, (30, 50)))


@steady
@given(box_tensors())
def test_clipping_twice_is_clipping_once_and_leaves_valid_boxes(boxes):
    once = clip(boxes, (30, 50))
    check_boxes(once, "once")
    assert clip(once, (30, 50)).equal(once)
    assert (area(once) <= area(boxes) + 1e-9).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_function_keeps_the_dtype(dtype):
    boxes = random_boxes(3).to(dtype)
    results = area(boxes), iou(boxes, boxes), clip(boxes, (9, 9)), convert(boxes, "xyxy", "cxcywh")
    assert {result.dtype for result in results} == {dtype}


# What is refused

@pytest.mark.parametrize("call", [
    area, lambda b: clip(b, (9, 9)), lambda b: convert(b, "xyxy", "xywh"), lambda b: iou(b, b),
])
def test_every_function_refuses_corners_in_the_wrong_order(call):
    with pytest.raises(ValueError, match=r"row 1 is \[5.0, 1.0, 3.0, 9.0\], but x2 >= x1 .*"
                                         r'call convert\(boxes, "xywh", "xyxy"\) first'):
        call(boxes_of((0, 0, 1, 1), (5, 1, 3, 9)))


def test_iou_names_the_argument_that_is_wrong():
    with pytest.raises(ValueError, match=r"^b: row 0"):
        iou(boxes_of((0, 0, 1, 1)), boxes_of((5, 1, 3, 9)))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_boxes_with_nan_or_infinity_are_refused(value):
    with pytest.raises(ValueError, match=r"row 0 is .*finite numbers were expected\. Look for"):
        check_boxes(boxes_of((0, 0, 1, value)), "boxes")


@pytest.mark.parametrize("shape", [(4,), (2, 3), (1, 2, 4), (0,)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"got shape .*\(N, 4\) was expected.*box\[None\]"):
        check_boxes(torch.zeros(shape), "boxes")


@pytest.mark.parametrize("dtype", [torch.int64, torch.float16, torch.bool])
def test_another_dtype_is_refused(dtype):
    with pytest.raises(TypeError, match=r"got torch\..*float32 or float64.*Call boxes.float\(\)"):
        check_boxes(torch.zeros(1, 4, dtype=dtype), "boxes")


def test_a_list_is_refused():
    with pytest.raises(TypeError, match=r"got a list.*Call torch.tensor\(boxes"):
        area([[0, 0, 1, 1]])


@pytest.mark.parametrize("source, target, name", [
    ("xxyy", "xyxy", "source"), ("xyxy", "", "target"),
])
def test_an_unknown_format_is_refused_by_name(source, target, name):
    with pytest.raises(ValueError, match=rf"^{name}: got .* one of xyxy, xywh, cxcywh was"):
        convert(random_boxes(1), source, target)


@pytest.mark.parametrize("source", ["xywh", "cxcywh"])
def test_a_negative_width_is_refused(source):
    with pytest.raises(ValueError, match=rf"row 0 is .*height of {source} must be at least 0"):
        convert(boxes_of((5, 1, -2, 9)), source, "xyxy")


@pytest.mark.parametrize("size", [(0, 5), (5,), (3, 4, 5), (-1, 2)])
def test_a_size_that_is_not_height_and_width_is_refused(size):
    with pytest.raises(ValueError, match=r"size: got .*\(height, width\).*image.shape\[-2:\]"):
        clip(random_boxes(1), size)


@pytest.mark.parametrize("masks, came", [
    (torch.zeros(1, 4, 4), "torch.float32"), (torch.zeros(1, 4, 4).byte(), "torch.uint8"),
    ([], "a list"),
])
def test_masks_that_are_not_bool_are_refused(masks, came):
    with pytest.raises(TypeError, match=rf"masks: got {came}.*Compare first"):
        from_masks(masks)


def test_a_single_mask_without_its_first_axis_is_refused():
    with pytest.raises(ValueError, match=r"got shape \(4, 4\).*\(N, H, W\).*mask\[None\]"):
        from_masks(torch.zeros(4, 4, dtype=torch.bool))
