"""Pixel classification: a classifier of one pixel's patch, and its fully convolutional twin.

`PatchClassifier` looks at a square patch and names the class of the pixel in its middle. A whole
picture needs a patch around every pixel, and neighbouring patches repeat nearly all of the work.
`FullyConvolutional` runs the same weights over the picture once: its convolutions need no change,
and the linear layer that reads a (C, k, k) block becomes a k x k convolution with the same numbers.
Where the strides let it stop, every `stride`-th pixel, its scores are the classifier's own.

B images, C channels, H W, K classes, N points, P patch size (odd), S stride, h w cells of the grid.

Source: Long, Shelhamer and Darrell 2015, section 3.1 (arXiv:1411.4038).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH, STRIDE = 55, 8       # what the layers of `_features` and a 3 x 3 head add up to


def _features() -> nn.Sequential:
    """The convolutions that both networks share, without padding; strides of 4 and 2."""
    return nn.Sequential(
        *_layer(3, 32, kernel_size=7, stride=4),           # (B, 32, 13, 13) of a 55 x 55 patch
        *_layer(32, 64),                                   # (B, 64, 11, 11)
        *_layer(64, 96, stride=2),                         # (B, 96, 5, 5)
        *_layer(96, 96),                                   # (B, 96, 3, 3)
    )


def _layer(inputs: int, outputs: int, kernel_size: int = 3, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel_size, stride, bias=False),
            nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class PatchClassifier(nn.Module):
    """Scores of K classes for the middle pixel of each patch: (B, 3, P, P) -> (B, K)."""

    def __init__(self, num_classes: int = 7):
        super().__init__()
        self.features = _features()                        # (B, 3, P, P) -> (B, C, 3, 3)
        self.hidden = nn.Linear(96 * 3 * 3, 128)
        self.norm = nn.BatchNorm1d(128)
        self.scores = nn.Linear(128, num_classes)

    def forward(self, patches: Tensor) -> Tensor:
        """Scores (B, K), before the softmax.

        Raises:
            ValueError: patches of another shape.
        """
        check_images(patches, "patches")
        if patches.shape[-2:] != (PATCH, PATCH):
            raise ValueError(f"patches: got {tuple(patches.shape)}, but (B, 3, {PATCH}, {PATCH}) "
                             f"was expected. Cut them with patches_around, or give a whole picture "
                             f"to FullyConvolutional.")
        x = self.features(patches).flatten(1)              # (B, C * 3 * 3)
        return self.scores(F.relu(self.norm(self.hidden(x))))


class FullyConvolutional(nn.Module):
    """The same network for whole pictures of any size: (B, 3, H, W) -> (B, K, H, W)."""

    def __init__(self, num_classes: int = 7):
        super().__init__()
        self.features = _features()
        self.hidden = nn.Conv2d(96, 128, kernel_size=3)    # was Linear(96 * 3 * 3, 128)
        self.norm = nn.BatchNorm2d(128)
        self.scores = nn.Conv2d(128, num_classes, kernel_size=1)

    @classmethod
    def from_patch_classifier(cls, classifier: PatchClassifier) -> "FullyConvolutional":
        """A twin with a copy of the classifier's weights, in the same mode."""
        twin = cls(classifier.scores.out_features).to(classifier.scores.weight.device)
        copy_weights(classifier, twin)
        return twin.train(classifier.training)

    def grid(self, images: Tensor) -> Tensor:
        """Scores at the pixels (0, 0), (0, S), (0, 2 S), ...: (B, 3, H, W) -> (B, K, h, w).

        The grid reaches one cell past the picture where S does not divide its sides less one, so
        that every pixel lies between cells. Patches that stick out see zeros.

        Raises:
            ValueError: images of another shape.
        """
        check_images(images, "images")
        before, after = PATCH // 2, PATCH // 2 + STRIDE - 1
        x = self.features(F.pad(images, (before, after, before, after)))
        return self.scores(F.relu(self.norm(self.hidden(x))))

    def forward(self, images: Tensor) -> Tensor:
        """Scores of every pixel (B, K, H, W), bilinear between those of the grid.

        Raises:
            ValueError: images of another shape.
        """
        scores = self.grid(images)
        h, w = scores.shape[-2:]
        size = ((h - 1) * STRIDE + 1, (w - 1) * STRIDE + 1)
        dense = F.interpolate(scores, size=size, mode="bilinear", align_corners=True)
        return dense[..., :images.shape[-2], :images.shape[-1]]


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Give `target` the numbers of `source` in its own shapes: classifier to twin, or back.

    A linear layer that reads a (C, k, k) block has weights (D, C * k * k); those of the convolution
    are (D, C, k, k), the same numbers in the same order.

    Raises:
        ValueError: the networks differ in more than the shapes.
    """
    theirs, ours = source.state_dict(), target.state_dict()
    if {name: value.numel() for name, value in theirs.items()} != {
            name: value.numel() for name, value in ours.items()}:
        raise ValueError(f"{type(source).__name__} and {type(target).__name__} came with different "
                         f"layers or numbers of classes, but the same ones were expected. Build "
                         f"both with the same num_classes.")
    target.load_state_dict({name: value.reshape(ours[name].shape)
                            for name, value in theirs.items()})


def patches_around(image: Tensor, points: Tensor, size: int = PATCH) -> Tensor:
    """The patches in whose middle the points lie; what sticks out of the image is zero.

    Args:
        image: (3, H, W).
        points: (N, 2) int64, (x, y) of pixels.
        size: the patch's side P, odd.
    Returns:
        (N, 3, P, P).
    Raises:
        ValueError: an even size, or a point outside the image.
    """
    check_images(image[None] if isinstance(image, Tensor) else image, "image[None]")
    H, W = image.shape[-2:]
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size={size} came, but an odd number was expected: only an odd patch has "
                         f"a pixel in its middle. Use {size + 1}.")
    x, y = _checked_points(points, H, W).unbind(1)
    h = size // 2
    windows = F.pad(image, (h, h, h, h)).unfold(1, size, 1).unfold(2, size, 1)  # (3, H, W, P, P)
    return windows[:, y, x].transpose(0, 1)


def grid_points(size: tuple[int, int], stride: int = STRIDE) -> Tensor:
    """The pixels whose scores the grid holds, row by row: (h * w, 2) int64, (x, y).

    Raises:
        ValueError: a size that is not (height, width), each at least 1.
    """
    if not isinstance(size, Sequence) or len(size) != 2 or min(size) < 1:
        raise ValueError(f"size: got {size}, but (height, width), each at least 1, was expected. "
                         f"image.shape[-2:] has them.")
    H, W = size
    y, x = torch.meshgrid(torch.arange(0, H, stride), torch.arange(0, W, stride), indexing="ij")
    return torch.stack([x, y], dim=-1).view(-1, 2)


def check_images(images: Tensor, name: str) -> None:
    """Refuse what is not a batch of pictures, (B, 3, H, W) float, in words that say what to do.

    Args:
        images: what the caller passed.
        name: what the caller's argument is called, for the message.
    Raises:
        ValueError: another shape or type.
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or images.shape[1] != 3 \
            or not images.is_floating_point() or 0 in images.shape[2:]:
        came = f"{images.dtype} of shape {tuple(images.shape)}" if isinstance(images, Tensor) \
            else f"a {type(images).__name__}"
        raise ValueError(f"{name}: got {came}, but a float tensor (B, 3, H, W) was expected. "
                         f"torch.stack makes one of a list; image[None] of a single image.")


def _checked_points(points: Tensor, H: int, W: int) -> Tensor:
    if not isinstance(points, Tensor) or points.ndim != 2 or points.shape[1] != 2 \
            or points.is_floating_point():
        came = f"{points.dtype} of shape {tuple(points.shape)}" if isinstance(points, Tensor) \
            else f"a {type(points).__name__}"
        raise ValueError(f"points: got {came}, but a tensor of integers "
                         f"(N, 2) was expected, (x, y) a row. Round and stack them.")
    outside = ((points < 0) | (points >= torch.tensor([W, H], device=points.device))).any(1)
    if outside.any():
        raise ValueError(f"points: {points[outside][0].tolist()} lies outside the image of height "
                         f"{H} and width {W}. A point is (x, y), x along the width.")
    return points
