"""Metrics of predictions, over all test rows and for bootstrap samples of them, in total and per class."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from curate.arrow import distinct
from curate.metrics.ranked import areas
from curate.pipeline.comparison.options import LOWER_IS_BETTER

CELLS = 20_000_000
"""Numbers that are held at once while samples are scored."""
PARTS = 5
"""Parts of the range of a regression target that are looked at like classes."""


@dataclass(frozen=True)
class Truth:
    """What predictions are judged by.

    Attributes:
        kind: of the task.
        metric: see `METRICS`.
        names: the K classes, or parts of a target's range.
        codes: (m,) int64 class or part of each test row; -1 for sets of classes.
        sets: (m, K) float32 of 0 and 1 for sets of classes, else None.
        values: (m,) float64 for regression, else None.
        groups: (m,) int64 rows that are resampled together, None where each stands alone.
    """

    kind: str
    metric: str
    names: tuple[str, ...]
    codes: np.ndarray
    sets: np.ndarray | None = None
    values: np.ndarray | None = None
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of test rows."""
        return len(self.codes)

    @property
    def higher_is_better(self) -> bool:
        """Whether more of the metric is better."""
        return self.metric not in LOWER_IS_BETTER

    @property
    def class_metric(self) -> str:
        """What is said of single classes."""
        if self.kind == "regression":
            return "mae" if self.metric == "mae" else "rmse"
        return "average_precision" if self.metric == "mean_average_precision" else "f1"

    def rows_of(self) -> np.ndarray:
        """(K,) test rows of each class."""
        if self.sets is not None:
            return self.sets.sum(0).astype(np.int64)
        return np.bincount(self.codes, minlength=len(self.names))


@dataclass(frozen=True)
class Scores:
    """A metric of one arm.

    Attributes:
        seeds: (S,) value of each seed.
        classes: (S, K) value of each class; NaN for classes without test rows.
        resampled: (B,) mean over seeds on each bootstrap sample.
        resampled_classes: (B, K).
    """

    seeds: np.ndarray
    classes: np.ndarray
    resampled: np.ndarray
    resampled_classes: np.ndarray


def parts_of(values: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and (m,) codes of up to five equally large parts of a target's range."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, PARTS + 1)))
    if len(edges) < 2:
        return (f"{edges[0]:g}",), np.zeros(len(values), dtype=np.int64)
    codes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return tuple(f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)), codes.astype(np.int64)


def sample_counts(truth: Truth, samples: int, rng: np.random.Generator) -> np.ndarray:
    """(B, m) float32: how often each test row, or group of rows, is in each bootstrap sample."""
    if truth.groups is None:
        m = len(truth)
        return rng.multinomial(m, np.full(m, 1 / m), size=samples).astype(np.float32)
    _, group = distinct(truth.groups)
    g = int(group.max()) + 1
    return rng.multinomial(g, np.full(g, 1 / g), size=samples).astype(np.float32)[:, group]


def score(truth: Truth, predicted: np.ndarray, counts: np.ndarray) -> Scores:
    """Score the predictions of one arm.

    Args:
        truth: of the test rows.
        predicted: (S, m) int codes (-1 for none) for classes, (S, m, K) scores for sets, (S, m) values for regression.
        counts: (B, m) from `sample_counts`.
    """
    once = np.ones((1, len(truth)), dtype=np.float32)
    plain = [_measured(truth, one, once) for one in predicted]
    total = np.zeros(len(counts))
    classes = np.zeros((len(counts), len(truth.names)))
    step = max(1, CELLS // max(1, len(truth) * (len(truth.names) if truth.sets is not None else 1)))
    for one in predicted:
        for start in range(0, len(counts), step):
            here = slice(start, start + step)
            whole, each = _measured(truth, one, counts[here])
            total[here] += whole / len(predicted)
            classes[here] += each / len(predicted)
    empty = truth.rows_of() == 0
    each = np.concatenate([part for _, part in plain])
    each[:, empty] = np.nan
    classes[:, empty] = np.nan
    return Scores(np.array([whole[0] for whole, _ in plain]), each, total, classes)


def _measured(truth: Truth, predicted: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B,) metric and (B, K) metric of classes of one seed's predictions, by (B, m) counts."""
    if truth.kind == "classification":
        return _of_classes(truth, predicted, counts)
    return _of_sets(truth, predicted, counts) if truth.sets is not None else _of_values(truth, predicted, counts)


def _indicator(codes: np.ndarray, width: int, values: np.ndarray | None = None) -> Any:
    """(m, K) sparse: 1, or a value, at the code of each row; nothing where it is negative."""
    from scipy.sparse import csr_array

    rows = np.flatnonzero(codes >= 0)
    data = np.ones(len(rows), np.float32) if values is None else values[rows]
    return csr_array((data, (rows, codes[rows])), shape=(len(codes), width))


def _summed(counts: np.ndarray, codes: np.ndarray, width: int, values: np.ndarray | None = None) -> np.ndarray:
    """(B, K) float64 sums of counts, or of counts times values, by code."""
    return np.asarray((_indicator(codes, width, values).T @ counts.T).T, dtype=np.float64)


def _of_classes(truth: Truth, predicted: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    k = len(truth.names)
    hits = _summed(counts, np.where(predicted == truth.codes, truth.codes, -1), k)
    rows, said = _summed(counts, truth.codes, k), _summed(counts, predicted, k)
    f1 = _ratio(2 * hits, rows + said)
    f1[:, truth.rows_of() == 0] = np.nan
    if truth.metric == "accuracy":
        return hits.sum(1) / counts.sum(1), f1
    return np.nanmean(f1 if truth.metric == "f1_macro" else _ratio(hits, rows), axis=1), f1


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _of_sets(truth: Truth, predicted: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    assert truth.sets is not None
    if truth.metric == "mean_average_precision":
        each = np.stack([_precisions(truth.sets[:, k], predicted[:, k], counts) for k in range(len(truth.names))], 1)
        return np.nanmean(each, axis=1), each
    said = (predicted >= 0.5).astype(np.float32)
    hits, rows, named = (np.asarray(counts @ part, np.float64) for part in (said * truth.sets, truth.sets, said))
    each = _ratio(2 * hits, rows + named)
    each[:, truth.rows_of() == 0] = np.nan
    if truth.metric == "f1_micro":
        return _ratio(2 * hits.sum(1), rows.sum(1) + named.sum(1)), each
    return np.nanmean(each, axis=1), each


def _precisions(truth: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(B,) average precision of one label by (B, m) counts; NaN where a sample has no positive."""
    if not truth.any():
        return np.full(len(counts), np.nan)
    return areas(scores, truth > 0, np.ascontiguousarray(counts.T, np.float64))[1]


def _of_values(truth: Truth, predicted: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    assert truth.values is not None
    wrong = predicted.astype(np.float64) - truth.values
    k, total = len(truth.names), counts.sum(1, dtype=np.float64)
    squares, sizes = np.square(wrong), np.abs(wrong)
    of = sizes if truth.class_metric == "mae" else squares
    each = _ratio(_summed(counts, truth.codes, k, of), _summed(counts, truth.codes, k))
    each = each if truth.class_metric == "mae" else np.sqrt(each)
    if truth.metric == "mae":
        return counts @ sizes / total, each
    mean = counts @ squares / total
    if truth.metric == "rmse":
        return np.sqrt(mean), each
    around = truth.values - truth.values.mean()  # centred, so that the sum of squares loses no digits
    spread = counts @ np.square(around) / total - np.square(counts @ around / total)
    return 1 - _ratio(mean, spread), each
