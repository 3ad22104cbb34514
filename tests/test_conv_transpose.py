"""`coursekit.upsample.conv_transpose2d`: by hand, against torch, as an adjoint, and bad input."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from random_inputs import steady
from torch.autograd import gradcheck

from coursekit.upsample import bilinear, bilinear_kernel, conv_transpose2d, output_size

X = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
KERNEL = torch.tensor([[[[1.0, 0.0], [2.0, 1.0]]]])
SIDE, KERNELS, STRIDES, FEW = (st.integers(1, n) for n in (25, 5, 3, 3))
CUT = st.integers(0, 3)


def numbers(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_the_worked_example():
    assert conv_transpose2d(X, KERNEL)[0, 0].tolist() == [[1, 2, 0], [5, 9, 2], [6, 11, 4]]


@steady
@given(SIDE, SIDE, KERNELS, KERNELS, STRIDES, STRIDES, CUT, CUT, CUT, CUT, st.booleans())
def test_it_equals_torch_and_refuses_what_torch_refuses(H, W, kh, kw, sh, sw, ph, pw, ah, aw, bias):
    x, weight = numbers(2, 3, H, W), numbers(3, 2, kh, kw, seed=1)
    rest = numbers(2, seed=2) if bias else None, (sh, sw), (ph, pw), (ah, aw)
    try:
        wanted = F.conv_transpose2d(x, weight, *rest)
    except RuntimeError:
        wanted = x[:0]
    if not wanted.numel():
        with pytest.raises(ValueError, match="output_padding=|gives"):
            conv_transpose2d(x, weight, *rest)
        return
    torch.testing.assert_close(conv_transpose2d(x, weight, *rest), wanted, rtol=0, atol=1e-4)
    assert output_size((H, W), (kh, kw), *rest[1:]) == wanted.shape[2:]


@pytest.mark.parametrize("kernel", range(1, 6))
@pytest.mark.parametrize("stride", range(1, 4))
def test_every_padding_of_a_square_case_equals_torch(kernel, stride):
    x, weight = numbers(1, 2, 6, 7), numbers(2, 3, kernel, kernel, seed=1)
    for padding in range(4):
        for extra in range(stride):
            if 5 * stride - 2 * padding + kernel + extra < 1:
                continue
            wanted = F.conv_transpose2d(x, weight, None, stride, padding, extra)
            torch.testing.assert_close(conv_transpose2d(x, weight, None, stride, padding, extra),
                                       wanted, rtol=0, atol=1e-4)


@steady
@given(FEW, st.integers(5, 12), KERNELS, STRIDES, st.integers(0, 2))
def test_it_is_the_adjoint_of_the_convolution(C, side, kernel, stride, padding):
    assume(side + 2 * padding >= kernel)
    big = numbers(2, C, side, side + 1, dtype=torch.float64)
    weight = numbers(4, C, kernel, kernel, seed=1, dtype=torch.float64)    # conv2d: out, in
    small = F.conv2d(big, weight, stride=stride, padding=padding)
    y = numbers(*small.shape, seed=2, dtype=torch.float64)
    extra = tuple((n + 2 * padding - kernel) % stride for n in big.shape[2:])
    back = conv_transpose2d(y, weight, None, stride, padding, extra)
    torch.testing.assert_close((small * y).sum(), (big * back).sum())


def test_moving_the_map_by_one_moves_the_stamps_by_the_stride():
    x = F.pad(numbers(1, 2, 3, 3), (1, 1, 1, 1))
    out = conv_transpose2d(x, numbers(2, 1, 4, 4, seed=1), stride=3)
    moved = conv_transpose2d(x.roll(1, 3), numbers(2, 1, 4, 4, seed=1), stride=3)
    torch.testing.assert_close(moved[..., 3:], out[..., :-3])


@pytest.mark.parametrize("stride, padding, extra", [(1, 0, 0), (2, 1, 1), ((3, 2), (0, 1), (2, 0))])
def test_gradients_are_right(stride, padding, extra):
    values = (numbers(1, 2, 3, 2, dtype=torch.float64), numbers(2, 2, 3, 4, dtype=torch.float64),
              numbers(2, dtype=torch.float64))
    assert gradcheck(lambda x, w, b: conv_transpose2d(x, w, b, stride, padding, extra),
                     [v.requires_grad_() for v in values])


def test_no_images_give_no_images():
    assert conv_transpose2d(X[:0], KERNEL, stride=2).shape == (0, 1, 4, 4)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_the_bilinear_kernel_interpolates_inside(scale):
    x, kernel = numbers(1, 1, 5, 6), bilinear_kernel(scale)
    padding = (len(kernel) - scale) // 2
    out = conv_transpose2d(x, kernel[None, None], None, scale, padding)
    wanted = bilinear(x, (5 * scale, 6 * scale))
    inner = ..., slice(scale, -scale), slice(scale, -scale)
    assert out.shape == wanted.shape
    torch.testing.assert_close(out[inner], wanted[inner])


def test_the_borders_of_a_map_of_ones_are_dark():
    out = conv_transpose2d(torch.ones(1, 1, 3, 3), bilinear_kernel(2)[None, None], None, 2, 1)
    assert out[0, 0, 0, 0] == 9 / 16 and out[0, 0, 0, 2] == 3 / 4 and out[0, 0, 2, 2] == 1


@pytest.mark.parametrize("call, words", [
    (lambda: conv_transpose2d(X[0], KERNEL), r"x: got \(1, 2, 2\)"),
    (lambda: conv_transpose2d(X.long(), KERNEL), "but floating point was expected"),
    (lambda: conv_transpose2d(X, torch.zeros(3, 1, 2, 2)), "inputs first, the other way round"),
    (lambda: conv_transpose2d(X, KERNEL[0]), r"weight: got \(1, 2, 2\)"),
    (lambda: conv_transpose2d(X, KERNEL, torch.zeros(2)), r"bias: got \(2,\), but \(1,\)"),
    (lambda: conv_transpose2d(X, KERNEL.double()), "but one type for all was expected"),
    (lambda: conv_transpose2d(X, KERNEL, stride=0), "stride=0 came"),
    (lambda: conv_transpose2d(X, KERNEL, padding=-1), "padding=-1 came"),
    (lambda: conv_transpose2d(X, KERNEL, stride=2, output_padding=2), r"output_padding=\(2, 2\)"),
    (lambda: conv_transpose2d(X, KERNEL, padding=2), r"gives \(-1, -1\), but one pixel at least"),
    (lambda: bilinear_kernel(0), "scale=0 came"),
])
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
