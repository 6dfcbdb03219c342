"""Plain work on vectors: to unit length, and several parts joined into one."""

from __future__ import annotations

import numpy as np


def unit(vectors: np.ndarray) -> np.ndarray:
    """(n, d) -> (n, d) float32 of length 1; NaN in rows that are not finite or have no length."""
    vectors = np.asarray(vectors, dtype=np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        largest = np.abs(vectors).max(1, keepdims=True, initial=0)  # against overflow of the squares
        scaled = vectors / np.where(largest > 0, largest, np.nan)
        length = np.sqrt((scaled * scaled).sum(1, keepdims=True))
        result = scaled / length
    result[~np.isfinite(result).all(1)] = np.nan
    return result


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """Several embeddings of the same rows as one, each with equal say; a part that a row lacks is zero there."""
    if len(parts) == 1:
        return unit(parts[0])
    units = [unit(part) for part in parts]
    missing = np.all([np.isnan(part).any(1) for part in units], axis=0)
    both = np.concatenate([np.nan_to_num(part, nan=0.0) for part in units], axis=1)
    both[missing] = np.nan
    return unit(both)
