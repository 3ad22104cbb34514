"""Make the shipped weights of chapter 2: `python scripts/train_pixel_classifier.py --seeds 0 1 2`.

Trains the fully convolutional twin on PetScenes' training split, once for each seed, and measures
each on the 200 scenes of the test split. The weights of the first seed named are stored, in half
precision, as those of a PatchClassifier; their score is that of the rounded weights. Which seed is
stored does not depend on the scores.
"""

import argparse
import functools
import statistics
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from coursekit import weights
from coursekit.data import CLASSES, PetScenes, collate
from coursekit.data.petscenes import code_version
from coursekit.losses import median_frequency_weights, pixel_loss
from coursekit.metrics import (
    boundary_counts,
    confusion_matrix,
    iou_per_class,
    mean_iou,
    pixel_accuracy,
)
from coursekit.models.pixels import FullyConvolutional, PatchClassifier, copy_weights
from coursekit.train import fit

NAME = "pixel-classifier"
K = len(CLASSES)


def main() -> None:
    """Train, measure, store."""
    options = arguments()
    scenes = [PetScenes("train")[i] for i in range(options.scenes)]
    test = [PetScenes("test")[i] for i in range(200)]
    scores = []
    for seed in options.seeds:
        twin, steps = train(scenes, seed, options)
        classifier = PatchClassifier()
        copy_weights(twin.cpu(), classifier)
        state = weights.rounded(classifier)
        copy_weights(classifier, twin)
        scores.append(measure(twin, test, seed))
        if seed == options.seeds[0] and not options.dry:
            weights.save(NAME, state, {
                "seed": seed, "steps": steps, "data": f"PetScenes {code_version()}",
                "score": f"mean IoU {scores[0]:.3f} on 200 test scenes", "scenes": options.scenes,
                "epochs": options.epochs, "batch": options.batch, "lr": options.lr})
            print(weights.describe(NAME))
    print(f"mean IoU of {len(scores)} seeds: {statistics.mean(scores):.3f}, "
          f"from {min(scores):.3f} to {max(scores):.3f}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--scenes", type=int, default=2000, help="of the training split")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--dry", action="store_true", help="store nothing")
    return parser.parse_args()


def train(scenes: Sequence, seed: int,
          options: argparse.Namespace) -> tuple[FullyConvolutional, int]:
    """A trained twin, and the number of its steps."""
    torch.manual_seed(seed)
    twin = FullyConvolutional(K)
    loader = DataLoader(scenes, options.batch, shuffle=True, drop_last=True, collate_fn=collate)
    loss = functools.partial(flipped_loss, class_weights=balance(scenes))
    history = fit(twin, loader, epochs=options.epochs, loss=loss, lr=options.lr, seed=seed)
    print(f"seed {seed}: {history.steps} steps, loss {history.last():.3f}, {history.seconds:.0f} s "
          f"with {torch.get_num_threads()} threads")
    return twin, history.steps


def balance(scenes: Sequence) -> Tensor:
    """Square roots of the median frequency weights: rare classes count more, but not as much."""
    counts = sum(torch.bincount(target["semantic"].flatten(), minlength=256)[:K]
                 for _, target in scenes)
    return median_frequency_weights(counts).sqrt()


def flipped_loss(model: FullyConvolutional, images: list[Tensor], targets: list[dict[str, Tensor]],
                 class_weights: Tensor) -> dict[str, Tensor]:
    """`pixel_loss` of the batch, of which each picture is mirrored with probability 1/2."""
    mirror = (torch.rand(len(images)) < 0.5).tolist()
    images = [image.flip(-1) if flip else image
              for image, flip in zip(images, mirror, strict=True)]
    targets = [{"semantic": target["semantic"].flip(-1) if flip else target["semantic"]}
               for target, flip in zip(targets, mirror, strict=True)]
    return pixel_loss(model, images, targets, class_weights)


@torch.no_grad()
def measure(twin: FullyConvolutional, scenes: Sequence, seed: int) -> float:
    """Print IoU and boundary IoU of every class; return the mean IoU."""
    twin.eval()
    matrix, edges = torch.zeros(K, K, dtype=torch.int64), torch.zeros(2, K)
    for image, target in scenes:
        answer = twin(image[None]).argmax(1)[0]
        matrix += confusion_matrix(answer, target["semantic"], K)
        edges += boundary_counts(answer, target["semantic"], K)
    for name, iou, edge in zip(CLASSES, iou_per_class(matrix), edges[0] / edges[1], strict=True):
        print(f"    {name:10}  IoU {iou:.3f}  boundary IoU {edge:.3f}")
    print(f"seed {seed}: mean IoU {mean_iou(matrix):.3f}, pixel accuracy "
          f"{pixel_accuracy(matrix):.3f}, mean boundary IoU {(edges[0] / edges[1]).mean():.3f}")
    return mean_iou(matrix)


if __name__ == "__main__":
    main()
