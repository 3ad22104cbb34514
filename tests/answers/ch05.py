"""Answers to chapter 05's exercises."""

import math

import torch

from coursekit.upsample import bilinear, nearest


def kept(channels, height, width):
    numbers = channels * height * width
    return 4 * numbers, numbers // 4 * 2 // 8


def double(x, align_corners=False):
    return bilinear(x, (2 * x.shape[2], 2 * x.shape[3]), align_corners)


def field(layers, side=1):
    jump = 1
    for kernel, stride in layers:
        side, jump = side + (kernel - 1) * jump, jump * stride
    return side


def field_own_stride(layers):
    side, jump = 1, 1
    for kernel, stride in layers:
        jump *= stride
        side += (kernel - 1) * jump
    return side


RIGHT = {
    "storage": kept,
    "fuse-scores": lambda coarse, skip: double(coarse) + skip,
    "receptive-field": field,
}
WRONG = {
    "storage": [
        (lambda c, h, w: (4 * c * h * w, c * h * w // 2), "eight of them are a byte"),
        (lambda c, h, w: (4 * c * h * w, c * h * w / 4), "counted for every pixel"),
        (lambda c, h, w: (4 * c * h * w, 8 * c * h * w / 4), "as torch stores indices"),
        (lambda c, h, w: (c * h * w, c * h * w / 16), "a float32 has four bytes"),
        (lambda c, h, w: (c * h * w, c * h * w / 16)[::-1], "the result is"),
        (lambda c, h, w: kept(c, h, w)[::-1], "the two are swapped"),
        (lambda c, h, w: (c * h * w, c * h * w / 16 * 1.0)[0], "two numbers were expected"),
    ],
    "fuse-scores": [
        (lambda c, s: torch.cat([double(c), s], 1), "U-Net that concatenates"),
        (lambda c, s: (double(c) + s) / 2, "that is the mean"),
        (lambda c, s: nearest(c, 2) + s, "nearest neighbour"),
        (lambda c, s: double(c, True) + s, "align_corners=True"),
        (lambda c, s: double(c).softmax(1) + s.softmax(1), "not probabilities"),
        (lambda c, s: (double(c) + s).softmax(1), "return the summed scores"),
        (lambda c, s: double(c) * s, "multiplied"),
        (lambda c, s: c + bilinear(s, c.shape[2:]), "enlarge the coarse ones instead"),
        (lambda c, s: double(c), "add the skip's"),
    ],
    "receptive-field": [
        (lambda layers: sum(k for k, _ in layers), "the kernels are added"),
        (lambda layers: field([(k, 1) for k, _ in layers]), "the strides are missing"),
        (field_own_stride, "from the next layer on"),
        (lambda layers: field(layers, side=0), "one pixel is missing"),
        (lambda layers: math.prod(k for k, _ in layers), "the kernels are multiplied"),
        (lambda layers: math.prod(s for _, s in layers), "distance between two cells"),
        (lambda layers: layers[0][0] * 0 + field(layers), "sees 1"),
    ],
}
