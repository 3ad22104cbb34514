"""Fitting R-CNN: features are computed once and stored; then SVMs and regressions, class by class.

Three different rules say which regions are examples, and that is easily mixed up. A class's SVM
learns from its ground-truth boxes alone as positives, and from regions that overlap every object of
the class by less than 0.3 as negatives; what lies between is ignored. There are far too many
negatives, so it learns from the hard ones, which it gets wrong: mining. The regression of a class
learns from the proposals that overlap an object of it by over 0.6.

M ground-truth boxes, R regions, D numbers of a region's features, K classes with background 0.

Source: Girshick et al. 2014 (arXiv:1311.2524), sections 2.3 and appendices B and C; hard negatives:
Felzenszwalb et al. 2010, section 4.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from sklearn.svm import LinearSVC
from torch import Tensor

from coursekit.boxes import encode, iou
from coursekit.models.rcnn import RCNN

NEGATIVE_IOU = 0.3      # below it, a region is background for the class
BOX_IOU = 0.6           # above it, a proposal is near enough to learn the way to the object
HARD = -1.0             # a negative with a higher score lies inside the margin, or is wrong
FIRST, ROUNDS = 1000, 2 # negatives that the first SVM of a class sees; then rounds of mining
C = 0.1                 # how much a mistake costs, against a wide margin
RIDGE = 8.0             # the ridge: how much large weights of a regression cost


class Examples(NamedTuple):
    """Regions of many images, with the network's features: what R-CNN keeps on disk."""

    features: Tensor    # (R, D), ground-truth boxes and proposals
    boxes: Tensor       # (R, 4)
    overlaps: Tensor    # (R, K - 1), the best IoU with an object of each class, in its image
    nearest: Tensor     # (R, K - 1, 4), that object's box
    truth: Tensor       # (R,) int64, the class if the region is a ground-truth box; else 0
    image: Tensor       # (R,) int64, which image it comes from


def gather(model: RCNN, samples: Iterable[tuple[Tensor, dict]],
           proposals: Sequence[Tensor]) -> Examples:
    """The slow part, once: features of all proposals and all ground-truth boxes.

    Args:
        model: an RCNN whose `scale` is set to what makes the features' mean length 1.
        samples: images (3, H, W) with targets `boxes` (M, 4) and `labels` (M,), 1 to K - 1.
        proposals: for each image (R, 4) boxes.
    Returns:
        The examples of all images, one after the other.
    Raises:
        ValueError: another number of proposals than images, labels out of range, no region at all.
    """
    K, rows = len(model.svm_bias) + 1, []
    model.scale.fill_(1.0)
    for n, ((image, target), boxes) in enumerate(zip(samples, proposals, strict=True)):
        true, labels = target["boxes"], target["labels"]
        if len(labels) and not 1 <= labels.min() <= labels.max() < K:
            raise ValueError(f"targets[{n}]: got labels {sorted(set(labels.tolist()))}, but 1 to "
                             f"{K - 1} was expected. Build the model with more classes.")
        regions = torch.cat([true, boxes])                                   # (M + R, 4)
        overlaps, nearest = match(regions, true, labels, K)
        truth = torch.cat([labels, labels.new_zeros(len(boxes))])
        rows.append(Examples(model.features(image, regions), regions, overlaps, nearest, truth,
                             torch.full_like(truth, n)))
    if not sum(len(row.boxes) for row in rows):
        raise ValueError("samples: got neither a proposal nor an object in any image, but one "
                         "region at least was expected. Check the data set and the proposals.")
    examples = Examples(*map(torch.cat, zip(*rows, strict=True)))
    model.scale.fill_(1 / examples.features.norm(dim=1).mean().clamp(min=1e-9))
    return examples._replace(features=examples.features * model.scale)


def match(regions: Tensor, true: Tensor, labels: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """For each region and class: the best overlap with an object, and that object's box.

    Returns:
        (R, K - 1) overlaps, 0 where the image has no object of the class, and (R, K - 1, 4) boxes.
    """
    overlaps = regions.new_zeros(len(regions), num_classes - 1)
    nearest = regions[:, None].repeat(1, num_classes - 1, 1)                 # of itself, if none
    for k in labels.unique().tolist():
        best, which = iou(regions, true[labels == k]).max(dim=1)
        overlaps[:, k - 1], nearest[:, k - 1] = best, true[labels == k][which]
    return overlaps, nearest


def fit_svms(model: RCNN, examples: Examples, rounds: int = ROUNDS) -> list[list[int]]:
    """Fit an SVM a class, in place, mining hard negatives; says how many negatives each saw.

    The first SVM of a class sees about 1000 negatives from all images; each round adds those that
    the last SVM got wrong or nearly so, and drops none. A class without an object finds nothing.

    Args:
        model: gets `svm_weight` and `svm_bias`.
        examples: from `gather`.
        rounds: of mining, after the first fit.
    Returns:
        For each class the numbers of negatives, round by round; empty if there was no object.
    """
    counts: list[list[int]] = []
    for k in range(1, len(model.svm_bias) + 1):
        counts.append([])
        positive = examples.features[examples.truth == k]
        negative = examples.features[examples.overlaps[:, k - 1] < NEGATIVE_IOU]
        if not len(positive) or not len(negative):
            continue
        used = negative.new_zeros(len(negative), dtype=torch.bool)
        used[::max(1, len(negative) // FIRST)] = True
        for _ in range(rounds + 1):
            weight, bias = fit_svm(positive, negative[used])
            counts[-1].append(int(used.sum()))
            used |= negative @ weight + bias > HARD
        model.svm_weight[k - 1], model.svm_bias[k - 1] = weight, bias
    return counts



def fit_svm(positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    """The plane between two sets of features, (D,) weights and a bias: scikit-learn's LinearSVC."""
    x = torch.cat([positive, negative]).cpu().numpy()
    y = np.repeat([1, -1], [len(positive), len(negative)])
    svm = LinearSVC(C=C, dual=False, tol=1e-3, intercept_scaling=1.0).fit(x, y)
    return positive.new_tensor(svm.coef_[0]), positive.new_tensor(svm.intercept_[0])


def fit_boxes(model: RCNN, examples: Examples) -> list[int]:
    """Fit a regression a class, in place, from features to deltas; says from how many proposals.

    Args:
        model: gets `box_weight` and `box_bias`; classes without a proposal that is near enough
            keep moving nothing.
        examples: from `gather`.
    Returns:
        For each class the number of proposals it learned from.
    """
    counts = []
    for k in range(1, len(model.box_bias) + 1):
        near = (examples.overlaps[:, k - 1] > BOX_IOU) & (examples.truth == 0)
        counts.append(int(near.sum()))
        if counts[-1]:
            deltas = encode(examples.nearest[near, k - 1], examples.boxes[near])
            weight, bias = ridge(examples.features[near], deltas, RIDGE)
            model.box_weight[k - 1], model.box_bias[k - 1] = weight.T, bias
    return counts


def ridge(x: Tensor, y: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """The weights w and bias b that make x w + b nearest to y, while w stays small.

    Args:
        x: (R, D) features, R at least 1.
        y: (R, T) what is to be predicted.
        strength: lambda in |x w + b - y|^2 + lambda |w|^2; the bias is free.
    Returns:
        (D, T) weights and (T,) bias.
    Source:
        Girshick et al. 2014, appendix C, equation 5; sklearn.linear_model.Ridge.
    """
    x, y = x.double(), y.double()
    x_mean, y_mean = x.mean(dim=0), y.mean(dim=0)
    x, y = x - x_mean, y - y_mean
    gram = x.T @ x + strength * torch.eye(x.shape[1]).to(x)
    weight = torch.linalg.solve(gram, x.T @ y)
    return weight.float(), (y_mean - x_mean @ weight).float()
