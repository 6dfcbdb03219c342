"""Samples at irregular times, or with gaps, brought to a regular step and to one length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CLOSE = 1e-6
"""Times that differ by less than this share of a step are the same."""
DENSE = 1.5
"""With more samples than this per step, those of a step are averaged instead of picked."""


@dataclass(frozen=True)
class Regular:
    """One series on a regular grid.

    Attributes:
        values: (channels, n) float64, NaN where nothing could be put.
        times: (n,) float64.
        filled: numbers, over all channels, that no sample stood behind.
        empty: numbers that are still missing.
        padded: places that were added at the ends.
        cut: places that were cut off.
    """

    values: np.ndarray
    times: np.ndarray
    filled: int = 0
    empty: int = 0
    padded: int = 0
    cut: int = 0


def regular(
    values: np.ndarray, times: np.ndarray, step: float, fill: str, max_gap: int | None, average: bool
) -> Regular:
    """A series at the times t0, t0 + step, ...

    Args:
        values: (channels, m) float64, NaN where a sample is missing.
        times: (m,) float64 ascending, all finite, no two equal.
        step: between two places of the grid, in the unit of `times`.
        fill: linear, previous, nearest, spline, or none.
        max_gap: places in a row without a sample that are filled, None for any number.
        average: take the mean of the samples around a place where there are many.
    """
    count = int(np.floor((times[-1] - times[0]) / step + CLOSE)) + 1
    grid = times[0] + step * np.arange(count)
    result = np.empty((len(values), count))
    filled = 0
    for channel, line in enumerate(values):
        known = np.isfinite(line)
        at, seen = times[known], line[known]
        if average and len(at) > DENSE * count:
            at, seen = _means(at, seen, grid, step)
        result[channel], made = _filled(at, seen, grid, step, fill, max_gap)
        filled += made
    return Regular(result, grid, filled, int(np.isnan(result).sum()))


def of_length(series: Regular, length: int, pad: str, side: str, keep: str) -> Regular:
    """The series padded or cut to `length` places.

    Args:
        series: the series.
        length: places wanted.
        pad: edge (the last number again), zero, mean, or missing.
        side: start, end or both: where places are added.
        keep: start, middle or end: what is kept of a series that is too long.
    """
    values, times = series.values, series.times
    n = values.shape[1]
    if n >= length:
        first = {"start": 0, "end": n - length, "middle": (n - length) // 2}[keep]
        part = slice(first, first + length)
        return Regular(values[:, part], times[part], series.filled, series.empty, 0, n - length)
    more = length - n
    before = {"start": more, "end": 0, "both": more // 2}[side]
    around = np.array([[0, 0], [before, more - before]])
    if pad == "edge":
        padded = np.pad(values, around, mode="edge")
    else:
        padded = np.pad(values, around, constant_values=0.0 if pad == "zero" else np.nan)
        if pad == "mean":
            known = np.isfinite(values)
            mean = np.where(known, values, 0).sum(1) / np.maximum(known.sum(1), 1)
            outside = np.ones(length, dtype=bool)
            outside[before : before + n] = False
            padded[:, outside] = mean[:, None]
    step = times[1] - times[0] if n > 1 else 1.0
    grid = times[0] + step * (np.arange(length) - before)
    return Regular(padded, grid, series.filled, series.empty, more, 0)


def _means(at: np.ndarray, seen: np.ndarray, grid: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the samples nearest to each place of the grid, where there are any."""
    place = np.clip(np.round((at - grid[0]) / step).astype(np.int64), 0, len(grid) - 1)
    count = np.bincount(place, minlength=len(grid))
    there = count > 0
    return grid[there], np.bincount(place, seen, len(grid))[there] / count[there]


def _filled(
    at: np.ndarray, seen: np.ndarray, grid: np.ndarray, step: float, fill: str, max_gap: int | None
) -> tuple[np.ndarray, int]:
    """(n,) values on the grid, and how many of them no sample stood behind."""
    if not len(at):
        return np.full(len(grid), np.nan), 0
    right = np.clip(np.searchsorted(at, grid, "left"), 0, len(at) - 1)
    left = np.clip(np.searchsorted(at, grid, "right") - 1, 0, len(at) - 1)
    nearest = np.where(np.abs(at[right] - grid) <= np.abs(grid - at[left]), right, left)
    backed = np.abs(at[nearest] - grid) <= step * (0.5 + CLOSE)
    if fill == "none":
        return np.where(backed, seen[nearest], np.nan), 0
    if fill == "nearest":
        values = seen[nearest]
    elif fill == "previous":
        values = seen[np.clip(np.searchsorted(at, grid + step * CLOSE, "right") - 1, 0, None)]
    elif fill == "spline" and len(at) > 2:
        from scipy.interpolate import CubicSpline

        # A cubic runs away beyond its ends: there the last number holds.
        values = CubicSpline(at, seen)(np.clip(grid, at[0], at[-1]))
    else:
        values = np.interp(grid, at, seen)
    if max_gap is not None:
        inside = (grid > at[0]) & (grid < at[-1])
        gap = np.where(inside, at[right] - at[left] - step, np.abs(at[nearest] - grid))
        backed_or_near = backed | (gap <= max_gap * step * (1 + CLOSE))
        values = np.where(backed_or_near, values, np.nan)
    return values, int((~backed & np.isfinite(values)).sum())
