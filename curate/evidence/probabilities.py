"""Out-of-sample predicted probabilities: cross-validation of a fast head and a neighbour vote on the embedding.

1. Logistic regression and a vote of the nearest rows, each asked only about rows of the fold that it has not seen;
   their geometric mean. The strength of the ridge is the one with the best likelihood of the first fold's labels.
2. The noise of the labels is estimated (`curate.evidence.noise`), and both are fitted once more, on what each row's
   true label is likely to be instead of its given one; so a head does not learn the planted errors by heart.
3. The temperature is the one under which the given labels are likeliest, seen through the estimated noise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curate.errors import DataError
from curate.evidence.encoders import columns
from curate.evidence.heads import FLOOR, Link, design, fit_linear, fit_logistic, sigmoid, softmax
from curate.evidence.noise import fit_channel
from curate.evidence.votes import neighbour_votes
from curate.table import Labels, Table

METHOD = "logistic regression and neighbour vote on the embedding, {folds}-fold cross-validation, refitted once"
RIDGES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
LINEAR_RIDGES = 10.0 ** np.arange(-4, 3)
Arrays = dict[str, np.ndarray]
Progress = Callable[[int, int], None]


def cross_validated(
    vectors: np.ndarray, codes: np.ndarray, classes: int, folds: np.ndarray, progress: Progress | None = None
) -> Arrays:
    """Class probabilities of each row by heads that did not see it.

    Args:
        vectors: (n, d) float32 embedding, L2-normalised, NaN where there is none.
        codes: (n,) int64 labels to learn from, -1 in rows that no head may learn from.
        classes: K.
        folds: (n,) int8, the fold whose head may be asked about a row; -1: the mean of all heads.
        progress: called with (fits done, fits in all).

    Returns:
        ``rows_values`` (n, K) float32, rows sum to 1, NaN where there is no vector or nothing to learn from;
        ``temperature`` (1,) float64.
    """
    valid = np.asarray(np.isfinite(vectors).all(1))
    learn = valid & (codes >= 0)
    values = np.full((len(vectors), classes), np.nan, dtype=np.float32)
    seen = np.unique(codes[learn])
    if not len(seen):
        return {"rows_values": values, "temperature": np.ones(1)}
    if len(seen) == 1:  # one class: nothing to tell apart
        values[valid] = np.eye(classes, dtype=np.float32)[seen[0]]
        return {"rows_values": values, "temperature": np.ones(1)}
    targets = np.zeros((len(codes), len(seen)), dtype=np.float32)
    targets[learn, np.searchsorted(seen, codes[learn])] = 1
    compact = np.where(learn, np.searchsorted(seen, codes), -1)
    heads = CrossValidation(vectors, valid, learn, folds, "softmax", progress)
    first = heads.probabilities(targets)
    channel = fit_channel(first[learn], compact[learn])
    targets[learn] = channel.posterior
    second = heads.probabilities(targets, observed=compact)
    channel = fit_channel(second[learn], compact[learn])
    sharpened = softmax(channel.temperature * np.log(np.maximum(second[valid], FLOOR)))
    values[valid] = 0
    values[np.ix_(valid, seen)] = sharpened
    return {"rows_values": values, "temperature": np.array([channel.temperature])}


def cross_validated_sets(
    vectors: np.ndarray, sets: np.ndarray, known: np.ndarray, folds: np.ndarray, progress: Progress | None = None
) -> Arrays:
    """Probability of each label of a multilabel task, by heads that did not see the row.

    Args:
        vectors: (n, d) float32 embedding, NaN where there is none.
        sets: (n, K) bool labels.
        known: (n,) bool, rows that heads may learn from.
        folds: (n,) int8, as in `cross_validated`.
        progress: called with (fits done, fits in all).

    Returns:
        ``rows_values`` (n, K) float32; each column is a probability of its own.
    """
    valid = np.asarray(np.isfinite(vectors).all(1))
    learn = valid & known
    values = np.full(sets.shape, np.nan, dtype=np.float32)
    if learn.any() and sets.shape[1]:
        heads = CrossValidation(vectors, valid, learn, folds, "sigmoid", progress)
        values[valid] = heads.probabilities(np.where(learn[:, None], sets, False).astype(np.float32))[valid]
    return {"rows_values": values}


class CrossValidation:
    """Heads of all folds on one embedding; a second call starts from the coefficients of the first.

    Args:
        vectors: (n, d) float32 embedding.
        valid: (n,) bool, rows with a vector.
        learn: (n,) bool, rows to learn from.
        folds: (n,) int8.
        link: see `fit_logistic`.
        progress: called with (fits done, fits in all).
    """

    def __init__(
        self,
        vectors: np.ndarray,
        valid: np.ndarray,
        learn: np.ndarray,
        folds: np.ndarray,
        link: Link,
        progress: Progress | None,
    ) -> None:
        self._vectors, self._valid, self._learn, self._folds = vectors, valid, learn, folds
        self._link: Link = link
        self._inputs = design(vectors, learn)
        self._parts = np.unique(folds[learn])
        self._start: dict[int, np.ndarray] = {}
        self._ridge: float | None = None
        self._progress, self._done = progress, 0

    def probabilities(self, targets: np.ndarray, observed: np.ndarray | None = None) -> np.ndarray:
        """(n, K) float32 geometric mean of head and vote, from heads that did not see the row.

        Args:
            targets: (n, K) float32 to fit on.
            observed: (n,) given labels; classes that no training row of a fold was given keep an even share.
        """
        if self._ridge is None:
            self._ridge = self._best_ridge(targets)
        total = np.zeros(targets.shape, dtype=np.float32)
        heads = np.zeros(len(targets), dtype=np.int64)
        for fold in self._parts:
            asked = np.flatnonzero(self._valid & ((self._folds == fold) | (self._folds < 0)))
            total[asked] += self._fold(int(fold), asked, targets, observed)
            heads[asked] += 1
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, 2 * len(self._parts))
        return total / np.maximum(heads, 1)[:, None]

    def _fold(self, fold: int, asked: np.ndarray, targets: np.ndarray, observed: np.ndarray | None) -> np.ndarray:
        train = self._learn & (self._folds != fold)
        classes = targets.shape[1]
        if not train.any():
            return np.full((len(asked), classes), 1.0 / classes if self._link == "softmax" else 0.5, dtype=np.float32)
        start = self._start.get(fold)
        ridge = RIDGES[0] if self._ridge is None else self._ridge
        weights = train.astype(np.float32)
        coefficients = fit_logistic(
            self._inputs, targets, weights, ridge, link=self._link, start=start, iterations=30 if start is None else 15
        )
        self._start[fold] = coefficients
        logits = self._inputs[asked] @ coefficients
        votes = np.clip(neighbour_votes(self._vectors, targets, np.flatnonzero(train), asked), FLOOR, 1 - FLOOR)
        if self._link == "sigmoid":
            return sigmoid(0.5 * (logits + np.log(votes) - np.log1p(-votes)))
        logits -= logits.max(1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(1, keepdims=True))
        mean = softmax(0.5 * (logits + np.log(votes)))
        labels = targets[train].argmax(1) if observed is None else observed[train]
        return with_unseen(mean, np.bincount(labels, minlength=classes) > 0)

    def _best_ridge(self, targets: np.ndarray) -> float:
        """The ridge under which the labels of the first fold are likeliest; each fit starts from the last one."""
        fold = self._parts[0]
        train = self._learn & (self._folds != fold)
        held_out = np.flatnonzero(self._learn & (self._folds == fold))
        if not train.any():
            return RIDGES[2]
        best, least, start = RIDGES[2], np.inf, None
        for ridge in RIDGES:
            weights = train.astype(np.float32)
            start = fit_logistic(self._inputs, targets, weights, ridge, link=self._link, start=start, iterations=12)
            logits = self._inputs[held_out] @ start
            p = softmax(logits) if self._link == "softmax" else sigmoid(logits)
            loss = -float(np.mean(np.log(np.maximum(np.where(targets[held_out] > 0.5, p, 1 - p), FLOOR))))
            if self._link == "softmax":
                loss = -float(np.mean(np.log(np.maximum((p * targets[held_out]).sum(1), FLOOR))))
            if loss >= least:
                break
            best, least = ridge, loss
        return best


def with_unseen(probabilities: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(n, K) probabilities of a head in which classes that it has not seen get an even share, 1/K each."""
    if seen.all():
        return probabilities
    classes = len(seen)
    known = probabilities * seen
    known *= (seen.sum() / classes) / np.maximum(known.sum(1, keepdims=True), FLOOR)
    return np.where(seen, known, np.float32(1.0 / classes)).astype(np.float32)


def cross_validated_values(vectors: np.ndarray, values: np.ndarray, learn: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Out-of-sample predictions of a regression target by ridge regression.

    Args:
        vectors: (n, d) float32 embedding, NaN where there is none.
        values: (n,) float64 target, NaN where missing.
        learn: (n,) bool, rows to learn from.
        folds: (n,) int8, as in `cross_validated`.

    Returns:
        (n,) float64, NaN where there is no vector or nothing to learn from.
    """
    valid = np.asarray(np.isfinite(vectors).all(1))
    learn = learn & valid & np.isfinite(values)
    result = np.full(len(values), np.nan)
    if not learn.any():
        return result
    inputs, target = design(vectors, learn), np.where(learn, values, 0.0)
    predicted = np.zeros((len(values), len(LINEAR_RIDGES)))
    heads = np.zeros(len(values), dtype=np.int64)
    for fold in np.unique(folds[learn]):
        train = learn & (folds != fold)
        asked = valid & ((folds == fold) | (folds < 0))
        if train.any():
            predicted[asked] += inputs[asked] @ fit_linear(inputs, target, train.astype(np.float32), LINEAR_RIDGES)
        else:
            predicted[asked] += values[learn].mean()
        heads[asked] += 1
    predicted /= np.maximum(heads, 1)[:, None]
    best = int(np.argmin(np.square(predicted[learn] - values[learn, None]).mean(0)))
    result[valid & (heads > 0)] = predicted[valid & (heads > 0), best]
    return result


def given_probabilities(table: Table, labels: Labels) -> np.ndarray:
    """(n, K) float32 of the task's own column, in the order of the table; NaN in rows where it holds no probabilities.

    Raises:
        DataError: the vectors of the column don't have one number per class, or are no probabilities.
    """
    name = str(table.task.probabilities)
    values = columns.vectors(table, name, np.arange(len(table)), width=len(labels.names))
    total = values.sum(1)
    wrong = ~np.isfinite(values).all(1) | (values < -1e-6).any(1) | (values > 1 + 1e-3).any(1)
    if labels.sets is None:
        wrong |= ~(np.abs(total - 1) < 0.02)
    if len(values) and wrong.all() and np.isfinite(values).any():
        raise DataError(
            f"{table.source}: the column {name!r} holds no probabilities; expected {len(labels.names)} numbers from 0"
            f" to 1 per row{'' if labels.sets is not None else ' that sum to 1'}, one per class: {', '.join(labels.names)}"
        )
    values = np.clip(values, 0, 1)
    if labels.sets is None:
        values /= np.where(wrong, np.nan, total)[:, None]
    values[wrong] = np.nan
    return values.astype(np.float32)
