"""How far rows lie from their neighbours and their class, and from what distance on that is unusual."""

from __future__ import annotations

import numpy as np

BLOCK_BYTES = 64_000_000
REFERENCE_ROWS = 10_000
"""Rows of a class that the others of the class are compared with, at most."""
FEWEST = 8
"""Rows from which one can say what is usual."""


def neighbour_distance(similarity: np.ndarray) -> np.ndarray:
    """(n, k) cosine similarity to neighbours, NaN for none -> (n,) mean cosine distance, NaN without neighbours."""
    there = np.isfinite(similarity)
    total = np.where(there, 1.0 - similarity.astype(np.float64), 0.0).sum(1)
    return np.where(there.any(1), np.maximum(total, 0.0) / np.maximum(there.sum(1), 1), np.nan)


def class_distance(
    vectors: np.ndarray, codes: np.ndarray, reference: np.ndarray, rank: np.ndarray, k: int
) -> np.ndarray:
    """Mean cosine distance of each row to the k nearest other rows of its own class.

    Args:
        vectors: (n, d) float32, L2-normalised.
        codes: (n,) int64 class, -1 for rows that are left out.
        reference: (n,) bool, rows that others are compared with (active training rows).
        rank: (n,) rank of the row ids; which rows of a large class are compared with hangs on it.
        k: neighbours.

    Returns:
        (n,) float64, NaN for rows left out and in classes with fewer than two other rows.
    """
    out = np.full(len(vectors), np.nan)
    for code in np.unique(codes[codes >= 0]):
        rows = np.flatnonzero(codes == code)
        rows = rows[np.argsort(rank[rows], kind="stable")]
        base = rows[reference[rows]]
        if len(base) > REFERENCE_ROWS:
            base = base[np.linspace(0, len(base) - 1, REFERENCE_ROWS).astype(np.int64)]
        if len(base) < 3:
            continue
        step = max(1, BLOCK_BYTES // (4 * len(base)))
        for begin in range(0, len(rows), step):
            block = rows[begin : begin + step]
            product = vectors[block] @ vectors[base].T
            product[block[:, None] == base] = -np.inf
            near = min(k, len(base) - 1)
            best = np.partition(product, len(base) - near, axis=1)[:, len(base) - near :]
            out[block] = neighbour_distance(np.where(np.isfinite(best), best, np.nan))
    return out


def log_distance(distance: np.ndarray) -> np.ndarray:
    """(n,) cosine distances -> (n,) logarithms; distances below what float32 can tell from 0 count as that."""
    return np.log(np.maximum(distance, 1e-6))


def within_class(distance: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(n,) distances -> (n,) distances beyond the class's median, so that wide and narrow classes compare."""
    out = distance.copy()
    for code in np.unique(codes[codes >= 0]):
        rows = np.flatnonzero((codes == code) & np.isfinite(distance))
        if len(rows):
            out[rows] -= np.median(distance[rows])
    return out


def deviations(values: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """How many robust deviations each value lies above the median.

    The deviation is 1.4826 times the median distance of the values above the median, as the side below says nothing of
    rows that stand apart. Without spread, or with fewer than `FEWEST` usual rows, nothing is unusual.

    Args:
        values: (n,) float, NaN for none.
        usual: (n,) bool, rows that tell what is usual.

    Returns:
        (n,) float64, NaN where the value is.
    """
    base = values[usual & np.isfinite(values)]
    out = np.where(np.isfinite(values), 0.0, np.nan)
    if len(base) < FEWEST:
        return out
    middle = np.median(base)
    above = base[base > middle] - middle
    if not len(above):
        return out
    spread = 1.4826 * float(np.median(above))
    # distances of equal float32 vectors differ by rounding alone
    return (values - middle) / max(spread, 1e-5)
