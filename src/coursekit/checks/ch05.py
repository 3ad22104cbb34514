"""Chapter 05's checks: what must be kept, one step of FCN, the receptive field."""

import torch
from torch import Tensor

from coursekit.checks.compare import call, likely, numbers, stages
from coursekit.upsample import bilinear, nearest

NETWORKS = ([(3, 1), (3, 1)], [(3, 1), (2, 2), (3, 1)], [(7, 4), (3, 1), (3, 2), (3, 1)])


def storage(answer: object) -> str | None:
    """Check `storage(channels, height, width)`: float32 bytes, and 2 bits a pooled value."""
    numbers, pooled = 64 * 6 * 8, 64 * 3 * 4
    got = call(answer, 64, 6, 8)
    try:
        got = torch.tensor([float(n) for n in got])
    except (TypeError, ValueError):
        return "two numbers were expected: (bytes of the map, bytes of the places)."
    return likely(got, torch.tensor([4.0 * numbers, pooled / 4]), {
        "those are bits for the places: eight of them are a byte.":
            torch.tensor([4.0 * numbers, 2.0 * pooled]),
        "the places are counted for every pixel: there is one for each block of 2 x 2.":
            torch.tensor([4.0 * numbers, numbers / 4]),
        "that is a byte for each place: two bits hold 0 to 3.":
            torch.tensor([4.0 * numbers, float(pooled)]),
        "that is eight bytes for each place, as torch stores indices: two bits are enough.":
            torch.tensor([4.0 * numbers, 8.0 * pooled]),
        "a float32 has four bytes.": torch.tensor([float(numbers), pooled / 4]),
        "that keeps the pooled map: U-Net keeps the map before pooling.":
            torch.tensor([4.0 * pooled, pooled / 4]),
        "the two are swapped: first the map, then the places.":
            torch.tensor([pooled / 4, 4.0 * numbers]),
    }, "64 channels of 6 x 8")


def fuse_scores(answer: object) -> str | None:
    """Check `fuse_scores(coarse, skip)`: twofold, bilinear, then the sum."""
    coarse = torch.tensor([[[[4.0, 0.0], [1.0, -2.0]], [[0.0, 3.0], [2.0, 5.0]]]])
    skip = torch.linspace(-1, 2, 32).view(1, 2, 4, 4).sin()
    large = bilinear(coarse, 4)
    small = bilinear(skip, 2)
    return likely(call(answer, coarse, skip), large + skip, {
        "the scores stand side by side: FCN adds them. It is U-Net that concatenates features.":
            torch.cat([large, skip], dim=1),
        "that is the mean: FCN adds.": (large + skip) / 2,
        "that is nearest neighbour: enlarge bilinearly.": nearest(coarse, 2) + skip,
        "that is align_corners=True: pixels are squares here.": bilinear(coarse, 4, True) + skip,
        "softmax comes at the very end: add scores, not probabilities.":
            large.softmax(1) + skip.softmax(1),
        "softmax comes at the very end: return the summed scores.": (large + skip).softmax(1),
        "the scores are multiplied: FCN adds.": large * skip,
        "the finer scores were reduced: enlarge the coarse ones instead.": coarse + small,
        "those are the coarse scores alone: add the skip's.": large,
    }, "scores of 2 classes, 2 x 2 and 4 x 4")


def field(layers: list[tuple[int, int]]) -> int:
    """The side of the square that one cell of the last map sees."""
    side, jump = 1, 1
    for kernel, stride in layers:
        side += (kernel - 1) * jump
        jump *= stride
    return side


def receptive_field(answer: object) -> str | None:
    """Check `receptive_field(layers)` on three networks, given as [(kernel, stride), ...]."""
    def table(formula: object) -> Tensor:
        return torch.tensor([float(formula(layers)) for layers in NETWORKS])

    def own_stride_first(layers: list[tuple[int, int]]) -> int:
        side, jump = 1, 1
        for kernel, stride in layers:
            jump *= stride
            side += (kernel - 1) * jump
        return side

    def product(layers: list[tuple[int, int]]) -> int:
        return int(torch.tensor([kernel for kernel, _ in layers]).prod())

    def jumps(layers: list[tuple[int, int]]) -> int:
        return int(torch.tensor([stride for _, stride in layers]).prod())

    return stages(
        lambda: likely(numbers(answer, zip(NETWORKS), "network"), table(field), {
            "the kernels are added: a second 3 x 3 layer adds only 2 pixels to the first one's 3.":
                table(lambda layers: sum(kernel for kernel, _ in layers)),
            "the strides are missing: after a stride s, a step on the map is s pixels.":
                table(lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers)),
            "the stride counts from the next layer on: its own kernel still has the old steps.":
                table(own_stride_first),
            "one pixel is missing: a cell sees at least itself, 1.":
                table(lambda layers: field(layers) - 1),
            "the kernels are multiplied: each layer adds (kernel - 1) steps.": table(product),
            "that is the distance between two cells: how much does one of them see?": table(jumps),
        }, "the networks " + " and ".join(map(str, NETWORKS[:2])) + " and another"),
        lambda: likely(call(answer, [], rare="right for networks, but with no layer a cell is a "
                            "pixel and sees 1."), torch.tensor(1.0),
                       {"with no layer a cell is a pixel and sees 1.": 0}, "no layer"))


CHECKS = {
    "storage": storage,
    "fuse-scores": fuse_scores,
    "receptive-field": receptive_field,
}
