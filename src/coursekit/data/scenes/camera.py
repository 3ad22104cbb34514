"""The parts of a model as the camera sees them: a column of numbers a part, for all parts at once.

A part is given by what solids.py holds. The camera needs two things of it: the box that its outline
fills, and its numbers in axes in which it is round and rays run along z, where its surface has a
closed form. A squashed part becomes round by its own squash, and is then turned until rays run
along z again.

Vectors are lists of components, and a matrix is a list of rows of components; a component is a
number or a (P,) array.

Letters: P parts.
"""
import numpy as np

from .solids import IDENTITY, Matrix, Model, apply, matmul, transpose


def extent(model: Model, view: Matrix) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of the model as the camera sees it."""
    left, right, low, high = outlines(model, view)
    return float(left.min()), float(right.max()), float(low.min()), float(high.max())


def outlines(model: Model, view: Matrix) -> list[np.ndarray]:
    """Left, right, bottom and top of every part, (P,) each."""
    a, b, ra, rb = _ends(model)
    m = matmul(view, _matrices([p.reach for p in model.parts]))
    sides = []
    for row, start, end in zip(m[:2], apply(m, a)[:2], apply(m, b)[:2], strict=True):
        size = np.sqrt(row[0] * row[0] + row[1] * row[1] + row[2] * row[2])
        sides += [np.minimum(start - ra * size, end - rb * size),
                  np.maximum(start + ra * size, end + rb * size)]
    return sides


def round_parts(model: Model, view: Matrix) -> np.ndarray:
    """Each part in axes in which it is round and rays run along z.

    Returns:
        (22, P) float32: the near end, the way from it to the far end, the radius there and its
        growth; five constants of the closed form; the matrix from view to round axes without its
        third column's zeros; factors on the distance inside and outside.
    """
    a, b, ra, rb = _ends(model)
    axes, g = _round_axes(model, view)
    a, b, dr = apply(axes, a), apply(axes, b), rb - ra
    bx, by, bz = (end - start for start, end in zip(a, b, strict=True))
    exact = bx * bx + by * by - dr * dr
    tiny = 1e-3 * (bx * bx + by * by + bz * bz + dr * dr)
    kappa = np.where(np.abs(exact) > tiny, exact, np.where(tiny > 0, tiny, 1.0))
    bent = kappa + bz * bz
    steep, least = kappa * bent, np.where(tiny * tiny > 0, tiny * tiny, 1.0)
    steep = np.where(np.abs(steep) > tiny * tiny, steep, least)
    pull = np.where(kappa > 0, bz, -bz)
    end = np.where(kappa < 0, np.where(bent > 0, bz > 0, dr > 0), 9.0)
    det = g[0][0] * g[1][1] - g[0][1] * g[1][0]
    inner = 1 / np.sqrt(np.sqrt(det * det + 1e-12))
    return np.array([*a, bx, by, bz, ra, dr, exact, 1 / kappa, 1 / steep, pull, end, *g[0][:2],
                     *g[1][:2], *g[2], inner, 10 / np.minimum(ra, rb)], np.float32)


def fur(model: Model, view: Matrix) -> np.ndarray:
    """(14, P) float32: PHASE ... FLOW_Y at the near end, and their change to the far one."""
    flow = apply(view, _vectors([p.flow for p in model.parts]))
    flow = _unit([flow[0], flow[1], flow[2] + 1e-9])
    start, end = _vectors([p.start for p in model.parts]), _vectors([p.end for p in model.parts])
    still = np.zeros_like(flow[:2])
    return np.array([*start, *flow[:2], *(end - start), *still], np.float32)


def _round_axes(model: Model, view: Matrix) -> tuple[list, list]:
    """From body to round axes, to place a part; from view to round axes, `g`, to place a pixel."""
    m = matmul(_matrices([p.squash for p in model.parts]), transpose(view))
    ray = _unit([m[0][2], m[1][2], m[2][2]])
    first = np.abs(ray[0]) < 0.8                     # else the helper is the second axis
    helper = (np.where(first, 1.0, 0.0), np.where(first, 0.0, 1.0), 0.0)
    k = -(ray[0] * helper[0] + ray[1] * helper[1])
    e1 = _unit([h + k * r for h, r in zip(helper, ray, strict=True)])
    e2 = [ray[1] * e1[2] - ray[2] * e1[1], ray[2] * e1[0] - ray[0] * e1[2],
          ray[0] * e1[1] - ray[1] * e1[0]]
    turned = [e1, e2, ray]
    is_round = np.array([p.squash is None for p in model.parts])
    return _choose(is_round, view, turned), _choose(is_round, IDENTITY, matmul(turned, m))


def _choose(which: np.ndarray, one: Matrix, other: list) -> list:
    """For each part a matrix from `one` where `which` is true, else from `other`."""
    return [[np.where(which, x, y) for x, y in zip(r, s, strict=True)]
            for r, s in zip(one, other, strict=True)]


def _ends(model: Model) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Both ends, (3, P) each, and their radii, (P,) each."""
    parts = model.parts
    a, b = _vectors([p.a for p in parts]), _vectors([p.b for p in parts])
    return a, b, *np.array([(p.ra, p.rb) for p in parts]).T


def _vectors(rows: list) -> np.ndarray:
    """(3, P): a list of vectors as components."""
    return np.array(rows, np.float64).T


def _matrices(many: list) -> np.ndarray:
    """(3, 3, P): a list of matrices as rows of components; None is the identity."""
    return np.array([IDENTITY if m is None else m for m in many], np.float64).transpose(1, 2, 0)


def _unit(v: list) -> list:
    """Vectors of length 1 in the same directions."""
    size = np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    return [v[0] / size, v[1] / size, v[2] / size]
