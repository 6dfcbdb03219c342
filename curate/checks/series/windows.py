"""How far each window of a series lies from all others: discords, by exact distances to the nearest windows."""

from __future__ import annotations

import numpy as np

NEAREST = 3
MOST_REFERENCES = 4_000
CHUNK = 512
SMALLEST_DISTANCE = 0.05
"""In robust deviations of a value: below it, windows count as equal, so that rounding is no anomaly."""
SMALLEST_SPREAD = 0.1
"""Of the logarithm of the distance: windows differ by 10 % even in a series that repeats itself."""


def deviations(distance: np.ndarray) -> np.ndarray:
    """(w,) distances -> robust deviations of their logarithm above the median; 0 where a distance is NaN."""
    known = np.isfinite(distance)
    if not known.any():
        return np.zeros(len(distance))
    logs = np.log(np.where(known, distance, 0.0) + SMALLEST_DISTANCE)
    median = np.median(logs[known])
    spread = 1.4826 * np.median(np.abs(logs[known] - median))
    return np.where(known, (logs - median) / max(spread, SMALLEST_SPREAD), 0.0)


def window_starts(length: int, size: int, stride: int) -> np.ndarray:
    """First places of windows that cover a whole series, the last one at its end; none where it is too short."""
    if length < size:
        return np.zeros(0, dtype=np.int64)
    starts = np.arange(0, length - size + 1, stride, dtype=np.int64)
    return starts if starts[-1] == length - size else np.append(starts, length - size)


def cut(values: np.ndarray, starts: np.ndarray, size: int) -> np.ndarray:
    """(channels, n) and (w,) first places -> (w, channels * size) float32 windows."""
    found = np.lib.stride_tricks.sliding_window_view(values, size, axis=1)[:, starts]
    return np.ascontiguousarray(found.transpose(1, 0, 2), dtype=np.float32).reshape(len(starts), -1)


def compare(
    windows: np.ndarray,
    owner: np.ndarray,
    start: np.ndarray,
    references: tuple[np.ndarray, np.ndarray, np.ndarray],
    apart: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """How far windows are from the nearest of others.

    Args:
        windows: (w, d) float32.
        owner: (w,) number of the series that each is from.
        start: (w,) its first place there.
        references: windows, owners and starts of what to compare with.
        apart: windows of one series are compared where they start so many places apart; None for never.

    Returns:
        (w,) float64 root mean square difference from the nearest references (mean over 3 of them), NaN where there is
        none, and (w, d) float32 the mean of those.
    """
    others, other_owner, other_start = references
    norms = (others**2).sum(1)
    distance, nearest = np.full(len(windows), np.nan), windows.copy()
    k = min(NEAREST, len(others))
    for low in range(0, len(windows) if k else 0, CHUNK):
        part = slice(low, low + CHUNK)
        squared = (windows[part] ** 2).sum(1)[:, None] + norms[None] - 2 * (windows[part] @ others.T)
        own = owner[part][:, None] == other_owner[None]
        if apart is not None:
            own &= np.abs(start[part][:, None] - other_start[None]) < apart
        squared[own] = np.inf
        best = np.argpartition(squared, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(squared, best, 1)
        good = ~np.isinf(found)
        count = np.maximum(good.sum(1), 1)
        root = np.sqrt(np.maximum(np.where(good, found, 0), 0) / windows.shape[1])
        some = good.sum(1) > 0
        distance[part] = np.where(some, root.sum(1) / count, np.nan)
        centre = (others[best] * np.expand_dims(good, -1)).sum(1) / count[:, None]
        nearest[part] = np.where(np.expand_dims(some, 1), centre, windows[part])
    return distance, nearest


def core(window: np.ndarray, nearest: np.ndarray, channels: int, share: float = 0.8) -> tuple[int, int]:
    """Start and end (exclusive) of the shortest stretch of a window with that share of its squared difference."""
    apart = ((window - nearest) ** 2).reshape(channels, -1).sum(0)
    total = np.concatenate([[0.0], np.cumsum(apart, dtype=np.float64)])
    need = share * total[-1]
    ends = np.searchsorted(total, total + need - 1e-12 * max(total[-1], 1e-30))
    fits = ends < len(total)
    lengths = np.where(fits, ends - np.arange(len(total)), len(total))
    first = int(lengths.argmin())
    return first, max(int(ends[first]), first + 1) if fits[first] else len(apart)
