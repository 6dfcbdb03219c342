"""How given labels come from true ones: a class-pair noise matrix that is smoothed as far as the rows support it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from curate.evidence.confident import estimated_joint

RATE_ROWS = 10.0
"""Rows' worth of belief that a class has the noise rate of the whole set."""
PRIOR_RATE, PRIOR_ROWS = 0.05, 10.0
"""Noise rate that is believed before anything is seen, and how many rows that is worth."""
STRENGTHS = (3.0, 10.0, 30.0, 100.0, 1000.0)
"""Wrong labels' worth of belief about where the wrong labels of a class go; the likeliest is taken."""
FIRST_STRENGTH = 30.0


@dataclass(frozen=True)
class NoiseMatrix:
    """P(given | true), from counts and a belief.

    A true class has wrong labels at a rate near that of the whole set. They go to class c with a share near
    `places[c, k]`; where noise is unstructured a large `strength` is likeliest, where it has a pattern a small one.

    Attributes:
        counts: (K, K) float64 rows of each given (row) and true (column) label.
        places: (K, K) float64, zero diagonal, columns sum to 1.
        strength: wrong labels' worth of belief in `places`.
    """

    counts: np.ndarray
    places: np.ndarray
    strength: float

    @classmethod
    def started(cls, counts: np.ndarray) -> NoiseMatrix:
        """With the belief that wrong labels go anywhere."""
        return cls(counts, evenly(len(counts)), FIRST_STRENGTH)

    @property
    def rate(self) -> float:
        """Share of wrong labels, drawn to `PRIOR_RATE`."""
        rows = self.counts.sum()
        wrong = rows - np.trace(self.counts) + PRIOR_RATE * PRIOR_ROWS
        return float(np.clip(wrong / (rows + PRIOR_ROWS), 1e-4, 0.9))

    def transition(self) -> np.ndarray:
        """(K, K) P(given = row | true = column), columns sum to 1."""
        right, total = np.diag(self.counts), self.counts.sum(0)
        wrong = total - right
        matrix = self.counts + self.strength * self.places
        np.fill_diagonal(matrix, 0.0)
        rate = (wrong + RATE_ROWS * self.rate) / (total + RATE_ROWS)
        if len(matrix) > 1:
            matrix *= rate / (wrong + self.strength)
        np.fill_diagonal(matrix, 1 - rate)
        return matrix

    @cached_property
    def _transition_by_true(self) -> np.ndarray:
        return _by_true(self.transition())

    @cached_property
    def _counts_by_true(self) -> np.ndarray:
        return _by_true(self.counts)

    @cached_property
    def _believed_by_true(self) -> np.ndarray:
        return _by_true(self.strength * self.places)

    def joint_with(self, p: np.ndarray, given: np.ndarray) -> np.ndarray:
        """(n, K) float32 p(k) T(given | k) of rows that have no part in the counts."""
        return p * self._transition_by_true.take(given, axis=1).T

    def joint_without(self, own: np.ndarray, p: np.ndarray, given: np.ndarray) -> np.ndarray:
        """(n, K) float32 p(k) T(given | k), each row's by the noise that the *other* rows show.

        Otherwise a row between two classes of few rows would be the evidence for the very noise that explains it.

        Args:
            own: (n, K) float32, what each row has added to `counts` (its posterior); read fastest in Fortran's order.
            p: (n, K) float32 probabilities, in the same order.
            given: (n,) codes.
        """
        here, rate = np.arange(len(given)), self.rate
        right, total = np.diag(self.counts), self.counts.sum(0)
        others = (total - right).astype(np.float32) - own
        np.maximum(others, 0, out=others)
        result = self._counts_by_true.take(given, axis=1).T
        result -= own
        np.maximum(result, 0, out=result)
        result += self._believed_by_true.take(given, axis=1).T
        result /= others + np.float32(self.strength)
        others += np.float32(RATE_ROWS * rate)
        result *= others
        rows = total.astype(np.float32) - own
        np.maximum(rows, 0, out=rows)
        rows += np.float32(RATE_ROWS)
        result /= rows
        mine = own[here, given]
        kept = np.maximum(right[given] - mine, 0) + RATE_ROWS * (1 - rate)
        result[here, given] = kept / (np.maximum(total[given] - mine, 0) + RATE_ROWS)
        result *= p
        return result

    def with_likeliest_belief(self, parts: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> NoiseMatrix:
        """The same counts with the belief under which the given labels are likeliest, each by the other rows' counts.

        Wrong labels go anywhere, or half of them to the classes that the heads take this one for.

        Args:
            parts: of the rows, arguments of `joint_without` each.
        """
        even = evenly(len(self.counts))
        alike = np.full_like(even, 1e-3)
        for own, p, _ in parts:
            alike += p.T @ own
        np.fill_diagonal(alike, 0.0)
        alike /= np.maximum(alike.sum(0), 1e-12)
        tried = [
            replace(self, places=places, strength=strength)
            for places in (even, 0.5 * (even + alike))
            for strength in STRENGTHS
        ]
        return max(tried, key=lambda one: sum(normalised(one.joint_without(*part))[1] for part in parts))


def _by_true(matrix: np.ndarray) -> np.ndarray:
    """(K, K) of given (row) and true (column) label -> float32 by the true one, so that columns are taken out fast."""
    return np.ascontiguousarray(matrix.T, dtype=np.float32)


def evenly(classes: int) -> np.ndarray:
    """(K, K) an even share for each other class."""
    places = np.full((classes, classes), 1.0 / max(classes - 1, 1))
    np.fill_diagonal(places, 0.0)
    return places


def normalised(joint: np.ndarray) -> tuple[np.ndarray, float]:
    """(n, K) rows made to sum to 1 (in place), and the sum of the logarithms of what they summed to."""
    total = np.maximum(joint.sum(1, keepdims=True), np.float32(1e-30))
    joint /= total
    return joint, float(np.log(total).sum(dtype=np.float64))


def confident_joint(probabilities: np.ndarray, given: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) joint of given (row) and true (column) label by confident learning; classes without a row get no mass."""
    present, compact = np.unique(given, return_inverse=True)
    joint = np.zeros((classes, classes))
    if len(present) == 1:
        joint[present[0], present[0]] = 1.0
        return joint
    p = np.maximum(probabilities if len(present) == classes else probabilities[:, present], 1e-12)
    p /= p.sum(1, keepdims=True)
    joint[np.ix_(present, present)] = np.nan_to_num(estimated_joint(p, compact))
    return joint / joint.sum()
