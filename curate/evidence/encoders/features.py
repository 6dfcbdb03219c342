"""Numbers as vectors: missing ones filled, columns or parts brought to one scale, and laid on a sphere."""

from __future__ import annotations

import numpy as np

VERSION = 2
FURTHEST = 8.0
"""Values further from the middle than so many deviations are brought back to there."""


def feature_vectors(values: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """Standardise, fill what is missing with the median, clip, add a constant coordinate.

    The constant keeps lengths apart that cosine similarity alone would not see: (1, 1) and (9, 9) point one way,
    (1, 1, c) and (9, 9, c) do not, and a row equal to the mean has a direction too.

    Args:
        values: (n, d) numbers, NaN or infinite where missing.
        fit: (n,) bool, rows from which medians, means and deviations are learned.

    Returns:
        (n, d + 1) float32; NaN in rows that are missing altogether.
    """
    scaled = standardised(values, fit)
    constant = np.full((len(scaled), 1), np.sqrt(max(values.shape[1], 1)), dtype=np.float32)
    result = np.concatenate([scaled, constant], axis=1)
    result[np.isnan(scaled).any(1) | (values.shape[1] == 0)] = np.nan
    return result


def part_vectors(values: np.ndarray, fit: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Standardised descriptors in which every part has an equal say, whatever its number of columns.

    Args:
        values: (n, d) descriptors, NaN in rows without one.
        fit: (n,) bool, rows from which means and deviations are learned.
        sizes: columns of each part, in order; their sum is d.
    """
    scaled = standardised(values, fit) / np.sqrt(np.repeat(sizes, sizes)).astype(np.float32)
    constant = np.full((len(scaled), 1), 0.1, dtype=np.float32)
    return np.where(
        np.isnan(scaled).any(1, keepdims=True), np.float32(np.nan), np.concatenate([scaled, constant], axis=1)
    )


def standardised(values: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """(n, d) numbers -> (n, d) float32 with mean 0, deviation 1, gaps filled; NaN in rows without any number."""
    values = np.array(values, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    missing = np.isnan(values).all(1)
    base = values[fit & ~missing] if (fit & ~missing).any() else values[~missing]
    if not base.size:
        return np.full(values.shape, np.nan, dtype=np.float32)
    middle = np.zeros(values.shape[1])
    some = ~np.isnan(base).all(0)
    middle[some] = np.nanmedian(base[:, some], axis=0)
    base = np.where(np.isnan(base), middle, base)
    # Values near the largest double would overflow in the squares.
    size = np.maximum(np.abs(base).max(0), 1e-300)
    mean, spread = (base / size).mean(0), (base / size).std(0)
    spread[spread <= 1e-9] = 1.0
    filled = np.where(np.isnan(values), middle, values) / size
    result = np.clip((filled - mean) / spread, -FURTHEST, FURTHEST).astype(np.float32)
    result[missing] = np.nan
    return result
