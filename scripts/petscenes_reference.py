"""Write what tests/test_petscenes.py compares with; run it after every change of the drawing.

tests/reference/scenes.npz holds a few small scenes, pixel by pixel; tests/reference/objects.npz
the class, mean color, width and height of 4000 objects of the train split, for the test that color
and size do not give the class away. Two processes draw; it takes some minutes.
Run: `python scripts/petscenes_reference.py`.
"""

import multiprocessing
from pathlib import Path

import numpy as np

from coursekit.data.petscenes import PetScenes

REFERENCE = Path(__file__).parent.parent / "tests" / "reference"
SCENES = (("train", "many", 0), ("train", "many", 7), ("val", "one", 3), ("test", "three_dogs", 1),
          ("test", "many", 5), ("val", "many", 11))
SIZE, OBJECTS = 64, 4000


def reference_scenes() -> dict[str, np.ndarray]:
    """Image, semantic map, boxes, labels, masks and full masks of each of `SCENES`."""
    arrays = {}
    for split, mode, index in SCENES:
        image, target = PetScenes(split, mode=mode, size=SIZE, cache=False)[index]
        name = f"{split}-{mode}-{index}"
        arrays[f"{name}-image"] = (image * 255).round().byte().numpy()
        for key in ("semantic", "boxes", "labels", "masks", "full_masks"):
            arrays[f"{name}-{key}"] = target[key].numpy()
    return arrays


def objects(index: int) -> np.ndarray:
    """(N, 6) of one train scene: label, mean red, green, blue of the box, its width and height."""
    image, target = PetScenes("train", length=index + 1, cache=False)[index]
    rows = []
    for label, box in zip(target["labels"].tolist(), target["boxes"].int().tolist(), strict=True):
        x1, y1, x2, y2 = box
        mean = image[:, y1:y2, x1:x2].double().mean((1, 2)).tolist()
        rows.append([label, *mean, x2 - x1, y2 - y1])
    return np.asarray(rows, np.float32).reshape(-1, 6)


def all_objects() -> np.ndarray:
    """(OBJECTS, 6), scene after scene."""
    rows, count = [], 0
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for found in pool.imap(objects, range(OBJECTS), chunksize=8):
            rows.append(found)
            count += len(found)
            if count >= OBJECTS:
                break
    return np.concatenate(rows)[:OBJECTS]


if __name__ == "__main__":
    REFERENCE.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(REFERENCE / "scenes.npz", **reference_scenes())
    np.savez_compressed(REFERENCE / "objects.npz", objects=all_objects())
    for path in sorted(REFERENCE.glob("*.npz")):
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
