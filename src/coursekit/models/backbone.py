"""The backbone that chapters 9 to 12 share: pixels in, a map of features out, of any size.

Fully convolutional, so that one and the same net serves a region warped to 64 x 64 (R-CNN) and a
whole picture (Fast R-CNN and after). Three halvings: a cell of the last map stands for 8 x 8
pixels, and sees 73 x 73. The finer map of stride 4 is there for those who need it.

It was trained to tell cats, dogs, rabbits and background apart in warped regions, by
`scripts/train_backbone.py`; that task's last layer, a `Classifier`, is thrown away.

B images, C channels, H W, K classes with background 0.

Source: the design is ours; batch normalization: Ioffe and Szegedy 2015.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coursekit.models.pixels import check_images

CHANNELS = 128                          # of the last map
STRIDE = 8                              # pixels of the picture to a cell of the last map
MEAN, STD = (0.50, 0.48, 0.37), 0.20    # of PetScenes' training pixels, channel by channel
CELLS = 4                               # cells a side that a region's features are averaged to


class Backbone(nn.Module):
    """Seven layers, three halvings: (B, 3, H, W) in [0, 1] -> (B, 128, H/8, W/8), rounded up.

    `mean` is the color that normalization turns into 0: what to fill with where no picture is.
    """

    channels, stride = CHANNELS, STRIDE

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.fine = nn.Sequential(layer(3, 32, 5, stride=2),
                                  layer(32, 64, stride=2), layer(64, 64))
        self.coarse = nn.Sequential(layer(64, CHANNELS, stride=2), layer(CHANNELS, CHANNELS),
                                    layer(CHANNELS, CHANNELS), layer(CHANNELS, CHANNELS))

    def forward(self, images: Tensor) -> Tensor:
        """The map of stride 8.

        Raises:
            ValueError: images of a shape other than (B, 3, H, W).
        """
        return self.maps(images)[1]

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The maps of stride 4, (B, 64, H / 4, W / 4), and of stride 8.

        Raises:
            ValueError: images of a shape other than (B, 3, H, W).
        """
        check_images(images, "images")
        fine = self.fine((images - self.mean) / STD)
        return fine, self.coarse(fine)


def layer(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the size or halves it, batch normalization, ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                         nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Classifier(nn.Module):
    """The task of the pretraining: a backbone, its map averaged to 4 x 4 cells, a linear layer."""

    def __init__(self, backbone: Backbone, num_classes: int = 4):
        super().__init__()
        self.backbone = backbone
        self.scores = nn.Linear(CHANNELS * CELLS ** 2, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Scores (B, K) before the softmax.

        Raises:
            ValueError: images of a shape other than (B, 3, H, W).
        """
        return self.scores(F.adaptive_avg_pool2d(self.backbone(images), CELLS).flatten(1))
