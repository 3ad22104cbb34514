"""Bones shared by the animals: a frame for the head, a torso, legs and tail, posed.

Body axes: x forward, y up from the ground, z to the animal's side; lengths in body units. A pose
places chest, hips and paws; legs bend at elbow and knee where a real one would; the head turns
toward the viewer by its own amount. Each function adds solids to a `Model`; the kinds differ in a
`Build`, in the head and in the tail.

White spreads over the channel WHITE (1 at the paws, 0 at the back), stripes count along PHASE from
nose to tail.
"""
from dataclasses import dataclass

from .light import Vec, turn
from .solids import Matrix, Model, add, mix


@dataclass(frozen=True)
class Build:
    """Proportions of a four-legged animal, in body units."""

    length: float   # chest to hips
    leg: float      # ground to belly
    chest: float    # radius
    waist: float
    hips: float
    limb: float     # thickness of the legs
    neck: float     # length of the neck
    throat: float   # radius of the neck
    paw: float
    shag: float = 1.0


@dataclass(frozen=True)
class Stance:
    """Where a pose puts the body: everything else hangs on these."""

    chest: Vec
    hips: Vec
    head: Vec
    fore: tuple     # for each side: x of the paw
    hind: tuple
    legs: str       # "stand", "sit" or "lie"


def frame(yaw: float, nod: float) -> Matrix:
    """Axes (forward, up, side) of a head turned by `yaw` and raised by `nod` right angles."""
    (c, s), (cn, sn) = turn(yaw), turn(nod)
    return ((c * cn, sn, s * cn), (-c * sn, cn, -s * sn), (-s, 0.0, c))


def place(origin: Vec, axes: Matrix, v: Vec, size: float = 1.0) -> Vec:
    """The body point of local coordinates `v` in a frame."""
    return tuple(origin[i] + size * (v[0] * axes[0][i] + v[1] * axes[1][i] + v[2] * axes[2][i])
                 for i in range(3))


def stance(pose: str, b: Build, swing: float) -> Stance:
    """Place chest, hips, head and paws for a pose; `swing` in [-1, 1] is the moment of the walk."""
    half, high = b.length / 2, b.leg + b.chest * 0.8
    if pose in ("stand", "walk"):
        k = 0.75 if pose == "walk" else 0.15
        step = k * swing * b.leg * 0.6
        chest, hips = (half, high, 0.0), (-half, high + 0.01, 0.0)
        head = add(chest, (b.neck * 0.72 + b.chest * 0.45, b.neck * 0.85 + b.chest * 0.55, 0.0))
        return Stance(chest, hips, head, (half + step, half - step),
                      (-half - 0.06 - step, -half - 0.06 + step), "stand")
    if pose == "sit":
        hips = (-0.16, b.hips * 0.98, 0.0)
        chest = (hips[0] + b.length * 0.55, max(hips[1] + b.length * 0.66, b.leg + b.chest * 0.72),
                 0.0)
        head = add(chest, (b.neck * 0.34 + b.chest * 0.22, b.neck * 0.95 + b.chest * 0.75, 0.0))
        return Stance(chest, hips, head, (chest[0] + 0.05 + 0.02 * swing, chest[0] + 0.05
                                          - 0.02 * swing), (0.0, 0.0), "sit")
    if pose == "bow":
        chest, hips = (half, b.chest * 1.15, 0.0), (-half * 0.85, high + 0.03, 0.0)
        head = add(chest, (b.neck * 0.6 + b.chest * 0.5, b.neck * 0.7 + b.chest * 0.4, 0.0))
        return Stance(chest, hips, head, (half + 0.24, half + 0.21), (-half - 0.04, -half - 0.06),
                      "bow")
    low = 0.95
    half *= 0.86                                  # folded up, and the back a little arched
    chest, hips = (half, b.chest * (low + 0.12), 0.0), (-half * 0.9, b.hips * low, 0.0)
    head = add(chest, (b.neck * 0.62 + b.chest * 0.4, b.neck * 0.8 + b.chest * 0.6, 0.0))
    reach = 0.06 if pose == "loaf" else 0.26 + 0.03 * swing
    return Stance(chest, hips, head, (half + reach, half + reach * 0.9),
                  (-half + 0.24, -half + 0.24), "lie")


def torso(m: Model, b: Build, s: Stance) -> None:
    """Rib cage, waist, rump and neck."""
    waist = mix(s.chest, s.hips, 0.55)
    waist = add(waist, (0, (b.chest - b.waist) * (0.55 if s.legs == "stand" else -0.1)
                        + (0.03 if s.legs == "lie" else 0), 0))
    back = (s.hips[0] - s.chest[0], s.hips[1] - s.chest[1] - 0.12, 0.0)
    m.cone(s.chest, waist, b.chest, b.waist, 0.10, flow=back, phase=(0.3, 0.55), white=(0.42, 0.12),
           shag=b.shag, flat=((0.0, 0.0, 1.0), 0.86))
    m.cone(waist, s.hips, b.waist, b.hips, 0.10, flow=back, phase=(0.55, 0.85), white=(0.12, 0.0),
           shag=b.shag, flat=((0.0, 0.0, 1.0), 0.9))
    front = add(s.chest, (b.chest * 0.30, -b.chest * 0.10, 0))
    m.ball(front, (b.chest * 0.72, b.chest * 0.95, b.chest * 0.74), blend=0.1, flow=(0.1, -1, 0),
           phase=0.25, white=0.85, shag=b.shag)
    root = add(s.chest, (b.chest * 0.25, b.chest * 0.30, 0))
    m.cone(root, s.head, b.chest * 0.72, b.throat, 0.10, flow=(-0.5, -1, 0), phase=(0.25, 0.1),
           white=(0.5, 0.35), shag=b.shag)


def legs(m: Model, b: Build, s: Stance) -> None:
    """Four legs, down to the paws."""
    for i, side in enumerate((1, -1)):
        z = side * b.chest * 0.52
        _foreleg(m, b, s, (s.fore[i], z))
        if s.legs in ("stand", "bow"):
            _hindleg(m, b, s, (s.hind[i], side * b.hips * 0.55))
        else:
            _haunch(m, b, s, side)


def _foreleg(m: Model, b: Build, s: Stance, foot: tuple[float, float]) -> None:
    x, z = foot
    r, shoulder = b.limb, add(s.chest, (0.02, -b.chest * 0.25, z))
    if s.legs in ("lie", "bow"):
        elbow, wrist = (s.chest[0] - 0.02, r * 1.25, z * 1.15), (x - 0.03, r * 0.85, z * 0.9)
    else:
        elbow = (s.chest[0] - 0.05 + (x - s.chest[0]) * 0.35, shoulder[1] * 0.62 + 0.02, z)
        wrist = (x - 0.012, b.paw * 1.5, z)
    m.cone(shoulder, elbow, r * 1.75, r * 1.25, 0.07, flow=(0, -1, 0), phase=(0.4, 0.6),
           white=(0.25, 0.4), shag=b.shag)
    m.cone(elbow, wrist, r * 1.2, r * 0.82, 0.03, phase=(0.6, 0.85), white=(0.4, 0.8),
           point=(0.1, 0.7))
    _paw(m, b, (x, z))


def _paw(m: Model, b: Build, foot: tuple[float, float]) -> None:
    x, z = foot
    p = b.paw
    m.ball((x + p * 0.35, p * 0.72, z), (p * 1.35, p * 0.78, p * 0.98), blend=0.025,
           flow=(1, -0.3, 0), phase=0.85, white=1.0, point=1.0, shag=0.3)
    for k in (-1, 1):
        m.ball((x + p * 1.15, p * 0.55, z + k * p * 0.36), (p * 0.6, p * 0.55, p * 0.42),
               blend=0.008, flow=(1, -0.3, 0), phase=0.85, white=1.0, point=1.0, shag=0.2)
    m.feet.append((x + p * 0.3, 0.0, z))


def _hindleg(m: Model, b: Build, s: Stance, foot: tuple[float, float]) -> None:
    x, z = foot
    r, hip = b.limb, add(s.hips, (0.0, -b.hips * 0.1, z * 0.9))
    knee = (mix(hip, (x, 0, z), 0.45)[0] + b.leg * 0.26, hip[1] * 0.56, z * 1.12)
    hock = (x - b.leg * 0.18, b.leg * 0.36 + b.paw * 0.4, z)
    m.cone(hip, knee, b.hips * 0.78, r * 1.45, 0.07, flow=(-0.3, -1, 0), phase=(0.8, 1.0),
           white=(0.0, 0.2), shag=b.shag, flat=((0.0, 0.0, 1.0), 0.75))
    m.cone(knee, hock, r * 1.4, r * 0.82, 0.05, phase=(1.0, 1.15), white=(0.3, 0.6),
           point=(0.1, 0.5))
    m.cone(hock, (x, b.paw * 0.9, z), r * 0.82, r * 0.78, 0.03, phase=(1.15, 1.3), white=(0.6, 0.9),
           point=(0.5, 0.9))
    _paw(m, b, (x, z))


def _haunch(m: Model, b: Build, s: Stance, side: int) -> None:
    """A folded hind leg: a round thigh, and the foot flat on the ground before it."""
    h, z = s.hips, side * b.hips * 0.72
    size = b.hips * (1.08 if s.legs == "sit" else 0.95)
    m.ball((h[0] + 0.07, size * 0.92, z), (size * 1.05, size * 0.92, size * 0.52), blend=0.06,
           flow=(-0.2, -1, 0), phase=0.95, white=0.1, shag=b.shag)
    foot = (h[0] + size * 1.25, z * 1.12)
    m.cone((h[0] + 0.04, b.paw * 0.8, foot[1]), (foot[0], b.paw * 0.75, foot[1]), b.paw * 0.85,
           b.paw * 0.8, 0.03, white=(0.7, 1.0), point=(0.5, 1.0), phase=(1.2, 1.4))
    _paw(m, b, foot)
