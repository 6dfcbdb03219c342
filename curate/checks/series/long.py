"""Windows and points that stand out within one long series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.checks.series.season import in_deviations, period, point_deviation, robust_scale, without_gaps
from curate.checks.series.windows import MOST_REFERENCES, compare, core, cut, deviations

SHORTEST, LONGEST, USUAL = 24, 96, 48
MOST_WINDOWS = 40_000
LEAST_WINDOWS = 16


@dataclass(frozen=True)
class Stretch:
    """A window that is unlike all others.

    Attributes:
        first: its first place.
        last: its last place.
        deviation: how far it stands out, in robust deviations.
        channel: where it differs most.
        value: of that channel where it differs most.
        expected: what the most similar windows have there.
        place: where that is.
    """

    first: int
    last: int
    deviation: float
    channel: int
    value: float
    expected: float
    place: int


@dataclass(frozen=True)
class Scored:
    """What was found in one long series.

    Attributes:
        window: places in a window.
        period: places after which the series repeats itself, 0 for none.
        deviations: (n,) float64, of the windows that hold each point, the most.
        stretches: that are beyond the threshold, the oddest first, none overlapping.
        points: (n,) float64, `point_deviation`.
    """

    window: int
    period: int
    deviations: np.ndarray
    stretches: list[Stretch]
    points: np.ndarray


def score_series(values: np.ndarray, threshold: float, window: int | None = None) -> Scored:
    """Windows of two lengths against all other windows of the same series, and single points against those around.

    Args:
        values: (channels, n) float64, NaN where missing.
        threshold: robust deviations from which a window stands out; the mean of both lengths counts.
        window: places of the shorter length; from the period if None.
    """
    filled = without_gaps(values)
    scaled, n = in_deviations(filled), values.shape[1]
    repeats = max((period(channel) for channel in filled), default=0)
    size = window or (int(np.clip(repeats, SHORTEST, LONGEST)) if repeats else USUAL)
    size = min(size, n // LEAST_WINDOWS)
    points = point_deviation(filled)
    if size < 4:
        return Scored(0, repeats, np.zeros(n), [], points)
    stride = max(1, size // 8, n // MOST_WINDOWS)
    starts = _grid(n, size, stride)
    windows, near, deviation = _deviations(scaled, starts, size)
    ranking = deviation
    if n >= 2 * size * LEAST_WINDOWS:
        longer = _grid(n, 2 * size, stride)
        _, _, wide = _deviations(scaled, longer, 2 * size)
        enclosing = _of_enclosing(wide, longer, starts, size)
        ranking = (deviation + enclosing) / 2
        # A usual window beside an odd one lies in odd windows of twice the length: suspicious, but no issue itself.
        deviation = (deviation + np.minimum(enclosing, deviation + 1)) / 2
    covered = np.zeros(n)
    for start, value in zip(starts.tolist(), ranking.tolist()):
        np.maximum(covered[start : start + size], value, out=covered[start : start + size])
    found = []
    for at in _peaks(starts, deviation, size, threshold):
        first, end = core(windows[at], near[at], len(values))
        found.append(_stretch(filled, scaled, int(starts[at]), first, end, near[at], float(deviation[at])))
    return Scored(size, repeats, covered, found, points)


def _grid(length: int, size: int, stride: int) -> np.ndarray:
    """First places of windows, all whole strides apart, the last one at the end: so that each phase has its likes."""
    return np.arange((length - size) % stride, length - size + 1, stride, dtype=np.int64)


def _deviations(scaled: np.ndarray, starts: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    windows, owner = cut(scaled, starts, size), np.zeros(len(starts), dtype=np.int64)
    chosen = np.unique(np.linspace(0, len(starts) - 1, min(len(starts), MOST_REFERENCES)).astype(np.int64))
    distance, near = compare(windows, owner, starts, (windows[chosen], owner[chosen], starts[chosen]), size)
    return windows, near, deviations(distance)


def _of_enclosing(wide: np.ndarray, longer: np.ndarray, starts: np.ndarray, size: int) -> np.ndarray:
    """(w,) the largest deviation among the longer windows (twice the size) that hold each window."""
    low = np.searchsorted(longer, starts - size)
    high = np.searchsorted(longer, starts, side="right")
    return np.array([wide[a:b].max(initial=-np.inf) if b > a else 0.0 for a, b in zip(low, high)])


def _peaks(starts: np.ndarray, deviation: np.ndarray, size: int, threshold: float) -> list[int]:
    """Windows beyond the threshold, the oddest first, none of which overlap."""
    taken = np.zeros(int(starts[-1]) + size, dtype=bool)
    found = []
    for at in np.argsort(-deviation, kind="stable"):
        if deviation[at] <= threshold:
            break
        own = taken[starts[at] : starts[at] + size]
        if not own.any():
            found.append(int(at))
            own[:] = True
    return found


def _stretch(
    filled: np.ndarray, scaled: np.ndarray, start: int, first: int, end: int, near: np.ndarray, deviation: float
) -> Stretch:
    expected = near.reshape(len(filled), -1)
    apart = np.abs(scaled[:, start + first : start + end] - expected[:, first:end])
    channel, at = np.unravel_index(int(apart.argmax()), apart.shape)
    place = start + first + int(at)
    return Stretch(
        start + first,
        start + end - 1,
        deviation,
        int(channel),
        float(filled[channel, place]),
        _back(expected[channel, first + at], filled[channel]),
        place,
    )


def _back(value: float, channel: np.ndarray) -> float:
    """A value in robust deviations of a channel, in its unit."""
    return float(np.median(channel) + value * robust_scale(channel))
