"""Metrics of classes, by scikit-learn: over all rows and of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from curate.metrics import ranked
from curate.metrics.calibration import calibration_error
from curate.metrics.given import Given
from curate.wording import counted, noun, some_of

AVERAGES = ("macro", "micro", "weighted")
_NAMED = 8
"""Classes that a note names; the rest is counted."""


def present(given: Given) -> np.ndarray:
    """(P,) codes of the classes that rows with a label have: macro averages are over these."""
    return np.unique(given.labels)


def overall(given: Given, top: Sequence[int], bins: int) -> dict[str, float]:
    """Metrics over all rows, with a row per label.

    `precision_macro` and its like are over the classes that occur in the labels; a class that is never predicted has no
    precision, and is left out of that mean. micro averages are over all classes.
    """
    from sklearn import metrics

    truth, guess, weights = given.labels, given.predicted, given.weights
    here = present(given)
    weighted: Any = {"sample_weight": weights}
    undefined: Any = {"zero_division": np.nan}
    each: Any = {"average": None}
    values: dict[str, Any] = {"accuracy": metrics.accuracy_score(truth, guess, **weighted)}
    values["balanced_accuracy"] = float(np.mean(metrics.recall_score(truth, guess, labels=here, **each, **weighted)))
    everything = np.arange(len(given.names))
    for average in AVERAGES:
        labels = everything if average == "micro" else here
        scores: Any = metrics.precision_recall_fscore_support(
            truth, guess, labels=labels, average=average, **undefined, **weighted
        )
        values |= {f"{name}_{average}": score for name, score in zip(("precision", "recall", "f1"), scores)}
    values["mcc"] = _mcc(given)
    values["kappa"] = _kappa(given)
    if given.probabilities is not None:
        values |= _of_probabilities(given, top, bins)
    return {name: float(value) for name, value in values.items()}


def _mcc(given: Given) -> float:
    """Matthews' correlation; NaN, and not sklearn's 0, where labels or predictions are all one class."""
    from sklearn.metrics import matthews_corrcoef

    if len(np.unique(given.labels)) < 2 or len(np.unique(given.predicted)) < 2:
        return float("nan")
    return float(matthews_corrcoef(given.labels, given.predicted, sample_weight=given.weights))


def _kappa(given: Given) -> float:
    """Cohen's kappa; NaN where labels and predictions are all one and the same class."""
    from sklearn.metrics import cohen_kappa_score

    if len(np.unique(np.concatenate([given.labels, given.predicted]))) < 2:
        return float("nan")
    return float(cohen_kappa_score(given.labels, given.predicted, sample_weight=given.weights))


def _of_probabilities(given: Given, top: Sequence[int], bins: int) -> dict[str, float]:
    from sklearn import metrics

    chances, truth, weights = given.probabilities, given.labels, given.weights
    assert chances is not None
    k = len(given.names)
    if k < 2:
        return {}
    every = {"labels": np.arange(k), "sample_weight": weights}
    own = chances[np.arange(len(truth)), truth]
    # scikit-learn's log_loss clips at the float's epsilon, too.
    values = {"nll": float(np.average(-np.log(np.maximum(own, np.finfo(np.float64).eps)), weights=weights))}
    one_hot = np.eye(k)[truth]
    values["brier"] = float(np.average(((chances - one_hot) ** 2).sum(1), weights=weights))
    confident, right = chances.max(1), given.predicted == truth
    values["ece"] = calibration_error(confident, right, weights, bins)
    values["ece_adaptive"] = calibration_error(confident, right, weights, bins, equal_mass=True)
    for count in top:
        if 1 < count < k:
            name = f"top_{count}_accuracy"
            values[name] = float(metrics.top_k_accuracy_score(truth, chances, k=count, **every)) if k > 2 else 1.0
    areas, precisions = class_areas(given)
    support = np.bincount(truth, weights=weights, minlength=k)
    return values | averaged("roc_auc", areas, support) | averaged("average_precision", precisions, support)


def averaged(name: str, of_classes: np.ndarray, support: np.ndarray) -> dict[str, float]:
    """The mean over classes that have the metric, and that weighted by their rows; NaN where none has."""
    known = np.isfinite(of_classes)
    if not known.any():
        return {name: float("nan"), f"{name}_weighted": float("nan")}
    weighted = np.average(of_classes[known], weights=support[known]) if support[known].sum() > 0 else float("nan")
    return {name: float(of_classes[known].mean()), f"{name}_weighted": float(weighted)}


def class_areas(given: Given) -> tuple[np.ndarray, np.ndarray]:
    """(K,) areas under the ROC curves and (K,) average precisions, each class against the rest; NaN without both.

    Equal to scikit-learn's, whose functions take a hundred times as long for many classes.
    """
    k = len(given.names)
    areas, precisions = np.full(k, np.nan), np.full(k, np.nan)
    chances = given.probabilities
    if chances is None:
        return areas, precisions
    for code in range(k):
        positive = given.labels[:, code] if given.labels.ndim == 2 else given.labels == code
        if positive.any():
            area, precision = ranked.areas(chances[:, code], positive, given.weights[:, None])
            areas[code], precisions[code] = area[0], precision[0]
    return areas, precisions


def confusion(given: Given) -> tuple[tuple[float, ...], ...]:
    """(K, K) weight of the rows of each class by the class predicted for them."""
    k = len(given.names)
    flat = np.bincount(given.labels * k + given.predicted, weights=given.weights, minlength=k * k)
    return tuple(tuple(line) for line in flat.reshape(k, k).tolist())


def of_each_class(given: Given) -> dict[str, np.ndarray]:
    """Metric -> (K,) values; recall is NaN without rows, precision without predictions, f1 without rows."""
    truth, guess = given.labels, given.predicted
    if truth.ndim == 1:
        truth, guess = np.eye(len(given.names), dtype=bool)[truth], np.eye(len(given.names), dtype=bool)[guess]
    rows, predicted, hit = (given.weights @ part for part in (truth, guess, truth & guess))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "precision": hit / predicted,
            "recall": hit / rows,
            "f1": np.where(rows > 0, 2 * hit / (rows + predicted), np.nan),
        }
    if given.probabilities is not None:
        found["roc_auc"], found["average_precision"] = class_areas(given)
    return found


def notes(given: Given) -> list[str]:
    """What is missing for some metrics, as sentences."""
    sets = given.labels if given.labels.ndim == 2 else np.eye(len(given.names), dtype=bool)[given.labels]
    guesses = given.predicted if given.labels.ndim == 2 else np.eye(len(given.names), dtype=bool)[given.predicted]
    some, said = np.any(sets, axis=0), np.any(guesses, axis=0)
    absent, never = np.atleast_1d(~some), np.atleast_1d(~said & some)
    found = []
    if absent.any():
        found.append(
            f"{_named(given, absent)} no rows here: recall, F1, ROC AUC and average precision are unknown for"
            f" {'it' if absent.sum() == 1 else 'them'}, and means over classes are over the other"
            f" {int((~absent).sum())}"
        )
    if never.any():
        found.append(
            f"{_named(given, never)} rows here, but no predictions: precision is unknown, and left out of the mean over"
            " classes"
        )
    return found


def _named(given: Given, which: np.ndarray) -> str:
    codes = np.flatnonzero(which)
    classes = counted(len(codes), "class", "classes")
    return f"{classes} ({some_of(codes, _NAMED, lambda k: repr(given.names[k]))}) {noun(len(codes), 'has', 'have')}"
