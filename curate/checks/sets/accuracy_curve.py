"""Accuracy of a linear head by the number of rows that it learns from, and the power law that carries it on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.evidence.vector_rows import Rows

FRACTIONS = (0.125, 0.25, 0.5, 1.0)
DIMENSIONS = 256
MOST_ROWS = 20_000
RIDGES = (0.0003, 0.003, 0.03, 0.3)
"""Strengths of the penalty, relative to the mean square of the inputs; the best one of each size is taken."""
POWERS = np.linspace(0.1, 1.5, 15)
RESAMPLES = 200


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        rows: (f,) rows that were learned from, mean over the folds.
        hits: (folds, f, K) rows of each class predicted right.
        counts: (folds, K) rows of each class that were held out.
    """

    rows: np.ndarray
    hits: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class Curve:
    """The curve and what twice the rows would bring.

    Attributes:
        rows: (f,) int.
        accuracy: (f,) of all held-out rows.
        gain: of accuracy by twice the rows of the last point.
        low: lower end of the 90 % interval.
        high: upper end.
        class_accuracy: (K,) at the last point, 0 for classes without rows.
        class_gain: (K,) of each class's accuracy.
    """

    rows: np.ndarray
    accuracy: np.ndarray
    gain: float
    low: float
    high: float
    class_accuracy: np.ndarray
    class_gain: np.ndarray


def accuracies(vectors: Rows, codes: np.ndarray, fold: np.ndarray, classes: int, seed: int) -> Measured:
    """Cross-validated accuracy at an eighth, a quarter, half and all of the rows.

    Args:
        vectors: (m, d) float32, finite; at most `MOST_ROWS` of them are copied.
        codes: (m,) classes.
        fold: (m,) int, from 0.
        classes: K.
        seed: chooses the fractions.
    """
    rng = np.random.default_rng(seed)
    chosen = np.arange(len(codes))
    if len(codes) > MOST_ROWS:
        chosen = np.sort(rng.permutation(len(codes))[:MOST_ROWS])
        codes, fold = codes[chosen], fold[chosen]
    inputs = _reduced(vectors[chosen])
    turn = rng.permutation(len(codes))
    folds = int(fold.max()) + 1
    hits, counts = np.zeros((folds, len(FRACTIONS), classes)), np.zeros((folds, classes))
    sizes = np.zeros((folds, len(FRACTIONS)))
    for k in range(folds):
        held, learn = np.flatnonzero(fold == k), turn[fold[turn] != k]
        counts[k] = np.bincount(codes[held], minlength=classes)
        width, known = inputs.shape[1], 0
        products, sums = np.zeros((width, width)), np.zeros((width, classes))
        for f, fraction in enumerate(FRACTIONS):
            size = min(max(2, round(fraction * len(learn))), len(learn))
            more = inputs[learn[known:size]].astype(np.float64)
            products += more.T @ more
            sums += more.T @ np.eye(classes)[codes[learn[known:size]]]
            sizes[k, f] = known = size
            hits[k, f] = _hits(products, sums, size, inputs[held], codes[held])
    return Measured(sizes.mean(0), hits, counts)


def _reduced(vectors: np.ndarray) -> np.ndarray:
    """(m, d') centred vectors in their `DIMENSIONS` main directions, and a column of ones."""
    centred = vectors - vectors.mean(0)
    if vectors.shape[1] > DIMENSIONS:
        axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))[1][:, -DIMENSIONS:]
        centred = centred @ axes.astype(np.float32)
    centred /= max(float(np.sqrt(np.square(centred).mean())), 1e-6)
    return np.concatenate([centred, np.ones((len(centred), 1), dtype=np.float32)], axis=1)


def _hits(products: np.ndarray, sums: np.ndarray, rows: int, held: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(K,) held rows of each class that ridge regression on one-hot targets predicts right, at its best penalty.

    Args:
        products: (d, d) sum of the outer products of the rows that are learned from.
        sums: (d, K) sum of these rows by class.
        rows: how many they are.
        held: (m, d) rows to ask about.
        codes: (m,) their classes.
    """
    values, axes = np.linalg.eigh(products)
    turned, seen = axes.T @ sums, held @ axes
    best = np.zeros(sums.shape[1])
    for ridge in RIDGES:
        scores = seen @ (turned / (np.maximum(values, 0) + ridge * rows)[:, None])
        found = np.bincount(codes[scores.argmax(1) == codes], minlength=len(best)).astype(np.float64)
        best = found if found.sum() > best.sum() else best
    return best


def extrapolated(measured: Measured, seed: int) -> Curve:
    """The curve, carried on to twice the rows; the interval is of resampled folds and sizes."""
    rng = np.random.default_rng(seed)
    error, gain = _fit(measured, np.arange(len(measured.counts)))
    # Half of the draws leave out the smallest size: how well a power law fits is part of the doubt.
    folds = len(measured.counts)
    draws = [_fit(measured, rng.integers(0, folds, folds), start=i % 2)[1] for i in range(RESAMPLES)]
    low, high = np.quantile(draws, [0.05, 0.95])
    total = np.maximum(measured.counts.sum(0), 1)
    of_class = 1 - measured.hits.sum(0) / total
    # A class alone has few rows: its last error counts two rows' worth towards that of all.
    last = (of_class[-1] * total + 2 * error[-1]) / (total + 2)
    share = gain / max(float(error[-1]), 1e-9)
    slope = np.clip((of_class[0] - of_class[-1]) / max(float(error[0] - error[-1]), 1e-3), 0.25, 4.0)
    class_gain = np.where(measured.counts.sum(0) > 0, np.clip(last * share * np.minimum(slope, 1.5), 0, last), 0.0)
    known = measured.counts.sum(0) > 0
    return Curve(
        np.round(measured.rows).astype(np.int64),
        1 - error,
        gain,
        float(min(low, gain)),
        float(max(high, gain)),
        np.where(known, 1 - of_class[-1], 0.0),
        class_gain,
    )


def _fit(measured: Measured, folds: np.ndarray, start: int = 0) -> tuple[np.ndarray, float]:
    """(f,) errors of these folds, and the gain of twice the rows by a law a + b n^-power with a, b >= 0."""
    total = measured.counts[folds].sum()
    error = 1 - measured.hits[folds].sum((0, 2)) / max(total, 1)
    weight = 1 / np.maximum(error * (1 - error), 1e-3)
    weight[:start] = 0.0
    best, found = np.inf, (1.0, 0.0)
    for power in POWERS:
        fall = (measured.rows / measured.rows[-1]) ** -power
        mean_fall, mean_error = np.average(fall, weights=weight), np.average(error, weights=weight)
        slope = float(
            (weight * (fall - mean_fall) * (error - mean_error)).sum() / (weight * (fall - mean_fall) ** 2).sum()
        )
        slope = min(max(slope, 0.0), float((weight * fall * error).sum() / (weight * fall**2).sum()))
        level = max(0.0, float(mean_error - slope * mean_fall))
        misfit = float((weight * (error - level - slope * fall) ** 2).sum())
        if misfit < best:
            best, found = misfit, (float(power), slope)
    power, slope = found
    return error, float(np.clip(slope * (1 - 2.0**-power), 0.0, error[-1]))
