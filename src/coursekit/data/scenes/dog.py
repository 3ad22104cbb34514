"""A dog: long muzzle with a dark nose, deep chest and tucked waist, ears that hang, stand or fold.

Breeds are ranges of proportions: short legs or long, shaggy or sleek, a long muzzle or a snub one.
Numbers are body units or, on the head, its radius.
"""
from numpy.random import Generator

from .light import Vec, turn, uniform
from .skeleton import Build, Stance, frame, legs, place, stance, torso
from .solids import Matrix, Model, add

POSES = ("stand", "stand", "walk", "walk", "sit", "sit", "lie", "bow")
EARS = ("floppy", "floppy", "floppy", "folded", "pricked")


def dog(rng: Generator, pose: str, gaze: float) -> Model:
    """Build a dog in a pose, looking `gaze` right angles aside."""
    stocky, short = uniform(rng, 0.92, 1.15), rng.random() < 0.2
    hair = float(rng.random())
    b = Build(length=uniform(rng, 0.50, 0.62), leg=0.17 if short else uniform(rng, 0.29, 0.38),
              chest=0.165 * stocky, waist=0.115 * stocky, hips=0.135 * stocky, limb=0.056 * stocky,
              neck=uniform(rng, 0.19, 0.25), throat=0.105 * stocky, paw=0.054 * stocky, shag=0.5
              + 0.9 * hair)
    m, s = Model(hair=hair * hair), stance(pose, b, uniform(rng, -1, 1))
    torso(m, b, s)
    legs(m, b, s)
    _tail(m, rng, s, b)
    _head(m, rng, s.head, frame(gaze, uniform(rng, -0.18, 0.10)))
    return m


def _head(m: Model, rng: Generator, c: Vec, axes: Matrix) -> None:
    R = 0.155 * uniform(rng, 0.94, 1.1)
    long, deep = uniform(rng, 0.95, 1.5), uniform(rng, 0.9, 1.15)
    kind, size = EARS[int(rng.integers(len(EARS)))], uniform(rng, 0.9, 1.25)
    def at(x: float, y: float, z: float) -> Vec:
        return place(c, axes, (x, y, z), R)
    back, down = tuple(-v for v in axes[0]), tuple(-v for v in axes[1])
    tip = 0.55 + 0.72 * long
    m.ball(c, (0.98 * R, 0.86 * R, 0.88 * R), axes, 0.05, flow=back, white=0.3, point=0.2, shag=0.8)
    for k in (1, -1):
        m.ball(at(0.25, -0.28, 0.38 * k), (0.5 * R,) * 3, blend=0.05, flow=add(back, down),
               phase=0.1, white=0.45, point=0.3)
        m.ball(at(0.62, 0.28, 0.3 * k), (0.26 * R, 0.2 * R, 0.26 * R), axes, 0.03, flow=back,
               white=0.3, point=0.3, shag=0.4)
    m.cone(at(0.4, -0.12, 0), at(tip, -0.22, 0), 0.48 * R, 0.27 * R * deep, 0.05, flow=back,
           white=(0.55, 1.05), point=(0.6, 1.1), shag=0.3)
    for k in (1, -1):                            # lips
        m.cone(at(0.55, -0.38, 0.2 * k), at(tip - 0.06, -0.34, 0.13 * k), 0.3 * R, 0.23 * R * deep,
               0.02, flow=add(back, down, 0.6), white=(0.7, 1.1), point=(0.7, 1.1), shag=0.4)
    m.cone(at(0.3, -0.5, 0), at(tip - 0.2, -0.55, 0), 0.28 * R, 0.17 * R, 0.015, flow=back,
           white=(0.8, 1.1), point=(0.4, 0.9), shag=0.5)
    nose = (tip + 0.22, -0.12, 0.0)
    m.ball(at(*nose), (0.15 * R, 0.15 * R, 0.2 * R), axes, 0.012, shag=0.0)
    for k in (1, -1):
        _ear(m, kind, k, size, R, at, axes)
    m.face = {"center": c, "axes": axes, "size": R, "nose": (nose, (0.19, 0.18, 0.23)), "eye": 0.17,
              "eyes": ((0.80, 0.14, 0.38), (0.80, 0.14, -0.38)), "slit": False, "dark": True,
              "mouth": (-0.3, -0.5, 0.0), "whiskers": None}


def _ear(m: Model, kind: str, k: int, size: float, R: float, at: object, axes: Matrix) -> None:
    """Hanging, standing or folded, on side `k`."""
    paint = {"white": (0.1, 0.0), "point": (1.0, 1.2)}
    if kind == "floppy":
        n = place((0, 0, 0), axes, (0.20, 0.30, 0.933 * k))
        root, drop = at(-0.12, 0.52, 0.66 * k), at(-0.02, 0.05, 1.0 * k)
        m.cone(root, drop, 0.3 * R, 0.36 * R, 0.03, flat=(n, 0.34), shag=1.0, **paint)
        n = place((0, 0, 0), axes, (0.20, 0.0, 0.98 * k))
        m.cone(drop, at(0.08, -0.25 - 0.5 * size, 0.98 * k), 0.36 * R, 0.27 * R, 0.03,
               flat=(n, 0.32), shag=1.3, **paint)
        return
    n = place((0, 0, 0), axes, (0.9, 0.0, 0.436 * k))
    root, top = at(-0.2, 0.5, 0.5 * k), at(-0.22, 0.6 + (1.0 if kind == "pricked" else 0.36) * size,
                                           (0.66 if kind == "pricked" else 0.76) * k)
    end = 0.06 if kind == "pricked" else 0.3
    m.cone(root, top, 0.38 * R, end * R, 0.03, flat=(n, 0.34), shag=0.6, **paint)
    if kind == "pricked":
        lift = add(n, axes[0], 0.4)
        m.cone(add(at(-0.16, 0.62, 0.52 * k), lift, 0.1 * R),
               add(at(-0.2, 0.45 + 0.9 * size, 0.63 * k), lift, 0.06 * R), 0.22 * R, 0.04 * R,
               0.006, flat=(n, 0.25), shag=0.5, skin=0.8, point=(1, 1))
    else:
        n = place((0, 0, 0), axes, (0.55, 0.62, 0.56 * k))
        m.cone(top, at(0.3, 0.62 - 0.22 * size, 1.0 * k), 0.3 * R, 0.13 * R, 0.02, flat=(n, 0.5),
               shag=0.6, **paint)


def _tail(m: Model, rng: Generator, s: Stance, b: Build) -> None:
    """A tail carried high, curled or low, bushier on shaggy dogs."""
    lift, curl, side = uniform(rng, -0.45, 0.8), uniform(rng, 0.0, 0.34), uniform(rng, -1, 1)
    length, thick = uniform(rng, 0.036, 0.056), uniform(rng, 0.9, 1.1) * (0.75 + 0.3 * b.shag)
    p = add(s.hips, (-b.hips * 0.7, b.hips * 0.45, 0))
    if s.legs in ("sit", "lie"):
        lift, curl = -0.15, 0.08
        p = add(s.hips, (-b.hips * 0.75, -s.hips[1] * 0.35, 0))
    points, angle, swing = [p], 2.0 - lift, 0.0
    for _ in range(8):
        angle -= curl * 0.75
        swing += side * 0.09
        (c, q), (cz, qz) = turn(angle), turn(swing)
        p = (p[0] + length * c * cz, max(0.05, p[1] + length * q), p[2] + length * qz)
        points.append(p)
    swell = (0.8, 0.95, 1.05, 1.1, 1.1, 1.05, 0.95, 0.75, 0.45)
    m.bone(points, [0.045 * thick * (1 + (w - 0.8) * b.shag) * (1 - 0.05 * i) for i,
                    w in enumerate(swell)], 0.03, phase=(0.9, 1.6), white=(0, 0.9),
           point=(0.4, 1.1), shag=b.shag * 1.2)
