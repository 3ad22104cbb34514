"""Encoder-decoders for semantic segmentation: FCN, SegNet, U-Net, and one plain decoder.

An encoder shrinks a picture five times by half, until a cell sees the whole picture and its feature
vector tells what is there, but hardly where. A decoder makes the map large again. The decoders here
differ in what they take from the encoder on the way up: score maps that are added (FCN), the places
of the maxima (SegNet), whole feature maps (U-Net), or nothing but the last map (Plain).

All share one encoder, which stays as it is while a decoder is trained: what differs is the decoder.

B images, C channels, H W (the picture's sides, padded to multiples of 32), K classes.

Source: Long, Shelhamer and Darrell 2015, section 4; Badrinarayanan, Kendall and Cipolla 2017,
section 3; Ronneberger, Fischer and Brox 2015, section 2. All narrower here, with fewer layers.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coursekit import upsample
from coursekit.models.pixels import check_images

WIDTHS = (16, 32, 64, 128, 128)     # channels of the five levels; VGG-16 has 64 to 512
STRIDE = 2 ** len(WIDTHS)           # pixels of the picture to a cell of the last map: 32


class Levels(NamedTuple):
    """What the encoder saw on its way down; entry n of a list is level n + 1."""

    maps: list[Tensor]       # before pooling: (B, C, H, W), ... (B, C, H/16, W/16)
    pooled: list[Tensor]     # after it: (B, C, H/2, W/2), ... (B, C, H/32, W/32)
    places: list[Tensor]     # the indices of the maxima, like `pooled`
    bottom: Tensor           # the last map, after one more layer: (B, C, H/32, W/32)


def layer(inputs: int, outputs: int) -> nn.Sequential:
    """A 3 x 3 convolution that keeps the size, batch normalization, ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
                         nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Encoder(nn.Module):
    """Five levels, two layers each but the first, and max-pooling: (B, 3, H, W) -> Levels."""

    def __init__(self):
        super().__init__()
        self.levels = nn.ModuleList([layer(3, WIDTHS[0])])
        for inputs, outputs in zip(WIDTHS[:-1], WIDTHS[1:], strict=True):
            self.levels.append(nn.Sequential(layer(inputs, outputs), layer(outputs, outputs)))
        self.bottom = layer(WIDTHS[-1], WIDTHS[-1])

    def forward(self, images: Tensor) -> Levels:
        """Levels of pictures whose sides are multiples of 32."""
        maps, pooled, places, x = [], [], [], images
        for level in self.levels:
            maps.append(level(x))
            x, where = F.max_pool2d(maps[-1], 2, return_indices=True)
            pooled.append(x)
            places.append(where)
        return Levels(maps, pooled, places, self.bottom(x))


class FCN(nn.Module):
    """Scores at stride 32, and at 16 and 8 if wished, added up as they grow: FCN-32s, -16s, -8s."""

    def __init__(self, stride: int = 8, num_classes: int = 7):
        super().__init__()
        if stride not in (8, 16, 32):
            raise ValueError(f"stride={stride} came, but 32, 16 or 8 was expected: the stride at "
                             f"which the scores are made. The paper has these three.")
        self.stride = stride
        skips = {32: [], 16: WIDTHS[3:4], 8: WIDTHS[3:1:-1]}[stride]
        self.scores = nn.ModuleList(nn.Conv2d(C, num_classes, 1) for C in (WIDTHS[-1], *skips))
        twofold = torch.zeros(num_classes, num_classes, 4, 4)
        twofold[range(num_classes), range(num_classes)] = upsample.bilinear_kernel(2)
        self.twofold = nn.ParameterList(nn.Parameter(twofold.clone()) for _ in skips)

    def forward(self, levels: Levels) -> Tensor:
        """Scores (B, K, H, W)."""
        scores = self.scores[0](levels.bottom)
        skips = (levels.pooled[3], levels.pooled[2])
        for kernel, head, skip in zip(self.twofold, self.scores[1:], skips, strict=False):
            scores = upsample.conv_transpose2d(scores, kernel, stride=2, padding=1) + head(skip)
        return upsample.bilinear(scores, levels.maps[0].shape[-2:])      # fixed, not learned


class SegNet(nn.Module):
    """Unpooling with the encoder's places, then a layer, five times."""

    def __init__(self, num_classes: int = 7):
        super().__init__()
        self.layers = nn.ModuleList(
            layer(C, smaller) for C, smaller in _steps_up())
        self.scores = nn.Conv2d(WIDTHS[0], num_classes, 1)

    def forward(self, levels: Levels) -> Tensor:
        """Scores (B, K, H, W)."""
        x = levels.bottom
        for n, one in enumerate(self.layers):
            places, size = levels.places[-1 - n], levels.maps[-1 - n].shape[-2:]
            x = one(upsample.max_unpool(x, places, size))
        return self.scores(x)


class UNet(nn.Module):
    """A learned twofold upsampling, the encoder's map beside it, then a layer, five times."""

    def __init__(self, num_classes: int = 7):
        super().__init__()
        self.ups = nn.ModuleList(Learned(C, smaller) for C, smaller in _steps_up())
        self.layers = nn.ModuleList(
            layer(smaller + C, smaller) for (_, smaller), C
            in zip(_steps_up(), reversed(WIDTHS), strict=True))
        self.scores = nn.Conv2d(WIDTHS[0], num_classes, 1)

    def forward(self, levels: Levels) -> Tensor:
        """Scores (B, K, H, W)."""
        x = levels.bottom
        for up, one, skip in zip(self.ups, self.layers, reversed(levels.maps), strict=True):
            x = one(torch.cat([up(x), skip], dim=1))
        return self.scores(x)


class Plain(nn.Module):
    """A twofold upsampling of one kind, then a layer, five times; nothing from the encoder."""

    def __init__(self, up: str = "nearest", num_classes: int = 7):
        super().__init__()
        if up not in UPSAMPLINGS:
            raise ValueError(f"up={up!r} came, but one of {list(UPSAMPLINGS)} was expected.")
        self.ups = nn.ModuleList(UPSAMPLINGS[up](C) for C, _ in _steps_up())
        self.layers = nn.ModuleList(layer(C, smaller) for C, smaller in _steps_up())
        self.scores = nn.Conv2d(WIDTHS[0], num_classes, 1)

    def forward(self, levels: Levels) -> Tensor:
        """Scores (B, K, H, W)."""
        x = levels.bottom
        for up, one in zip(self.ups, self.layers, strict=True):
            x = one(up(x))
        return self.scores(x)


class Fixed(nn.Module):
    """Twofold upsampling by a rule; nothing to learn."""

    def __init__(self, rule: Callable[[Tensor], Tensor]):
        super().__init__()
        self.rule = rule

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, 2 H, 2 W)."""
        return self.rule(x)


class Learned(nn.Module):
    """Twofold upsampling by a transposed convolution, kernel 2, stride 2: stamps side by side."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs, 2, 2))
        nn.init.normal_(self.weight, std=inputs ** -0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C_out, 2 H, 2 W)."""
        return upsample.conv_transpose2d(x, self.weight, self.bias, stride=2)


def _twice(x: Tensor) -> Tensor:
    return upsample.bilinear(x, (2 * x.shape[2], 2 * x.shape[3]))


UPSAMPLINGS = {
    "nearest": lambda C: Fixed(partial(upsample.nearest, scale=2)),
    "bilinear": lambda C: Fixed(_twice),
    "bed of nails": lambda C: Fixed(partial(upsample.bed_of_nails, scale=2)),
    "transposed convolution": lambda C: Learned(C, C),
}
DECODERS = {
    "FCN-32s": partial(FCN, 32), "FCN-16s": partial(FCN, 16), "FCN-8s": partial(FCN, 8),
    "SegNet": SegNet, "U-Net": UNet, **{name: partial(Plain, name) for name in UPSAMPLINGS},
}


def _steps_up() -> list[tuple[int, int]]:
    """Channels before and after each of the five steps up: 128 -> 128 -> 64 -> 32 -> 16 -> 16."""
    up = WIDTHS[::-1]
    return list(zip(up, (*up[1:], up[-1]), strict=True))


class Segmenter(nn.Module):
    """An encoder that stays as it is, and a decoder that learns: images -> scores of any size."""

    def __init__(self, encoder: Encoder, decoder: nn.Module):
        super().__init__()
        self.encoder, self.decoder = encoder.requires_grad_(False), decoder
        self.train(self.training)

    def train(self, mode: bool = True) -> "Segmenter":
        """As every module's, but the encoder's batch normalization keeps its statistics."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Scores (B, K, H, W), before the softmax.

        Raises:
            ValueError: images of another shape or type.
        """
        check_images(images, "images")
        H, W = images.shape[-2:]
        return self.decoder(self.encoder(pad(images)))[..., :H, :W]


def pad(images: Tensor) -> Tensor:
    """Zeros at the bottom and right, until 32 divides both sides."""
    H, W = images.shape[-2:]
    return F.pad(images, (0, -W % STRIDE, 0, -H % STRIDE))
