"""How many distinct rows and directions a set of vectors amounts to, and what it covers."""

from __future__ import annotations

import numpy as np

from curate.engines.threads import one_thread_products

SAMPLE = 2_000


def spread(vectors: np.ndarray) -> float:
    """Median distance of two rows of (n, d) unit vectors, from at most 2,000 evenly spaced ones."""
    chosen = _sample(vectors)
    similarity = chosen @ chosen.T
    pairs = similarity[np.triu_indices(len(chosen), 1)]
    return float(np.sqrt(max(0.0, 2 - 2 * float(np.median(pairs))))) if len(pairs) else 0.0


def expected_nearest(vectors: np.ndarray, directions: float) -> float:
    """Distance that nearest neighbours would have if the (n, d) rows were spread evenly: spread * n^(-1 / directions).

    In few dimensions many rows are near each other without being copies.
    """
    if len(vectors) < 2:
        return 0.0
    return spread(vectors) * float(len(vectors) ** (-1 / max(1.0, directions)))


def _sample(vectors: np.ndarray) -> np.ndarray:
    if len(vectors) <= SAMPLE:
        return vectors
    return vectors[np.linspace(0, len(vectors) - 1, SAMPLE).astype(np.int64)]


def near_copies(
    distance: np.ndarray, indices: np.ndarray, groups: np.ndarray, rows: np.ndarray, limit: float
) -> np.ndarray:
    """How many near copies each row has among `rows`: those of equal content, and near neighbours of other content.

    Args:
        distance: (m, k) to the nearest neighbours, NaN for none.
        indices: (m, k) positions of the neighbours, -1 for none.
        groups: (n,) rows of equal content share a number, -1 for rows alone.
        rows: (m,) positions.
        limit: largest distance of near copies.

    Returns:
        (m,) float64.
    """
    group = groups[rows]
    sizes = np.bincount(group[group >= 0], minlength=1)
    equal = np.where(group >= 0, sizes[np.maximum(group, 0)] - 1, 0)
    other = (groups[np.maximum(indices, 0)] != group[:, None]) | (group[:, None] < 0)
    return equal + ((indices >= 0) & other & (np.nan_to_num(distance, nan=np.inf) <= limit)).sum(1).astype(np.float64)


def effective_dimensions(vectors: np.ndarray) -> tuple[float, float]:
    """How many directions (n, d) unit vectors use, of at most d: Vendi score and participation ratio.

    Both are effective numbers of the spectrum of the similarities, the exponential of its entropy and the inverse of
    its sum of squares; 1 where all rows are equal. From at most 2,000 rows.
    """
    chosen = _sample(vectors).astype(np.float64)
    if not len(chosen):
        return 0.0, 0.0
    with one_thread_products():
        product = chosen.T @ chosen if chosen.shape[1] < len(chosen) else chosen @ chosen.T
        values = np.maximum(np.linalg.eigvalsh(product), 0)
    share = values[values > 1e-12 * values.max()] / values.sum()
    return float(np.exp(-(share * np.log(share)).sum())), float(1 / np.square(share).sum())


def coverage(own: np.ndarray, other: np.ndarray) -> float | None:
    """Share of other rows whose nearest training row is as near as for 95 % of the training rows; None without any."""
    own, other = own[np.isfinite(own)], other[np.isfinite(other)]
    if len(own) < 20 or not len(other):
        return None
    return round(float((other <= np.quantile(own, 0.95) + 1e-6).mean()), 4)
