"""A cat: round short-muzzled head, upright ears wide at the base, slender legs, a supple tail.

Numbers are body units (a cat is about one long) or, on the head, its radius. `cat` draws its own
proportions from the generator, so a cat may be lanky or round, long- or short-haired.
"""
from numpy.random import Generator

from .light import Vec, turn, uniform
from .skeleton import Build, Stance, frame, legs, place, stance, torso
from .solids import Matrix, Model, add

POSES = ("stand", "walk", "walk", "sit", "sit", "lie", "loaf", "bow")


def cat(rng: Generator, pose: str, gaze: float) -> Model:
    """Build a cat in a pose, looking `gaze` right angles aside."""
    round_ = uniform(rng, 0.92, 1.12)
    hair = float(rng.random())
    b = Build(length=uniform(rng, 0.50, 0.60), leg=uniform(rng, 0.24, 0.29), chest=0.135 * round_,
              waist=0.128 * round_, hips=0.142 * round_, limb=0.046 * round_,
              neck=uniform(rng, 0.13, 0.17), throat=0.085, paw=0.042, shag=0.6 + 0.6 * hair)
    m, s = Model(hair=hair * hair), stance(pose, b, uniform(rng, -1, 1))
    torso(m, b, s)
    legs(m, b, s)
    _tail(m, rng, s, b)
    _head(m, rng, s.head, frame(gaze, uniform(rng, -0.18, 0.08)))
    return m


def _head(m: Model, rng: Generator, c: Vec, axes: Matrix) -> None:
    R = 0.15 * uniform(rng, 0.94, 1.08)
    ears, spread = uniform(rng, 0.92, 1.15), uniform(rng, -0.05, 0.14)
    cheek = uniform(rng, 0.48, 0.56)
    def at(x: float, y: float, z: float) -> Vec:
        return place(c, axes, (x, y, z), R)
    back = tuple(-v for v in axes[0])
    m.ball(c, (0.95 * R, 0.87 * R, 1.0 * R), axes, 0.05, flow=back, phase=0.0, white=0.3, point=0.3,
           shag=0.7)
    for k in (1, -1):
        out = add(back, axes[2], k * 1.2)
        m.ball(at(0.32, -0.28, 0.42 * k), (cheek * R,) * 3, blend=0.05,
               flow=add(out, axes[1], -0.5), phase=0.1, white=0.55, point=0.5)
    m.cone(at(0.5, 0.22, 0), at(0.97, -0.17, 0), 0.34 * R, 0.17 * R, 0.035,
           flow=add(back, axes[1], 0.8), white=(0.55, 0.95), point=(0.7, 1), shag=0.3)
    for k in (1, -1):
        m.ball(at(0.84, -0.36, 0.19 * k), (0.29 * R, 0.24 * R, 0.27 * R), axes, 0.02,
               flow=add(back, axes[2], k), white=0.95, point=1, shag=0.3)
    m.ball(at(0.74, -0.56, 0), (0.24 * R, 0.2 * R, 0.22 * R), axes, 0.02, flow=(0, -1, 0),
           white=1.0, point=0.9, shag=0.3)
    for k in (1, -1):
        base, tip = at(-0.12, 0.52, 0.56 * k), at(-0.16, 0.52 + 0.95 * ears, (0.80 + spread) * k)
        n = _facing(axes, k)
        m.cone(base, tip, 0.48 * R, 0.06 * R, 0.03, flat=(n, 0.34), white=(0.2, 0), point=(0.9, 1),
               phase=(0, 0.05), shag=0.5)
        inner = add(place((0, 0, 0), axes, (0.06, 0.02, 0), R), n, 0.10 * R)
        m.cone(add(at(-0.08, 0.62, 0.58 * k), inner),
               add(at(-0.14, 0.52 + 0.78 * ears, (0.75 + spread) * k), inner), 0.27 * R, 0.03 * R,
               0.006, flat=(n, 0.25), point=(1, 1), shag=0.4, skin=1.0)
    m.face = {"center": c, "axes": axes, "size": R,
              "nose": ((1.12, -0.21, 0.0), (0.10, 0.085, 0.125)), "eye": 0.2,
              "eyes": ((0.83, 0.06, 0.40), (0.83, 0.06, -0.40)), "slit": True, "dark": False,
              "mouth": (-0.30, -0.47, 0.30), "whiskers": (-0.34, 0.30)}


def _facing(axes: Matrix, k: int) -> Vec:
    """The direction in which the ear on side `k` opens: forward and a little outward."""
    return place((0, 0, 0), axes, (0.848, 0.0, 0.53 * k))


def _tail(m: Model, rng: Generator, s: Stance, b: Build) -> None:
    """A supple tail of nine joints that bends a little more at each."""
    side = 1 if rng.random() < 0.5 else -1
    lift, curl = uniform(rng, -0.55, 0.75), uniform(rng, -0.12, 0.30)
    thick = uniform(rng, 0.9, 1.3) * (0.6 + 0.4 * b.shag)
    p = add(s.hips, (-b.hips * 0.75, b.hips * 0.35, 0))
    points = [p]
    if s.legs in ("sit", "lie"):                 # round the body, along the ground
        p = add(s.hips, (-b.hips * 0.7, 0.06 - s.hips[1], 0))
        points = [add(p, (0.05, 0.06, 0)), p]
        heading = 2.0 - side * 0.55
        for i in range(8):
            heading += side * (-0.30 if i < 5 else -0.12)
            c, q = turn(heading)
            p = (p[0] + 0.085 * c, 0.042, p[2] + 0.085 * q)
            points.append(p)
    else:
        angle, swing = 2.0 - lift, 0.0
        for _ in range(9):
            angle -= curl * 0.8
            swing += side * 0.06
            (c, q), (cz, qz) = turn(angle), turn(swing)
            p = (p[0] + 0.072 * c * cz, max(0.05, p[1] + 0.072 * q), p[2] + 0.072 * qz)
            points.append(p)
    n = len(points) - 1
    radii = [0.040 * thick * (1.05 - 0.35 * i / n) for i in range(n + 1)]
    m.bone(points, radii, 0.03, phase=(0.9, 2.0), white=(0, 0.35), point=(0.6, 1.2), shag=b.shag)
