"""Distances between rows of numbers and categories, and new rows mixed from two of them."""

from __future__ import annotations

import numpy as np

from curate.balance.resampling.nearest import nearest_others


def comparable(values: np.ndarray, categorical: np.ndarray, least: float = 1.0) -> np.ndarray:
    """(n, d') float: categories as coordinates whose distance is the median spread of the numbers (Chawla et al. 2002).

    Args:
        values: (n, d) matrix with codes of categories.
        categorical: (d,) bool.
        least: what stands for the median spread where that is 0.
    """
    if not categorical.any():
        return values
    numbers = values[:, ~categorical]
    apart = float(np.median(numbers.std(axis=0, dtype=np.float64))) if numbers.shape[1] else 1.0
    parts = [numbers]
    for column in values[:, categorical].T:
        coordinates = column[:, None] == np.unique(column)[None]
        parts.append(coordinates.astype(values.dtype) * values.dtype.type((apart or least) / np.sqrt(2)))
    return np.hstack(parts)


def nearest_of(values: np.ndarray, categorical: np.ndarray, k: int) -> np.ndarray:
    """(n, k) the nearest other rows of each row, numbers and categories together."""
    return nearest_others(comparable(values, categorical), k)


def mixed(
    values: np.ndarray, categorical: np.ndarray, first: np.ndarray, second: np.ndarray, share: np.ndarray,
    around: np.ndarray, rng: np.random.Generator | None = None,
) -> np.ndarray:  # fmt: skip
    """(m, d) new rows: numbers between two rows, categories as most of some rows have them, or as one of the two has.

    Args:
        values: (n, d) matrix.
        categorical: (d,) bool.
        first: (m,) rows.
        second: (m,) rows toward which they are moved.
        share: (m,) or (m, d) how far.
        around: (m, k) rows that vote on categories; the smallest code of equals wins. Looked at without `rng`.
        rng: if given, each category is that of one of the two rows, by lot.
    """
    share = share[:, None] if share.ndim == 1 else share
    made = (values[first] + share * (values[second] - values[first])).astype(values.dtype)
    for column in np.flatnonzero(categorical):
        codes = values[:, column].astype(np.int64)
        if rng is not None:
            made[:, column] = codes[np.where(rng.random(len(first)) < 0.5, first, second)]
            continue
        votes = np.zeros((len(first), int(codes.max()) + 1), dtype=np.int32)
        for place in range(around.shape[1]):
            np.add.at(votes, (np.arange(len(first)), codes[around[:, place]]), 1)
        made[:, column] = votes.argmax(axis=1)
    return made
