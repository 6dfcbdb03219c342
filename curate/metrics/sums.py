"""Metrics that follow from sums over rows, for many weightings of the same rows at once (bootstrap samples, slices)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curate.metrics.calibration import bin_codes
from curate.metrics.given import Given

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Sums:
    """What is summed of each row, and what follows from sums.

    Attributes:
        matrix: (n, m) of each row, times its weight.
        values: (B, m) sums -> metric -> (B,) values over all rows.
        of_classes: (B, m) sums -> metric -> (B, K) values of each class; nothing for regression.
    """

    matrix: csr_matrix
    values: Callable[[np.ndarray], Values]
    of_classes: Callable[[np.ndarray], Values]


def sums_of(given: Given, top: Sequence[int], bins: int) -> Sums:
    """The sums of a kind of task."""
    from scipy import sparse

    make = {"classification": _classes, "multilabel": _sets, "regression": _numbers}[given.kind]
    columns, values, of_classes = make(given, top, bins)
    matrix = sparse.hstack([sparse.csr_matrix(np.asarray(c)) if isinstance(c, np.ndarray) else c for c in columns])
    return Sums(sparse.diags(given.weights) @ sparse.csr_matrix(matrix), values, of_classes)


def _one_hot(codes: np.ndarray, width: int, values: np.ndarray | None = None) -> csr_matrix:
    from scipy import sparse

    n = len(codes)
    return sparse.csr_matrix((np.ones(n) if values is None else values, (np.arange(n), codes)), shape=(n, width))


def _classes(given: Given, top: Sequence[int], bins: int):
    k, n = len(given.names), len(given)
    right = given.predicted == given.labels
    columns = [np.ones((n, 1)), _one_hot(given.labels, k), _one_hot(given.predicted, k)]
    columns.append(_one_hot(given.labels, k, right.astype(np.float64)))
    named: list[str] = []
    chances = given.probabilities
    if chances is not None and k > 1:
        own = chances[np.arange(n), given.labels]
        dense = {"nll": -np.log(np.maximum(own, np.finfo(np.float64).eps))}
        dense["brier"] = (chances**2).sum(1) - 2 * own + 1
        counts = [count for count in top if 1 < count < k]
        if counts:
            # As in scikit-learn, of equal probabilities that of the later class counts as the higher one.
            above = (chances > own[:, None]) | ((chances == own[:, None]) & (np.arange(k) > given.labels[:, None]))
            place = above.sum(1)
            dense |= {f"top_{count}_accuracy": place < count for count in counts}
        named = list(dense)
        columns.append(np.stack([np.asarray(one, np.float64) for one in dense.values()], axis=1))
        sure = chances.max(1)
        columns += [_one_hot(bin_codes(sure, bins, even), bins, right - sure) for even in (False, True)]

    def values(sums: np.ndarray) -> Values:
        total = sums[:, 0]
        found = _of_counts(*_counts(sums, k), total)
        place = 1 + 3 * k
        found |= {name: sums[:, place + i] / total for i, name in enumerate(named)}
        if named:
            found |= _gaps(sums[:, place + len(named) :], bins, total)
        return found

    return columns, values, lambda sums: _of_classes(*_counts(sums, k))


def _counts(sums: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(B, K) rows of each class, rows predicted for it, and rows in both."""
    return sums[:, 1 : 1 + k], sums[:, 1 + k : 1 + 2 * k], sums[:, 1 + 2 * k : 1 + 3 * k]


def _of_classes(rows: np.ndarray, predicted: np.ndarray, hit: np.ndarray) -> Values:
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "precision": hit / predicted,
            "recall": hit / rows,
            "f1": np.where(rows > 0, 2 * hit / (rows + predicted), np.nan),
        }


def _averages(rows: np.ndarray, predicted: np.ndarray, hit: np.ndarray) -> Values:
    found = {}
    for name, each in _of_classes(rows, predicted, hit).items():
        here = np.where(rows > 0, each, np.nan)
        found[f"{name}_macro"] = nan_mean(here)
        found[f"{name}_weighted"] = nan_mean(here, rows)
    return found


def _of_counts(rows: np.ndarray, predicted: np.ndarray, hit: np.ndarray, total: np.ndarray) -> Values:
    """Metrics of the (B, K) margins and the diagonal of confusion matrices."""
    right, both = hit.sum(1), (rows * predicted).sum(1)
    averages = _averages(rows, predicted, hit)
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = right / total
        spread = (total**2 - (rows**2).sum(1)) * (total**2 - (predicted**2).sum(1))
        # What is left of a spread of 0 by rounding is none.
        spread = np.where(spread > 1e-9 * total**4, spread, np.nan)
        by_chance = both / total**2
        found = {
            "accuracy": accuracy,
            "balanced_accuracy": averages["recall_macro"],
            "mcc": (right * total - both) / np.sqrt(spread),
            "kappa": (accuracy - by_chance) / np.where(by_chance < 1 - 1e-12, 1 - by_chance, np.nan),
        }
    return found | averages | {f"{name}_micro": accuracy for name in ("precision", "recall", "f1")}


def _gaps(sums: np.ndarray, bins: int, total: np.ndarray) -> Values:
    return {
        "ece": np.abs(sums[:, :bins]).sum(1) / total,
        "ece_adaptive": np.abs(sums[:, bins : 2 * bins]).sum(1) / total,
    }


def _sets(given: Given, top: Sequence[int], bins: int):
    truth, guess, n = given.labels, given.predicted, len(given)
    k = truth.shape[1]
    both = truth & guess
    columns = [np.ones((n, 1)), truth.astype(np.float64), guess.astype(np.float64), both.astype(np.float64)]
    dense = {"subset_accuracy": (truth == guess).all(1), "hamming_loss": (truth != guess).mean(1)}
    rows, predicted, hit = truth.sum(1), guess.sum(1), both.sum(1)
    of_rows = _of_classes(rows[:, None], predicted[:, None], hit[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        of_rows["f1"] = (2 * hit / (rows + predicted))[:, None]
    dense |= {f"{name}_samples": np.nan_to_num(one[:, 0]) for name, one in of_rows.items()}
    dense |= {f"has_{name}": np.isfinite(one[:, 0]) for name, one in of_rows.items()}
    chances = given.probabilities
    if chances is not None:
        own = np.where(truth, chances, 1 - chances)
        dense["nll"] = -np.log(np.maximum(own, np.finfo(np.float64).eps)).mean(1)
        dense["brier"] = ((chances - truth) ** 2).mean(1)
    columns.append(np.stack([np.asarray(one, np.float64) for one in dense.values()], axis=1))
    if chances is not None:
        gaps = ((truth - chances) / k).ravel()
        for even in (False, True):
            flat = np.repeat(np.arange(n), k) * bins + bin_codes(chances.ravel(), bins, even)
            columns.append(np.bincount(flat, weights=gaps, minlength=n * bins).reshape(n, bins))

    def values(sums: np.ndarray) -> Values:
        total, counts = sums[:, 0], _counts(sums, k)
        place = 1 + 3 * k
        every = {name: sums[:, place + i] for i, name in enumerate(dense)}
        micro = _of_classes(*(part.sum(1) for part in counts))
        found = _averages(*counts) | {f"{name}_micro": one for name, one in micro.items()}
        for name, one in every.items():
            metric = name.removesuffix("_samples")
            if name.startswith("has_"):
                continue
            divisor = total if metric == name else every[f"has_{metric}"]
            with np.errstate(invalid="ignore", divide="ignore"):
                found[name] = one / np.where(divisor > 0, divisor, np.nan)
        return found | (_gaps(sums[:, place + len(every) :], bins, total) if chances is not None else {})

    return columns, values, lambda sums: _of_classes(*_counts(sums, k))


def _numbers(given: Given, top: Sequence[int], bins: int):
    errors = given.predicted - given.labels
    # Centred, so that the sum of squares loses no digits.
    truth = given.labels - np.average(given.labels, weights=given.weights)
    columns = [np.stack([np.ones(len(given)), np.abs(errors), errors**2, truth, truth**2], axis=1)]

    def values(sums: np.ndarray) -> Values:
        total, absolute, squared, first, second = sums.T
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = second - first**2 / total
            return {
                "mae": absolute / total,
                "rmse": np.sqrt(squared / total),
                "r2": np.where(spread > 1e-12 * np.maximum(second, 1e-300), 1 - squared / spread, np.nan),
            }

    return columns, values, lambda sums: {}


def nan_mean(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """(B,) means over the classes of (B, K) values that have one; NaN where none has."""
    if weights is not None:
        weights = np.where(np.isfinite(values), weights, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.nansum(values * weights, axis=1) / weights.sum(1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)  # which gives NaN, as it should
        return np.nanmean(values, axis=1)
