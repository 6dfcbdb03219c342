"""Each series brought to a common scale by its own numbers."""

from __future__ import annotations

import numpy as np

Bounds = tuple[np.ndarray, np.ndarray]


def scaled_apart(values: np.ndarray, part: np.ndarray, parts: int, method: str, distribution: str) -> np.ndarray:
    """(m,) float64 numbers scaled within each part; NaN and infinite ones stay, a constant part becomes 0.

    Args:
        values: (m,) numbers.
        part: (m,) int64 in [0, parts), the part that each belongs to, ascending.
        parts: how many.
        method: standard, min_max, robust or quantile.
        distribution: uniform or normal, of quantile.
    """
    result = values.copy()
    there = np.flatnonzero(np.isfinite(values))
    if len(there):
        known, own = values[there], part[there]
        if method == "quantile":
            result[there] = _ranks(known, own, parts, distribution)
        else:
            middle, spread = {"standard": _moments, "min_max": _range, "robust": _quartiles}[method](known, own, parts)
            result[there] = (known - middle[own]) / spread[own]
    return result


def _moments(values: np.ndarray, part: np.ndarray, parts: int) -> Bounds:
    count = np.maximum(np.bincount(part, minlength=parts), 1)
    mean = np.bincount(part, values, parts) / count
    spread = np.sqrt(np.bincount(part, (values - mean[part]) ** 2, parts) / count)
    # Rounding of the mean makes a constant part spread a little.
    size = np.zeros(parts)
    np.maximum.at(size, part, np.abs(values))
    return mean, np.where(spread > 1e-12 * size, spread, 1.0)


def _range(values: np.ndarray, part: np.ndarray, parts: int) -> Bounds:
    least, most = np.full(parts, np.inf), np.full(parts, -np.inf)
    np.minimum.at(least, part, values)
    np.maximum.at(most, part, values)
    return least, np.where(most > least, most - least, 1.0)


def _quartiles(values: np.ndarray, part: np.ndarray, parts: int) -> Bounds:
    order = np.lexsort((values, part))
    ordered, count = values[order], np.bincount(part, minlength=parts)
    first = np.cumsum(count) - count

    def at(share: float) -> np.ndarray:
        place = share * np.maximum(count - 1, 0)
        low = np.minimum(first + np.floor(place).astype(np.int64), len(ordered) - 1)
        high = np.minimum(first + np.ceil(place).astype(np.int64), len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place % 1)

    distance = at(0.75) - at(0.25)
    return at(0.5), np.where(distance > 0, distance, 1.0)


def _ranks(values: np.ndarray, part: np.ndarray, parts: int, distribution: str) -> np.ndarray:
    """The share of the part's other numbers that are smaller, ties in the middle; normal: as deviations."""
    order = np.lexsort((values, part))
    ordered, owner = values[order], part[order]
    new = np.r_[True, (np.diff(ordered) != 0) | (np.diff(owner) != 0)]
    tie = np.cumsum(new) - 1
    size = np.bincount(tie)
    begin = np.flatnonzero(new)
    count = np.bincount(part, minlength=parts)
    place = begin + (size - 1) / 2 - (np.cumsum(count) - count)[owner[begin]]
    whole = count[owner[begin]]
    share = np.where(size == whole, 0.0, place / np.maximum(whole - 1, 1))
    if distribution == "normal":
        from scipy.stats import norm

        share = np.where(size == whole, 0.0, norm.ppf(np.clip(share, 1e-7, 1 - 1e-7)))
    result = np.empty(len(values))
    result[order] = share[tie]
    return result
