"""Measuring predictions: checks, metrics, intervals, classes, curves and slices put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from curate.errors import ConfigError
from curate.metrics import classification, multilabel, regression
from curate.metrics.bootstrap import centred, intervals, ranks_are_affordable, resample, wilson
from curate.metrics.calibration import reliability
from curate.metrics.curves import curves as drawn_curves
from curate.metrics.given import Given, given
from curate.metrics.metrics import ClassMetrics, Interval, Metrics
from curate.metrics.slices import SHARES, measure
from curate.metrics.sums import Values, sums_of
from curate.task import Task

TOP = (2, 3, 5)
QUANTILES = (0.9,)
BIASED = ("ece", "ece_adaptive", "average_precision", "mean_average_precision")
"""Metrics that are higher on bootstrap samples than on the rows themselves, the more so the fewer rows there are."""


def evaluate(
    labels: Any,
    predictions: Any,
    task: str | Task = "classification",
    *,
    names: Sequence[str] = (),
    weights: Any = None,
    slices: Mapping[str, Any] | None = None,
    threshold: float = 0.5,
    bins: int = 15,
    top: Sequence[int] = TOP,
    quantiles: Sequence[float] = QUANTILES,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    most_slices: int = 50,
    curves: bool = True,
) -> Metrics:
    """Measure predictions against labels.

    Args:
        labels: (n,) codes or names of classes, below 0 or None where missing; (n, K) of 0 and 1 for sets, below 0 where
            missing; (n,) numbers, NaN where missing.
        predictions: (n, K) probabilities, or (n,) classes; (n, K) probabilities or bool sets; (n,) numbers.
        task: a task, or its kind: classification, multilabel or regression.
        names: the K classes; the task's, or numbers, if left out.
        weights: (n,) of the rows; 1 if left out.
        slices: column -> (n,) values; each value (or quarter of the numbers) is measured alone, too.
        threshold: from which probability on a label belongs to a set.
        bins: of the calibration error.
        top: k of the top-k accuracies, those below the number of classes.
        quantiles: of the absolute error of numbers.
        level: of the confidence intervals: Wilson's for shares of rows, bootstrap percentiles for the rest. Calibration
            errors of few rows are too high by nature; their interval lies around what was measured.
        resamples: bootstrap samples; 0 for no bootstrap.
        seed: of the bootstrap.
        most_slices: values of one column that are measured, those with the most rows.
        curves: whether ROC and precision-recall curves are drawn.

    Raises:
        ConfigError: settings, shapes or names don't fit together.
        DataError: a row has labels or predictions that can't be.
    """
    _check(bins, level, resamples, top, quantiles)
    kind, names = _task(task, names)
    found = given(labels, predictions, kind, names, weights, threshold)
    if not len(found):
        return Metrics(
            kind, 0, found.total, {}, level=level, notes=("no row has a label: there is nothing to measure",)
        )
    if kind == "regression":
        values, each, notes = regression.overall(found, quantiles), {}, []
    else:
        values = multilabel.overall(found, bins) if kind == "multilabel" else classification.overall(found, top, bins)
        each, notes = classification.of_each_class(found), classification.notes(found)
    sums = sums_of(found, top, bins)
    bounds: dict[str, Interval] = {}
    of_classes: Values = {}
    if resamples and len(found) > 1:
        sampled, of_classes = resample(found, sums, resamples, seed, quantiles)
        bounds = intervals({name: sampled[name] for name in values if name in sampled}, level)
        bounds = {name: _centred(name, bounds[name], values[name], sampled[name]) for name in bounds}
        if not ranks_are_affordable(found, resamples):
            notes.append("metrics of rankings have no intervals here: too many rows and classes to resample")
    bounds |= {name: wilson(values[name], found.weights, level) for name in values if _is_share(name)}
    cut, more = measure(found, sums, slices or {}, most_slices, resamples, seed, level)
    roc, precision_recall = drawn_curves(found) if curves else ((), ())
    return Metrics(
        kind=kind,
        rows=len(found),
        left_out=found.total - len(found),
        values=values,
        intervals={name: bounds[name] for name in values if name in bounds},
        classes=_classes(found, each, of_classes, level),
        confusion=classification.confusion(found) if kind == "classification" else (),
        roc=roc,
        precision_recall=precision_recall,
        reliability=_reliability(found, bins),
        slices=cut,
        level=level,
        notes=(*notes, *more),
    )


def resampled(
    labels: Any,
    predictions: Any,
    task: str | Task = "classification",
    *,
    names: Sequence[str] = (),
    weights: Any = None,
    threshold: float = 0.5,
    bins: int = 15,
    top: Sequence[int] = TOP,
    quantiles: Sequence[float] = QUANTILES,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Metrics on bootstrap samples of the rows: metric -> (resamples,) values, NaN where a sample has none.

    Metrics of classes are called ``recall[cat]``. The samples follow from the seed and the number of rows with a label
    alone: for two models measured on the same labels they are paired, and the difference of the two results has the
    distribution of the difference. Arguments as for `evaluate`.
    """
    _check(bins, 0.95, resamples, top, quantiles)
    kind, names = _task(task, names)
    found = given(labels, predictions, kind, names, weights, threshold)
    if not len(found):
        return {}
    values, classes = resample(found, sums_of(found, top, bins), resamples, seed, quantiles)
    for metric, each in classes.items():
        values |= {f"{metric}[{name}]": each[:, code] for code, name in enumerate(found.names)}
    return values


def _task(task: str | Task, names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    if isinstance(task, Task):
        return task.kind or "unlabeled", tuple(names) or task.label_names
    return task, tuple(names)


def _check(bins: int, level: float, resamples: int, top: Sequence[int], quantiles: Sequence[float]) -> None:
    for name, value, least in (("bins", bins, 1), ("resamples", resamples, 0), *(("top", k, 1) for k in top)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ConfigError(f"{name} must be a whole number of at least {least}, not {value!r}")
    for name, value in (("level", level), *(("quantiles", q) for q in quantiles)):
        if not isinstance(value, int | float) or not 0 < value < 1:
            raise ConfigError(f"{name} must be between 0 and 1, not {value!r}")


def _centred(name: str, bounds: Interval, value: float, samples: np.ndarray) -> Interval:
    return centred(bounds, value, samples) if name.removesuffix("_weighted") in BIASED else bounds


def _is_share(name: str) -> bool:
    return name in SHARES or name.startswith("top_")


def _classes(found: Given, each: Values, sampled: Values, level: float) -> tuple[ClassMetrics, ...]:
    if not found.names:
        return ()
    k = len(found.names)
    truth, guess = (part if part.ndim == 2 else np.eye(k, dtype=bool)[part] for part in (found.labels, found.predicted))
    made = []
    for code, name in enumerate(found.names):
        values = {metric: float(array[code]) for metric, array in each.items()}
        bounds = intervals({metric: array[:, code] for metric, array in sampled.items()}, level)
        bounds = {m: _centred(m, bounds[m], values[m], sampled[m][:, code]) for m in bounds if values[m] == values[m]}
        for metric, rows in (("recall", truth[:, code]), ("precision", guess[:, code])):
            if rows.any():
                bounds[metric] = wilson(values[metric], found.weights[rows], level)
        kept = {metric: bounds[metric] for metric, value in values.items() if metric in bounds and value == value}
        made.append(ClassMetrics(name, int(truth[:, code].sum()), int(guess[:, code].sum()), values, kept))
    return tuple(made)


def _reliability(found: Given, bins: int):
    chances = found.probabilities
    if chances is None or (found.kind == "classification" and len(found.names) < 2):
        return ()
    if found.kind == "multilabel":
        return reliability(chances.ravel(), found.labels.ravel(), np.repeat(found.weights, chances.shape[1]), bins)
    return reliability(chances.max(1), found.predicted == found.labels, found.weights, bins)
