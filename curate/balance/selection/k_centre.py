"""Greedy k-centre: each next row is the one farthest from all that are chosen.

The plain form reads all vectors once for every row that it chooses. Here many are chosen per reading, and they are the
same: among the B farthest rows the next ones are chosen by their distances to each other, for as long as the farthest
of them is at least as far as every other row was at the start of the reading, since distances only become smaller.
Source: Gonzalez 1985, "Clustering to minimize the maximum intercluster distance"; for active learning Sener and
Savarese 2018, "Active Learning for Convolutional Neural Networks: A Core-Set Approach".
"""

from __future__ import annotations

import numpy as np

from curate.balance.selection.points import Points
from curate.balance.selection.quota import Quota

FEWEST, MOST = 32, 2048
"""Bounds of B. The largest takes 16 MB for distances among candidates."""
CENTRES = 512
"""Centres that are compared with a chunk of rows at a time."""


def k_centre(points: Points, quota: Quota, start: np.ndarray | None = None) -> np.ndarray:
    """Places in the order in which they are chosen.

    Args:
        points: the pool.
        quota: how much may be chosen.
        start: (s, d) float32 vectors that are centres already; without any, the row nearest to the mean is the first.

    Returns:
        (k,) int64 places.
    """
    m = len(points)
    if not m or quota.full:
        return np.zeros(0, dtype=np.int64)
    far = np.full(m, np.inf, dtype=np.float32)
    chosen: list[int] = []
    if start is not None and len(start):
        _bring_nearer(far, points, start)
    else:
        chosen.append(_middle(points, quota))
        quota.take(chosen[0])
        _bring_nearer(far, points, points.take(np.array(chosen)))
        far[chosen[0]] = -np.inf
    breadth = FEWEST
    while not quota.full:
        picked = _next(far, points, quota, breadth)
        if not picked:
            break
        _bring_nearer(far, points, points.take(np.array(picked)))
        far[picked] = -np.inf
        chosen += picked
        breadth = int(np.clip(4 * len(picked), FEWEST, MOST))
    return np.array(chosen, dtype=np.int64)


def _middle(points: Points, quota: Quota) -> int:
    mean = points.mean().astype(np.float32)
    best, least = 0, np.inf
    for part, vectors in points.chunks():
        away = np.square(vectors - mean).sum(1)
        away[~quota.fits(np.arange(part.start, part.stop))] = np.inf
        place = int(away.argmin())
        if away[place] < least:
            best, least = part.start + place, float(away[place])
    return best


def _bring_nearer(far: np.ndarray, points: Points, centres: np.ndarray) -> None:
    """Lower (m,) squared distances to the nearest centre by new centres, in place."""
    for part, vectors in points.chunks():
        near = far[part]
        for begin in range(0, len(centres), CENTRES):
            np.minimum(near, distances(vectors, centres[begin : begin + CENTRES]).min(1), out=near)


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(p, q) squared Euclidean distances of (p, d) and (q, d) float32 vectors."""
    found = one @ other.T
    found *= -2
    found += np.einsum("ij,ij->i", one, one)[:, None]
    found += np.einsum("ij,ij->i", other, other)[None]
    return np.maximum(found, 0, out=found)


def _next(far: np.ndarray, points: Points, quota: Quota, breadth: int) -> list[int]:
    """The next places, as many as are certain from one reading; spends them."""
    reach = far if quota.cost is None else np.where(quota.fits(np.arange(len(far))), far, np.float32(-np.inf))
    if breadth < len(reach):
        split = np.argpartition(reach, len(reach) - breadth - 1)
        bound = float(reach[split[len(reach) - breadth - 1]])
        candidates = np.sort(split[len(reach) - breadth :])
    else:
        bound, candidates = -np.inf, np.arange(len(reach))
    candidates = candidates[reach[candidates] > -np.inf]
    if not len(candidates):
        return []
    own = reach[candidates].copy()
    vectors = points.take(candidates)
    among = distances(vectors, vectors)
    picked: list[int] = []
    while not quota.full:
        best = int(own.argmax())
        if own[best] == -np.inf or own[best] < bound:
            break
        place = int(candidates[best])
        quota.take(place)
        picked.append(place)
        np.minimum(own, among[best], out=own)
        own[best] = -np.inf
        if quota.cost is not None:
            own[~quota.fits(candidates)] = -np.inf
    return picked
