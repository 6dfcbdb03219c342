"""The period of a long series, its values without gaps in robust deviations, and single points that stand out."""

from __future__ import annotations

import numpy as np

from curate.evidence.measures import series_marks

LEAST_CORRELATION = 0.3
POINT_WIDTH = 9
LOCAL_POINTS = 199


def without_gaps(values: np.ndarray) -> np.ndarray:
    """(channels, n) -> the same with NaN filled in on straight lines; a channel without any value is 0."""
    filled = np.array(values, dtype=np.float64)
    place = np.arange(filled.shape[1])
    for channel in filled:
        known = np.isfinite(channel)
        if not known.all():
            channel[:] = np.interp(place, place[known], channel[known]) if known.any() else 0.0
    return filled


def robust_scale(values: np.ndarray) -> float:
    """Interquartile range over 1.349 of finite values, the standard deviation where that is 0; 0 for a constant."""
    return series_marks.robust_scale(values[np.isfinite(values)])


def in_deviations(values: np.ndarray) -> np.ndarray:
    """(channels, n) without NaN -> float32, each channel around its median in robust deviations; 0 for constants."""
    scaled = np.zeros(values.shape, dtype=np.float32)
    for out, channel in zip(scaled, values):
        scale = robust_scale(channel)
        if scale > 0:
            # What lies beyond 20 deviations is odd however far it is; larger values would drown the other channels.
            out[:] = np.clip((channel - np.median(channel)) / scale, -20, 20)
    return scaled


def period(values: np.ndarray) -> int:
    """Places after which a (n,) series repeats itself (the first high peak of its autocorrelation), 0 for none."""
    n = len(values)
    if n < 24:
        return 0
    low, high = np.percentile(values, [1, 99])
    clipped = np.clip(values, low, high)
    spectrum = np.abs(np.fft.rfft(clipped - clipped.mean(), 2 * n)) ** 2
    own = np.fft.irfft(spectrum)[: n // 3]
    if own[0] <= 0:
        return 0
    own = own / own[0] * (n / (n - np.arange(len(own))))
    below = np.flatnonzero(own < 0)
    if not len(below):
        return 0
    first = max(int(below[0]), 2)
    best = own[first:].max(initial=0.0)
    if best < LEAST_CORRELATION:
        return 0
    inner = np.arange(first, len(own) - 1)
    peaks = inner[(own[inner] >= own[inner - 1]) & (own[inner] >= own[inner + 1]) & (own[inner] > 0.85 * best)]
    return int(peaks[0]) if len(peaks) else 0


def point_deviation(values: np.ndarray) -> np.ndarray:
    """(channels, n) without NaN -> (n,) how far each point is from the median of the 9 around it, the worst channel.

    In units of the mean distance of the 199 points around it, made comparable with a standard deviation, and at least
    0.7 of what the highest hundredth of all distances stands for.
    """
    from scipy.ndimage import median_filter, uniform_filter1d

    n = values.shape[1]
    found = np.zeros(n)
    if n < POINT_WIDTH:
        return found
    for channel in values:
        apart = np.abs(channel - median_filter(channel, POINT_WIDTH, mode="nearest"))
        high = float(np.percentile(apart, 99))
        usual = 1.2533 * uniform_filter1d(np.minimum(apart, high), min(LOCAL_POINTS, n), mode="nearest")
        # On slopes nearly all points are the median of those around them: crests and troughs make the upper end.
        scale = np.maximum(usual, 0.7 * high / 2.3263)
        floor = 1e-3 * robust_scale(channel) + 1e-12
        found = np.maximum(found, apart / np.maximum(scale, floor))
    return found
