"""Hierarchical grouping: join the two most similar neighbours, again and again, until one is left.

Every region that ever stood, small or large, is a place where an object may be. n first regions
give n - 1 unions, 2n - 1 regions in all, numbered in the order in which they came to be.

Source: Uijlings et al. 2013, algorithm 1 and section 3.2.
"""

import heapq

import numpy as np

from coursekit.proposals.regions import NUM_COLORS, Regions

SIMILARITIES = ("color", "texture", "size", "fill")


def similarities(regions: Regions, i: np.ndarray | int, j: np.ndarray) -> np.ndarray:
    """Color, texture, size and fill similarity of pairs of regions.

    Args:
        regions: from `describe`.
        i: (p,) rows, or one row for all pairs.
        j: (p,) rows.
    Returns:
        (4, p) float64. Color, texture and size lie in [0, 1]; fill is below 0 where the box around
        both has more room to spare than the picture has pixels, which neighbours rarely do.
    Source:
        Uijlings et al. 2013, section 3.2, equations 1, 3, 4 and 5.
    """
    shared = np.minimum(regions.histogram[i], regions.histogram[j])            # (p, 315)
    both = regions.size[i] + regions.size[j]
    left, top, right, bottom = regions.box[j].T
    x1, y1, x2, y2 = regions.box[i].T
    around = ((np.maximum(x2, right) - np.minimum(x1, left))
              * (np.maximum(y2, bottom) - np.minimum(y1, top)))
    out = np.empty((4, len(j)))
    out[0] = shared[:, :NUM_COLORS].sum(axis=1)
    out[1] = shared[:, NUM_COLORS:].sum(axis=1)
    out[2] = 1 - both / regions.pixels                         # small ones first
    out[3] = 1 - (around - both) / regions.pixels              # no gaps between them
    return out


def group(regions: Regions, pairs: np.ndarray, use: tuple[str, ...] = SIMILARITIES) -> np.ndarray:
    """Join the most similar neighbours until no two are left; fill the later rows of `regions`.

    The pairs wait in a heap. A pair of which one was joined to another meanwhile is thrown away
    when its turn comes. Of equally similar pairs, the one with the smaller numbers goes first.

    Args:
        regions: the n first regions, from `describe`.
        pairs: (p, 2) neighbours i < j, from `neighbours`.
        use: which similarities are added up.
    Returns:
        (n - 1, 2): the two regions that became region n, n + 1, and so on. Fewer if the pairs do
        not connect all regions.
    """
    rows = [SIMILARITIES.index(name) for name in use]

    def ranked(i: np.ndarray | int, j: np.ndarray) -> list[float]:
        return (-similarities(regions, i, j)[rows].sum(axis=0)).tolist()

    n, merges = len(regions), []
    touching = [set() for _ in range(n)]
    for i, j in pairs.tolist():
        touching[i].add(j)
        touching[j].add(i)
    heap = [(s, i, j) for s, (i, j) in zip(ranked(*pairs.T), pairs.tolist(), strict=True)]
    heapq.heapify(heap)
    while heap:
        _, i, j = heapq.heappop(heap)
        if touching[i] is None or touching[j] is None:         # one of them is part of a union
            continue
        new = n + len(merges)
        regions.join(i, j, new)
        merges.append((i, j))
        around = (touching[i] | touching[j]) - {i, j}
        touching[i] = touching[j] = None
        touching.append(around)
        others = sorted(around)
        for k in others:
            touching[k] -= {i, j}
            touching[k].add(new)
        for s, k in zip(ranked(new, np.array(others, dtype=np.int64)), others, strict=True):
            heapq.heappush(heap, (s, k, new))
    return np.array(merges, dtype=np.int64).reshape(-1, 2)
