"""How many distinct rows and directions a set of vectors amounts to, and what it covers."""

from __future__ import annotations

import numpy as np

from curate.engines.threads import one_thread_products

SAMPLE = 2_000
BLOCK_ROWS = 65_536
"""Rows whose neighbours are looked at together."""


def spread(vectors: np.ndarray) -> float:
    """Median distance of two rows of (n, d) unit vectors, from at most 2,000 evenly spaced ones."""
    chosen = vectors[sampled(len(vectors))]
    similarity = chosen @ chosen.T
    pairs = similarity[np.triu_indices(len(chosen), 1)]
    return float(np.sqrt(max(0.0, 2 - 2 * float(np.median(pairs))))) if len(pairs) else 0.0


def expected_nearest(typical: float, count: int, directions: float) -> float:
    """Distance that nearest neighbours would have if the rows were spread evenly: typical * count^(-1 / directions).

    In few dimensions many rows are near each other without being copies.

    Args:
        typical: distance of two rows, as of `spread`.
        count: rows.
        directions: that they spread over.
    """
    return 0.0 if count < 2 else typical * float(count ** (-1 / max(1.0, directions)))


def sampled(count: int) -> np.ndarray:
    """At most 2,000 evenly spaced positions of so many."""
    return np.arange(count) if count <= SAMPLE else np.linspace(0, count - 1, SAMPLE).astype(np.int64)


def near_copies(
    similarity: np.ndarray, indices: np.ndarray, groups: np.ndarray, rows: np.ndarray, limit: float
) -> np.ndarray:
    """How many near copies some rows have: those of equal content, and near neighbours of other content.

    Args:
        similarity: (n, k) float32, cosine, of the nearest neighbours of all rows, NaN for none.
        indices: (n, k) positions of the neighbours, -1 for none.
        groups: (n,) rows of equal content share a number, -1 for rows alone.
        rows: (m,) positions of the rows that are asked about.
        limit: largest distance of near copies.

    Returns:
        (m,) float64.
    """
    group = groups[rows]
    sizes = np.bincount(group[group >= 0], minlength=1)
    copies = np.where(group >= 0, sizes[np.maximum(group, 0)] - 1, 0).astype(np.float64)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        near, own = indices[rows[block]], group[block][:, None]
        other = (groups[np.maximum(near, 0)] != own) | (own < 0)
        copies[block] += ((near >= 0) & other & (distances(similarity[rows[block]]) <= limit)).sum(1)
    return copies


def distances(similarity: np.ndarray) -> np.ndarray:
    """Euclidean distances of unit vectors of these cosine similarities; NaN stays."""
    return np.sqrt(np.maximum(2 - 2 * similarity, 0))


def effective_dimensions(vectors: np.ndarray) -> tuple[float, float]:
    """How many directions (n, d) unit vectors use, of at most d: Vendi score and participation ratio.

    Both are effective numbers of the spectrum of the similarities, the exponential of its entropy and the inverse of
    its sum of squares; 1 where all rows are equal. From at most 2,000 rows.
    """
    chosen = vectors[sampled(len(vectors))].astype(np.float64)
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
