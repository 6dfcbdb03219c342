"""Filling numbers with the mean of the nearest training rows."""

from __future__ import annotations

from typing import Any

import numpy as np

BLOCK_CELLS = 4_000_000
"""Distances held at once (float64): 32 MB."""


def reference(rows: np.ndarray, content: np.ndarray, most: int) -> dict[str, Any]:
    """What `nearest_means` needs: the rows neighbours are looked for among, and the columns' means and spreads.

    Args:
        rows: (m, d) float64 training rows, NaN where missing.
        content: (m, 2) uint64 content hashes; they put the rows in an order that does not depend on where they stand,
            and the first `most` are taken.
        most: most rows.
    """
    order = np.lexsort((content[:, 1], content[:, 0]))[:most]
    taken = np.ma.masked_invalid(rows[order])
    if not len(taken):
        return {"mean": [], "scale": [], "rows": []}
    mean = np.ma.filled(taken.mean(0), 0.0)
    spread = np.ma.filled(taken.std(0), 0.0)
    scale = np.where(spread > 0, spread, 1.0)
    standard = (rows[order] - mean) / scale
    return {
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "rows": [[None if np.isnan(v) else v for v in row] for row in standard.tolist()],
    }


def nearest_means(matrix: np.ndarray, learned: dict[str, Any], neighbours: int, readable: np.ndarray) -> np.ndarray:
    """(n, d) float64: each number, or where it is missing the mean of the `neighbours` nearest rows that have it.

    A row without any number gets the columns' means. Distances are Euclidean over the numbers that both rows have,
    on standardised columns. NaN where no training row has the number.

    Args:
        matrix: (n, d) float64, NaN where missing.
        learned: what `reference` gave.
        neighbours: rows whose mean is taken.
        readable: (n,) bool, rows to fill.
    """
    from sklearn.impute import KNNImputer

    filled = matrix.copy()
    gaps = np.flatnonzero(np.isnan(matrix).any(1) & readable)
    if not len(gaps) or not learned["rows"]:
        return filled
    mean, scale = np.asarray(learned["mean"]), np.asarray(learned["scale"])
    imputer = KNNImputer(n_neighbors=neighbours, keep_empty_features=True)
    known = np.array(learned["rows"], dtype=np.float64)
    imputer.fit(known)
    step = max(1, BLOCK_CELLS // len(known))
    for start in range(0, len(gaps), step):
        rows = gaps[start : start + step]
        filled[rows] = imputer.transform((matrix[rows] - mean) / scale) * scale + mean
    empty = np.isnan(known).all(0)
    filled[:, empty] = matrix[:, empty]
    return filled
