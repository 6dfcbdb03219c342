"""Training dynamics: how far a small head prefers the given label to all others, on average over its epochs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from curate.evidence.heads import design, softmax

EPOCHS = 20
HIDDEN = 128
RATE = 0.01
MOMENTUM = 0.9
DECAY = 1e-4
MOST_BATCH, LEAST_BATCHES = 128, 10
QUANTILE = 0.99
"""Of the margins of threshold samples; rows at or below it behave like rows whose label is known to be wrong."""
BLOCK_ROWS = 8_192
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Dynamics:
    """What the epochs of a head say of labels.

    Attributes:
        margin: (n,) float32, logit of the given label less the largest other one, mean over epochs (AUM); NaN in rows
            without a vector or a label.
        best: (n,) int64, the class of the largest mean logit; -1 where there is no margin.
        threshold: the margin that only one in a hundred threshold samples exceeds: rows that were given a class that
            does not exist.
    """

    margin: np.ndarray
    best: np.ndarray
    threshold: float


def training_dynamics(
    vectors: np.ndarray,
    codes: np.ndarray,
    known: np.ndarray,
    classes: int,
    folds: np.ndarray,
    held_out: bool,
    seed: int,
    progress: Progress | None = None,
) -> Dynamics:
    """Margins of all rows, averaged over the epochs of a perceptron with one hidden layer.

    In sample, a head is trained on the row's own label: one that is wrong is fought by rows that look alike, and its
    margin stays low until it is learned by heart. Out of sample, the heads are those of the folds that the row is not
    in. A class that does not exist is given to 1/(K+1) of the rows, which thereby have labels that are surely wrong;
    in sample twice, with other rows, so that every row is once judged by its own label.

    Args:
        vectors: (n, d) float32 embedding, NaN where there is none.
        codes: (n,) int64 labels, -1 where missing.
        known: (n,) bool, rows that heads may learn from.
        classes: K.
        folds: (n,) int8, as in `curate.evidence.probabilities.cross_validated`.
        held_out: whether margins are out of sample.
        seed: of the weights, the batches and the threshold samples.
        progress: called with (epochs done, epochs in all).

    Source: Pleiss, Zhang, Elenberg, Weinberger, Identifying Mislabeled Data using the Area Under the Margin Ranking,
    2020.
    """
    valid = np.asarray(np.isfinite(vectors).all(1))
    known = known & valid & (codes >= 0)
    learn = np.flatnonzero(known)
    nothing = Dynamics(np.full(len(codes), np.nan, dtype=np.float32), np.full(len(codes), -1), -np.inf)
    if len(np.unique(codes[learn])) < 2:
        return nothing
    inputs = design(vectors, known)
    rng = np.random.default_rng(seed)
    fake = np.array_split(rng.permutation(learn), classes + 1)[:2]
    runs = [(one, part) for one in fake for part in (_folds_of(folds, learn) if held_out else [None])]
    total, times = np.zeros((len(codes), classes + 1), dtype=np.float32), np.zeros(len(codes), dtype=np.int64)
    thresholds = []
    for done, (chosen, part) in enumerate(runs):
        given = codes.copy()
        given[chosen] = classes
        train = learn if part is None else learn[folds[learn] != part]
        asked = learn if part is None else learn[folds[learn] == part]
        outside = np.flatnonzero(valid & ~known)  # rows of held-out splits are asked of every head
        rows = np.concatenate([asked, outside])
        logits = _epoch_mean(inputs, train, given[train], rows, classes + 1, rng)
        sample = np.isin(rows, chosen)
        thresholds.append(_margins(logits[sample], np.full(int(sample.sum()), classes)))
        total[rows[~sample]] += logits[~sample]
        times[rows[~sample]] += 1
        if progress is not None:
            progress(done + 1, len(runs))
    return _judged(total, times, codes, classes, np.concatenate(thresholds))


def _judged(total: np.ndarray, times: np.ndarray, codes: np.ndarray, classes: int, samples: np.ndarray) -> Dynamics:
    asked = np.flatnonzero(times)
    mean = total[asked, :classes] / times[asked, None]
    best, margin = np.full(len(codes), -1), np.full(len(codes), np.nan, dtype=np.float32)
    best[asked] = mean.argmax(1)
    known = codes[asked] >= 0
    margin[asked[known]] = _margins(mean[known], codes[asked[known]])
    return Dynamics(margin, best, float(np.quantile(samples, QUANTILE)) if len(samples) else -np.inf)


def _folds_of(folds: np.ndarray, learn: np.ndarray) -> list[int]:
    return np.unique(folds[learn]).tolist()


def _margins(logits: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(m, K) logits, (m,) codes -> (m,) logit of the code less the largest other one."""
    here = np.arange(len(codes))
    own, others = logits[here, codes], logits.copy()
    others[here, codes] = -np.inf
    return own - others.max(1, initial=-np.inf)


def _epoch_mean(
    inputs: np.ndarray, train: np.ndarray, given: np.ndarray, asked: np.ndarray, outputs: int, rng: np.random.Generator
) -> np.ndarray:
    """(q, K) logits of the rows asked about, mean over the epochs of a head that learns (m,) codes of (m,) rows.

    Stochastic gradient descent with momentum on the mean cross-entropy of a batch.
    """
    width = inputs.shape[1]
    weights = [
        rng.normal(0, np.sqrt(2 / width), (width, HIDDEN)).astype(np.float32),
        rng.normal(0, np.sqrt(1 / HIDDEN), (HIDDEN, outputs)).astype(np.float32),
    ]
    speed = [np.zeros_like(one) for one in weights]
    size = int(np.clip(len(train) // LEAST_BATCHES, 1, MOST_BATCH))
    total = np.zeros((len(asked), outputs), dtype=np.float32)
    for _ in range(EPOCHS):
        order = rng.permutation(len(train))
        for begin in range(0, len(order), size):
            batch = order[begin : begin + size]
            _step(weights, speed, inputs[train[batch]], given[batch])
        for begin in range(0, len(asked), BLOCK_ROWS):
            block = inputs[asked[begin : begin + BLOCK_ROWS]]
            total[begin : begin + BLOCK_ROWS] += np.maximum(block @ weights[0], 0) @ weights[1]
    return total / EPOCHS


def _step(weights: list[np.ndarray], speed: list[np.ndarray], batch: np.ndarray, given: np.ndarray) -> None:
    """One step of gradient descent, in place."""
    hidden = np.maximum(batch @ weights[0], 0)
    wrong = softmax(hidden @ weights[1])
    wrong[np.arange(len(given)), given] -= 1
    wrong /= np.float32(len(given))
    back = (wrong @ weights[1].T) * (hidden > 0)
    for weight, velocity, gradient in zip(weights, speed, (batch.T @ back, hidden.T @ wrong), strict=True):
        velocity *= np.float32(MOMENTUM)
        velocity -= np.float32(RATE) * (gradient + np.float32(DECAY) * weight)
        weight += velocity
