"""The linear head: mini-batches of a plan's draws, for all seeds at once, by Adam, with a budget of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import distinct
from curate.evidence.folds import stratified_folds, units
from curate.evidence.heads import design, fit_linear, sigmoid, softmax
from curate.evidence.probabilities import LINEAR_RIDGES
from curate.evidence.ridge import best_ridge
from curate.feed.adaptive import Adaptive
from curate.feed.sampler import Mode, Sampler
from curate.pipeline.comparison.lesson import Lesson
from curate.randomness import generator

RATE = 0.02
"""Of Adam, at the start; it falls to 0 along a cosine."""
MOST_TUNED = 4000
"""Rows by which the ridge is chosen."""
FOLDS = 5


@dataclass(frozen=True)
class Training:
    """How heads are trained; the same for every arm.

    Attributes:
        kind: of the task.
        sampler: mode of the feed's sampler.
        adaptive: its settings, if it is ``adaptive``.
        seeds: one head each.
        steps: of the optimiser.
        batch_size: draws per step.
        arguments: further arguments of the sampler: groups, difficulties.
    """

    kind: str
    sampler: Mode
    adaptive: Adaptive | None
    seeds: tuple[int, ...]
    steps: int
    batch_size: int
    arguments: Mapping[str, Any] = field(default_factory=dict)


def train_heads(
    vectors: np.ndarray,
    lesson: Lesson,
    asked: np.ndarray,
    training: Training,
    together: tuple[np.ndarray | None, ...] = (),
    tell: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Train one head per seed and ask it about some rows.

    Each step takes the next draws of the plan in the sampler's order, whatever their number: an arm with few rows sees
    them more often. Soft labels, row weights and class weights count as in the losses of the feed (cross-entropy,
    binary cross-entropy, Huber's loss of the standardised value). The ridge is chosen on the arm's own training rows.

    Args:
        vectors: (N, d) float32 embedding.
        lesson: what is learned, by position in the embedding.
        asked: (q,) positions of rows to predict.
        training: how.
        together: (N,) int64 groupings of rows that must not be torn apart when the ridge is chosen.
        tell: called with (steps done, steps in all).

    Returns:
        (S, q, K) float32 probabilities, or (S, q, 1) values; NaN for rows without a vector.
    """
    learned = np.zeros(len(vectors), dtype=bool)
    learned[lesson.rows] = True
    inputs = design(vectors, learned)
    targets, middle, scale = lesson.targets, 0.0, 1.0
    if training.kind == "regression":
        middle, scale = _standard(targets[:, 0], lesson.weights)
        targets = (targets - np.float32(middle)) / np.float32(scale)
    ridge = _ridge(inputs, lesson, targets, training.kind, together)
    weights = _descend(inputs, lesson, targets, ridge, training, tell)
    out = np.stack([_link(inputs[asked] @ one, training.kind) for one in weights])
    out[:, ~np.isfinite(vectors[asked]).all(1)] = np.nan
    return out * np.float32(scale) + np.float32(middle) if training.kind == "regression" else out


def _standard(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    share = weights.astype(np.float64) / max(float(weights.sum(dtype=np.float64)), 1e-12)
    middle = float(share @ values)
    return middle, max(float(np.sqrt(share @ (values - middle) ** 2)), 1e-12)


def _link(logits: np.ndarray, kind: str) -> np.ndarray:
    if kind == "classification":
        return softmax(logits)
    return sigmoid(logits) if kind == "multilabel" else logits


def _ridge(
    inputs: np.ndarray, lesson: Lesson, targets: np.ndarray, kind: str, together: tuple[np.ndarray | None, ...]
) -> float:
    """The ridge under which left-out training rows of the arm itself are likeliest."""
    rows, first = np.unique(lesson.rows, return_index=True)
    if len(rows) > MOST_TUNED:
        picked = np.sort(generator(0, step="comparison.ridge").choice(len(rows), MOST_TUNED, replace=False))
        rows, first = rows[picked], first[picked]
    goal = targets[first]
    strata = goal.argmax(1) if kind == "classification" else np.zeros(len(rows), dtype=np.int64)
    grouped = [None if one is None else one[rows] for one in together]
    unit = units(np.full(len(rows), -1, dtype=np.int64), *grouped)
    folds = stratified_folds(strata, unit, FOLDS, 0)
    learn = np.ones(len(rows), dtype=bool)
    if kind != "regression":
        return best_ridge(inputs[rows], goal, learn, folds, "softmax" if kind == "classification" else "sigmoid")
    fold = folds.min()
    train, left_out = (folds != fold).astype(np.float32), folds == fold
    if not train.any() or not left_out.any():
        return 0.1
    found = inputs[rows[left_out]] @ fit_linear(inputs[rows], goal[:, 0].astype(np.float64), train, LINEAR_RIDGES)
    return float(LINEAR_RIDGES[np.square(found - goal[left_out]).mean(0).argmin()])


class _Draws:
    """The draws of one seed, epoch after epoch, cut into batches that are all full."""

    def __init__(self, lesson: Lesson, training: Training, seed: int) -> None:
        self._sampler = Sampler(
            lesson.lines,
            training.sampler,
            training.batch_size,
            seed=seed,
            adaptive=training.adaptive,
            **training.arguments,
        )
        self._left, self.epoch = np.zeros((2, 0), dtype=np.int64), 0

    def take(self, count: int, report: Callable[[Sampler, int], None] | None) -> np.ndarray:
        """(2, count) the next draws and their epochs; `report` is called between epochs."""
        while self._left.shape[1] < count:
            if self.epoch and report is not None:
                report(self._sampler, self.epoch - 1)
            order, _ = self._sampler.order(self.epoch)
            if not len(order):
                raise ValueError("there is nothing to draw")
            self._left = np.concatenate([self._left, np.stack([order, np.full(len(order), self.epoch)])], axis=1)
            self.epoch += 1
            self._sampler.set_epoch(self.epoch)
        taken, self._left = self._left[:, :count], self._left[:, count:]
        return taken


def _descend(
    inputs: np.ndarray,
    lesson: Lesson,
    targets: np.ndarray,
    ridge: float,
    training: Training,
    tell: Callable[[int, int], None] | None,
) -> np.ndarray:
    """(S, d, K) float32 coefficients after all steps."""
    shape = (len(training.seeds), inputs.shape[1], targets.shape[1])
    starts = [generator(seed, step="comparison.head").normal(0, 0.01, shape[1:]) for seed in training.seeds]
    weights = np.stack(starts).astype(np.float32)
    momentum, square = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    draws = [_Draws(lesson, training, seed) for seed in training.seeds]
    reports = _reports(inputs, lesson, targets, training, weights) if training.sampler == "adaptive" else None
    for step in range(training.steps):
        taken = [one.take(training.batch_size, reports and reports(number)) for number, one in enumerate(draws)]
        places, epochs = np.stack(taken, axis=1)
        batch = inputs[lesson.versions[epochs % len(lesson.versions), places]]
        slope = _slope(batch @ weights, targets[places], lesson.weights[places], lesson.positive, training.kind)
        gradient = batch.transpose(0, 2, 1) @ slope
        gradient += np.float32(ridge) * weights
        momentum += np.float32(0.1) * (gradient - momentum)
        square += np.float32(0.01) * (gradient * gradient - square)
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / training.steps))
        rate *= np.sqrt(1 - 0.99 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        weights -= np.float32(rate) * momentum / (np.sqrt(square) + np.float32(1e-8))
        if tell is not None and step % 50 == 0:
            tell(step, training.steps)
    return weights


def _slope(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray, positive: np.ndarray, kind: str) -> np.ndarray:
    """(S, B, K) derivative of each seed's mean loss by its logits."""
    if kind == "classification":
        wrong = softmax(logits.reshape(-1, logits.shape[-1])).reshape(logits.shape) - targets
    elif kind == "multilabel":
        p = sigmoid(logits)
        wrong = ((1 - targets) * p - positive * targets * (1 - p)) / np.float32(logits.shape[-1])
    else:
        wrong = np.clip(logits - targets, -1, 1)  # Huber 1964
    mass = weights.sum(1, keepdims=True)
    return wrong * (weights / np.where(mass > 0, mass, 1))[..., None]


def _reports(
    inputs: np.ndarray, lesson: Lesson, targets: np.ndarray, training: Training, weights: np.ndarray
) -> Callable[[int], Callable[[Sampler, int], None]]:
    """What the sampler `adaptive` is told between epochs: loss or recall of the draws, by class or by row."""
    adaptive = training.adaptive or Adaptive()
    column = lesson.lines["label" if adaptive.by == "classes" else "row_id"].combine_chunks()
    # A line of several labels says something of each of them.
    several = pa.types.is_list(column.type)
    places = pc.list_parent_indices(column).to_numpy() if several else np.arange(len(column))
    values = (pc.list_flatten(column) if several else column).cast(pa.string()).to_pylist()
    known, codes = distinct(np.array(values, dtype=np.dtypes.StringDType()))
    counts = np.bincount(codes)

    def of(seed: int) -> Callable[[Sampler, int], None]:
        def report(sampler: Sampler, epoch: int) -> None:
            logits = inputs[lesson.rows] @ weights[seed]
            each = _needs(logits, targets, training.kind, adaptive.follows)[places]
            means = np.bincount(codes, weights=each) / counts
            sampler.report(epoch, **{adaptive.by: dict(zip(known.tolist(), means.tolist()))})

        return report

    return of


def _needs(logits: np.ndarray, targets: np.ndarray, kind: str, follows: str) -> np.ndarray:
    """(m,) float64 loss of each line, or 1 where its prediction is right."""
    if follows == "recall":
        if kind == "classification":
            return (logits.argmax(1) == targets.argmax(1)).astype(np.float64)
        return ((logits > 0) == (targets > 0.5)).all(1).astype(np.float64)
    if kind == "classification":
        return -(targets * np.log(np.maximum(softmax(logits), 1e-9))).sum(1, dtype=np.float64)
    if kind == "multilabel":
        return (np.logaddexp(0, logits) - targets * logits).mean(1, dtype=np.float64)
    wrong = np.abs(logits - targets)[:, 0].astype(np.float64)
    return np.where(wrong <= 1, wrong**2 / 2, wrong - 0.5)
