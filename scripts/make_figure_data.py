"""Make the stored data of the interactive figures: `src/coursekit/figures/data/NAME.json`.

'five-outputs' shows a scene of PetScenes with its truth. 'sliding-window' shows what chapter 2's
shipped network answers for windows of a scene: the patch classifier window by window, its fully
convolutional twin in one pass; the script stops if they disagree. The scenes are found by rule, so
the script also serves when PetScenes draws anew; their indices are stored with them. Run
`make_fallbacks.py` after it.

    python scripts/make_figure_data.py

Letters: H W image size, P patch size, h w cells of the grid, K classes.
"""

import json
import sys
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from coursekit.data import CLASSES, PetScenes  # noqa: E402
from coursekit.figures import pack_scene  # noqa: E402
from coursekit.models import pixels  # noqa: E402
from coursekit.models.pixels import FullyConvolutional, PatchClassifier  # noqa: E402
from coursekit.weights import load  # noqa: E402

DATA = ROOT / "src/coursekit/figures/data"
SIZE = (128, 144)           # height and width: three screen pixels a pixel fit beside the text
SMALLEST = {"five-outputs": 450, "sliding-window": 380}    # pixels that an animal shows at least


def touching(masks: Tensor, labels: Tensor) -> bool:
    """Whether two masks (N, H, W) of one class lie side by side."""
    grown = F.max_pool2d(masks.float(), 3, stride=1, padding=1) > 0            # (N, H, W)
    return any(labels[i] == labels[j] and bool((grown[i] & masks[j]).any())
               for i in range(len(masks)) for j in range(i))


def suits_five_outputs(target: dict[str, Tensor]) -> bool:
    """Three animals and sky; two are of one class and touch: the semantic map melts them."""
    labels, ids = target["labels"], target["semantic"].unique()
    return len(labels) == 3 and len(labels.unique()) == 2 and CLASSES.index("sky") in ids \
        and touching(target["masks"], labels)


def suits_sliding_window(target: dict[str, Tensor]) -> bool:
    """Three animals, and every class of the course."""
    ids = set(target["semantic"].unique().tolist())
    return len(target["labels"]) == 3 and ids >= set(range(len(CLASSES)))


RULES = {"five-outputs": suits_five_outputs, "sliding-window": suits_sliding_window}


def find_scene(name: str) -> int:
    """The index of the first test scene that suits the figure, its animals clearly visible."""
    scenes = PetScenes("test", size=SIZE)
    for index in range(len(scenes)):
        target = scenes[index][1]
        if RULES[name](target) and int(target["masks"].flatten(1).sum(1).min()) >= SMALLEST[name]:
            return index
    raise ValueError(f"None of {len(scenes)} test scenes suits {name!r}, but one is wanted. "
                     f"Loosen its rule or SMALLEST.")


@cache
def scene_of(name: str) -> tuple[int, Tensor, dict[str, Tensor]]:
    """Index, image and target of the scene that the figure shows; found if none is stored."""
    file = DATA / f"{name}.json"
    stored = file.exists() and json.loads(file.read_text(encoding="utf-8"))
    index = stored["index"] if stored else find_scene(name)
    return index, *PetScenes("test", size=SIZE)[index]


def five_outputs() -> dict:
    """One scene with its truth."""
    index, image, target = scene_of("five-outputs")
    return {"index": index, "view": "picture", "scene": pack_scene(image, target)}


def probabilities() -> tuple[Tensor, Tensor, dict[str, int]]:
    """Softmax scores of both networks on the twin's grid, (h, w, K) each; their multiplications."""
    _, image, _ = scene_of("sliding-window")
    classifier = PatchClassifier().eval()
    classifier.load_state_dict(load("pixel-classifier"))
    twin = FullyConvolutional.from_patch_classifier(classifier)
    h, w = (-(-side // pixels.STRIDE) for side in SIZE)
    patches = pixels.patches_around(image, pixels.grid_points(SIZE))            # (h * w, 3, P, P)
    with torch.inference_mode():
        one_by_one = classifier(patches).softmax(1).view(h, w, -1)
        at_once = twin.grid(image[None])[0, :, :h, :w].softmax(0).permute(1, 2, 0)
    cost = {"window": multiplications(classifier, patches[:1]),
            "dense": multiplications(twin, image[None])}
    return one_by_one, at_once, cost


def multiplications(model: nn.Module, images: Tensor) -> int:
    """How many multiplications the convolutions and linear layers of `model` make for `images`."""
    counts = []

    def record(layer: nn.Module, _, out: Tensor) -> None:
        counts.append(out.numel() * layer.weight[0].numel())

    layers = [layer for layer in model.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(record) for layer in layers]
    with torch.inference_mode():
        model.grid(images) if isinstance(model, FullyConvolutional) else model(images)
    for hook in hooks:
        hook.remove()
    return sum(counts)


def sliding_window() -> dict:
    """What both networks say of a scene, window by window, in thousandths."""
    one_by_one, at_once, cost = probabilities()
    torch.testing.assert_close(one_by_one, at_once, rtol=0, atol=1e-4)
    scores = (at_once * 1000).round().int()
    index, image, target = scene_of("sliding-window")
    scene = pack_scene(image, target)
    h, w, _ = scores.shape
    return {"index": index, "row": h // 2, "column": w // 2,
            "scene": {key: scene[key] for key in ("height", "width", "rgb", "semantic")},
            "patch": pixels.PATCH, "stride": pixels.STRIDE, "first": [-(pixels.PATCH // 2)] * 2,
            "rows": h, "columns": w, "scores": scores.flatten().tolist(),
            "answers": at_once.argmax(-1).flatten().tolist(), "multiplications": cost}


def main() -> None:
    """Find the scenes afresh and write both files."""
    for file in DATA.glob("*.json"):
        file.unlink()
    for name, make in (("five-outputs", five_outputs), ("sliding-window", sliding_window)):
        file = DATA / f"{name}.json"
        file.write_text(json.dumps(make(), separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
