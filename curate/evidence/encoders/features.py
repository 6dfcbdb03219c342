"""Numeric vectors as they come: missing numbers filled, brought to one scale, and laid on a sphere."""

from __future__ import annotations

import numpy as np

VERSION = 1


def feature_vectors(values: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """Standardise, fill what is missing with the median, clip at 8 deviations, add a constant coordinate.

    The constant keeps lengths apart that cosine similarity alone would not see: (1, 1) and (9, 9) point one way, (1, 1, c)
    and (9, 9, c) do not, and a row equal to the mean has a direction too.

    Args:
        values: (n, d) numbers, NaN or infinite where missing.
        fit: (n,) bool, rows from which medians, means and deviations are learned.

    Returns:
        (n, d + 1) float32; NaN in rows that are missing altogether.
    """
    values = np.array(values, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    missing = np.isnan(values).all(1) if values.shape[1] else np.ones(len(values), dtype=bool)
    base = values[fit & ~missing]
    if not len(base):
        base = values[~missing]
    if not len(base):
        return np.full((len(values), values.shape[1] + 1), np.nan, dtype=np.float32)
    empty = np.isnan(base).all(0)
    middle = np.zeros(values.shape[1])
    middle[~empty] = np.nanmedian(base[:, ~empty], axis=0)
    base = np.where(np.isnan(base), middle, base)
    mean = base.mean(0)
    spread = base.std(0)
    spread[spread <= 1e-9 * np.maximum(np.abs(mean), 1e-300)] = 1.0
    standard = np.clip((np.where(np.isnan(values), middle, values) - mean) / spread, -8, 8)
    constant = np.full((len(values), 1), np.sqrt(max(values.shape[1], 1)))
    result = np.concatenate([standard, constant], axis=1).astype(np.float32)
    result[missing] = np.nan
    return result
