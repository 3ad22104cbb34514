"""Losses for maps of classes: cross-entropy pixel by pixel, Dice, and weights for rare classes.

A segmentation net gives K scores a pixel; each pixel is a classification of its own. Plain
cross-entropy counts every pixel the same, so that a class with a fortieth of the pixels has a
fortieth of the say. Two cures: weigh rare classes more, or measure overlap (Dice), in which all
classes count the same however small. Void pixels (255) count in none of them.

B images, H W, K classes.

Source: cross-entropy: Long, Shelhamer and Darrell 2015, section 3; weights: Eigen and Fergus 2015,
section 6.3.2; Dice: Milletari, Navab and Ahmadi 2016, section 3.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from coursekit.data.sample import VOID


def pixel_loss(model: nn.Module, images: list[Tensor], targets: list[dict[str, Tensor]],
               class_weights: Tensor | None = None) -> dict[str, Tensor]:
    """Cross-entropy of a segmentation net over a batch, as `coursekit.train.fit` wants it.

    Args:
        model: (B, 3, H, W) -> scores (B, K, H, W).
        images: B images (3, H, W) of one size.
        targets: B dicts with `semantic` (H, W).
        class_weights: (K,), or None for equal weights.
    """
    semantic = torch.stack([target["semantic"] for target in targets])
    return {"cross_entropy": cross_entropy(model(torch.stack(images)), semantic, class_weights)}


def cross_entropy(scores: Tensor, semantic: Tensor, class_weights: Tensor | None = None,
                  ignore_index: int = VOID) -> Tensor:
    """Mean over the pixels of -log of the true class's probability; 0 if all are void.

    With weights the mean is weighted: a pixel of class k counts `class_weights[k]` times.

    Args:
        scores: (B, K, H, W), before the softmax.
        semantic: (B, H, W) int64, ids below K or `ignore_index`.
        class_weights: (K,), positive.
        ignore_index: the id of pixels that do not count.
    Raises:
        ValueError: shapes that do not fit, or ids outside the classes.
    Source:
        torch.nn.functional.cross_entropy, which gives NaN where all pixels are void.
    """
    check_semantic(scores, semantic, ignore_index, class_weights)
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))    # float16 ends at 65504
    valid = semantic != ignore_index                                        # (B, H, W)
    true_class = semantic.where(valid, 0)
    log_p = scores.log_softmax(dim=1).gather(1, true_class[:, None])[:, 0]  # (B, H, W)
    weights = valid.to(scores.dtype)
    if class_weights is not None:
        weights = weights * class_weights.to(scores)[true_class]
    return -(weights * log_p).sum() / weights.sum().clamp(min=1e-9)


def soft_dice(scores: Tensor, semantic: Tensor, ignore_index: int = VOID) -> Tensor:
    """1 - the Dice overlap of probabilities and truth, averaged over the classes of the batch.

    Every class that occurs counts the same, however few its pixels; the overlap is that of the
    whole batch. 0 if all pixels are void.

    Args:
        scores: (B, K, H, W), before the softmax.
        semantic: (B, H, W) int64, ids below K or `ignore_index`.
        ignore_index: the id of pixels that do not count.
    Raises:
        ValueError: as `cross_entropy`.
    Source:
        Milletari, Navab and Ahmadi 2016, section 3, without the squares in the denominator.
    """
    check_semantic(scores, semantic, ignore_index)
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))    # float16 ends at 65504
    valid = semantic != ignore_index
    K = scores.shape[1]
    truth = F.one_hot(semantic[valid], K).to(scores)                 # (N, K), N pixels that count
    p = scores.softmax(dim=1).permute(0, 2, 3, 1)[valid]             # (N, K)
    present = truth.sum(0) > 0
    dice = 2 * (p * truth).sum(0) / (p.sum(0) + truth.sum(0)).clamp(min=1e-9)
    return ((1 - dice) * present).sum() / present.sum().clamp(min=1)


def median_frequency_weights(counts: Tensor) -> Tensor:
    """Weights that lift rare classes: the median frequency over the class's own; 0 if it has none.

    Args:
        counts: (K,) pixels of each class.
    Raises:
        ValueError: another shape, or negative counts.
    Source:
        Eigen and Fergus 2015, section 6.3.2.
    """
    if not isinstance(counts, Tensor) or counts.ndim != 1 or not (counts >= 0).all():
        came = counts.tolist() if isinstance(counts, Tensor) else f"a {type(counts).__name__}"
        raise ValueError(f"counts: got {came}, but a tensor of (K,) numbers of 0 or more was "
                         f"expected. Count the pixels with torch.bincount.")
    counts = counts.float()
    if not (counts > 0).any():
        return torch.zeros_like(counts)
    return torch.where(counts > 0, counts[counts > 0].median() / counts.clamp(min=1), 0.0)


def check_semantic(scores: Tensor, semantic: Tensor, ignore_index: int,
                   class_weights: Tensor | None = None) -> None:
    """Refuse a map of class ids that does not fit the scores, in words that say what to do.

    Args:
        scores: (B, K, H, W).
        semantic: (B, H, W), ids below K or `ignore_index`.
        ignore_index: the id of void.
        class_weights: (K,), finite and not negative, or None.
    Raises:
        ValueError: shapes that do not fit, another type, or an id outside the classes.
    """
    for name, value in (("scores", scores), ("semantic", semantic)):
        if not isinstance(value, Tensor):
            raise ValueError(f"{name}: got a {type(value).__name__}, but a tensor was expected. "
                             f"torch.stack makes a batch of a list.")
    if scores.ndim != 4 or semantic.shape != (scores.shape[0], *scores.shape[2:]):
        raise ValueError(f"got scores {tuple(scores.shape)} and semantic {tuple(semantic.shape)}, "
                         f"but (B, K, H, W) and (B, H, W) were expected. Bring the scores to the "
                         f"picture's size; stack the maps.")
    if not scores.is_floating_point():
        raise ValueError(f"scores: got {scores.dtype}, but floats were expected. Pass what the "
                         f"network returns, before any argmax.")
    if semantic.dtype != torch.int64:
        raise ValueError(f"semantic: got {semantic.dtype}, but int64 class ids were expected. Call "
                         f".long() on ids; take argmax(dim=1) of scores.")
    K = scores.shape[1]
    wrong = semantic[((semantic < 0) | (semantic >= K)) & (semantic != ignore_index)]
    if len(wrong):
        raise ValueError(f"semantic: got the id {wrong[0].item()}, but 0 to {K - 1} or "
                         f"{ignore_index} (void) were expected. Check the number of classes.")
    if class_weights is not None:
        fit = class_weights.shape == (K,) and class_weights.isfinite().all()
        if not fit or (class_weights < 0).any():
            raise ValueError(f"class_weights: got {class_weights.tolist()}, but {K} finite numbers "
                             f"of 0 or more were expected, one a class. "
                             f"median_frequency_weights makes them.")
