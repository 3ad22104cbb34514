"""From samples to a batch.

A classifier's batch is one tensor (B, 3, H, W). A detector's cannot be: photographs differ in size,
and images in their number of boxes. So a batch is two lists, and the model pads what it must:
`DataLoader(data, batch_size=4, collate_fn=collate)`.
"""

from collections.abc import Sequence

from torch import Tensor

from coursekit.data.sample import check_sample


def collate(
    samples: Sequence[tuple[Tensor, dict[str, Tensor]]],
) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """B samples as B images and B targets, in two lists; two empty lists for no samples.

    Nothing is stacked, resized or copied. Each sample is checked, so a mistake of one's own data
    set or augmentation shows here, by the sample's number, and not deep inside a model.

    Args:
        samples: pairs of an image (3, H, W) in [0, 1] and its target (see `coursekit.data.sample`).
    Returns:
        The images, and the targets.
    Raises:
        ValueError: a sample that is not such a pair, or not sound.
    """
    for number, sample in enumerate(samples):
        if not _is_pair(sample):
            raise ValueError(f"sample {number} of the batch is a {_kind(sample)}, but a pair of an "
                             f"image tensor and a target dict is wanted. Return (image, target) "
                             f"from your data set's __getitem__.")
        check_sample(*sample, name=f"sample {number} of the batch")
    return [image for image, _ in samples], [target for _, target in samples]


def _is_pair(sample: object) -> bool:
    return (isinstance(sample, tuple | list) and len(sample) == 2
            and isinstance(sample[0], Tensor) and isinstance(sample[1], dict))


def _kind(sample: object) -> str:
    """What came, in words: 'Tensor', 'tuple of Tensor, Tensor'."""
    if isinstance(sample, tuple | list):
        return f"{type(sample).__name__} of {', '.join(type(part).__name__ for part in sample)}"
    return type(sample).__name__
