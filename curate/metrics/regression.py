"""Metrics of numbers, by scikit-learn and SciPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.metrics.given import Given
from curate.metrics.ranked import quantile, spearman


def overall(given: Given, quantiles: Sequence[float]) -> dict[str, float]:
    """Metrics over all rows: errors in the unit of the label, R² and Spearman's rank correlation.

    `absolute_error_q90` is what nine tenths of the absolute errors do not exceed. R² and the correlation are NaN where
    the labels (or predictions) are all equal.
    """
    from sklearn import metrics

    truth, guess, weights = given.labels, given.predicted, given.weights
    errors = np.abs(guess - truth)
    every = np.ones((1, len(truth)))
    values = {
        "mae": metrics.mean_absolute_error(truth, guess, sample_weight=weights),
        "rmse": metrics.root_mean_squared_error(truth, guess, sample_weight=weights),
        "median_ae": metrics.median_absolute_error(truth, guess, sample_weight=weights),
        "max_error": errors.max(),
        "r2": float("nan"),
        "spearman": spearman(truth, guess, every * weights)[0],
    }
    if len(truth) > 1 and np.ptp(truth) > 0:
        values["r2"] = metrics.r2_score(truth, guess, sample_weight=weights)
    for level in quantiles:
        values[quantile_name(level)] = quantile(errors, every * weights, level)[0]
    return {name: float(value) for name, value in values.items()}


def quantile_name(level: float) -> str:
    """The name of a quantile of the absolute error."""
    return f"absolute_error_q{100 * level:g}"
