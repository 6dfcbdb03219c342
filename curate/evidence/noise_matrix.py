"""How given labels come from true ones: a class-pair noise matrix that is smoothed as far as the rows support it."""

from __future__ import annotations

from dataclasses import dataclass, replace

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

    def joint_with(self, p: np.ndarray, given: np.ndarray) -> np.ndarray:
        """(n, K) float32 p(k) T(given | k) of rows that have no part in the counts."""
        return p * self.transition().astype(np.float32)[given]

    def joint_without(self, own: np.ndarray, p: np.ndarray, given: np.ndarray) -> np.ndarray:
        """(n, K) float32 p(k) T(given | k), each row's by the noise that the *other* rows show.

        Otherwise a row between two classes of few rows would be the evidence for the very noise that explains it.

        Args:
            own: (n, K) float32, what each row has added to `counts` (its posterior).
            p: (n, K) float32 probabilities.
            given: (n,) codes.
        """
        here, rate = np.arange(len(given)), self.rate
        right, total = np.diag(self.counts), self.counts.sum(0)
        others = np.maximum((total - right).astype(np.float32) - own, 0)
        result = np.maximum(self.counts.astype(np.float32)[given] - own, 0)
        result += (self.strength * self.places).astype(np.float32)[given]
        result /= others + np.float32(self.strength)
        result *= others + np.float32(RATE_ROWS * rate)
        result /= np.maximum(total.astype(np.float32) - own, 0) + np.float32(RATE_ROWS)
        mine = own[here, given]
        kept = np.maximum(right[given] - mine, 0) + RATE_ROWS * (1 - rate)
        result[here, given] = kept / (np.maximum(total[given] - mine, 0) + RATE_ROWS)
        result *= p
        return result

    def with_likeliest_belief(self, own: np.ndarray, p: np.ndarray, given: np.ndarray) -> NoiseMatrix:
        """The same counts with the belief under which the given labels are likeliest, each by the other rows' counts.

        Wrong labels go anywhere, or half of them to the classes that the heads take this one for.
        """
        even = evenly(len(self.counts))
        alike = (p.T @ own).astype(np.float64) + 1e-3
        np.fill_diagonal(alike, 0.0)
        alike /= np.maximum(alike.sum(0), 1e-12)
        tried = [
            replace(self, places=places, strength=strength)
            for places in (even, 0.5 * (even + alike))
            for strength in STRENGTHS
        ]
        return max(tried, key=lambda one: normalised(one.joint_without(own, p, given))[1])


def evenly(classes: int) -> np.ndarray:
    """(K, K) an even share for each other class."""
    places = np.full((classes, classes), 1.0 / max(classes - 1, 1))
    np.fill_diagonal(places, 0.0)
    return places


def normalised(joint: np.ndarray) -> tuple[np.ndarray, float]:
    """(n, K) rows made to sum to 1 (in place), and the mean logarithm of what they summed to."""
    total = np.maximum(joint.sum(1, keepdims=True), np.float32(1e-30))
    joint /= total
    return joint, float(np.log(total).mean(dtype=np.float64))


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
