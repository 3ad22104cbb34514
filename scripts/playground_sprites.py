"""Draw what the playground's reader places: animals as one picture of many, and empty places.

Every animal is PetScenes' own, drawn by `draw_animal`: three kinds, three poses each, three coats,
and twelve turns all the way round. The coats are the same for all kinds, as in PetScenes, where a
color says nothing about the class. All stand in one light, so that any goes with any place. The
places, too, are what PetScenes paints behind its animals.

`stage.json` tells where in the picture each animal lies, where its feet are, which places there
are, and who stands where when the page is opened.

    python scripts/playground_sprites.py FOLDER
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from coursekit.data.scenes.animals import Sprite, draw_animal
from coursekit.data.scenes.backdrop import Setting, paint_backdrop
from coursekit.data.scenes.fur import Coat, random_coat
from coursekit.data.scenes.layout import Actor
from coursekit.data.scenes.light import Light, unit
from coursekit.data.scenes.mood import INDOORS, OUTDOORS, Mood
from coursekit.data.scenes.noise import color, dice
from coursekit.data.scenes.scene import Scene, compose, place

SIDE = 128                                  # pixels of a picture
POSES = {"cat": ("stand", "sit", "lie"), "dog": ("stand", "sit", "lie"),
         "rabbit": ("crouch", "upright", "stretch")}
SHAPES = {"cat": 24, "dog": 6, "rabbit": 11}               # seeds of a body that looks its kind
COATS = {"patches": 7, "tabby": 23, "dark": 38}            # seeds
TURNS = 12                                                 # all the way round; 0 faces right
DRAWN = 96                                                 # sub-pixels: root of width times height
SHELF = 1600                                               # width of the picture of all animals
LIGHT = Light(unit((-0.45, 0.75, 0.55)), (1.0, 0.95, 0.86), (0.42, 0.45, 0.50), (0.23, 0.22, 0.17))
#                  setting, horizon, foot, mood, seed
PLACES = {"meadow": ("meadow", 0.30, 0.33, "noon", 4),
          "patio": ("patio", 0.24, 0.27, "morning", 2),
          "terrace": ("terrace", 0.30, 0.33, "evening", 5),
          "room": ("room", 0.16, 0.38, "window", 3),
          "lawn": ("lawn", -0.35, 0.0, "overcast", 6),
          "floor": ("parlor", -0.35, 0.0, "sunny", 9)}
# who stands where at first: kind, pose, coat, turn, x of the middle, y of the ground, size
CAST = (("dog", "stand", "patches", 1, 0.28, 0.80, 0.38),
        ("rabbit", "upright", "tabby", 4, 0.58, 0.60, 0.22),
        ("cat", "sit", "dark", 5, 0.79, 0.92, 0.36))


def coats() -> dict[str, Coat]:
    """The coats by name."""
    return {name: random_coat(dice(seed)) for name, seed in COATS.items()}


def yaw(turn: int) -> float:
    """A turn in right angles."""
    return 4 * turn / TURNS


def setting(name: str) -> Setting:
    """A place by its name, in the light that all animals stand in."""
    kind, horizon, foot, hour, _ = PLACES[name]
    indoors = hour in INDOORS
    zenith, low, cloud, shade, *_, softness, tint = (INDOORS if indoors else OUTDOORS)[hour]
    mood = Mood(hour, LIGHT, zenith, low, cloud, shade, 0.45, softness, tint)
    return Setting(kind, horizon, foot, indoors, mood, mown=True)


def backdrop(name: str) -> Image.Image:
    """An empty place, at twice the picture's resolution."""
    canvas = paint_backdrop(setting(name), SIDE, SIDE, dice(PLACES[name][-1]))
    rgb = np.clip(canvas.rgb * color(setting(name).mood.tint), 0, 1)
    return Image.fromarray(np.floor(rgb * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0))


def animals() -> list[tuple[tuple[str, str, str, int], Sprite]]:
    """Every animal that can be placed, with its kind, pose, coat and turn."""
    drawn = []
    for kind, poses in POSES.items():
        for pose in poses:
            for name, coat in coats().items():
                drawn += [((kind, pose, name, turn), draw_animal(
                    kind, dice(SHAPES[kind]), DRAWN, LIGHT, coat=coat, pose=pose, yaw=yaw(turn)))
                    for turn in range(TURNS)]
    return drawn


def pack(drawn: list[tuple[tuple[str, str, str, int], Sprite]]) -> tuple[Image.Image, dict]:
    """All animals side by side on shelves, and where each lies.

    Returns:
        The picture, transparent between the animals; by "kind pose coat turn" a list: left, top,
        width, height, row of the ground, then x and y of each foot, in pixels of this picture.
    """
    found, left, top, tall = {}, 0, 0, 0
    sheet = Image.new("RGBA", (SHELF, SHELF * 3))
    for key, sprite in sorted(drawn, key=lambda item: -item[1].mask.shape[0]):
        height, width = sprite.mask.shape
        if left + width > SHELF:
            left, top, tall = 0, top + tall + 2, 0
        alpha = 255 * sprite.mask[..., None]
        pixels = np.concatenate([np.floor(sprite.rgb * 255 + 0.5), alpha], axis=2)
        sheet.paste(Image.fromarray(pixels.astype(np.uint8)), (left, top))
        feet = [round(float(v), 1) for foot in sprite.feet for v in foot]
        found[" ".join(map(str, key))] = [left, top, width, height, round(sprite.origin, 1), *feet]
        left, tall = left + width + 2, max(tall, height)
    return sheet.crop((0, 0, SHELF, top + tall)), dict(sorted(found.items()))


def opening() -> Scene:
    """The scene that the page opens with, as PetScenes itself draws it."""
    where, looks = setting("meadow"), coats()
    placed = [place(Actor(kind, x, y, side, SHAPES[kind]), where, SIDE, SIDE, coat=looks[coat],
                    pose=pose, yaw=yaw(turn)) for kind, pose, coat, turn, x, y, side in
              sorted(CAST, key=lambda actor: actor[5])]
    return compose(where, placed, SIDE, SIDE, PLACES["meadow"][-1])


def write(folder: Path) -> None:
    """Write the animals, the places and `stage.json` into `folder`."""
    sheet, tiles = pack(animals())
    sheet.save(folder / "animals.webp", quality=82, method=6, alpha_quality=100)
    strip = Image.new("RGB", (2 * SIDE * len(PLACES), 2 * SIDE))
    for n, name in enumerate(PLACES):
        strip.paste(backdrop(name), (2 * SIDE * n, 0))
    strip.save(folder / "places.webp", quality=88, method=6)
    stage = {"side": SIDE, "drawn": DRAWN, "turns": TURNS, "poses": POSES, "coats": list(COATS),
             "places": {name: place[1] for name, place in PLACES.items()}, "cast": CAST,
             "tiles": tiles}
    (folder / "stage.json").write_text(json.dumps(stage, separators=(",", ":")))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
