"""How much work the fully convolutional twin saves: `python benchmarks/patch_vs_fcn.py`.

Both compute the scores of the same grid of pixels of one scene of 128 x 128, with one thread and
the same weights; the outputs are asserted to be equal. The classifier takes its patches in batches
of 64. Interleaved, medians of 9.
"""

import statistics
import time

import torch

from coursekit import weights
from coursekit.data import PetScenes
from coursekit.models.pixels import (
    STRIDE,
    FullyConvolutional,
    PatchClassifier,
    grid_points,
    patches_around,
)

REPEATS, BATCH = 9, 64


@torch.no_grad()
def main() -> float:
    """Print the ratio of the two times; return it."""
    torch.set_num_threads(1)
    image, _ = PetScenes("test", length=1)[0]
    classifier = PatchClassifier().eval()
    classifier.load_state_dict(weights.load("pixel-classifier"))
    twin = FullyConvolutional.from_patch_classifier(classifier)
    points = grid_points(image.shape[-2:])

    def patch_by_patch() -> torch.Tensor:
        return torch.cat([classifier(patches_around(image, some)) for some in points.split(BATCH)])

    def at_once() -> torch.Tensor:
        return twin(image[None])[0, :, ::STRIDE, ::STRIDE].flatten(1).T

    torch.testing.assert_close(patch_by_patch(), at_once(), atol=1e-4, rtol=1e-5)
    times = [(seconds(patch_by_patch), seconds(at_once)) for _ in range(REPEATS)]
    slow, fast = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    print(f"{len(points)} pixels of a {image.shape[-2]} x {image.shape[-1]} scene, equal scores: "
          f"patch by patch ≈ {slow * 1e3:.1f} ms, fully convolutional ≈ {fast * 1e3:.1f} ms, "
          f"ratio ≈ {ratio:.1f}")
    return ratio


def seconds(function) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
