"""A whole scene: backdrop, shadows, then everything that stands there, the farthest first.

Every sprite is painted at twice the picture's resolution and the result averaged 2 x 2. A pixel
belongs to an animal that holds at least two of its four sub-pixels. One map of owners gives masks
and semantic map alike, so that they agree exactly.

An animal stays only if at least `MIN_PIXELS` pixels and `MIN_SHARE` of what the picture could
show of it are visible, and `MIN_INSIDE` of it is inside the picture. Things in front of it are
taken away first; if that is not enough, the animal is, from picture and annotation alike.

Letters: N animals, H and W the picture in pixels.
"""

from dataclasses import dataclass, replace

import numpy as np

from coursekit.data.scenes import clutter, plants
from coursekit.data.scenes.animals import Sprite, draw_animal
from coursekit.data.scenes.backdrop import Setting, paint_backdrop, random_setting
from coursekit.data.scenes.canvas import GRASS, Canvas
from coursekit.data.scenes.develop import develop
from coursekit.data.scenes.grass import blades
from coursekit.data.scenes.layout import Actor, plan
from coursekit.data.scenes.noise import dice, mix
from coursekit.data.scenes.shadow import cast, contact, lay

MIN_PIXELS, MIN_SHARE, MIN_INSIDE = 16, 0.30, 0.45
STUFF = np.asarray([0, 4, 5, 6], np.uint8)
FIRST = 16                                 # the canvas's id of sprite k is FIRST + k
BACKDROP, PLAN, SENSOR, TUFTS = range(4)   # each part of a scene has dice of its own
THINGS = {"ball": clutter.ball, "stone": clutter.stone, "box": clutter.box,
          "cushion": clutter.cushion,
          "stool": clutter.stool, "vessel": clutter.vessel, "log": clutter.log,
          "bush": plants.bush, "potted": plants.potted}


@dataclass(frozen=True)
class Scene:
    """A picture and everything true of it."""

    image: np.ndarray       # (H, W, 3) uint8
    semantic: np.ndarray    # (H, W) uint8 class ids
    labels: np.ndarray      # (N,) int64, 1 to 3
    masks: np.ndarray       # (N, H, W) bool, what is visible
    full_masks: np.ndarray  # (N, H, W) bool, what would be if nothing stood in front
    setting: Setting


@dataclass
class Placed:
    """A sprite and where it lies: its top left corner in sub-pixels, and its mask (H, W)."""

    actor: Actor
    sprite: Sprite
    top: int
    left: int
    full: np.ndarray


def draw_scene(seed: int, mode: str, height: int, width: int) -> Scene:
    """Draw the scene of a seed, for a picture of `height` x `width` pixels."""
    rng = dice(seed, PLAN)
    setting = random_setting(rng)
    actors = plan(setting, mode, width / height, rng)
    placed = [place(actor, setting, height, width) for actor in actors]
    if mode == "three_dogs":
        setting, placed = replace(setting, mown=True), _huddle(placed)
    return compose(setting, _keep_visible(placed), height, width, seed)


def compose(setting: Setting, placed: list[Placed], height: int, width: int, seed: int) -> Scene:
    """Paint a setting and what stands in it, the farthest first; the seed draws the backdrop."""
    canvas = paint_backdrop(setting, height, width, dice(seed, BACKDROP))
    _shadows(canvas, setting, placed)
    for k, item in enumerate(placed):
        _paste(canvas, setting, item, FIRST + k, dice(seed, TUFTS, k))
    image = develop(canvas, setting.mood, dice(seed, SENSOR))
    return _annotate(canvas.ids, placed, image, setting)


def place(actor: Actor, setting: Setting, height: int, width: int, **look: object) -> Placed:
    """Draw an actor and find the sub-pixels on which it lies; `look` may fix a pose or a yaw."""
    side, light = max(actor.side * 2 * height, 8.0), setting.mood.light
    if actor.label:
        sprite = draw_animal(actor.kind, dice(actor.seed), side, light, **look)
    else:
        sprite = THINGS[actor.kind](dice(actor.seed), int(side), light)
    top = int(np.floor(actor.y * 2 * height - sprite.origin + 0.5))
    left = int(np.floor(actor.x * 2 * height - 0.5 * sprite.mask.shape[1] + 0.5))
    return Placed(actor, sprite, top, left, footprint(sprite.mask, top, left, height, width))


def footprint(mask: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """(H, W) bool: pixels of which a mask of sub-pixels at (top, left) covers two or more."""
    row, column = top // 2, left // 2          # the pixel of the top left corner
    odd_y, odd_x = top - 2 * row, left - 2 * column
    h, w = mask.shape
    fine = np.zeros((h + 3 - (h + 1) % 2, w + 3 - (w + 1) % 2), np.uint8)
    fine[odd_y:odd_y + h, odd_x:odd_x + w] = mask
    counts = fine[0::2, 0::2] + fine[1::2, 0::2] + fine[0::2, 1::2] + fine[1::2, 1::2]
    full = np.zeros((height, width), bool)
    y0, x0, y1, x1 = max(row, 0), max(column, 0), row + counts.shape[0], column + counts.shape[1]
    inside = full[y0:max(y1, 0), x0:max(x1, 0)]
    h, w = inside.shape
    inside[:] = (counts >= 2)[y0 - row:y0 - row + h, x0 - column:x0 - column + w]
    return full


def _huddle(placed: list[Placed]) -> list[Placed]:
    """Move the outer two of three dogs inward until the three are one region, and center it.

    What would stand before them is taken away.
    """
    dogs = sorted((item for item in placed if item.actor.label), key=lambda item: item.left)
    for outer, step in ((dogs[0], 1), (dogs[2], -1)):
        middle = dogs[1]
        for _ in range(2 * middle.full.shape[1]):
            if touch(outer.full, middle.full):
                _slide(outer, 2 * step * (2 + outer.full.shape[0] // 64))   # firmly
                break
            _slide(outer, 2 * step)
    right = max(item.left + item.sprite.mask.shape[1] for item in dogs)
    room = 2 * dogs[0].full.shape[1] - (right - min(item.left for item in dogs))
    shift = room // 2 - min(item.left for item in dogs)
    for item in dogs:
        _slide(item, shift - shift % 2)
    region = dogs[0].full | dogs[1].full | dogs[2].full
    return [item for item in placed if item.actor.label or not (item.full & region).any()]


def _slide(item: Placed, columns: int) -> None:
    """Move a sprite along its row by some sub-pixels."""
    item.left += columns
    item.full = footprint(item.sprite.mask, item.top, item.left, *item.full.shape)


def touch(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two (H, W) masks overlap or share an edge of a pixel."""
    grown = a.copy()
    grown[1:] |= a[:-1]
    grown[:-1] |= a[1:]
    grown[:, 1:] |= a[:, :-1]
    grown[:, :-1] |= a[:, 1:]
    return bool((grown & b).any())


def _keep_visible(placed: list[Placed]) -> list[Placed]:
    """Take away things, then animals, until every animal that stays can be seen well enough."""
    while True:
        hidden = [k for k in range(len(placed)) if placed[k].actor.label and not _seen(placed, k)]
        if not hidden:
            return placed
        worst = hidden[0]
        screens = [k for k in range(worst + 1, len(placed))
                   if not placed[k].actor.label and (placed[k].full & placed[worst].full).any()]
        gone = set(screens or [worst])
        placed = [item for k, item in enumerate(placed) if k not in gone]


def _seen(placed: list[Placed], k: int) -> bool:
    """Whether animal k keeps to the rule above, as far as sprites go."""
    full = placed[k].full
    visible = full.copy()
    for item in placed[k + 1:]:
        visible &= ~item.full
    whole = np.count_nonzero(placed[k].sprite.mask) / 4
    seen, shown = np.count_nonzero(visible), np.count_nonzero(full)
    clear = seen >= 2 * MIN_PIXELS and seen >= (MIN_SHARE + 0.05) * shown   # grass hides a bit
    return clear and shown >= MIN_INSIDE * whole


def _shadows(canvas: Canvas, setting: Setting, placed: list[Placed]) -> None:
    """Lay the shadows of everything on the ground."""
    shape = (canvas.height // 2, canvas.width // 2)
    casts, contacts = np.zeros(shape), np.zeros(shape)
    for item in placed:
        squash = min(max((item.actor.y - setting.horizon) * 0.8, 0.15), 0.7)
        cast(casts, item.sprite, item.left, item.top, setting.mood, squash)
        contact(contacts, item.sprite, item.left, item.top, squash)
    lay(canvas, setting.mood, casts, contacts)


def _paste(canvas: Canvas, setting: Setting, item: Placed, number: int,
           rng: np.random.Generator) -> None:
    """Paint a sprite, a little hazy if it is far, and let grass rise before its feet."""
    h, w = item.sprite.mask.shape
    y0, x0 = max(item.top, 0), max(item.left, 0)
    ids = canvas.ids[y0:max(item.top + h, 0), x0:max(item.left + w, 0)]
    dy, dx = y0 - item.top, x0 - item.left
    part = np.s_[dy:dy + ids.shape[0], dx:dx + ids.shape[1]]
    mask = item.sprite.mask[part]
    far = 1 - (item.actor.y - setting.horizon) / (1.04 - setting.horizon)
    haze = 0.0 if setting.indoors else 0.20 * far * far
    for plane, channel, air in zip(canvas.rgb, np.moveaxis(item.sprite.rgb[part], -1, 0),
                                   setting.mood.low_sky, strict=True):
        window = plane[y0:y0 + ids.shape[0], x0:x0 + ids.shape[1]]
        np.copyto(window, mix(channel, air, haze), where=mask, casting="same_kind")
    ids[mask] = number if item.actor.label else 0
    if not setting.mown and (canvas.ids == GRASS).any():
        near = 0.03 * (item.actor.y - setting.horizon)
        blades(canvas, rng, 90, item.actor.y - 0.2 * near, item.actor.y + near, 0.0,
               left=item.left / canvas.height, right=(item.left + w) / canvas.height, height=0.04)


def _annotate(ids: np.ndarray, placed: list[Placed], image: np.ndarray, setting: Setting) -> Scene:
    """From the canvas's ids: an animal where it has two of four sub-pixels, else the most stuff."""
    quarters = [ids[0::2, 0::2], ids[0::2, 1::2], ids[1::2, 0::2], ids[1::2, 1::2]]
    counts = np.stack([sum((q == value).astype(np.uint8) for q in quarters) for value in STUFF])
    semantic = STUFF[np.argmax(counts, axis=0)]
    animals = [k for k, item in enumerate(placed) if item.actor.label]
    owner = np.full(semantic.shape, -1)
    for k in animals:                          # the nearer of two with two each comes later
        owner[sum((q == FIRST + k).astype(np.uint8) for q in quarters) >= 2] = k
    owner[_lonely(owner)] = -1
    for k in animals:
        semantic[owner == k] = placed[k].actor.label
    shape = (len(animals), *semantic.shape)
    return Scene(image=image, semantic=semantic, setting=setting,
                 labels=np.asarray([placed[k].actor.label for k in animals], np.int64),
                 masks=np.asarray([owner == k for k in animals], bool).reshape(shape),
                 full_masks=np.asarray([placed[k].full for k in animals], bool).reshape(shape))


def _lonely(owner: np.ndarray) -> np.ndarray:
    """(H, W) bool: single pixels with no like neighbor, a stray hair: nobody would label them."""
    same = np.zeros(owner.shape, bool)
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        like = owner[here] == owner[there]
        same[here] |= like
        same[there] |= like
    return ~same
