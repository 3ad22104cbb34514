"""A rabbit: one round haunch, short forelegs, a long hind foot, long ears and a cotton tail.

Ears stand, lean back or hang (a lop). Numbers are body units or, on the head, its radius.
"""
from numpy.random import Generator

from .light import Vec, uniform
from .skeleton import frame, place
from .solids import Matrix, Model, add, mix

POSES = ("crouch", "crouch", "crouch", "loaf", "upright", "stretch")
EARS = ("up", "up", "up", "back", "back", "lop")


def rabbit(rng: Generator, pose: str, gaze: float) -> Model:
    """Build a rabbit in a pose, looking `gaze` right angles aside."""
    m, fat, hair = Model(), uniform(rng, 0.93, 1.08), rng.random()
    m.hair, shag = 0.7 * hair * hair, 0.7 + 0.5 * hair
    rump, chest, head = {
        "crouch": ((-0.16, 0.235, 0), (0.14, 0.20, 0), (0.30, 0.40, 0)),
        "loaf": ((-0.15, 0.215, 0), (0.11, 0.17, 0), (0.25, 0.30, 0)),
        "upright": ((-0.10, 0.22, 0), (0.03, 0.41, 0), (0.11, 0.62, 0)),
        "stretch": ((-0.22, 0.215, 0), (0.20, 0.24, 0), (0.40, 0.42, 0)),
    }[pose]
    back = add(rump, chest, -1)
    m.ball(rump, (0.27 * fat, 0.235 * fat, 0.20 * fat), blend=0.1, flow=add(back, (0, -0.12, 0)),
           phase=0.75, shag=shag)
    m.cone(rump, chest, 0.20 * fat, 0.145 * fat, 0.12, flow=add(back, (0, -0.05, 0)),
           phase=(0.7, 0.35), white=(0, 0.4), shag=shag)
    m.ball(add(chest, (0.06, -0.02, 0)), (0.11, 0.135, 0.115), blend=0.1, flow=(0.1, -1, 0),
           phase=0.3, white=0.8, shag=shag)
    m.cone(chest, mix(chest, head, 0.85), 0.135, 0.105, 0.09, flow=add(back, (0, -0.3, 0)),
           phase=(0.3, 0.1), white=(0.5, 0.4), shag=shag)
    for side in (1, -1):
        _limbs(m, pose, rump, chest, side, fat)
    m.ball(add(rump, (-0.262 * fat, 0.01 - rump[1] * 0.2, 0)), (0.07, 0.075, 0.075), blend=0.02,
           flow=(-0.7, 0.8, 0), phase=1, white=1.3, shag=1.8)
    _head(m, rng, head, frame(gaze, uniform(rng, -0.22, 0.06)))
    return m


def _limbs(m: Model, pose: str, rump: Vec, chest: Vec, side: int, fat: float) -> None:
    """A folded haunch over a long foot, and a short foreleg."""
    z = side * 0.13 * fat
    m.ball((rump[0] + 0.05, 0.165 * fat, z), (0.175 * fat, 0.155 * fat, 0.095 * fat), blend=0.05,
           flow=(-0.3, -1, 0), phase=0.8, white=0.1)
    heel, toe = (rump[0] - 0.06, 0.042, z * 1.15), (rump[0] + 0.22, 0.036, z * 1.25)
    m.cone(heel, toe, 0.046, 0.044, 0.03, flow=(1, -0.2, 0), white=(0.7, 1.0), point=(0.7, 1),
           phase=(1.0, 1.2), shag=0.5)
    m.ball(add(toe, (0.02, 0, 0)), (0.055, 0.036, 0.046), blend=0.02, flow=(1, -0.3, 0), white=1,
           point=1, shag=0.4)
    m.feet.append((toe[0] - 0.08, 0.0, toe[2]))
    zf = side * 0.075
    shoulder = (chest[0] + 0.03, chest[1] - 0.04, zf)
    if pose == "upright":
        elbow = add(shoulder, (0.06, -0.10, side * 0.02))
        paw = add(shoulder, (0.14, -0.13, -side * 0.02))
    else:
        elbow, paw = (chest[0] + 0.03, 0.11, zf), (chest[0] + 0.10, 0.03, zf)
        m.feet.append((paw[0], 0.0, zf))
    m.cone(shoulder, elbow, 0.07, 0.05, 0.05, white=(0.3, 0.5), shag=0.9)
    m.cone(elbow, paw, 0.046, 0.035, 0.03, white=(0.6, 1), point=(0.3, 1), shag=0.5)
    m.ball(add(paw, (0.02, 0.0, 0)), (0.048, 0.032, 0.036), blend=0.02, flow=(1, -0.3, 0), white=1,
           point=1, shag=0.3)


def _head(m: Model, rng: Generator, c: Vec, axes: Matrix) -> None:
    R = 0.150 * uniform(rng, 0.95, 1.08)
    kind, long = EARS[int(rng.integers(len(EARS)))], uniform(rng, 1.0, 1.3)
    def at(x: float, y: float, z: float) -> Vec:
        return place(c, axes, (x, y, z), R)
    back, down = tuple(-v for v in axes[0]), tuple(-v for v in axes[1])
    m.ball(c, (1.0 * R, 0.86 * R, 0.78 * R), axes, 0.05, flow=back, white=0.3, point=0.2, shag=0.7)
    m.cone(at(0.2, 0.1, 0), at(0.82, -0.2, 0), 0.66 * R, 0.36 * R, 0.05, flow=back,
           white=(0.45, 0.9), point=(0.4, 1), shag=0.4)
    for k in (1, -1):
        m.ball(at(0.3, -0.34, 0.3 * k), (0.5 * R,) * 3, blend=0.05, flow=add(back, down), phase=0.1,
               white=0.6, point=0.3)
        m.ball(at(0.92, -0.32, 0.14 * k), (0.24 * R, 0.22 * R, 0.2 * R), axes, 0.02,
               flow=add(back, axes[2], k), white=1, point=1, shag=0.4)
    m.ball(at(0.78, -0.52, 0), (0.24 * R, 0.18 * R, 0.2 * R), axes, 0.02, flow=down, white=1,
           point=0.8, shag=0.4)
    for k in (1, -1):
        _ear(m, kind, k, long, R, at, axes)
    m.face = {"center": c, "axes": axes, "size": R,
              "nose": ((1.12, -0.16, 0.0), (0.10, 0.08, 0.11)), "eye": 0.215,
              "eyes": ((0.44, 0.18, 0.62), (0.44, 0.18, -0.62)), "slit": False, "dark": False,
              "mouth": (-0.24, -0.42, 0.2), "whiskers": (-0.30, 0.24)}


def _ear(m: Model, kind: str, k: int, long: float, R: float, at: object, axes: Matrix) -> None:
    """A long spoon of an ear on side `k`, its pink inside forward, or outward when laid back."""
    if kind == "lop":
        joints = [at(-0.16, 0.66, 0.34 * k), at(-0.16, 0.56, 0.78 * k), at(-0.12, -0.25, 1.10 * k),
                  at(-0.02, -0.35 - 0.8 * long, 1.06 * k)]
        n, radii = place((0, 0, 0), axes, (0.28, 0.0, 0.96 * k)), (0.24, 0.28, 0.40, 0.24)
    elif kind == "up":
        joints = [at(-0.35, 0.55, 0.28 * k), at(-0.52, 0.6 + 0.95 * long, 0.42 * k),
                  at(-0.62, 0.6 + 1.95 * long, 0.52 * k)]
        n, radii = place((0, 0, 0), axes, (0.848, 0.1, 0.52 * k)), (0.21, 0.38, 0.13)
    else:
        joints = [at(-0.38, 0.55, 0.27 * k), at(-0.75 - 0.3 * long, 0.65 + 0.62 * long, 0.40 * k),
                  at(-0.95 - 0.85 * long, 0.65 + 1.3 * long, 0.48 * k)]
        n, radii = place((0, 0, 0), axes, (0.5, 0.30, 0.81 * k)), (0.21, 0.37, 0.13)
    shape = {"flat": (n, 0.42), "shag": 0.5, "point": (1, 1), "white": (0.1, 0)}
    for (a, b), (ra, rb) in zip(zip(joints, joints[1:], strict=False),
                                zip(radii, radii[1:], strict=False), strict=True):
        m.cone(a, b, ra * R, rb * R, 0.02, **shape)
    if kind != "lop":
        shape = {"flat": (n, 0.3), "shag": 0.3, "skin": 1.0, "point": (1, 1)}
        mid, tip = add(joints[1], n, 0.11 * R), add(mix(joints[1], joints[2], 0.8), n, 0.08 * R)
        m.cone(add(mix(joints[0], joints[1], 0.3), n, 0.1 * R), mid, 0.14 * R, 0.25 * R, 0.006,
               **shape)
        m.cone(mid, tip, 0.25 * R, 0.07 * R, 0.006, **shape)
