"""Normal distributions, one or several, behind the columns of a class: what joins the columns of a copula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

NUMBERS_OF_PARTS = (1, 2, 4, 8)
ROWS_PER_PART = 40
"""A class is not split into parts with fewer rows than this, on average."""
MOST_COLUMNS = 64
"""A wider table has one part: its covariances have too many numbers to learn several."""
MOST_ROWS = 10_000
"""Rows that the parts are learned from."""
LEAST_EIGENVALUE = 1e-6
RIDGE = 0.02
"""Added to the variance of normal scores in every part."""


@dataclass(frozen=True)
class Mixture:
    """Parts with weights.

    Attributes:
        weights: (k,) that sum to 1.
        means: (k, c).
        factors: (k, c, c) Cholesky factors of the covariances.
    """

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray

    @classmethod
    def single(cls, correlations: np.ndarray) -> Mixture:
        """One part with mean 0 and these correlations, brought to the nearest that are possible."""
        factor = np.linalg.cholesky(possible(correlations))
        return cls(np.ones(1), np.zeros((1, len(factor))), factor[None])

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """(count, c) draws as shares in (0, 1) of what each column alone is like."""
        from scipy.special import ndtr

        part = np.searchsorted(np.cumsum(self.weights)[:-1], rng.random(count), side="right")
        normal = rng.standard_normal((count, self.means.shape[1]))
        drawn = np.empty_like(normal)
        for k in range(len(self.weights)):
            own = part == k
            drawn[own] = self.means[k] + normal[own] @ self.factors[k].T
        spread = np.sqrt((self.factors**2).sum(2))
        shares = np.zeros_like(drawn)
        for weight, mean, sigma in zip(self.weights, self.means, spread, strict=True):
            shares += weight * ndtr((drawn - mean) / sigma)
        return shares


def possible(correlations: np.ndarray) -> np.ndarray:
    """(c, c) correlations -> those without eigenvalues below `LEAST_EIGENVALUE`."""
    values, axes = np.linalg.eigh(correlations)
    found = (axes * np.maximum(values, LEAST_EIGENVALUE)) @ axes.T
    scale = np.sqrt(np.diag(found))
    return found / np.outer(scale, scale)


def parts_of(scores: np.ndarray, seed: int) -> Mixture | None:
    """Several parts where they describe (m, c) normal scores better than one does (by BIC), else None."""
    m, c = scores.shape
    if not 1 < c <= MOST_COLUMNS or m < 2 * ROWS_PER_PART:
        return None
    from sklearn.mixture import GaussianMixture

    scores = scores[:MOST_ROWS]
    best: Any = None
    least = np.inf
    for parts in NUMBERS_OF_PARTS:
        if parts * ROWS_PER_PART > len(scores):
            break
        found = GaussianMixture(
            parts, reg_covar=RIDGE, random_state=seed, max_iter=60, tol=1e-2, init_params="k-means++"
        )
        loss = _bic(found, scores)
        if loss < least:
            best, least = found, loss
        else:
            break
    if best is None or best.n_components == 1:
        return None
    return Mixture(best.weights_, best.means_, np.linalg.cholesky(best.covariances_))


def _bic(found: Any, scores: np.ndarray) -> float:
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():  # parts that still move a little are good enough to draw from
        warnings.simplefilter("ignore", ConvergenceWarning)
        return float(found.fit(scores).bic(scores))
