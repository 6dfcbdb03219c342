"""Changes of unit that show within one series, or in all of its channels at once."""

from __future__ import annotations

import numpy as np

from curate.checks.series.units import FACTORS

REFERENCES = 5_000
NEAR_ROWS = 2
"""A series is alike some others if so many are near: one alone may have the same fault."""
SEVERAL = 3
LEAST_APART = 0.2
"""With so many channels, the least distance to the series that are most alike (logarithm to base 10, root mean square);
with fewer, that of the least factor."""


def jumps_inside(contrasts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, channels) contrasts of the magnitudes on both sides of a place -> (m,) that of the row, and (m,) a channel.

    A change of unit concerns all channels, so the row's is the median of its channels, either way.
    """
    known = np.isfinite(contrasts).sum(1)
    ordered = np.sort(np.where(np.isfinite(contrasts), contrasts, np.inf), axis=1)
    middle = ordered[np.arange(len(ordered)), np.maximum(known - 1, 0) // 2]
    return np.where(known > 0, middle, 0.0), np.argmax(np.nan_to_num(contrasts, nan=-np.inf), axis=1)


def strange_scales(scales: np.ndarray, training: np.ndarray, least_factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Series that vary as no others do, and as others do once all of their channels are divided by a factor of units.

    Args:
        scales: (m, channels) robust deviations, NaN for no channel.
        training: (m,) bool, series that say what is usual.
        least_factor: smaller factors of units are not tried.

    Returns:
        (m,) distance to what is most alike over the allowed one, 0 where no factor explains it; (m,) that factor.
    """
    from scipy.spatial import KDTree

    excess, factors = np.zeros(len(scales)), np.ones(len(scales))
    some = (np.nan_to_num(scales) > 0).mean(0) > 0.5
    judged = np.flatnonzero((np.nan_to_num(scales[:, some]) > 0).all(1)) if some.any() else np.zeros(0, np.int64)
    logs = np.log10(scales[judged][:, some])
    base = np.flatnonzero(training[judged])
    if len(base) < 4 * NEAR_ROWS:
        return excess, factors
    base = base[:: max(1, len(base) // REFERENCES)]
    tree, width = KDTree(logs[base]), np.sqrt(some.sum())
    beside = tree.query(logs, k=NEAR_ROWS + 1)[0] / width
    is_base = np.isin(np.arange(len(judged)), base)
    apart = np.where(is_base, beside[:, NEAR_ROWS], beside[:, NEAR_ROWS - 1])  # the nearest is the row itself
    low, high = np.percentile(apart[base], [25, 75])
    usual = high + 3 * (high - low)
    bound = max(usual, LEAST_APART if some.sum() >= SEVERAL else np.log10(least_factor))
    odd = np.flatnonzero(apart > bound)
    tried = [sign * np.log10(factor) for factor in FACTORS.values() if factor >= least_factor for sign in (1, -1)]
    if len(odd) and tried:
        mended = np.stack([tree.query(logs[odd] - step, k=NEAR_ROWS)[0][:, -1] / width for step in tried])
        best = mended.argmin(0)
        explained = mended.min(0) <= usual
        rows = judged[odd[explained]]
        excess[rows] = apart[odd[explained]] / bound
        factors[rows] = 10 ** np.array(tried)[best[explained]]
    return excess, factors
