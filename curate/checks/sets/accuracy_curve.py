"""Accuracy of a linear head by the number of rows that it learns from, and the power law that carries it on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.evidence.blas_threads import fitting_threads
from curate.evidence.vector_rows import Rows

FRACTIONS = (0.125, 0.25, 0.5, 1.0)
DIMENSIONS = 256
MOST_ROWS = 20_000
RIDGES = (0.0003, 0.003, 0.03, 0.3)
"""Strengths of the penalty, relative to the mean square of the inputs; the best one of each size is taken."""
POWERS = np.linspace(0.1, 1.5, 15)
RESAMPLES = 200
MOST_SCORES = 8_000_000
"""Of held rows by classes and penalties that are computed at a time."""


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
    with fitting_threads():
        return _measured(_reduced(vectors[chosen]), codes, fold, classes, rng)


def _measured(
    inputs: np.ndarray, codes: np.ndarray, fold: np.ndarray, classes: int, rng: np.random.Generator
) -> Measured:
    turn = rng.permutation(len(codes))
    members = [turn[fold[turn] == k] for k in range(int(fold.max()) + 1)]
    parts = [_Sums.of_fractions(inputs[rows], codes[rows], classes) for rows in members]
    hits, counts = np.zeros((len(members), len(FRACTIONS), classes)), np.zeros((len(members), classes))
    sizes = np.zeros((len(members), len(FRACTIONS)))
    for k, held in enumerate(members):
        asked, given = inputs[held], codes[held]
        counts[k] = np.bincount(given, minlength=classes)
        for f in range(len(FRACTIONS)):
            learned = _Sums.together([part[f] for other, part in enumerate(parts) if other != k])
            sizes[k, f] = learned.rows
            hits[k, f] = _hits(learned, asked, given)
    return Measured(sizes.mean(0), hits, counts)


@dataclass(frozen=True)
class _Sums:
    """Sums over rows that are learned from.

    Attributes:
        products: (d, d) float64 outer products.
        by_class: (d, K) float32 inputs.
        rows: how many they are.
    """

    products: np.ndarray
    by_class: np.ndarray
    rows: int

    @classmethod
    def of_fractions(cls, inputs: np.ndarray, codes: np.ndarray, classes: int) -> list[_Sums]:
        """Those of the first rows, for each fraction of them."""
        width, known = inputs.shape[1], 0
        sums, found = cls(np.zeros((width, width)), np.zeros((width, classes), dtype=np.float32), 0), []
        for fraction in FRACTIONS:
            size = round(fraction * len(inputs))
            more, given = inputs[known:size], codes[known:size]
            of_class = np.zeros((len(given), classes), dtype=np.float32)
            of_class[np.arange(len(given)), given] = 1
            sums, known = cls.together([sums, cls(more.T @ more, more.T @ of_class, len(more))]), size
            found.append(sums)
        return found

    @classmethod
    def together(cls, parts: list[_Sums]) -> _Sums:
        """Those of all rows of several parts."""
        products, by_class = np.zeros_like(parts[0].products), np.zeros_like(parts[0].by_class)
        for part in parts:
            products += part.products
            by_class += part.by_class
        return cls(products, by_class, sum(part.rows for part in parts))


def _reduced(vectors: np.ndarray) -> np.ndarray:
    """(m, d') centred vectors in their `DIMENSIONS` main directions, and a column of ones.

    Of fewer rows than numbers the products of rows are taken apart, which say the same.
    """
    centred = vectors - vectors.mean(0)
    rows, width = vectors.shape
    if width > DIMENSIONS and rows < width:
        values, axes = np.linalg.eigh((centred @ centred.T).astype(np.float64))
        centred = (axes * np.sqrt(np.maximum(values, 0.0)))[:, -DIMENSIONS:].astype(np.float32)
    elif width > DIMENSIONS:
        axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))[1][:, -DIMENSIONS:]
        centred = centred @ axes.astype(np.float32)
    centred /= max(float(np.sqrt(np.square(centred).mean())), 1e-6)
    return np.concatenate([centred, np.ones((len(centred), 1), dtype=np.float32)], axis=1)


def _hits(learned: _Sums, held: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(K,) held rows of each class that ridge regression on one-hot targets predicts right, at its best penalty.

    Args:
        learned: sums over the rows that are learned from.
        held: (m, d) rows to ask about.
        codes: (m,) their classes.
    """
    from scipy.linalg import cho_factor, cho_solve

    classes = learned.by_class.shape[1]
    slopes = np.empty((len(RIDGES), classes, len(learned.products)), dtype=np.float32)
    for ridge, of_ridge in zip(RIDGES, slopes, strict=True):
        penalised = learned.products.copy()
        penalised[np.diag_indices_from(penalised)] += ridge * max(learned.rows, 1)
        factors = cho_factor(penalised, lower=True, overwrite_a=True, check_finite=False)
        of_ridge[:] = cho_solve(factors, learned.by_class, check_finite=False).T
    hits = np.zeros((len(RIDGES), classes))
    step = max(1, MOST_SCORES // (len(RIDGES) * classes))
    for begin in range(0, len(held), step):
        asked, given = held[begin : begin + step], codes[begin : begin + step]
        scores = (slopes.reshape(-1, slopes.shape[2]) @ asked.T).reshape(len(RIDGES), classes, -1)
        for count, right in zip(hits, scores.argmax(1) == given, strict=True):
            count += np.bincount(given[right], minlength=classes)
    return hits[hits.sum(1).argmax()]


def extrapolated(measured: Measured, seed: int) -> Curve:
    """The curve, carried on to twice the rows; the interval is of resampled folds and sizes."""
    rng = np.random.default_rng(seed)
    folds = len(measured.counts)
    (error,), (gain,) = _fitted(measured, np.arange(folds)[None], np.zeros(1, dtype=bool))
    # Half of the draws leave out the smallest size: how well a power law fits is part of the doubt.
    resampled = rng.integers(0, folds, (RESAMPLES, folds))
    _, draws = _fitted(measured, resampled, np.arange(RESAMPLES) % 2 == 1)
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
        float(gain),
        float(min(low, gain)),
        float(max(high, gain)),
        np.where(known, 1 - of_class[-1], 0.0),
        class_gain,
    )


def _fitted(measured: Measured, folds: np.ndarray, without_first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Laws a + b n^-power with a, b >= 0, the likeliest of each of r choices of folds.

    Args:
        measured: what was measured.
        folds: (r, s) folds.
        without_first: (r,) bool, whether the smallest size is left out.

    Returns:
        (r, f) errors, and (r,) the gain of twice the rows.
    """
    total = measured.counts[folds].sum((1, 2))
    error = 1 - measured.hits[folds].sum((1, 3)) / np.maximum(total, 1)[:, None]
    weight = 1 / np.maximum(error * (1 - error), 1e-3)
    weight[without_first, 0] = 0.0
    weight /= weight.sum(1, keepdims=True)
    fall = (measured.rows / measured.rows[-1]) ** -POWERS[:, None]  # (powers, f)
    mean_fall, mean_error = weight @ fall.T, (weight * error).sum(1)
    apart = fall - mean_fall[..., None]  # (r, powers, f)
    weighted = weight[:, None] * apart
    slope = (weighted * (error - mean_error[:, None])[:, None]).sum(2) / (weighted * apart).sum(2)
    steepest = ((weight * error) @ fall.T) / (weight @ np.square(fall).T)  # of a law that ends at 0
    slope = np.minimum(np.maximum(slope, 0.0), steepest)
    level = np.maximum(0.0, mean_error[:, None] - slope * mean_fall)
    misfit = (weight[:, None] * np.square(error[:, None] - level[..., None] - slope[..., None] * fall)).sum(2)
    best = misfit.argmin(1)
    slope = slope[np.arange(len(best)), best]
    return error, np.clip(slope * (1 - 2.0 ** -POWERS[best]), 0.0, error[:, -1])
