"""Solids that melt into one body: round cones and ellipsoids, seen without perspective.

A part is a ball that rolls from `a` to `b` while its radius goes from `ra` to `rb`, in a space that
may be squashed (so an ellipsoid is a squashed part with a = b, and an ear a flat cone). Seen along
parallel rays nothing has to be marched: with q a pixel's offset from the near end, the ball at t
covers the pixel where s(t) = alpha0 + 2 t alpha1 - kappa t^2 is positive, its depth is a_z + t b_z
+ sqrt(s(t)), and the largest of them has a closed form (raster.py). Squashing keeps rays parallel,
so the same formula serves after a change of axes.

Depths are joined by the polynomial smooth maximum (Quilez, "smooth minimum"), and so are normals
and the channels that paint the fur; a smooth maximum of the distances to the outlines gives an
exact, rounded silhouette.

Lengths are in body units: a cat is about 1 long.
"""
from dataclasses import dataclass, field

from .light import Vec, unit

# the channels after the three of the normal
PHASE, WHITE, POINT, SHAG, SKIN, FLOW_X, FLOW_Y = range(7)
IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
Matrix = tuple[Vec, Vec, Vec]


def add(a: Vec, b: Vec, k: float = 1.0) -> Vec:
    """The sum a + k b."""
    return (a[0] + k * b[0], a[1] + k * b[1], a[2] + k * b[2])


def mix(a: Vec, b: Vec, t: float) -> Vec:
    """The point at share `t` of the way from `a` to `b`."""
    return (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2]))


def apply(m: Matrix, v: Vec) -> Vec:
    """The matrix `m` (rows) times `v`."""
    (a, b, c), (d, e, f), (g, h, i) = m
    x, y, z = v
    return (a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z)


def matmul(m: Matrix, k: Matrix) -> Matrix:
    """The product m k, written out."""
    columns = transpose(k)
    return transpose((apply(m, columns[0]), apply(m, columns[1]), apply(m, columns[2])))


def transpose(m: Matrix) -> Matrix:
    """Rows as columns."""
    return tuple(zip(*m, strict=True))


@dataclass(frozen=True)
class Part:
    """One solid: a rolling ball from `a` to `b`, in a space squashed by `shape`."""

    a: Vec
    b: Vec
    ra: float
    rb: float
    blend: float            # width of the melt, in body units of depth
    start: tuple            # PHASE, WHITE, POINT, SHAG, SKIN at a
    end: tuple              # the same at b
    flow: Vec               # which way the fur lies, in body axes
    squash: Matrix | None   # body -> the space where the part is round; None: it is round already
    reach: Matrix | None    # the inverse of squash


@dataclass
class Model:
    """A body under construction: parts, points of contact, and the frame of the head."""

    parts: list[Part] = field(default_factory=list)
    feet: list[Vec] = field(default_factory=list)
    face: dict = field(default_factory=dict)
    hair: float = 0.3        # length of the fur: 0 sleek, 1 shaggy

    def cone(self, a: Vec, b: Vec, ra: float, rb: float, blend: float = 0.06, *, flow: Vec
             | None = None, flat: tuple[Vec, float] | None = None,
             phase: tuple[float, float] = (0, 0), white: tuple = (0, 0), point: tuple = (0, 0),
             shag: float = 1.0, skin: float = 0.0) -> None:
        """Add a round cone from `a` to `b`; `flat` = (axis, factor) squashes it along the axis."""
        squash = reach = None
        if flat:
            n, f = unit(flat[0]), flat[1]
            squash, reach = _stretch(n, 1 / f), _stretch(n, f)
            a, b = apply(squash, a), apply(squash, b)
        along = (b[0] - a[0], b[1] - a[1], b[2] - a[2])
        start, end = zip(phase, white, point, (shag, shag), (skin, skin), strict=True)
        self.parts.append(Part(a, b, ra, rb, blend, start, end, flow or along, squash, reach))

    def ball(self, c: Vec, radii: Vec, frame: Matrix = IDENTITY, blend: float = 0.08, *,
             flow: Vec = (-1.0, -0.3, 0.0), phase: float = 0.0, white: float = 0.0,
             point: float = 0.0, shag: float = 1.0, skin: float = 0.0) -> None:
        """Add an ellipsoid with half-axes `radii` along the rows of `frame`."""
        squash = tuple(tuple(frame[i][j] / radii[i] for j in range(3)) for i in range(3))
        reach = transpose(tuple(tuple(frame[i][j] * radii[i] for j in range(3)) for i in range(3)))
        at = apply(squash, c)
        values = (phase, white, point, shag, skin)
        self.parts.append(Part(at, at, 1.0, 1.0, blend, values, values, flow, squash, reach))

    def bone(self, points: list[Vec], radii: list[float], blend: float = 0.04, *,
             phase: tuple[float, float] = (0, 0), white: tuple = (0, 0), point: tuple = (0, 0),
             shag: float = 1.0) -> None:
        """Add cones through `points`, channels running evenly from the first to the last."""
        n = len(points) - 1
        def at(pair: tuple, i: int) -> float:
            return pair[0] + (pair[1] - pair[0]) * i / n
        for i in range(n):
            self.cone(points[i], points[i + 1], radii[i], radii[i + 1], blend, shag=shag,
                      **{name: (at(pair, i), at(pair, i + 1))
                         for name, pair in (("phase", phase), ("white", white), ("point", point))})


def _stretch(n: Vec, f: float) -> Matrix:
    """The identity, but for a factor `f` along the unit vector `n`."""
    return tuple(tuple((i == j) + (f - 1) * n[i] * n[j] for j in range(3)) for i in range(3))
