"""Distances between rows of numbers and categories, and new rows mixed from two of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from curate.balance.resampling.cleaning import most_frequent
from curate.balance.resampling.nearest import nearest_others
from curate.evidence.parts.lying import elsewhere


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


def nearest_of(values: Any, rows: np.ndarray, categorical: np.ndarray, k: int, least: float = 1.0) -> np.ndarray:
    """(m, k) the nearest others of some rows among them, numbers and categories together; counted within them.

    Args:
        values: (n, d) matrix, in memory or where it lies.
        rows: (m,) rows.
        categorical: (d,) bool.
        k: how many.
        least: as of `comparable`.
    """
    if not categorical.any():
        return nearest_others(values, k, rows, rows)
    return elsewhere(partial(_nearest_of, rows, categorical, k, least), values)


def _nearest_of(rows: np.ndarray, categorical: np.ndarray, k: int, least: float, values: Any) -> np.ndarray:
    return nearest_others(comparable(values[rows], categorical, least), k)


def mixed(
    values: Any, categorical: np.ndarray, first: np.ndarray, second: np.ndarray, share: np.ndarray,
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
    one, other = values[first], values[second]
    made = (one + share * (other - one)).astype(values.dtype)
    voting = values[around][:, :, categorical].astype(np.int64) if rng is None and categorical.any() else None
    for place, column in enumerate(np.flatnonzero(categorical)):
        if rng is not None:
            made[:, column] = np.where(rng.random(len(first)) < 0.5, one[:, column], other[:, column])
        elif voting is not None:
            made[:, column] = most_frequent(voting[:, :, place])
    return made
