"""A pyramid of maps: fine ones that also know what only coarse ones see.

A network's early maps are fine and see little: edges, textures. Its late maps know a person from a
lamp post, in cells of 32 pixels. A feature pyramid hands that knowledge down: from the coarsest map
on, each is enlarged twofold and added to the next finer one. A convolution of 1 x 1 first brings
all to the same number of channels, one of 3 x 3 smooths what came out.

`MobilePyramid` puts one on top of MobileNetV2, whose layers may come trained on ImageNet's 1.3
million photographs; `pyramid_mask_rcnn` is the course's Mask R-CNN on that.

B images, C channels, H W of a map, K classes with background 0.

Source: Lin et al. 2017 (arXiv:1612.03144), section 3; torchvision.ops.FeaturePyramidNetwork.
MobileNetV2: Sandler et al. 2018 (arXiv:1801.04381).
"""

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2
from torchvision.ops import FrozenBatchNorm2d

from coursekit.anchors import shapes
from coursekit.models.fast_rcnn import BINS, BoxHead
from coursekit.models.hub import published
from coursekit.models.mask_rcnn import MASK_BINS, MaskHead, MaskRCNN
from coursekit.models.pixels import check_images
from coursekit.models.rpn import RPN, near_zero
from coursekit.roi import align_levels

CHANNELS = 96                                   # of every map of the pyramid; 256 in the paper
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)        # of ImageNet's pixels
ENDS = (4, 7, 14, 18)                           # MobileNetV2's layers, cut where a map ends
INPUTS = (24, 32, 96, 320)                      # channels there, at strides 4, 8, 16 and 32
SIZES, RATIOS = (32, 64, 128, 256), (0.5, 1.0, 2.0)     # anchors: a size for each map
HIDDEN = 256                                    # numbers between the box head's layers
MASK_LAYERS = 2                                 # few steps teach two layers more than four
REGIONS = 128                                   # drawn from each image, to learn from
OFFICIAL = MobileNet_V2_Weights.IMAGENET1K_V1


class FeaturePyramid(nn.Module):
    """Maps from fine to coarse -> as many, of the same sizes, all with C channels.

    Args:
        inputs: the maps' channels, from fine to coarse.
        channels: C.
    Raises:
        ValueError: no map.
    Source:
        Lin et al. 2017, section 3; equals torchvision.ops.FeaturePyramidNetwork.
    """

    def __init__(self, inputs: Sequence[int], channels: int = CHANNELS):
        super().__init__()
        if not len(inputs):
            raise ValueError("inputs: got no map, but the channels of one map or more were "
                             "expected: (24, 32, 96, 320), say.")
        self.lateral = nn.ModuleList(nn.Conv2d(count, channels, 1) for count in inputs)
        self.smooth = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in inputs)
        for layer in (*self.lateral, *self.smooth):
            nn.init.kaiming_uniform_(layer.weight, a=1)
            nn.init.zeros_(layer.bias)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Each map (B, C_n, H_n, W_n) -> (B, C, H_n, W_n).

        Raises:
            ValueError: another number of maps, or one coarser than the one after it.
        """
        check_maps(maps, len(self.lateral))
        merged = [layer(level) for layer, level in zip(self.lateral, maps, strict=True)]
        for n in range(len(merged) - 2, -1, -1):                             # from coarse to fine
            coarse = F.interpolate(merged[n + 1], merged[n].shape[-2:], mode="nearest")
            merged[n] = merged[n] + coarse
        return [layer(level) for layer, level in zip(self.smooth, merged, strict=True)]


def check_maps(maps: Sequence[Tensor], count: int) -> None:
    """Refuse what is not `count` maps from fine to coarse, in words that say what to do."""
    if isinstance(maps, Tensor) or len(maps) != count:
        came = f"one tensor {tuple(maps.shape)}" if isinstance(maps, Tensor) else f"{len(maps)}"
        raise ValueError(f"maps: got {came}, but a list of {count} maps (B, C, H, W) was expected, "
                         "one for each entry of `inputs`.")
    for n, (fine, coarse) in enumerate(zip(maps[:-1], maps[1:], strict=True)):
        if fine.shape[-1] < coarse.shape[-1] or fine.shape[-2] < coarse.shape[-2]:
            raise ValueError(f"maps: number {n} is {tuple(fine.shape[-2:])} and number {n + 1} is "
                             f"{tuple(coarse.shape[-2:])}, but they must go from fine to coarse. "
                             "Turn the list round.")


class MobilePyramid(nn.Module):
    """MobileNetV2 and a pyramid: (B, 3, H, W) in [0, 1] -> four maps of strides 4, 8, 16 and 32.

    Args:
        pretrained: start from torchvision's ImageNet weights, which torch.hub fetches on first use
            or finds in its cache; batch normalization then stays as it was learned, as the few
            photographs of a batch could only blur it, and so do the layers before the first map:
            edges and textures are the same in all photographs. Otherwise random weights, and
            everything learns.
        channels: C of the maps.
    Raises:
        FileNotFoundError: the pretrained weights are not there and cannot be fetched.
    """

    stride = 32

    def __init__(self, pretrained: bool = True, channels: int = CHANNELS):
        super().__init__()
        for name, value in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(value)[:, None, None], persistent=False)
        self.channels = channels
        norm = FrozenBatchNorm2d if pretrained else nn.BatchNorm2d
        layers = mobilenet_v2(norm_layer=norm)
        if pretrained:
            layers.load_state_dict(pretrained_state())
        starts = (0, *ENDS[:-1])
        self.stages = nn.ModuleList(layers.features[a:b] for a, b in zip(starts, ENDS, strict=True))
        self.stages[0].requires_grad_(not pretrained)
        self.pyramid = FeaturePyramid(INPUTS, channels)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps (B, C, H / 4, W / 4) to (B, C, H / 32, W / 32), from fine to coarse.

        Raises:
            ValueError: images of a shape other than (B, 3, H, W).
        """
        check_images(images, "images")
        x, maps = (images - self.mean) / self.std, []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return self.pyramid(maps)


def pretrained_state() -> dict[str, Tensor]:
    """ImageNet weights of MobileNetV2, torchvision's, from torch.hub's cache or the internet.

    Raises:
        FileNotFoundError: they are not there and cannot be fetched.
        ValueError: the file is damaged.
    """
    return published(OFFICIAL.url)


def pyramid_mask_rcnn(backbone: nn.Module, num_classes: int = 2,
                      resize: tuple[int, int] | None = (256, 512)) -> MaskRCNN:
    """The course's Mask R-CNN on a pyramid: anchors of one size a map; heads read all the maps.

    Args:
        backbone: (B, 3, H, W) -> four maps, as `MobilePyramid`.
        num_classes: K, background included.
        resize: see `FasterRCNN`.
    """
    C = backbone.channels
    rpn = RPN(C, [shapes([size], RATIOS) for size in SIZES])
    box, mask = (partial(align_levels, output_size=bins, aligned=True)
                 for bins in (BINS, MASK_BINS))
    mask_head = MaskHead(C, num_classes, pool=mask)
    mask_head.layers = mask_head.layers[:2 * MASK_LAYERS]    # a convolution and a ReLU each
    near_zero(mask_head.masks)                               # or noise must be unlearned first
    model = MaskRCNN(backbone, num_classes, rpn, BoxHead(C, num_classes, HIDDEN, box), mask_head,
                     resize)
    model.regions = REGIONS
    return model
