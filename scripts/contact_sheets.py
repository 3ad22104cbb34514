"""Draw the two contact sheets of PetScenes into book/_static.

petscenes_scenes.png shows 48 scenes of the test split, petscenes_animals.png each animal in twelve
poses. The pixels are the same on every machine. Run: `python scripts/contact_sheets.py [folder]`.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from coursekit.data.petscenes import PetScenes
from coursekit.data.scenes.animals import KINDS
from coursekit.data.scenes.backdrop import random_setting
from coursekit.data.scenes.layout import Actor
from coursekit.data.scenes.noise import dice
from coursekit.data.scenes.scene import compose, draw_scene, place

STATIC = Path(__file__).parent.parent / "book" / "_static"
GAP, PAPER, STEP = 4, 250, 6


def sheet(pictures: list[np.ndarray], columns: int) -> Image.Image:
    """Equal pictures (H, W, 3) in rows, with a thin margin of paper between them."""
    H, W, _ = pictures[0].shape
    rows = -(-len(pictures) // columns)
    page = np.full((rows * (H + GAP) + GAP, columns * (W + GAP) + GAP, 3), PAPER, np.uint8)
    for k, picture in enumerate(pictures):
        top, left = GAP + k // columns * (H + GAP), GAP + k % columns * (W + GAP)
        page[top:top + H, left:left + W] = picture
    coarse = np.minimum((page.astype(np.int64) + STEP // 2) // STEP * STEP, 255)  # a smaller file
    return Image.fromarray(coarse.astype(np.uint8))


def scenes(side: int = 128) -> Image.Image:
    """The first 48 scenes of the test split, as they are."""
    data = PetScenes("test")
    return sheet([draw_scene(data.seed(i), "many", side, side).image for i in range(48)], columns=8)


def animals(side: int = 128) -> Image.Image:
    """Each kind in two rows of six: its poses in turn, from all sides, each in its own light."""
    pictures = []
    for kind, (_, poses) in KINDS.items():
        poses = list(poses)
        for k in range(12):
            yaw = (0.15, 0.6, 1.0, 1.5, 1.85, 0.4, 2.2, 0.8, 1.3, 0.0, 1.7, 2.7)[k]
            pictures.append(portrait(kind, k, side, pose=poses[k % len(poses)], yaw=yaw))
    return sheet(pictures, columns=6)


def portrait(kind: str, k: int, side: int, pose: str, yaw: float) -> np.ndarray:
    """One animal, alone and large, in the setting of seed `k`."""
    setting = random_setting(dice(41, k))
    setting = replace(setting, horizon=0.16 if setting.horizon < 0 else setting.horizon)
    actor = Actor(kind, 0.5, 0.90, 0.62, seed=1000 * k + len(kind))
    placed = place(actor, setting, side, side, pose=pose, yaw=yaw)
    return compose(setting, [placed], side, side, k).image


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else STATIC
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in (("scenes", scenes()), ("animals", animals())):
        path = folder / f"petscenes_{name}.png"
        page.save(path, optimize=True)
        print(f"{path}: {page.width} x {page.height}, {path.stat().st_size / 1e6:.2f} MB")
