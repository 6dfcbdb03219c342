"""Linear discriminant analysis with shrinkage: a head in closed form, from sums over blocks of rows."""

from __future__ import annotations

from copy import copy

import numpy as np

from curate.evidence.chunks import LeftArray
from curate.evidence.heads import each_block, softmax, spans, summed_by_class
from curate.evidence.parts.left import ArrayWriter, opened

MEAN_ROWS = 1.0
"""Rows' worth of belief that a class lies where the middle of all rows lies."""
LEAST_VARIANCE = 1e-3
"""Of inputs of unit scale: a constant embedding has none."""
SHARED_WIDTH = 1_500
"""Up to here blocks of rows are gone through by several threads, each with products of 4 d^2 bytes."""


class Discriminant:
    """Gaussian classes of one covariance; what does not depend on the labels is summed once.

    Its classes are described by means alone, so that a class of few rows, or one with wrong labels in it, moves the
    others' borders little. Source: Friedman, Regularized Discriminant Analysis, 1989.

    Args:
        inputs: (n, d) float32.
        learn: (n,) bool, rows that may be learned from.
        width: numbers of a row, where the inputs are given in the space that the rows span.
        parts: (n,) int8 parts of the rows that are left out as a whole; one part if left out.

    Peak memory, beside the inputs: 8 d^2 bytes per part, 24 d^2 bytes more, and some blocks of 32 MB.
    """

    def __init__(
        self, inputs: np.ndarray, learn: np.ndarray, width: int | None = None, parts: np.ndarray | None = None
    ) -> None:
        self._inputs, self._learn, self._width = inputs, learn, width or inputs.shape[1]
        parts = np.zeros(len(learn), dtype=np.int8) if parts is None else parts
        self._parts = [learn & (parts == part) for part in np.unique(parts[learn])]
        self._products = [_products(inputs, rows) for rows in self._parts]

    def seeing(self, inputs: np.ndarray | None) -> Discriminant:
        """The same sums beside the inputs that they were made of, or without these."""
        other = copy(self)
        other._inputs = inputs  # pyright: ignore[reportAttributeAccessIssue]
        return other

    def left(self, writer: ArrayWriter) -> Discriminant:
        """The same with its sums left where it was made."""
        other = copy(self)
        other._products = [writer.written(products) for products in self._products]  # pyright: ignore
        return other

    def here(self) -> Discriminant:
        """The same with its sums at hand. Raises `Absent`."""
        if not any(isinstance(products, LeftArray) for products in self._products):
            return self
        other = copy(self)
        other._products = [opened(products) for products in self._products]
        return other

    def scores(
        self, train: np.ndarray, targets: np.ndarray, asked: np.ndarray, shrinkages: tuple[float, ...]
    ) -> list[np.ndarray]:
        """Discriminant scores of some rows by classes that were fitted on others.

        Args:
            train: (n,) bool, at least one row, all of them among those that may be learned from.
            targets: (n, K) float32, one-hot or soft, rows sum to 1.
            asked: (q,) rows.
            shrinkages: how far the covariance is drawn to a multiple of the unit matrix, each in (0, 1].

        Returns:
            For each shrinkage (q, K) float32, logarithms of probabilities up to a constant per row.
        """
        return [self._inputs[asked] @ slopes + offset for slopes, offset in self.fitted(train, targets, shrinkages)]

    def fitted(
        self, train: np.ndarray, targets: np.ndarray, shrinkages: tuple[float, ...]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each shrinkage (d, K) and (K,) float32: inputs times the one plus the other are the scores."""
        covariance = self._products_of(train)
        size, sums = self._class_sums(train, targets)
        rows = size.sum()
        middle = sums.sum(0) / rows
        means = (sums + MEAN_ROWS * middle) / (size + MEAN_ROWS)[:, None]
        # Around the means that are used, which are drawn to the middle: positive semidefinite whatever they are.
        covariance -= np.concatenate([sums, means]).T @ np.concatenate([means, sums - size[:, None] * means])
        covariance /= rows
        average = max(float(np.trace(covariance)) / self._width, LEAST_VARIANCE)
        prior = np.log((size + 1e-3) / rows)
        found = []
        for shrinkage in shrinkages:
            # No eigenvalue is below `shrinkage` of their mean: float32 is enough, and half the work.
            shrunk = np.multiply(covariance, 1 - shrinkage, out=np.empty_like(covariance, dtype=np.float32))
            shrunk[np.diag_indices_from(shrunk)] += np.float32(shrinkage * average)
            slopes = _divided(means.T.astype(np.float32), shrunk)
            offset = prior - 0.5 * (means.T * slopes).sum(0)
            found.append((slopes, offset.astype(np.float32)))
        return found

    def _products_of(self, train: np.ndarray) -> np.ndarray:
        """(d, d) float64 sum of the outer products of the rows to train on, the caller's own."""
        total = np.zeros((self._inputs.shape[1],) * 2)
        for rows, products in zip(self._parts, self._products, strict=True):
            inside = int(np.count_nonzero(train & rows))
            if inside == np.count_nonzero(rows):
                total += products
            elif inside:
                total += products
                total -= _products(self._inputs, rows & ~train)
        return total

    def _class_sums(self, train: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(K,) float64 weight of each class among the rows to train on, and (K, d) float64 sums of their inputs."""
        classes, width = targets.shape[1], self._inputs.shape[1]
        size, sums = np.zeros(classes), np.zeros((classes, width))
        for rows in spans(train, classes + width):
            weights = targets[rows].T * train[rows]
            size += weights.sum(1, dtype=np.float64)
            sums += summed_by_class(weights, self._inputs[rows])
        return size, sums


def _divided(means: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """(d, K) float32 inverse of a positive definite (d, d) covariance, which is overwritten, times the means.

    By Cholesky's factors, three times as fast as a solver that knows nothing of the matrix.
    """
    from scipy.linalg import cho_factor, cho_solve

    factors = cho_factor(covariance, lower=True, overwrite_a=True, check_finite=False)
    return cho_solve(factors, means, check_finite=False)


def likeliest_temperature(
    scores: np.ndarray, codes: np.ndarray, temperatures: tuple[float, ...]
) -> tuple[float, float]:
    """The factor under which the (q, K) scores make the (q,) codes likeliest, and their mean log-likelihood."""
    here = np.arange(len(codes))
    found = []
    for temperature in temperatures:
        p = softmax(scores * np.float32(temperature))[here, codes]
        found.append(float(np.log(np.maximum(p, 1e-9)).mean(dtype=np.float64)))
    best = int(np.argmax(found))
    return temperatures[best], found[best]


def _products(inputs: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(d, d) float64 sum of the outer products of some of (n,) bool rows."""

    def of_block(rows: slice) -> np.ndarray:
        part = inputs[rows] if chosen[rows].all() else inputs[rows][chosen[rows]]
        return part.T @ part

    width = inputs.shape[1]
    total = np.zeros((width, width))
    parts = spans(chosen, width)
    for products in each_block(of_block, parts) if width <= SHARED_WIDTH else map(of_block, parts):
        total += products
    return total
