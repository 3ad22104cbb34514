"""Upsampling: maps made larger by fixed rules, by remembered places, or by a learned kernel.

`nearest` and `bilinear` invent the values between those given. `bed_of_nails` and `max_unpool` put
the values down apart and leave zeros between: the first always in the corner of its cell, the
second where `max_pool` found them. `conv_transpose2d` stamps a kernel, times each input value, onto
the output; its kernel can be learned. All five are linear in the map that they enlarge, so each is
a matrix, and its gradient is the transposed matrix.

B images, C channels, H W the input's sides, h w those of a smaller map, s stride or scale, k kernel
size, p padding. Sides and pairs are (height, width).

Source: Zeiler and Fergus 2014, section 2.1 (unpooling); Long, Shelhamer and Darrell 2015, section
3.3 (transposed convolution); Shi et al. 2016, section 3.2 (phases).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

Pair = int | tuple[int, int]


def nearest(x: Tensor, scale: Pair) -> Tensor:
    """Every value becomes a block of scale x scale equal values.

    Args:
        x: (B, C, H, W), of any type.
        scale: whole, 1 or more.
    Returns:
        (B, C, H * scale, W * scale).
    Raises:
        ValueError: another shape, or a scale that is not a whole number of 1 or more.
    Source:
        torch.nn.functional.interpolate, mode "nearest" (and "nearest-exact": they differ only where
        the scale is not whole).
    """
    check_maps(x, "x")
    sh, sw = _pair(scale, "scale", least=1)
    wide = torch.stack([x] * sw, dim=-1).flatten(-2)         # (B, C, H, W * sw)
    return torch.stack([wide] * sh, dim=3).flatten(2, 3)     # (B, C, H * sh, W * sw)


def bilinear(x: Tensor, size: Pair, align_corners: bool = False) -> Tensor:
    """Values on straight lines between the given ones, first along the rows, then the columns.

    Args:
        x: (B, C, H, W), floating point.
        size: the output's, larger or smaller than the input's.
        align_corners: where the output's values lie on the input; see `interpolation_matrix`.
    Returns:
        (B, C, height, width).
    Raises:
        ValueError: another shape or type, or a size below 1.
    Source:
        torch.nn.functional.interpolate, mode "bilinear", without antialiasing.
    """
    _, _, H, W = check_maps(x, "x", floating=True)
    height, width = _pair(size, "size", least=1)
    rows = interpolation_matrix(H, height, align_corners).to(x)          # (height, H)
    columns = interpolation_matrix(W, width, align_corners).to(x)        # (width, W)
    return rows @ (x @ columns.T)


def interpolation_matrix(n_in: int, n_out: int, align_corners: bool = False) -> Tensor:
    """Linear interpolation from `n_in` values to `n_out` as a matrix; its rows add up to 1.

    With `align_corners` the first and last values stay in place and the distance between two
    outputs is (n_in - 1) / (n_out - 1). Without, a value is the middle of a cell of width 1, both
    rows of cells cover the same stretch, and output o lies at (o + 1/2) n_in / n_out - 1/2; beyond
    the outermost input values, those are repeated.

    Returns:
        (n_out, n_in) float64.
    Raises:
        ValueError: a number below 1.
    """
    n_in, n_out = _pair((n_in, n_out), "(n_in, n_out)", least=1)
    o = torch.arange(n_out, dtype=torch.float64)
    if align_corners:
        at = o * (n_in - 1) / max(n_out - 1, 1)
    else:
        at = ((o + 0.5) * n_in / n_out - 0.5).clamp(0, n_in - 1)
    i = torch.arange(n_in, dtype=torch.float64)
    return (1 - (at[:, None] - i).abs()).clamp(min=0)


def bed_of_nails(x: Tensor, scale: Pair) -> Tensor:
    """Every value in the top left corner of a block of scale x scale; the rest is zero.

    Args:
        x: (B, C, H, W), of any type.
        scale: whole, 1 or more.
    Returns:
        (B, C, H * scale, W * scale).
    Raises:
        ValueError: another shape, or a scale that is not a whole number of 1 or more.
    Source:
        torch.nn.functional.conv_transpose2d with stride = scale, groups = C and a kernel that is 1
        in its corner; the transpose of taking every scale-th value.
    """
    B, C, H, W = check_maps(x, "x")
    sh, sw = _pair(scale, "scale", least=1)
    out = x.new_zeros(B, C, H * sh, W * sw)
    out[:, :, ::sh, ::sw] = x
    return out


def max_pool(x: Tensor, kernel_size: Pair) -> tuple[Tensor, Tensor]:
    """The greatest value of every block, and where it stood.

    Blocks do not overlap; rows and columns left over at the bottom and right belong to none.

    Args:
        x: (B, C, H, W).
        kernel_size: the block's, no larger than the input.
    Returns:
        values (B, C, h, w), and indices of the same shape, int64: row * W + column in the plane of
        the INPUT. Of equal values, the first counts.
    Raises:
        ValueError: another shape, or a kernel that does not fit.
    Source:
        torch.nn.functional.max_pool2d with return_indices=True.
    """
    B, C, H, W = check_maps(x, "x")
    kh, kw = _pair(kernel_size, "kernel_size", least=1)
    h, w = H // kh, W // kw
    if 0 in (h, w):
        raise ValueError(f"kernel_size={kernel_size} came for maps of {H} x {W}, but a block no "
                         f"larger than the map was expected. Use a smaller kernel.")
    blocks = x[:, :, :h * kh, :w * kw].reshape(B, C, h, kh, w, kw).transpose(3, 4)
    values, place = blocks.flatten(4).max(dim=-1)                        # (B, C, h, w) both
    top = torch.arange(0, h * kh, kh, device=x.device)[:, None]          # (h, 1)
    left = torch.arange(0, w * kw, kw, device=x.device)                  # (w,)
    return values, (top + place // kw) * W + left + place % kw


def max_unpool(x: Tensor, indices: Tensor, size: Pair) -> Tensor:
    """Every value back where `max_pool` found the greatest; the rest is zero.

    Args:
        x: (B, C, h, w), of any type.
        indices: (B, C, h, w) int64, as `max_pool` gives them: row * W + column. Where two are
            equal, one of the two values stays, and which is not defined.
        size: (H, W) of the map that was pooled. It cannot be told from x: maps of 4 x 6 and 5 x 7
            both pool to 2 x 3.
    Returns:
        (B, C, H, W).
    Raises:
        ValueError: shapes that do not fit, or indices outside a map of that size.
    Source:
        torch.nn.functional.max_unpool2d with output_size.
    """
    B, C, _, _ = check_maps(x, "x")
    H, W = _pair(size, "size", least=1)
    if indices.shape != x.shape or indices.dtype != torch.int64:
        raise ValueError(f"indices: got {tuple(indices.shape)} {indices.dtype} for x "
                         f"{tuple(x.shape)}, but the same shape and int64 were expected. Pass the "
                         f"second result of max_pool.")
    if indices.numel() and not 0 <= indices.min() <= indices.max() < H * W:
        raise ValueError(f"indices reach from {indices.min()} to {indices.max()}, but a map of "
                         f"size {H} x {W} has 0 to {H * W - 1}. Pass the size of the map that was "
                         f"pooled, not that of the result.")
    flat = x.new_zeros(B, C, H * W).scatter_(2, indices.flatten(2), x.flatten(2))
    return flat.view(B, C, H, W)


def conv_transpose2d(x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Pair = 1,
                     padding: Pair = 0, output_padding: Pair = 0) -> Tensor:
    """The kernel times each input value, stamped onto the output `stride` apart, and added.

    The output's pixels fall into s x s phases by the place that they have in a step of the stride.
    The pixels of one phase are an ordinary convolution of the input with every s-th number of the
    turned kernel; so one convolution computes all phases as channels, which are then interleaved.

    Args:
        x: (B, C_in, H, W), floating point.
        weight: (C_in, C_out, kh, kw): inputs first, as a convolution's whose transpose this is.
        bias: (C_out,), added to every output pixel.
        stride: 1 or more: the distance between two stamps.
        padding: 0 or more: what is CUT from each side of the output.
        output_padding: 0 or more, below the stride: what is cut less at the bottom and right.
    Returns:
        (B, C_out, height, width), height = (H - 1) stride - 2 padding + kh + output_padding.
    Raises:
        ValueError: shapes that do not fit, an output padding that reaches the stride, or an output
            without a pixel (torch lets some of these pass).
    Source:
        torch.nn.functional.conv_transpose2d with groups = dilation = 1.
    """
    B, _, H, W = check_maps(x, "x", floating=True)
    _check_weight(x, weight, bias)
    C_in, C_out, kh, kw = weight.shape
    (sh, sw), (ph, pw) = _pair(stride, "stride", least=1), _pair(padding, "padding", least=0)
    height, width = output_size((H, W), (kh, kw), (sh, sw), (ph, pw), output_padding)

    extra = _pair(output_padding, "output_padding", least=0)
    mh, mw = -(-(kh + extra[0]) // sh), -(-(kw + extra[1]) // sw)        # stamps that reach a pixel
    kernel = F.pad(weight, (0, mw * sw - kw, 0, mh * sh - kh))
    kernel = kernel.view(C_in, C_out, mh, sh, mw, sw).flip(2, 4).permute(1, 3, 5, 0, 2, 4)
    bias = None if bias is None else bias.repeat_interleave(sh * sw)
    phases = F.conv2d(x, kernel.reshape(C_out * sh * sw, C_in, mh, mw), bias,
                      padding=(mh - 1, mw - 1))          # (B, C_out * sh * sw, H + mh - 1, ...)
    full = phases.view(B, C_out, sh, sw, H + mh - 1, W + mw - 1).permute(0, 1, 4, 2, 5, 3)
    full = full.reshape(B, C_out, (H + mh - 1) * sh, (W + mw - 1) * sw)
    return full[:, :, ph:ph + height, pw:pw + width]


def output_size(size: Pair, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0,
                output_padding: Pair = 0) -> tuple[int, int]:
    """The size of what a transposed convolution makes of a map of this size.

    Raises:
        ValueError: an output padding that reaches the stride, or an output without a pixel.
    Source:
        Dumoulin and Visin 2016, relationship 14: (i - 1) s - 2 p + k + a.
    """
    size, kernel_size = _pair(size, "size", least=1), _pair(kernel_size, "kernel_size", least=1)
    stride, padding = _pair(stride, "stride", least=1), _pair(padding, "padding", least=0)
    extra = _pair(output_padding, "output_padding", least=0)
    if any(a >= s for a, s in zip(extra, stride, strict=True)):
        raise ValueError(f"output_padding={extra} came with stride={stride}, but less than the "
                         f"stride was expected: it chooses among the sizes that a convolution with "
                         f"this stride maps to one. Make the input larger instead.")
    out = tuple((n - 1) * s - 2 * p + k + a for n, k, s, p, a in
                zip(size, kernel_size, stride, padding, extra, strict=True))
    if min(out) < 1:
        raise ValueError(f"a map of {size} with kernel {kernel_size}, stride {stride} and padding "
                         f"{padding} gives {out}, but one pixel at least was expected. Padding "
                         f"cuts the output: use less.")
    return out


def bilinear_kernel(scale: int) -> Tensor:
    """The kernel with which a transposed convolution of stride `scale` interpolates bilinearly.

    Its side is k = 2 scale - scale mod 2; with padding (k - scale) / 2 the map becomes `scale`
    times as large, equal to `bilinear` but for the outermost pixels, to which too few stamps reach.

    Returns:
        (k, k).
    Raises:
        ValueError: a scale below 1.
    Source:
        Long, Shelhamer and Darrell 2015, section 3.3, in the authors' own initialization.
    """
    scale, _ = _pair(scale, "scale", least=1)
    k = 2 * scale - scale % 2
    tent = 1 - ((torch.arange(k) - (k - 1) / 2) / scale).abs()
    return tent[:, None] * tent


def check_maps(x: Tensor, name: str, floating: bool = False) -> torch.Size:
    """Refuse what is not (B, C, H, W) with a pixel at least; return the shape.

    Args:
        x: what the caller passed.
        name: what the caller's argument is called, for the message.
        floating: whether whole numbers are refused too.
    Raises:
        ValueError: another shape or type.
    """
    if x.ndim != 4 or 0 in x.shape[2:]:
        raise ValueError(f"{name}: got {tuple(x.shape)}, but (B, C, H, W) with H and W of 1 or "
                         f"more was expected. Add axes with {name}[None] or {name}[None, None].")
    if floating and not x.is_floating_point():
        raise ValueError(f"{name}: got {x.dtype}, but floating point was expected, since the "
                         f"result lies between the values. Call .float(); enlarge class ids with "
                         f"nearest.")
    return x.shape


def _check_weight(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if weight.ndim != 4 or weight.shape[0] != x.shape[1] or 0 in weight.shape[1:]:
        raise ValueError(f"weight: got {tuple(weight.shape)} for x {tuple(x.shape)}, but "
                         f"({x.shape[1]}, C_out, kh, kw) was expected: inputs first, the other way "
                         f"round than in conv2d. Try weight.transpose(0, 1).")
    if bias is not None and bias.shape != weight.shape[1:2]:
        raise ValueError(f"bias: got {tuple(bias.shape)}, but ({weight.shape[1]},) was expected, a "
                         f"number for each output channel.")
    types = {part.dtype for part in (x, weight, bias) if part is not None}
    if len(types) > 1 and not torch.is_autocast_enabled(x.device.type):  # which makes them one
        raise ValueError(f"x has {x.dtype}, weight {weight.dtype}, bias "
                         f"{None if bias is None else bias.dtype}, but one type for all was "
                         f"expected. Convert with .to(x.dtype).")


def _pair(value: Pair, name: str, least: int) -> tuple[int, int]:
    """(height, width) of one whole number or two."""
    pair = tuple(value) if isinstance(value, (tuple, list, torch.Size)) else (value, value)
    if len(pair) != 2 or any(type(n) is not int or n < least for n in pair):
        raise ValueError(f"{name}={value!r} came, but a whole number of {least} or more was "
                         f"expected, or a pair of them, (height, width).")
    return pair
