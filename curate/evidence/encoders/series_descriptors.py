"""Time series as vectors: shape, spectrum and statistics of each channel."""

from __future__ import annotations

import numpy as np

VERSION = 1
POINTS = 64
BANDS = 24
STATISTICS = 12
MOST_CHANNELS = 64
PER_CHANNEL = (POINTS, POINTS, BANDS, STATISTICS)


def series_descriptor(series: np.ndarray, channels: int) -> np.ndarray:
    """(c, length) float32, NaN where missing -> (channels * 164,) float32; channels that are not there are 0.

    Per channel: its course in 64 points as it is and with mean 0 and deviation 1 (a change of scale apart), the
    logarithm of its power in 24 bands, and statistics: mean, deviation, extremes, slope, skewness, kurtosis,
    crossings of the mean, autocorrelation at four lags. Parts of all channels stand side by side.
    """
    parts: list[np.ndarray] = []
    for channel in series[:channels]:
        filled = _filled(channel)
        course = _course(filled)
        centred = filled - filled.mean()
        deviation = float(filled.std())
        normal = (course - filled.mean()) / (deviation or 1.0)
        parts.append(np.concatenate([course, normal, _bands(centred), _statistics(filled, centred, deviation)]))
    parts += [np.zeros(sum(PER_CHANNEL))] * (channels - len(parts))
    split = np.cumsum(PER_CHANNEL)[:-1]
    by_part = zip(*(np.split(part, split) for part in parts))
    return np.concatenate([np.concatenate(same) for same in by_part]).astype(np.float32)


def sizes(channels: int) -> tuple[int, ...]:
    """Columns of each part of the descriptor."""
    return tuple(channels * size for size in PER_CHANNEL)


def _course(values: np.ndarray) -> np.ndarray:
    """(64,) values at evenly spaced times."""
    if len(values) == 1:
        return np.repeat(values, POINTS)
    return np.interp(np.linspace(0, 1, POINTS), np.linspace(0, 1, len(values)), values)


def _filled(channel: np.ndarray) -> np.ndarray:
    """Gaps by straight lines between their neighbours; a channel without any value is 0."""
    values = channel.astype(np.float64)
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return np.zeros(len(values))
    return values if len(known) == len(values) else np.interp(np.arange(len(values)), known, values[known])


def _bands(centred: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.rfft(centred * np.hanning(len(centred)))) ** 2 / len(centred)
    total = np.concatenate([[0.0], np.cumsum(power)])
    edges = np.linspace(0, len(power), BANDS + 1)
    return np.log(np.maximum(np.diff(np.interp(edges, np.arange(len(total)), total)), 1e-12 + 1e-8 * power.sum()))


def _statistics(values: np.ndarray, centred: np.ndarray, deviation: float) -> np.ndarray:
    n, scale = len(values), deviation or 1.0
    normal = centred / scale
    time = np.linspace(-1, 1, n)
    slope = float(time @ centred) / float(time @ time) if n > 1 else 0.0
    lags = (1, 2, max(3, n // 8), max(4, n // 4))
    echoes = [float(normal[:-lag] @ normal[lag:]) / n if n > lag else 0.0 for lag in lags]
    crossings = float(np.mean(np.diff(np.signbit(centred).astype(np.int8)) != 0)) if n > 1 else 0.0
    shape = [(normal**3).mean(), (normal**4).mean(), crossings, *echoes]
    return np.array([values.mean(), deviation, values.min(), values.max(), slope, *shape])
