"""Herding: rows whose mean follows the mean of the pool, at every length of the list.

Source: Welling 2009, "Herding Dynamical Weights to Learn". Pools above `PART` rows are split at random, and each part
follows the mean of the whole with its own share of the choice.
"""

from __future__ import annotations

import numpy as np

from curate.balance.selection.points import Points
from curate.balance.selection.quota import Quota, in_turn
from curate.evidence.blas_threads import fitting_threads

PART = 65_536
"""Rows that are read for each row chosen."""


def herding(points: Points, quota: Quota, start: np.ndarray | None = None) -> np.ndarray:
    """Places in the order in which they are chosen.

    Args:
        points: the pool, in a random order.
        quota: how much may be chosen.
        start: (s, d) float32 vectors that are chosen already.

    Returns:
        (k,) int64 places.
    """
    mean = points.mean()
    parts = np.array_split(np.arange(len(points)), max(1, -(-len(points) // PART)))
    quotas = [quota] if len(parts) == 1 else quota.shared(parts)
    begun = np.zeros(points.width)
    if start is not None and len(start):
        begun = (mean - start.astype(np.float64)).sum(0) / len(parts)
    with fitting_threads():
        picks = [
            part[_herd(points.take(part), own, mean, begun.copy())] for part, own in zip(parts, quotas, strict=True)
        ]
    return in_turn(picks) if len(parts) > 1 else picks[0]


def _herd(vectors: np.ndarray, quota: Quota, mean: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Each next place is the one that makes up most for what the chosen ones lack of the mean.

    The squared distance from the mean after t rows is least for the row with the largest <w, x> - |x|^2 / 2, where w is
    t times the mean less the sum of those chosen; on vectors of one length it is Welling's largest <w, x>.
    """
    half = 0.5 * np.einsum("ij,ij->i", vectors, vectors)
    free = np.ones(len(vectors), dtype=bool)
    chosen: list[int] = []
    while not quota.full and len(chosen) < len(vectors):
        lag += mean
        worth = vectors @ lag.astype(np.float32) - half
        worth[~free] = -np.inf
        if quota.cost is not None:
            worth[~quota.fits(np.arange(len(vectors)))] = -np.inf
        best = int(worth.argmax())
        if worth[best] == -np.inf:
            break
        quota.take(best)
        chosen.append(best)
        free[best] = False
        lag -= vectors[best]
    return np.array(chosen, dtype=np.int64)
