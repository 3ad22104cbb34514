"""Who stands where: the animals and the things of a scene, before anything is drawn.

An animal's size is drawn first, in the same way for every kind, and decides how far down the
picture it stands: on a level plane, what is twice as far below the horizon is twice as near and
twice as large. So perspective holds, and size still tells nothing about the kind.

Letters: N animals. Positions and sizes in picture heights; x of the middle, y of the ground.
"""

from dataclasses import dataclass

import numpy as np

from coursekit.data.scenes.backdrop import Setting
from coursekit.data.scenes.light import uniform
from coursekit.data.scenes.noise import chance, pick

KINDS = ("cat", "dog", "rabbit")           # class ids 1, 2, 3
COUNTS = (1, 2, 2, 3, 3, 3, 4, 4, 5, 6)    # animals in a "many" scene, each as likely
EMPTY = 0.02                               # the share of "many" scenes without an animal
MAX_OVERLAP = 0.40                         # of the smaller of two boxes, when animals are placed
OUTDOOR_THINGS = ("ball", "bush", "bush", "stone", "log", "vessel", "box", "potted")
INDOOR_THINGS = ("ball", "box", "cushion", "cushion", "stool", "vessel", "potted")
# a thing's size beside an animal's
SCALE = {"ball": 0.5, "bush": 1.25, "vessel": 0.7, "box": 0.9, "log": 0.8}


@dataclass(frozen=True)
class Actor:
    """An animal or a thing: its kind, where it stands, how large it is, and its own seed."""

    kind: str
    x: float
    y: float
    side: float
    seed: int

    @property
    def label(self) -> int:
        """The class id: 1 to 3 for an animal, 0 for a thing."""
        return KINDS.index(self.kind) + 1 if self.kind in KINDS else 0


def plan(setting: Setting, mode: str, aspect: float, rng: np.random.Generator) -> list[Actor]:
    """The actors of a scene in the given mode, the farthest first."""
    reach = uniform(rng, 0.48, 0.66)         # the size of an animal that stands on the lower edge
    if mode == "one":
        animals = [_one(setting, aspect, reach, rng)]
    elif mode == "three_dogs":
        animals = _three_dogs(setting, aspect, rng)
    else:
        animals = _many(setting, aspect, reach, rng)
    actors = animals + _things(setting, aspect, reach, animals, rng)
    return sorted(actors, key=lambda actor: (actor.y, actor.seed))


def _depth(setting: Setting, side: float, reach: float) -> float:
    """The y at which an animal of this size stands."""
    scale = (1.0 - setting.horizon) / reach
    return min(max(setting.horizon + side * scale, setting.foot + 0.05, 0.75 * side), 1.04)


def _actor(kind: str, x: float, y: float, side: float, rng: np.random.Generator) -> Actor:
    """An actor with a seed of its own."""
    return Actor(kind, x, y, side, int(rng.integers(2**62)))


def _one(setting: Setting, aspect: float, reach: float, rng: np.random.Generator) -> Actor:
    """One animal, of any size, the whole of it (or nearly) in the picture."""
    side = min(aspect, 1.0) * uniform(rng, 0.26, 0.72)
    y = min(max(_depth(setting, side, reach) + uniform(rng, -0.05, 0.05), 0.8 * side), 1.0)
    return _actor(pick(rng, KINDS), uniform(rng, 0.5 * side, aspect - 0.5 * side), y, side, rng)


def _many(setting: Setting, aspect: float, reach: float, rng: np.random.Generator) -> list[Actor]:
    """Up to six animals; fewer where they would hide one another."""
    count = 0 if chance(rng, EMPTY) else pick(rng, COUNTS)
    largest = min(aspect, 1.0) * (0.70 - 0.05 * count)
    scatter = (-0.06, 0.06) if setting.horizon > 0 else (-0.05, 0.30)   # from above: anywhere
    placed: list[Actor] = []
    for _ in range(count):
        kind, share = pick(rng, KINDS), float(rng.random())
        smallest = 0.18 * min(aspect, 1.0)
        side = smallest + (largest - smallest) * share * (0.65 + 0.35 * share)
        for _attempt in range(24):
            y = _depth(setting, side, reach) + uniform(rng, *scatter)
            margin = (0.46 if chance(rng, 0.85) else 0.12) * side
            new = _actor(kind, uniform(rng, margin, aspect - margin), y, side, rng)
            if y > setting.foot and all(_overlap(new, old) < MAX_OVERLAP for old in placed):
                placed.append(new)
                break
    return placed


def _three_dogs(setting: Setting, aspect: float, rng: np.random.Generator) -> list[Actor]:
    """Three dogs of about one size side by side; the scene then moves them until they touch."""
    side = min(aspect, 1.2) * uniform(rng, 0.30, 0.38)
    y = max(uniform(rng, 0.74, 0.92), setting.foot + 0.06)
    middle = 0.5 * aspect + uniform(rng, -0.06, 0.06) * aspect
    return [_actor("dog", middle + k * 0.92 * side, y + uniform(rng, -0.05, 0.05),
                   side * uniform(rng, 0.88, 1.12), rng) for k in (-1, 0, 1)]


def _things(setting: Setting, aspect: float, reach: float, animals: list[Actor],
            rng: np.random.Generator) -> list[Actor]:
    """None to four things; one in front of an animal may hide a part of it, never most."""
    kinds, placed = INDOOR_THINGS if setting.indoors else OUTDOOR_THINGS, []
    for _ in range(int(rng.integers(5))):
        kind, share = pick(rng, kinds), float(rng.random())
        side = reach * (0.30 + 0.45 * share * share) * SCALE.get(kind, 1.0)
        farthest = setting.horizon + 0.25 * (1 - setting.horizon)
        y = max(setting.foot + 0.04, uniform(rng, farthest, 1.08))
        side = side * (y - setting.horizon) / (1 - setting.horizon)
        new = _actor(kind, uniform(rng, -0.05, aspect + 0.05), y, max(side, 0.07), rng)
        limit = 0.5 if chance(rng, 0.3) else 0.12
        clear = all(_hidden(new, animal) < limit for animal in animals)
        if clear and all(_overlap(new, old) < 0.5 for old in placed):
            placed.append(new)
    return placed


def _common(a: Actor, b: Actor) -> float:
    """The area that the boxes of two actors share, taken as squares on their ground lines."""
    across = min(a.x + a.side / 2, b.x + b.side / 2) - max(a.x - a.side / 2, b.x - b.side / 2)
    down = min(a.y, b.y) - max(a.y - a.side, b.y - b.side)
    return max(across, 0.0) * max(down, 0.0)


def _overlap(a: Actor, b: Actor) -> float:
    """The share of the smaller actor's box that the other one covers."""
    return _common(a, b) / (min(a.side, b.side) * min(a.side, b.side))


def _hidden(thing: Actor, animal: Actor) -> float:
    """The share of an animal's box that a thing covers: nothing if it stands behind."""
    share = _common(thing, animal) / (animal.side * animal.side)
    return share if thing.y > animal.y else 0.25 * share
