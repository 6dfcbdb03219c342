"""How well one measure alone predicts each class, out of sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.checks.sets.columns import Column
from curate.checks.sets.domain_classifier import FOLDS, unit_folds

BINS = 10
SMOOTHING = 1.0
"""Rows of each class, in its usual share, that every bin is given beforehand."""
MOST_ROWS = 20_000
MOST_TOLD = 20


@dataclass(frozen=True)
class Shortcut:
    """How well a measure tells one class from the others.

    Attributes:
        code: the class.
        auroc: of its out-of-fold probability.
        low: lower end of the 99 % interval.
        high: upper end.
        inside: median, or most frequent category, of the measure in the class.
        outside: the same in the other classes.
    """

    code: int
    auroc: float
    low: float
    high: float
    inside: float
    outside: float


def shortcuts(
    column: Column, rows: np.ndarray, codes: np.ndarray, judged: np.ndarray, unit: np.ndarray
) -> list[Shortcut]:
    """One shortcut for each of the judged classes, of those that the measure tells best (at most 20).

    Args:
        column: the measure.
        rows: (m,) positions of labelled training rows.
        codes: (m,) their classes.
        judged: classes to judge.
        unit: (m,) rows of equal content share a number.
    """
    chosen = slice(None) if len(rows) <= MOST_ROWS else np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.int64)
    values, codes, unit = column.values[rows][chosen], codes[chosen], unit[chosen]
    bins = binned(column, values)
    if bins.max() == bins.min():
        return []
    fold = unit_folds(unit)
    auroc, low, high = class_aurocs(bins, codes, fold)
    judged = judged[np.isfinite(auroc[judged])]
    best = judged[np.argsort(-auroc[judged], kind="stable")[:MOST_TOLD]]
    found = []
    for code in best:
        own = codes == code
        inside, outside = _middle(column, values[own]), _middle(column, values[~own])
        found.append(Shortcut(int(code), float(auroc[code]), float(low[code]), float(high[code]), inside, outside))
    return found


def binned(column: Column, values: np.ndarray, bins: int = BINS) -> np.ndarray:
    """(m,) int64 bin of each value: its category, or its tenth by rank; missing values have the bin after the last."""
    known = np.isfinite(values)
    if column.categories:
        return np.where(known, np.nan_to_num(values), len(column.categories)).astype(np.int64)
    if not known.any():
        return np.zeros(len(values), dtype=np.int64)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, bins + 1)[1:-1]))
    return np.where(known, np.searchsorted(edges, values, side="right"), bins + 1).astype(np.int64)


def class_aurocs(bins: np.ndarray, codes: np.ndarray, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """AUROC of the out-of-fold probability of each class given the bin, and the ends of its 99 % interval.

    As rows of one bin and fold share their probabilities, they are counted rather than sorted.

    Args:
        bins: (m,) int64.
        codes: (m,) int64 classes.
        fold: (m,) int64.

    Returns:
        (K,), (K,), (K,); NaN for classes that have no row, or all of them.
        Source: DeLong, DeLong, Clarke-Pearson, 1988.
    """
    from scipy.special import ndtri

    shape = FOLDS, int(bins.max()) + 1, int(codes.max()) + 1
    flat = (fold * shape[1] + bins) * shape[2] + codes
    counts = np.bincount(flat, minlength=shape[0] * shape[1] * shape[2]).reshape(shape).astype(np.float64)
    learned = counts.sum(0)[None] - counts  # of the other folds
    usual = (learned.sum(1) + 1e-3) / (learned.sum((1, 2)) + 1e-3 * shape[2])[:, None]
    learned += SMOOTHING * shape[2] * usual[:, None]
    probability = (learned / learned.sum(2, keepdims=True)).reshape(-1, shape[2])
    inside = counts.reshape(-1, shape[2])
    order = np.argsort(probability, axis=0, kind="stable")
    inside = np.take_along_axis(inside, order, 0)
    outside = np.take_along_axis(counts.reshape(-1, shape[2]).sum(1)[:, None].repeat(shape[2], 1), order, 0) - inside
    with np.errstate(invalid="ignore", divide="ignore"):  # classes without rows come out as NaN
        m, n = inside.sum(0), outside.sum(0)
        beaten = (np.cumsum(outside, 0) - 0.5 * outside) / n
        missed = (np.cumsum(inside, 0) - 0.5 * inside) / m
        auroc = (inside * beaten).sum(0) / m
        of_inside = (inside * np.square(beaten - auroc)).sum(0) / np.maximum(m - 1, 1) / m
        of_outside = (outside * np.square(1 - missed - auroc)).sum(0) / np.maximum(n - 1, 1) / n
        error = float(ndtri(0.995)) * np.maximum(np.sqrt(of_inside + of_outside), 0.25 / (m + n))
    return auroc, np.clip(auroc - error, 0, 1), np.clip(auroc + error, 0, 1)


def _middle(column: Column, values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0
    return float(np.bincount(known.astype(np.int64)).argmax()) if column.categories else float(np.median(known))
