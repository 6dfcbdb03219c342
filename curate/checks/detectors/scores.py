"""How strange each point of a space is, by each of the classic detectors: larger is stranger."""

from __future__ import annotations

import numpy as np

from curate.checks.detectors.covariance import Covariance
from curate.checks.detectors.space import Space

TREES = 200
TRIMMED = 0.25
"""Share of the rows that the covariance does not learn from, the furthest ones."""
STEPS = 4
COVARIANCE_ROWS = 50_000
WIDE = 5
"""The wide neighbourhood has so many times the neighbours: small groups of strange rows hide from a narrow one."""
SMALLEST = 0.75
"""Share of the usual distance that a smaller one counts as in the local outlier factor."""
BLOCK, BLOCK_CELLS = 65_536, 1 << 23


def knn(space: Space, times: int = 1) -> np.ndarray:
    """(n,) logarithm of the mean distance to the nearest rows to learn from; NaN without any.

    Source: Ramaswamy, Rastogi, Shim, Efficient algorithms for mining outliers from large data sets, 2000.
    """
    distance = space.nearest(_count(space, times))[1]
    there = np.isfinite(distance)
    mean = np.where(there, distance, 0.0).sum(1, dtype=np.float64) / np.maximum(there.sum(1), 1)
    return np.where(there.any(1), np.log(np.maximum(mean, 1e-4)), np.nan)


def wide_knn(space: Space) -> np.ndarray:
    """`knn` in a neighbourhood five times as wide, but of at most a quarter of the rows to learn from."""
    return knn(space, WIDE)


def _count(space: Space, times: int) -> int:
    if times == 1:
        return space.neighbours
    return max(space.neighbours, min(times * space.neighbours, int(space.fit.sum()) // 4))


def lof(space: Space) -> np.ndarray:
    """(n,) logarithm of the local outlier factor; NaN without neighbours.

    How much thinner the surroundings of a row are than those of its neighbours. Distances below three quarters of the
    usual one count as that much, or every row beside a knot of near copies would be an outlier.
    Source: Breunig, Kriegel, Ng, Sander, LOF: identifying density-based local outliers, 2000.
    """
    indices, distance = space.nearest(space.neighbours)
    there = (indices >= 0) & np.isfinite(distance)
    reach_of = np.where(there, distance, -np.inf).max(1)  # distance to the furthest of the neighbours
    reach = np.where(there, np.maximum(distance, reach_of[indices]), 0.0)
    usual = np.median(distance[there]) if there.any() else 1.0
    mean = reach.sum(1, dtype=np.float64) / np.maximum(there.sum(1), 1)
    density = 1.0 / np.maximum(mean, SMALLEST * usual + 1e-12)
    around = np.where(there, density[indices], 0.0).sum(1) / np.maximum(there.sum(1), 1)
    return np.where(there.any(1), np.log(np.maximum(around, 1e-12) / density), np.nan)


def isolation_forest(space: Space) -> np.ndarray:
    """(n,) how easily random cuts isolate a row, in [0, 1].

    Source: Liu, Ting, Zhou, Isolation forest, 2008 (scikit-learn).
    """
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=TREES, random_state=space.seed % 2**32).fit(space.values[space.fit])
    return np.concatenate([-forest.score_samples(space.values[block]) for block in _blocks(space)])


def ecod(space: Space) -> np.ndarray:
    """(n,) sum over the columns of -log of the tail probability, by one sort per column.

    The same scores as PyOD's ECOD for rows that were learned from; others are held against their tails.
    Source: Li, Zhao, Hu, Botta, Ionescu, Chen, ECOD: unsupervised outlier detection using empirical cumulative
    distribution functions, 2022.
    """
    total = np.zeros(len(space))
    count = int(space.fit.sum())
    for j in range(space.values.shape[1]):
        column = space.values[:, j]
        known = np.sort(column[space.fit])
        left = -np.log(np.maximum(np.searchsorted(known, column, side="right"), 0.5) / count)
        right = -np.log(np.maximum(count - np.searchsorted(known, column, side="left"), 0.5) / count)
        skew = np.sign(_skewness(known))
        leaning = right * np.sign(skew + 1) - left * np.sign(skew - 1)  # the longer tail, both where there is none
        total += np.maximum(np.maximum(left, right), leaning)
    return total


def _skewness(values: np.ndarray) -> float:
    centred = values.astype(np.float64) - values.mean(dtype=np.float64)
    variance = float(np.mean(centred**2))
    return float(np.mean(centred**3)) / variance**1.5 if variance > 0 else 0.0


def mahalanobis(space: Space) -> np.ndarray:
    """(n,) logarithm of the Mahalanobis distance by a robust, shrunk covariance.

    The covariance (shrunk after Ledoit and Wolf) is refitted a few times without the furthest quarter of the rows, as
    in the concentration steps of FastMCD, but for any number of columns. A row that it was learned from is held against
    what it is without the row, so that rows of held-out splits do not look far by comparison.
    Source: Boudt, Rousseeuw, Vanduffel, Verdonck, The minimum regularized covariance determinant estimator, 2020.
    """
    rows = space.sample(COVARIANCE_ROWS)
    values = space.values[rows].astype(np.float64)
    count = max(2, int(np.ceil((1 - TRIMMED) * len(rows))))
    kept = np.argsort(np.square(values - np.median(values, axis=0)).sum(1), kind="stable")[:count]
    centre, covariance = values.mean(0), Covariance.none(values.shape[1])
    for _ in range(STEPS):
        centre = values[kept].mean(0)
        covariance = Covariance.learned(values[kept] - centre)
        kept = np.argsort(covariance.squared(values - centre), kind="stable")[:count]
    blocks = _blocks(space)
    squared = np.concatenate([covariance.squared(space.values[part].astype(np.float64) - centre) for part in blocks])
    learned = rows[kept]
    leverage = np.minimum((1 - covariance.shrinkage) * squared[learned] / count, 0.9)
    squared[learned] /= 1 - leverage
    return 0.5 * np.log(np.maximum(squared, 1e-8))


def _blocks(space: Space) -> list[slice]:
    step = max(1, min(BLOCK, BLOCK_CELLS // max(space.width, 1)))
    return [slice(begin, begin + step) for begin in range(0, len(space), step)]
