"""Facility location: rows such that every row of the pool has one that is like it.

The sum over the pool of the similarity to the nearest chosen row is submodular, so the greedy choice is within 1 - 1/e
of the best one, and what a row adds only falls: its last known worth bounds what it adds now, and few rows have to be
looked at again (lazy greedy). Source: Minoux 1978; Wei, Iyer, Bilmes 2015, "Submodularity in Data Subset Selection and
Active Learning". Pools above `PART` rows are split at random, and each part is represented by its own share of the
choice (Mirzasoleiman et al. 2013, "Distributed Submodular Maximization"), so that similarities of all pairs are never
held.
"""

from __future__ import annotations

import numpy as np

from curate.balance.selection.points import Points
from curate.balance.selection.quota import Quota, in_turn

PART = 4096
"""Rows whose similarities are held at once: 64 MB."""
FEW = 16
"""With fewer choices per part a second choice is made among what all parts name."""
AGAIN = 8
"""Rows looked at again at a time."""


def facility_location(points: Points, quota: Quota, start: np.ndarray | None = None) -> np.ndarray:
    """Places in the order in which they are chosen.

    Args:
        points: the pool, in a random order.
        quota: how much may be chosen; where places have costs, what a row adds counts per cost.
        start: (s, d) float32 vectors that are chosen already.

    Returns:
        (k,) int64 places.
    """
    m = len(points)
    if m <= PART:
        everything = np.arange(m)
        return _within(points, everything, everything, quota, start)
    parts = np.array_split(np.arange(m), -(-m // PART))
    wanted = quota.left / (1.0 if quota.cost is None else float(quota.cost.mean()))
    if wanted >= FEW * len(parts) or wanted > PART / 4:
        return in_turn([_within(points, part, part, q, start) for part, q in zip(parts, quota.shared(parts))])
    # The few rows of each part's share would be much the same ones: each part names more, and among those that all name
    # the choice is made once more, by how well it covers a sample of the pool.
    more = Quota(PART, None, m)
    named = np.concatenate(
        [_within(points, part, part, q, start) for part, q in zip(parts, more.shared(parts), strict=True)]
    )
    own = Quota(quota.left, None if quota.cost is None else quota.cost[named], len(named))
    return named[_within(points, named, np.arange(PART), own, start, local=True)]


def _within(
    points: Points,
    candidates: np.ndarray,
    covered: np.ndarray,
    quota: Quota,
    start: np.ndarray | None,
    local: bool = False,
) -> np.ndarray:
    """Those of the candidates that cover the rows `covered` best; as numbers within the candidates if `local`."""
    vectors = points.take(candidates)
    others = vectors if covered is candidates else points.take(covered)
    likeness = vectors @ others.T
    np.maximum(likeness, 0, out=likeness)
    best = np.zeros(len(others), dtype=np.float32)
    if start is not None and len(start):
        for begin in range(0, len(start), PART):
            np.maximum(best, (others @ start[begin : begin + PART].T).max(1), out=best)
    found = lazy_greedy(likeness, quota, best)
    return found if local else candidates[found]


def lazy_greedy(likeness: np.ndarray, quota: Quota, best: np.ndarray) -> np.ndarray:
    """Greedy places by what each adds to the sum of the best similarities.

    Args:
        likeness: (p, q) float32 of candidates and the rows that they should cover, at least 0.
        quota: how much may be chosen.
        best: (q,) float32, similarity to what is chosen already; changed in place.

    Returns:
        (k,) int64 places; of equal ones the first.
    """
    p = len(likeness)
    cost = np.ones(p) if quota.cost is None else quota.cost
    worth = np.array([np.maximum(row - best, 0).sum(dtype=np.float64) for row in likeness]) / cost
    fresh = np.full(p, 0)
    chosen: list[int] = []
    while not quota.full and len(chosen) < p:
        if quota.cost is not None:
            worth[~quota.fits(np.arange(p))] = -np.inf
        while fresh[top := int(worth.argmax())] < len(chosen) and worth[top] > -np.inf:
            again = np.argpartition(-worth, AGAIN)[:AGAIN] if p > AGAIN else np.arange(p)
            again = again[(fresh[again] < len(chosen)) & (worth[again] > -np.inf)]
            again = np.append(again, top)
            worth[again] = np.maximum(likeness[again] - best, 0).sum(1, dtype=np.float64) / cost[again]
            fresh[again] = len(chosen)
        if worth[top] == -np.inf:
            break
        quota.take(top)
        chosen.append(top)
        worth[top] = -np.inf
        np.maximum(best, likeness[top], out=best)
    return np.array(chosen, dtype=np.int64)
