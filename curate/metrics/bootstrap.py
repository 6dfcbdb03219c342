"""Bootstrap samples of rows, and the intervals that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from curate.metrics import ranked
from curate.metrics.given import Given
from curate.metrics.metrics import Interval
from curate.metrics.regression import quantile_name
from curate.metrics.sums import Sums, Values, nan_mean

_AT_ONCE = 2_000_000
"""Counts of rows that are held at once: 16 MB, and a few times that in what is made of them."""
MOST_RANKED = 250_000_000
"""Above so many resamples x rows x classes metrics that need a ranking have no interval: it would take many seconds."""


def counts(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """(b, n) float64 how often each row is drawn, in parts; `resamples` in all, the same for the same n and seed."""
    rng = np.random.default_rng(seed)
    step = max(1, min(resamples, _AT_ONCE // max(n, 1)))
    for start in range(0, resamples, step):
        b = min(step, resamples - start)
        drawn = rng.integers(n, size=(b, n)) + (np.arange(b) * n)[:, None]
        yield np.bincount(drawn.ravel(), minlength=b * n).reshape(b, n).astype(np.float64)


def resample(given: Given, sums: Sums, resamples: int, seed: int, quantiles: Sequence[float]) -> tuple[Values, Values]:
    """Metrics on bootstrap samples: metric -> (B,) values, and metric -> (B, K) values of the classes."""
    parts: list[tuple[Values, Values]] = []
    with_ranks = ranks_are_affordable(given, resamples)
    for drawn in counts(len(given), resamples, seed):
        totals = np.asarray((sums.matrix.T @ drawn.T).T)
        values, classes = sums.values(totals), sums.of_classes(totals)
        if with_ranks:
            more, of_classes = _ranked(given, drawn * given.weights, totals, quantiles)
            values, classes = values | more, classes | of_classes
        parts.append((values, classes))
    return tuple({name: np.concatenate([p[i][name] for p in parts]) for name in parts[0][i]} for i in (0, 1))  # type: ignore[return-value]


def ranks_are_affordable(given: Given, resamples: int) -> bool:
    """Whether metrics that need a ranking are resampled, too."""
    return resamples * len(given) * max(1, len(given.names)) <= MOST_RANKED


def _ranked(given: Given, weights: np.ndarray, totals: np.ndarray, quantiles: Sequence[float]) -> tuple[Values, Values]:
    if given.kind == "regression":
        errors = np.abs(given.predicted - given.labels)
        found = {quantile_name(level): ranked.quantile(errors, weights, level) for level in quantiles}
        found["median_ae"] = ranked.quantile(errors, weights, 0.5)
        return found | {"spearman": ranked.spearman(given.labels, given.predicted, weights)}, {}
    chances, k = given.probabilities, len(given.names)
    if chances is None or (given.kind == "classification" and k < 2):
        return {}, {}
    areas, precisions = np.full((2, len(weights), k), np.nan)
    # By rows, so that sorting moves whole lines; counts are exact in float32, and weights are not.
    exact = bool((given.weights == 1).all())
    by_row = np.ascontiguousarray(weights.T, dtype=np.float32 if exact else np.float64)
    for code in range(k):
        positive = given.labels[:, code] if given.labels.ndim == 2 else given.labels == code
        if positive.any():
            areas[:, code], precisions[:, code] = ranked.areas(chances[:, code], positive, by_row)
    support = totals[:, 1 : 1 + k]
    mean = "average_precision" if given.kind == "classification" else "mean_average_precision"
    values = {}
    for name, each in (("roc_auc", areas), (mean, precisions)):
        values |= {name: nan_mean(each), f"{name}_weighted": nan_mean(each, support)}
    return values, {"roc_auc": areas, "average_precision": precisions}


def intervals(values: Mapping[str, np.ndarray], level: float) -> dict[str, Interval]:
    """Percentile intervals of (B,) values; none for what is unknown in most samples."""
    found = {}
    tail = (1 - level) / 2
    for name, each in values.items():
        known = each[np.isfinite(each)]
        if len(known) > len(each) / 2:
            low, high = np.quantile(known, [tail, 1 - tail])
            found[name] = (float(low), float(high))
    return found


def centred(bounds: Interval, value: float, samples: np.ndarray) -> Interval:
    """The interval of a metric in [0, 1] that is higher on samples than on the rows themselves, moved down by as much.

    Calibration errors are such, whose absolute differences grow by the noise that resampling adds; and average
    precision, since a row that is drawn twice stands beside itself in the ranking.
    """
    bias = float(np.nanmean(samples)) - value
    low, high = (min(1.0, max(0.0, bound - bias)) for bound in bounds)
    return low, high


def wilson(share: float, weights: np.ndarray, level: float) -> Interval:
    """The interval of a share among (n,) weighted rows; it holds for few rows, where a bootstrap would be too narrow.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference"; for weights with the
    effective number of rows of Kish 1965.
    """
    from scipy.stats import norm

    n = weights.sum() ** 2 / (weights**2).sum()
    z = float(norm.ppf((1 + level) / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(max(share * (1 - share), 0.0) / n + z * z / (4 * n * n))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))
