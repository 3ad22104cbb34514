"""Eyes, nose, mouth and whisker spots, painted on the head where the surface meets them.

Each pixel of the head is known in the head's own coordinates, so an eye is a small ball in space:
the surface inside it is eye. It follows every turn of the head, hides behind the muzzle as it
should, and needs no drawing order.

Letters: n pixels of the animal; x, y, z are head coordinates (forward, up, side) in head radii.
"""
import math

import numpy as np

from .light import ramp

Plane = np.ndarray
IRIS = ((0.62, 0.66, 0.28), (0.80, 0.58, 0.20), (0.45, 0.62, 0.66), (0.45, 0.28, 0.12))


def draw_face(face: dict, points: tuple[Plane, ...], normal: list[Plane], albedo: list[Plane],
              gloss: Plane, iris: int, dark_nose: bool) -> None:
    """Paint a face over `albedo` and `gloss`, in place; the eyes turn to the viewer.

    Args:
        face: from `Model.face`.
        points: three (n,) body coordinates.
        normal: three (n,) components as the viewer sees them.
        albedo: three (n,) planes.
        gloss: (n,) strength of the highlight.
        iris: index of the eyes' color.
        dark_nose: black instead of pink.
    """
    c, axes, R = face["center"], face["axes"], face["size"]
    offset = [(p - np.float32(k)) * np.float32(1 / R) for p, k in zip(points, c, strict=True)]
    near = np.flatnonzero(offset[0] * offset[0] + offset[1] * offset[1] + offset[2]
                          * offset[2] < 5.5)
    offset = [o[near] for o in offset]
    x, y, z = (sum(np.float32(a) * o for a, o in zip(axis, offset, strict=True)) for axis in axes)
    paint = _Painter(albedo, gloss, near)
    _mouth(face, paint, x, y, z)
    _nose(face, paint, x, y, z, dark_nose)
    if face["whiskers"]:
        _whiskers(face, paint, x, y, z)
    for eye in face["eyes"]:
        _eye(face, eye, paint, normal, (x, y, z), iris)


class _Painter:
    """Covers a share of some pixels with a color."""

    def __init__(self, albedo: list[Plane], gloss: Plane, near: Plane) -> None:
        self.albedo, self.gloss, self.near = albedo, gloss, near

    def __call__(self, share: Plane, color: tuple, gloss: float | None = None) -> None:
        at = np.flatnonzero(share > 0)
        share, at = share[at], self.near[at]
        for plane, c in zip(self.albedo, color, strict=True):
            plane[at] += share * (np.float32(c) - plane[at])
        if gloss is not None:
            self.gloss[at] += share * (np.float32(gloss) - self.gloss[at])


def _mouth(face: dict, paint: _Painter, x: Plane, y: Plane, z: Plane) -> None:
    """A line down from the nose and a smile to both sides."""
    top, low, smile = face["mouth"]
    front = ramp(x, 0.55, 0.75)
    side = np.abs(z)
    if smile:
        seam = ramp(-side, -0.05, -0.015) * ramp(-y, -top, 0.02 - top) * ramp(y, low, low + 0.04)
        curve = np.abs(y - (low + 0.02 + side * (side - np.float32(0.08)) * np.float32(1.3)))
        seam = np.maximum(seam, ramp(-curve, -0.055, -0.02) * ramp(-side, -smile - 0.08, -smile))
    else:
        curve = np.abs(y - (low + 0.02 + (face["nose"][0][0] - x) * np.float32(0.03)))
        seam = ramp(-curve, -0.055, -0.015) * ramp(x, 0.35, 0.5)
    paint(seam * front * np.float32(0.65), (0.13, 0.08, 0.08))


def _whiskers(face: dict, paint: _Painter, x: Plane, y: Plane, z: Plane) -> None:
    """Three thin pale lines on each side, as far as the cheek carries them."""
    low, begin = face["whiskers"]
    out = np.abs(z) - begin
    reach = ramp(out, 0.0, 0.1) * ramp(-out, -0.75, -0.35) * (x > 0.05)
    for k in (-1, 0, 1):
        line = np.abs(y
                      - (low + np.float32(0.07 * k)
                         + out * (out * np.float32(-0.12) + np.float32(0.10 + 0.22 * k))))
        paint(ramp(-line, -0.034, -0.008) * reach * np.float32(0.38), (0.96, 0.95, 0.92))


def _nose(face: dict, paint: _Painter, x: Plane, y: Plane, z: Plane, dark: bool) -> None:
    """A small triangle on cats and rabbits, the whole ball on dogs."""
    (cx, cy, cz), (rx, ry, rz) = face["nose"]
    narrow = 1 - np.clip((cy + ry - y) * np.float32(0.28 / ry), 0, 0.8)
    dx, dy, dz = (x - cx) / rx, (y - cy) / ry, (z - cz) / (rz * narrow)
    inside = ramp(1.25 - (dx * dx * np.float32(0.35) + dy * dy + dz * dz), 0.0, 0.35)
    paint(inside, (0.10, 0.085, 0.085) if dark else (0.74, 0.45, 0.43), 0.35)


def _eye(face: dict, eye: tuple, paint: _Painter, normal: list[Plane], at: tuple[Plane, ...],
         iris: int) -> None:
    """Lid, iris, pupil and a wet highlight."""
    r = face["eye"]
    d = [(p - e) * np.float32(1 / r) for p, e in zip(at, eye, strict=True)]
    out = 1.0 if eye[2] > 0 else -1.0
    far = math.sqrt(eye[0] * eye[0] + eye[2] * eye[2])
    depth = np.abs(d[0] * eye[0] + d[2] * eye[2]) * np.float32(1 / (far * far))
    across = (d[2] * eye[0] - d[0] * eye[2]) * np.float32(out / far)
    up = d[1] - across * np.float32(0.12)                       # the outer corner a little higher
    ring = across * across + up * up * np.float32(1.25) + ramp(depth, 0.9, 1.6) * 4
    paint(ramp(-ring, -1.30, -1.0), (0.09, 0.07, 0.065), 0.03)
    calm = paint.near[ring < 1.2]
    for plane, aim in zip(normal, (0.0, 0.25, 0.968), strict=True):
        plane[calm] = aim
    paint(ramp(-ring, -0.95, -0.75), IRIS[iris], 0.08)
    # shade of the lid
    paint(ramp(up, 0.1, 0.75) * (ring < 1) * np.float32(0.75), (0.06, 0.05, 0.05))
    narrow, tall = (6, 1.2) if face["slit"] else (1.45, 1.45)
    pupil = across * across * narrow + up * up * tall
    paint(ramp(-pupil - (ring > 1), -0.72, -0.52), (0.02, 0.02, 0.025), 0.08)
    hx, hy = across + np.float32(0.28 * out), up - np.float32(0.36)
    paint(ramp(-(hx * hx + hy * hy) - (ring > 1), -0.075, -0.03), (1.0, 1.0, 1.0), 0.3)
