"""Changes of unit that show within one series, or in all of its channels at once."""

from __future__ import annotations

import numpy as np

from curate.checks.series.units import FACTORS

ALIKE = 5
AS_A_UNIT = 0.3
"""The least factor of two units may be found as half of it: amplitudes of series that are alike in form differ so."""
REFERENCES, BLOCK_ROWS = 2_000, 1_024
SEVERAL, LEAST_ROWS = 3, 20
"""Channels, and series to compare with, from which on the form of a series says how much it should vary."""
LEAST_SPREAD = 0.05
"""Least spread of a feature of form, in logarithms to base 10: below it differences are noise."""


def jumps_inside(contrasts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, channels) contrasts of the magnitudes on both sides of a place -> (m,) that of the row, and (m,) a channel.

    A change of unit concerns all channels that vary, so the row's is the (lower) median of theirs.
    """
    usable = np.isfinite(contrasts) & (contrasts != 0)  # 0: the channel has no magnitudes to compare
    known = usable.sum(1)
    ordered = np.sort(np.where(usable, contrasts, np.inf), axis=1)
    middle = ordered[np.arange(len(ordered)), np.maximum(known - 1, 0) // 2]
    return np.where(known > 0, middle, 0.0), np.argmax(np.where(usable, contrasts, -np.inf), axis=1)


def strange_scales(
    scales: np.ndarray, locations: np.ndarray, bands: np.ndarray, training: np.ndarray, least_factor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Series of several channels that vary by a factor of units more, or less, than those most like them in form.

    Form is what no unit changes: the ratios of the channels' scales, of location to scale, and the spectrum. So
    it tells a change of unit where the set mixes rest and motion; where form says nothing of amplitude, the fence is
    wide.

    Args:
        scales: (m, channels) robust deviations, NaN for no channel.
        locations: (m, channels) medians.
        bands: (m, channels, bands) shares of power.
        training: (m,) bool, series that say what is usual.
        least_factor: smaller ones are allowed.

    Returns:
        (m,) logarithm of the factor over the allowed one, 0 where there is nothing to compare with; (m,) the factor.
    """
    excess, factors = np.zeros(len(scales)), np.ones(len(scales))
    if len(scales) < LEAST_ROWS:
        return excess, factors
    positive = np.isfinite(scales) & (scales > 0) & np.isfinite(locations)
    some = positive.mean(0) > 0.5
    judged = np.flatnonzero(positive[:, some].all(1))
    base = np.flatnonzero(training[judged])
    if some.sum() < SEVERAL or len(base) < LEAST_ROWS:
        return excess, factors
    base = base[:: max(1, len(base) // REFERENCES)]
    scale, location, shares = scales[judged][:, some], locations[judged][:, some], bands[judged][:, some]
    logs = np.log10(scale)
    level = logs.mean(1)
    form = [logs - level[:, None], np.log10(np.abs(location) / scale + 0.1)]
    form = np.concatenate([*form, np.log10(shares + 1e-3).reshape(len(judged), -1)], axis=1)
    middle, (low, high) = np.median(form[base], axis=0), np.percentile(form[base], [25, 75], axis=0)
    form = (form - middle) / np.maximum(high - low, LEAST_SPREAD)
    apart = level - np.median(level[base][_alike(form, base)], axis=1)
    sizes = np.abs(apart)
    low, high = np.percentile(sizes[base], [25, 75])
    unit = np.log10(min((factor for factor in FACTORS.values() if factor >= least_factor), default=least_factor))
    excess[judged] = sizes / max(np.log10(least_factor), unit - AS_A_UNIT, high + 3 * (high - low))
    factors[judged] = 10**apart
    return excess, factors


def _alike(form: np.ndarray, base: np.ndarray) -> np.ndarray:
    """(m, ALIKE) places in `base` of the rows of (m, d) that are nearest to each, itself left out."""
    references = form[base]
    squares = (references**2).sum(1)
    own = np.full(len(form), -1)
    own[base] = np.arange(len(base))
    found = np.empty((len(form), ALIKE), dtype=np.int64)
    for start in range(0, len(form), BLOCK_ROWS):
        rows = np.arange(start, min(start + BLOCK_ROWS, len(form)))
        distance = squares - 2 * form[rows] @ references.T  # but for what is the same for a whole line
        itself = np.flatnonzero(own[rows] >= 0)
        distance[itself, own[rows][itself]] = np.inf
        found[rows] = np.argpartition(distance, ALIKE, axis=1)[:, :ALIKE]
    return found
