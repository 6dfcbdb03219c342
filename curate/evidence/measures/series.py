"""Measures of time series: size, missing values, level and spread, and whether anything happens in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.evidence.measure import Measure


class SeriesStatistics(Measure):
    """Size and plain statistics over all channels of a series.

    missing_fraction: values that are NaN; infinite_fraction: infinite ones. mean and deviation are of the finite values
    (NaN without any). constant: no channel has two different finite values. longest_run_fraction: the longest stretch
    of one repeated value in any channel, as a share of the length.
    """

    name = "series.statistics"
    modality = "series"
    fields = {
        "series.length": ("int32", ()),
        "series.channels": ("int32", ()),
        "series.missing_fraction": ("float32", ()),
        "series.infinite_fraction": ("float32", ()),
        "series.mean": ("float32", ()),
        "series.deviation": ("float32", ()),
        "series.constant": ("bool", ()),
        "series.longest_run_fraction": ("float32", ()),
    }

    def measure(self, items: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Values of n series."""
        rows = [self._row(item) for item in items]
        return {field: np.array([row[field.partition(".")[2]] for row in rows]) for field in self.fields}

    def _row(self, item: np.ndarray) -> dict[str, float | bool]:
        finite = np.isfinite(item)
        values = item[finite].astype(np.float64)
        return {
            "length": item.shape[1],
            "channels": item.shape[0],
            "missing_fraction": np.isnan(item).mean(),
            "infinite_fraction": np.isinf(item).mean(),
            "mean": values.mean() if len(values) else np.nan,
            "deviation": values.std() if len(values) else np.nan,
            "constant": all(_constant(channel[good]) for channel, good in zip(item, finite)),
            "longest_run_fraction": max(longest_run(channel) for channel in item) / item.shape[1],
        }


def _constant(values: np.ndarray) -> bool:
    return not len(values) or bool((values == values[0]).all())


def longest_run(values: np.ndarray) -> int:
    """Length of the longest stretch of one repeated value in (n,) values; NaN repeats nothing."""
    changes = np.flatnonzero(values[1:] != values[:-1])
    edges = np.concatenate([[-1], changes, [len(values) - 1]])
    return int(np.diff(edges).max())
