"""Metrics of sets of labels, by scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from curate.metrics.calibration import calibration_error
from curate.metrics.classification import averaged, class_areas
from curate.metrics.given import Given


def overall(given: Given, bins: int) -> dict[str, float]:
    """Metrics over all rows.

    macro and weighted averages are over labels that some row has; samples averages over rows that have or are given
    some label. With probabilities come ranking metrics and the mean average precision over labels.
    """
    from sklearn import metrics

    truth, guess, weights = given.labels, given.predicted, given.weights
    weighted: Any = {"sample_weight": weights}
    undefined: Any = {"zero_division": np.nan}
    values: dict[str, Any] = {
        "subset_accuracy": metrics.accuracy_score(truth, guess, **weighted),
        "hamming_loss": metrics.hamming_loss(truth, guess, **weighted),
    }
    here = np.flatnonzero(truth.any(0))
    # A single column is one class against another for scikit-learn; one more that nobody has makes it a set.
    if truth.shape[1] == 1:
        truth, guess = (np.concatenate([sets, np.zeros_like(sets)], axis=1) for sets in (truth, guess))
    for average in ("macro", "micro", "weighted", "samples"):
        names = [f"{name}_{average}" for name in ("precision", "recall", "f1")]
        if average in ("macro", "weighted") and not len(here):
            values |= dict.fromkeys(names, float("nan"))
            continue
        labels = {"labels": here} if average in ("macro", "weighted") else {}
        scores = metrics.precision_recall_fscore_support(
            truth, guess, average=average, **undefined, **labels, **weighted
        )
        values |= dict(zip(names, scores))
    if given.probabilities is not None:
        values |= _of_probabilities(given, bins)
    return {name: float(value) for name, value in values.items()}


def _of_probabilities(given: Given, bins: int) -> dict[str, float]:
    from sklearn import metrics

    truth, chances, weights = given.labels, given.probabilities, given.weights
    assert chances is not None
    areas, precisions = class_areas(given)
    support = weights @ truth
    values = averaged("roc_auc", areas, support)
    means = averaged("average_precision", precisions, support)
    values |= {
        "mean_average_precision": means["average_precision"],
        "mean_average_precision_weighted": means["average_precision_weighted"],
    }
    if truth.shape[1] > 1:
        values["ranking_average_precision"] = metrics.label_ranking_average_precision_score(
            truth, chances, sample_weight=weights
        )
        values["ranking_loss"] = metrics.label_ranking_loss(truth, chances, sample_weight=weights)
        values["coverage_error"] = metrics.coverage_error(truth, chances, sample_weight=weights)
    own = np.where(truth, chances, 1 - chances)
    values["nll"] = float(np.average(-np.log(np.maximum(own, np.finfo(np.float64).eps)).mean(1), weights=weights))
    values["brier"] = float(np.average(((chances - truth) ** 2).mean(1), weights=weights))
    each = np.repeat(weights, truth.shape[1])
    values["ece"] = calibration_error(chances.ravel(), truth.ravel(), each, bins)
    values["ece_adaptive"] = calibration_error(chances.ravel(), truth.ravel(), each, bins, equal_mass=True)
    return values
