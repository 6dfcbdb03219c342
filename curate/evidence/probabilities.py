"""Out-of-sample predicted probabilities: cross-validation of a fast head and a neighbour vote on the embedding.

1. Heads are logistic regression and a vote of the nearest rows, together by their geometric mean. The strength of the
   ridge is the one with the best likelihood of the first fold's labels.
2. Heads are fitted with every two folds left out, the noise of the labels is estimated from what they say
   (`curate.evidence.noise`), and with it what the true label of each row is likely to be.
3. For each fold, a head is fitted on those likely labels of the other folds, instead of the given ones, so that it does
   not learn errors by heart. What it is fitted on comes from heads that left the fold out as well: a row's label has no
   way to the head that is asked about the row.
4. The temperature is the one under which the given labels are likeliest, seen through the estimated noise.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from curate.errors import DataError
from curate.evidence.encoders import columns
from curate.evidence.heads import FLOOR, Link, design, fit_linear, fit_logistic, sigmoid, softmax
from curate.evidence.noise import fit_channel, posterior_of, transition_matrix
from curate.evidence.votes import neighbour_votes
from curate.table import Labels, Table

METHOD = "logistic regression and neighbour vote on the embedding, refitted on the likely labels, {folds} folds"
RIDGES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
LINEAR_RIDGES = 10.0 ** np.arange(-4, 3)
BLOCKS = 5
"""More folds than this share the heads that leave two out: a fold leaves out all folds of the same remainder."""
MOST_CELLS = 100_000_000
"""Rows times classes above which the heads are not fitted a second time: the pairs would take 16 bytes per cell."""
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
    compact = np.where(learn, np.searchsorted(seen, codes), -1)
    found = CrossValidation(vectors, valid, compact, len(seen), folds, progress).probabilities()
    channel = fit_channel(found[learn], compact[learn])
    values[valid] = 0
    values[np.ix_(valid, seen)] = channel.calibrated(found[valid])
    return {"rows_values": values, "temperature": np.array([channel.temperature])}


class CrossValidation:
    """Heads of all folds on one embedding.

    Args:
        vectors: (n, d) float32 embedding.
        valid: (n,) bool, rows with a vector.
        codes: (n,) int64 labels, -1 in rows that no head may learn from.
        classes: K, each of which some row has.
        folds: (n,) int8.
        progress: called with (fits done, fits in all).
    """

    def __init__(
        self,
        vectors: np.ndarray,
        valid: np.ndarray,
        codes: np.ndarray,
        classes: int,
        folds: np.ndarray,
        progress: Progress | None,
    ) -> None:
        self._vectors, self._valid, self._folds, self._codes = vectors, valid, folds, codes
        self._learn = codes >= 0
        self._targets = np.zeros((len(codes), classes), dtype=np.float32)
        self._targets[self._learn, codes[self._learn]] = 1
        self._inputs = design(vectors, self._learn)
        self._parts = np.unique(folds[self._learn])
        self._blocks = np.where(folds >= 0, folds % BLOCKS, -1)
        self._ridge = best_ridge(self._inputs, self._targets, self._learn, folds, "softmax")
        self._progress, self._done = progress, 0
        self._starts: dict[int, np.ndarray] = {}

    def probabilities(self) -> np.ndarray:
        """(n, K) float32 from heads that did not see the row, 0 in rows without a vector."""
        total = np.zeros(self._targets.shape, dtype=np.float32)
        heads = np.zeros(len(total), dtype=np.int64)
        blocks = np.unique(self._blocks[self._learn])
        pairs = self._pairs(blocks) if len(blocks) > 2 and total.size <= MOST_CELLS else {}
        for block in blocks:
            targets = self._likely(int(block), pairs) if pairs else self._targets
            for fold in self._parts[self._parts % BLOCKS == block]:
                asked = np.flatnonzero(self._valid & ((self._folds == fold) | (self._folds < 0)))
                train = self._learn & (self._folds != fold)
                start = self._starts.get(int(block))
                total[asked] += self._ask(train, asked, targets, start, 30 if start is None else 15)[0]
                heads[asked] += 1
                self._step(len(self._parts) + len(pairs))
        return total / np.maximum(heads, 1)[:, None]

    def _pairs(self, blocks: np.ndarray) -> dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]:
        """For every two blocks: the rows in them, and their probabilities by a head that saw neither."""
        pairs = {}
        for one, other in combinations(blocks.tolist(), 2):
            inside = (self._blocks == one) | (self._blocks == other)
            asked = np.flatnonzero(self._learn & inside)
            # Not started from another pair's head: that one has seen rows which this one must not know of.
            found = self._ask(self._learn & ~inside, asked, self._targets, None, 25)
            pairs[one, other] = asked, found[0]
            if found[1] is not None:
                for block in (one, other):
                    self._starts[block] = found[1]
            self._step(len(self._parts) + len(blocks) * (len(blocks) - 1) // 2)
        return pairs

    def _likely(self, block: int, pairs: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """(n, K) float32 likely true labels of the rows to learn from, by heads that left the block out."""
        total = np.zeros(self._targets.shape, dtype=np.float32)
        heads = np.zeros(len(total), dtype=np.int64)
        for names, (asked, found) in pairs.items():
            if block in names:
                total[asked] += found
                heads[asked] += 1
        total /= np.maximum(heads, 1)[:, None]
        others = np.flatnonzero(self._learn & (self._blocks != block))
        channel = fit_channel(total[others], self._codes[others])
        targets = np.zeros_like(total)
        targets[others] = channel.posterior
        same = np.flatnonzero(self._learn & (self._blocks == block))
        p = channel.calibrated(total[same])
        targets[same] = posterior_of(p, self._codes[same], transition_matrix(channel.joint * len(others)))[0]
        return targets

    def _ask(
        self, train: np.ndarray, asked: np.ndarray, targets: np.ndarray, start: np.ndarray | None, iterations: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Probabilities of the rows asked about by a head fitted on `train`, and the head's coefficients."""
        classes = targets.shape[1]
        if not train.any():
            return np.full((len(asked), classes), 1.0 / classes, dtype=np.float32), None
        weights = train.astype(np.float32)
        coefficients = fit_logistic(self._inputs, targets, weights, self._ridge, start=start, iterations=iterations)
        logits = self._inputs[asked] @ coefficients
        logits -= logits.max(1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(1, keepdims=True))
        votes = neighbour_votes(self._vectors, targets, np.flatnonzero(train), asked)
        mean = softmax(0.5 * (logits + np.log(np.maximum(votes, FLOOR))))
        return with_unseen(mean, np.bincount(self._codes[train], minlength=classes) > 0), coefficients

    def _step(self, total: int) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, total)


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
    if not learn.any() or not sets.shape[1]:
        return {"rows_values": values}
    targets = (sets & learn[:, None]).astype(np.float32)
    inputs = design(vectors, learn)
    ridge = best_ridge(inputs, targets, learn, folds, "sigmoid")
    total, heads = np.zeros(sets.shape, dtype=np.float32), np.zeros(len(sets), dtype=np.int64)
    parts = np.unique(folds[learn])
    for done, fold in enumerate(parts):
        train = learn & (folds != fold)
        asked = np.flatnonzero(valid & ((folds == fold) | (folds < 0)))
        heads[asked] += 1
        if train.any():
            coefficients = fit_logistic(inputs, targets, train.astype(np.float32), ridge, link="sigmoid")
            votes = neighbour_votes(vectors, targets, np.flatnonzero(train), asked)
            votes = np.clip(votes, FLOOR, 1 - 1e-6)
            total[asked] += sigmoid(0.5 * (inputs[asked] @ coefficients + np.log(votes) - np.log1p(-votes)))
        else:
            total[asked] += 0.5
        if progress is not None:
            progress(done + 1, len(parts))
    values[heads > 0] = total[heads > 0] / heads[heads > 0, None]
    return {"rows_values": values}


def best_ridge(inputs: np.ndarray, targets: np.ndarray, learn: np.ndarray, folds: np.ndarray, link: Link) -> float:
    """The ridge under which the labels of the first fold are likeliest; each fit starts from the last one."""
    fold = folds[learn].min()
    train = learn & (folds != fold)
    held_out = np.flatnonzero(learn & (folds == fold))
    best, least, start = RIDGES[2], np.inf, None
    for ridge in RIDGES if train.any() else ():
        start = fit_logistic(inputs, targets, train.astype(np.float32), ridge, link=link, start=start, iterations=12)
        logits = inputs[held_out] @ start
        p = softmax(logits) if link == "softmax" else sigmoid(logits)
        right = np.where(targets[held_out] > 0, p, 1.0 if link == "softmax" else 1 - p)
        loss = -float(np.log(np.maximum(right, FLOOR)).sum())
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
        summed = "" if labels.sets is not None else " that sum to 1"
        raise DataError(
            f"{table.source}: the column {name!r} holds no probabilities; expected {len(labels.names)} numbers from 0"
            f" to 1 per row{summed}, one per class: {', '.join(labels.names)}"
        )
    values = np.clip(values, 0, 1)
    if labels.sets is None:
        values /= np.where(wrong, np.nan, total)[:, None]
    values[wrong] = np.nan
    return values.astype(np.float32)
