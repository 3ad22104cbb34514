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
KERNELS, STRIDES, FEW = (st.integers(1, n) for n in (5, 3, 3))


def numbers(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_the_worked_example():
    assert conv_transpose2d(X, KERNEL)[0, 0].tolist() == [[1, 2, 0], [5, 9, 2], [6, 11, 4]]


def accepted(side, kernel, stride):
    """Every (side, kernel, stride, padding, output padding) that leaves an output pixel."""
    return [(side, kernel, stride, padding, extra) for extra in range(stride)
            for padding in range(((side - 1) * stride + kernel + extra + 1) // 2)]


@pytest.mark.parametrize("kernel", range(1, 6))
@pytest.mark.parametrize("stride", range(1, 4))
def test_it_equals_torch_with_every_padding_that_torch_accepts(kernel, stride):
    rows = [case for side in range(1, 26) for case in accepted(side, kernel, stride)]
    random = torch.Generator().manual_seed(10 * kernel + stride)

    def draw(n):
        return int(torch.randint(n, (), generator=random))

    for n, (H, kh, sh, ph, ah) in enumerate(rows):
        columns = accepted(1 + draw(25), 1 + draw(5), 1 + draw(3))     # the other axis: anything
        W, kw, sw, pw, aw = columns[draw(len(columns))]
        x, weight = numbers(1, 2, H, W), numbers(2, 3, kh, kw, seed=1)
        rest = numbers(3, seed=2) if n % 2 else None, (sh, sw), (ph, pw), (ah, aw)
        wanted = F.conv_transpose2d(x, weight, *rest)
        ours = conv_transpose2d(x, weight, *rest)
        assert ours.shape == wanted.shape and (ours - wanted).abs().max() < 1e-4
        assert output_size((H, W), (kh, kw), *rest[1:]) == wanted.shape[2:]


@pytest.mark.parametrize("change", [
    {"stride": 0}, {"stride": -1}, {"stride": (1, 2, 3)}, {"stride": 1.5}, {"padding": -1},
    {"padding": (0, -1)}, {"padding": 3}, {"output_padding": 2}, {"output_padding": (0, 2)},
    {"output_padding": -1}, {"x": X[0, 0]}, {"x": X.long()}, {"x": X.double()},
    {"x": X.expand(1, 2, 2, 2)}, {"x": X[:, :0]}, {"weight": KERNEL[0]},
    {"weight": KERNEL.half()}, {"bias": torch.zeros(2)}, {"bias": torch.zeros(1, 1)}])
def test_what_torch_refuses_is_refused_in_words(change):
    call = {"x": X, "weight": KERNEL, "bias": None, "stride": 2, "padding": 0,
            "output_padding": 0, **change}
    with pytest.raises((RuntimeError, TypeError)):
        F.conv_transpose2d(call["x"], *list(call.values())[1:])
    with pytest.raises(ValueError, match="expected"):
        conv_transpose2d(**call)


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
