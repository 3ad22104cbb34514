"""Make chapter 2's shipped weights and its table: `python scripts/train_pixel_classifier.py`.

Trains the fully convolutional twin on PetScenes' training split, once for each seed, and measures
each on the 200 scenes of the test split. The weights of the first seed named are stored, in half
precision, as those of a PatchClassifier; all scores are those of rounded weights. A second, small
training of each seed is the one that the notebook does live. The scores of all seeds become
`src/coursekit/weights/pixel-classifier.json`. Which seed is stored does not depend on them.

    python scripts/train_pixel_classifier.py --seeds 0 1 2
    python scripts/train_pixel_classifier.py --seeds 0 1 2 --keep    measures the stored seed only
"""

import argparse
import functools
import json
from collections.abc import Callable, Sequence

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
TABLE = weights.FOLDER / f"{NAME}.json"
K = len(CLASSES)
LIVE = {"scenes": 300, "epochs": 4}     # the notebook's training; it mirrors no picture


def main() -> None:
    """Train, measure, store."""
    options = arguments()
    scenes = [PetScenes("train")[i] for i in range(options.scenes)]
    test = [PetScenes("test")[i] for i in range(200)]
    recipe = {name: getattr(options, name) for name in ("scenes", "epochs", "batch", "lr")}
    table = {"recipe": {"seeds": options.seeds, "data": f"PetScenes {code_version()}", **recipe,
                        "test_scenes": len(test), "live": LIVE}, "runs": []}
    for seed in options.seeds:
        first = seed == options.seeds[0]
        classifier = PatchClassifier()
        if first and options.keep:
            classifier.load_state_dict(weights.load(NAME))
        else:
            twin, steps = train(scenes, seed, options, options.epochs, flipped_loss)
            copy_weights(twin, classifier)
            state = weights.rounded(classifier)
        run = {"seed": seed, **measure(FullyConvolutional.from_patch_classifier(classifier), test)}
        live, _ = train(scenes[:LIVE["scenes"]], seed, options, LIVE["epochs"], pixel_loss)
        table["runs"].append({**run, "live": measure(live, test)})
        print(json.dumps(table["runs"][-1]), flush=True)
        if first and not (options.keep or options.dry):
            weights.save(NAME, state, {
                "seed": seed, "steps": steps, "data": f"PetScenes {code_version()}",
                "score": f"mean IoU {run['mean_iou']:.3f} on {len(test)} test scenes", **recipe})
    if not options.dry:
        TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--scenes", type=int, default=2000, help="of the training split")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--keep", action="store_true",
                        help="take the first seed's weights as they are stored")
    parser.add_argument("--dry", action="store_true", help="store nothing")
    return parser.parse_args()


def train(scenes: Sequence, seed: int, options: argparse.Namespace, epochs: int,
          loss: Callable) -> tuple[FullyConvolutional, int]:
    """A trained twin on the CPU, and the number of its steps."""
    torch.manual_seed(seed)
    twin = FullyConvolutional(K)
    loader = DataLoader(scenes, options.batch, shuffle=True, drop_last=True, collate_fn=collate)
    loss = functools.partial(loss, class_weights=balance(scenes))
    history = fit(twin, loader, epochs=epochs, loss=loss, lr=options.lr, seed=seed)
    print(f"seed {seed}: {history.steps} steps, loss {history.last():.3f}, {history.seconds:.0f} s "
          f"with {torch.get_num_threads()} threads")
    return twin.cpu(), history.steps


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
def measure(twin: FullyConvolutional, scenes: Sequence) -> dict[str, float | dict[str, float]]:
    """Mean IoU, pixel accuracy, mean boundary IoU and each class's IoU on the scenes."""
    twin.eval()
    matrix, edges = torch.zeros(K, K, dtype=torch.int64), torch.zeros(2, K)
    for image, target in scenes:
        answer = twin(image[None]).argmax(1)[0]
        matrix += confusion_matrix(answer, target["semantic"], K)
        edges += boundary_counts(answer, target["semantic"], K)
    scores = {"mean_iou": mean_iou(matrix), "pixel_accuracy": pixel_accuracy(matrix),
              "boundary_iou": (edges[0] / edges[1]).mean().item()}
    ious = dict(zip(CLASSES, iou_per_class(matrix).tolist(), strict=True))
    return {**{name: round(value, 4) for name, value in scores.items()},
            "iou": {name: round(value, 4) for name, value in ious.items()}}


if __name__ == "__main__":
    main()
