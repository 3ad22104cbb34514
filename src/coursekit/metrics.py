"""Metrics for semantic segmentation: how well one map of classes agrees with another.

(The one for detections, `coco_ap`, is at home in `average_precision` and offered here too.)

All but the last are read off one table, the confusion matrix: entry (i, j) counts the pixels of
true class i that were called j. Matrices of several batches are added, and the score is taken once,
at the end: a mean of every image's own score would give a class that shows in one small corner the
weight of a whole picture. Void pixels (255) count nowhere.

Intersection over union of areas hardly sees the outline of a large object; boundary IoU compares
only the pixels near the outlines (Cheng et al. 2021, 'Boundary IoU: Improving Object-Centric Image
Segmentation Evaluation', section 4).

Letters: B images, H height, W width, K classes.
"""

from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from coursekit.average_precision import coco_ap as coco_ap
from coursekit.data.sample import VOID


def confusion_matrix(predicted: Tensor, target: Tensor, num_classes: int,
                     ignore_index: int = VOID) -> Tensor:
    """Count the pixels of every (true class, predicted class) pair; rows are true classes.

    Args:
        predicted: class ids of any shape, as (H, W) or (B, H, W), in [0, K).
        target: true class ids, the same shape, in [0, K) or `ignore_index`.
        num_classes: K.
        ignore_index: pixels with this target are left out, whatever was predicted there.
    Returns:
        (K, K) int64; sums to the number of pixels that are not void.
    Raises:
        ValueError: shapes that differ, or an id outside [0, K).
        TypeError: scores instead of class ids.
    Source:
        sklearn.metrics.confusion_matrix with labels=range(K).
    """
    check_labels(predicted, target, num_classes, ignore_index)
    keep = target != ignore_index
    pairs = target[keep].long() * num_classes + predicted[keep].long()       # 0 .. K * K - 1
    return torch.bincount(pairs, minlength=num_classes**2).view(num_classes, num_classes)


def pixel_accuracy(matrix: Tensor) -> float:
    """The share of pixels whose class is right; NaN where there is no pixel.

    Three quarters of many a picture is background, and a map that says 'background' everywhere
    scores as much: read this figure only beside the mean IoU.

    Args:
        matrix: (K, K) counts, from `confusion_matrix`.
    Returns:
        A number in [0, 1].
    Raises:
        ValueError: not a square table of counts.
    Source:
        Long et al. 2015, section 5: sum_i n_ii / sum_i t_i.
    """
    check_matrix(matrix)
    return (matrix.diagonal().sum().double() / matrix.sum()).item()


def iou_per_class(matrix: Tensor) -> Tensor:
    """Intersection over union of every class; NaN for one neither true nor predicted.

    A class that is predicted but nowhere true scores 0, not NaN: those pixels are mistakes.

    Args:
        matrix: (K, K) counts, from `confusion_matrix`.
    Returns:
        (K,) float64 in [0, 1], or NaN.
    Raises:
        ValueError: not a square table of counts.
    Source:
        Everingham et al. 2010, section 4.3: true positives / (true pos. + false pos. + false neg.).
    """
    check_matrix(matrix)
    right = matrix.diagonal().double()                                       # (K,)
    return right / (matrix.sum(dim=0) + matrix.sum(dim=1) - right)


def mean_iou(matrix: Tensor) -> float:
    """Mean IoU of the classes that are true or predicted anywhere; NaN if none is.

    Args:
        matrix: (K, K) counts over the whole data set, from `confusion_matrix`.
    Returns:
        A number in [0, 1], or NaN for a matrix of zeros.
    Raises:
        ValueError: not a square table of counts.
    Source:
        Long et al. 2015, section 5; sklearn.metrics.jaccard_score with average="macro" and the
        classes that occur.
    """
    return iou_per_class(matrix).nanmean().item()


def boundary_iou(predicted: Tensor, target: Tensor, num_classes: int, width: int = 2,
                 ignore_index: int = VOID) -> Tensor:
    """IoU per class of the pixels within `width` pixels of the outlines; NaN for an absent class.

    A class's boundary region is its mask less the mask eroded by `width`; the edge of the image is
    an outline too. Void pixels belong to no class in either map. Over a batch, the counts are added
    before they are divided. The paper takes 2 percent of the image's diagonal for `width`.

    Args:
        predicted: (H, W) or (B, H, W) class ids in [0, K).
        target: true class ids, the same shape, in [0, K) or `ignore_index`.
        num_classes: K.
        width: of the boundary region, in pixels; from half the image's size on, plain IoU.
        ignore_index: the id of void in `target`.
    Returns:
        (K,) float64 in [0, 1], or NaN.
    Raises:
        ValueError: what `confusion_matrix` refuses, another number of axes, or a width below 1.
        TypeError: scores instead of class ids.
    Source:
        Cheng et al. 2021, equation 2: |(G_d and G) and (P_d and P)| / |(G_d and G) or (P_d and P)|.
    """
    counts = boundary_counts(predicted, target, num_classes, width, ignore_index).double()
    return counts[0] / counts[1]


def boundary_counts(predicted: Tensor, target: Tensor, num_classes: int, width: int = 2,
                    ignore_index: int = VOID) -> Tensor:
    """The two numbers that boundary IoU divides: add them over images, divide once.

    Args:
        predicted: as in `boundary_iou`, like all the arguments.
        target: true class ids.
        num_classes: K.
        width: of the boundary region, in pixels.
        ignore_index: the id of void in `target`.
    Returns:
        (2, K) int64: pixels in both boundary regions, pixels in either.
    Raises:
        ValueError: as `boundary_iou`.
        TypeError: as `boundary_iou`.
    Source:
        Cheng et al. 2021, equation 2.
    """
    check_labels(predicted, target, num_classes, ignore_index)
    if predicted.dim() not in (2, 3):
        raise ValueError(f"predicted: got shape {tuple(predicted.shape)}, but (H, W) or (B, H, W) "
                         "was expected: an outline needs a picture. Do not flatten the maps.")
    if width < 1:
        raise ValueError(f"width: got {width}, but at least 1 pixel was expected. "
                         "Take 2 for images of 128 pixels.")
    valid = target != ignore_index
    k = torch.arange(num_classes, device=target.device).view(-1, *[1] * target.dim())
    found = boundary_region((predicted == k) & valid, width)         # (K, H, W) or (K, B, H, W)
    wanted = boundary_region((target == k) & valid, width)
    return torch.stack([(found & wanted).flatten(1).sum(dim=1),
                        (found | wanted).flatten(1).sum(dim=1)])


def boundary_region(masks: Tensor, width: int) -> Tensor:
    """The pixels of every mask that lie within `width` pixels of its outline.

    Args:
        masks: (..., H, W) bool.
        width: in pixels, counted as the king moves on a chessboard.
    Returns:
        (..., H, W) bool.
    Source:
        Cheng et al. 2021, section 4. Erosion by a square of side 2 width + 1, as in their code:
        a pixel stays where all around it are in the mask, first down the rows, then along them.
    """
    core = F.pad(masks, (width, width, width, width))            # beyond the edge: not in the mask
    for axis in (-2, -1):
        side = masks.shape[axis]
        core = reduce(torch.logical_and, [core.narrow(axis, step, side)
                                          for step in range(2 * width + 1)])
    return masks & ~core


def check_labels(predicted: Tensor, target: Tensor, num_classes: int, ignore_index: int) -> None:
    """Refuse what are not two maps of class ids of one shape, in words that say what to do.

    Args:
        predicted: class ids of any shape.
        target: true class ids, the same shape, or `ignore_index`.
        num_classes: K.
        ignore_index: the id of void in `target`.
    Raises:
        ValueError: shapes that differ, or an id outside [0, K) on a pixel that is not void.
        TypeError: scores instead of class ids.
    """
    for name, labels in (("predicted", predicted), ("target", target)):
        if not isinstance(labels, Tensor) or labels.is_floating_point() or labels.is_complex():
            came = labels.dtype if isinstance(labels, Tensor) else f"a {type(labels).__name__}"
            raise TypeError(f"{name}: got {came}, but a tensor of whole class ids was expected. "
                            "For scores of shape (B, K, H, W) call scores.argmax(dim=1) first.")
    if predicted.shape != target.shape:
        raise ValueError(f"predicted: got shape {tuple(predicted.shape)}, but the target's, "
                         f"{tuple(target.shape)}, was expected. Resize the scores to the target's "
                         "size before argmax; never resize the target.")
    keep = target != ignore_index
    for name, labels in (("predicted", predicted), ("target", target)):
        bad = keep & ((labels < 0) | (labels >= num_classes))
        if bad.any():
            raise ValueError(f"{name}: holds the id {labels[bad][0].item()}, but ids from 0 to "
                             f"{num_classes - 1} were expected. Check "
                             f"num_classes={num_classes} and ignore_index={ignore_index}.")


def check_matrix(matrix: Tensor) -> None:
    """Refuse what is not a square table of counts, in words that say what to do.

    Args:
        matrix: what the caller passed.
    Raises:
        ValueError: not (K, K), or an entry below 0, infinite or NaN.
    """
    if not isinstance(matrix, Tensor) or matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1]:
        came = tuple(matrix.shape) if isinstance(matrix, Tensor) else f"a {type(matrix).__name__}"
        raise ValueError(f"matrix: got {came}, but a (K, K) tensor of counts was expected. "
                         "Pass what confusion_matrix returned.")
    if not ((matrix >= 0) & matrix.isfinite()).all():
        raise ValueError("matrix: got an entry that is negative, infinite or NaN, but counts of at "
                         "least 0 were expected. Pass what confusion_matrix returned.")
