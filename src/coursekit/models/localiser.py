"""Localisation: one picture in, the class and the box of its one object out, by regression.

The network reads a coarse map of 8 x 8 cells. Every cell says four things: how much its word should
count, where the object's center is as seen from the cell, how large the object is, and what. The
answer is the mean of all cells' words, weighted. (A mean over the whole map of *features* would
forget where they stood; here each cell adds its own place first.) One object, one answer: where
there are two, the mean of what the cells say can lie between them.

All coordinates inside are fractions of the picture's width and height, so that the four numbers are
of one size, about that of what an untrained network puts out.

B pictures, C channels, h w cells of the map, K classes with background 0.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coursekit.box_losses import giou_loss
from coursekit.boxes import clip
from coursekit.models.batch import Target, check_one_each
from coursekit.models.segmentation import WIDTHS, Encoder, layer

SIDE = 128              # every picture is brought to this size: what the encoder was trained on


def vote(words: Tensor) -> tuple[Tensor, Tensor]:
    """One box and one row of scores a picture from what each cell says, weighted.

    Args:
        words: (B, 5 + K, h, w): a weight before the softmax over all cells, the center's x and y
            seen from the cell's own, width and height before the sigmoid, scores of K classes.
    Returns:
        Boxes (B, 4), xyxy in fractions of the picture, and scores (B, K) before the softmax.
    """
    h, w = words.shape[-2:]
    y, x = torch.meshgrid((torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w, indexing="ij")
    center = words[:, 1:3] + torch.stack([x, y]).to(words)               # (B, 2, h, w)
    size = words[:, 3:5].sigmoid()                                       # between 0 and 1
    said = torch.cat([center, size, words[:, 5:]], dim=1).flatten(2)     # (B, 4 + K, h * w)
    weight = words[:, :1].flatten(2).softmax(dim=2)                      # (B, 1, h * w)
    mean = (said * weight).sum(dim=2)                                    # (B, 4 + K)
    center, half = mean[:, :2], mean[:, 2:4] / 2
    return torch.cat([center - half, center + half], dim=1), mean[:, 4:]


class Localiser(nn.Module):
    """Chapter 5's encoder, which stays as it is, and a head that learns: one box a picture.

    `forward` keeps torchvision's contract. In training it takes targets with `boxes` (N, 4), xyxy
    in the picture's pixels, and `labels` (N,), N being 1, or 0 for a picture without an object; it
    gives the losses `class` and `box`. In evaluation it gives one dict a picture: `boxes` (N, 4),
    `labels` (N,), `scores` (N,), with N 0 where the background has the highest score.

    Args:
        encoder: an `Encoder`; its first four levels are used.
        num_classes: K, the background counted.
        box_loss: of paired boxes in fractions of the picture; its mean is taken.
    Raises:
        ValueError: in training, not one target a picture, or a target with more than one box.
    """

    def __init__(self, encoder: Encoder, num_classes: int = 4, box_loss: Callable = giou_loss):
        super().__init__()
        self.encoder, self.box_loss = encoder.requires_grad_(False).eval(), box_loss
        self.head = nn.Sequential(layer(WIDTHS[3], 64), layer(64, 64),
                                  nn.Conv2d(64, 5 + num_classes, 1))

    def train(self, mode: bool = True) -> "Localiser":
        """As every module's, but the encoder's batch normalization keeps its statistics."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, images: Sequence[Tensor], targets: Sequence | None = None) -> dict | list:
        """Losses in training, one dict a picture in evaluation."""
        maps = self.features(images)
        if self.training:
            return self.losses(maps, *in_fractions(images, targets))
        return answers(*vote(self.head(maps).float()), images)

    def features(self, images: Sequence[Tensor]) -> Tensor:
        """B pictures (3, H, W), any sizes -> what the head reads, (B, C, 8, 8)."""
        sized = [F.interpolate(image[None], (SIDE, SIDE), mode="bilinear", antialias=True)
                 for image in images]
        none = next(self.encoder.parameters()).new_zeros(0, 3, SIDE, SIDE)
        return self.encoder(torch.cat([none, *sized])).pooled[3]

    def losses(self, maps: Tensor, boxes: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Both terms; `boxes` (B, 4) in fractions, `labels` (B,) with 0 for nothing to box."""
        found, scores = vote(self.head(maps).float())
        has = labels > 0
        box = self.box_loss(found[has], boxes[has]).mean() if has.any() else 0 * found.sum()
        named = F.cross_entropy(scores, labels, reduction="sum") / max(len(labels), 1)
        return {"class": named, "box": box}


def in_fractions(images: Sequence[Tensor], targets: Sequence[Target] | None,
                 ) -> tuple[Tensor, Tensor]:
    """Boxes (B, 4) in fractions of each picture's width and height, and labels (B,).

    Args:
        images: B pictures (3, H, W).
        targets: B dicts with `boxes` and `labels` of one object, or of none: then the label is 0.
    Raises:
        ValueError: not one target a picture, or a target with more than one box.
    """
    check_one_each(images, targets)
    boxes, labels = torch.zeros(len(images), 4), torch.zeros(len(images), dtype=torch.int64)
    for n, (image, target) in enumerate(zip(images, targets, strict=True)):
        if len(target["boxes"]) > 1:
            raise ValueError(f"target {n} has {len(target['boxes'])} boxes, but one at most was "
                             f"expected: the network has one place for an answer. PetScenes with "
                             f'mode="one" gives such pictures.')
        H, W = image.shape[-2:]
        if len(target["boxes"]):
            boxes[n] = target["boxes"][0].cpu() / torch.tensor([W, H, W, H])
            labels[n] = target["labels"][0]
    device = images[0].device if len(images) else "cpu"
    return boxes.to(device), labels.to(device)


def answers(boxes: Tensor, scores: Tensor, images: Sequence[Tensor]) -> list[Target]:
    """One dict a picture, in its own pixels and cut off at its edge; empty for background.

    Args:
        boxes: (B, 4), xyxy in fractions.
        scores: (B, K), before the softmax.
        images: B pictures (3, H, W).
    """
    score, label = scores.softmax(dim=1).max(dim=1)
    found = []
    for n, image in enumerate(images):
        H, W = image.shape[-2:]
        some = slice(n, n + int(label[n] > 0))                     # this row, or none
        found.append({"boxes": clip(boxes[some] * boxes.new_tensor([W, H, W, H]), (H, W)),
                      "labels": label[some], "scores": score[some]})
    return found
