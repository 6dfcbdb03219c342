"""Label noise: the joint of given and true labels, and what each row's true class is likely to be."""

from __future__ import annotations

import numpy as np

from curate.evidence.values import Noise

PRIOR_ROWS = 5.0
"""Rows' worth of belief that a class's noise goes where the average of all classes' noise goes."""
ROUNDS = 5


def estimate_noise(probabilities: np.ndarray, codes: np.ndarray, fitted: np.ndarray) -> Noise:
    """The noise of labels, from out-of-sample probabilities.

    The joint starts from cleanlab's `estimate_joint` (Northcutt, Jiang, Chuang: Confident Learning, 2021) and is refined
    by a few rounds of expectation maximisation: the posterior of the true class is r(k) ~ p(k | x) T(given | k), and T is
    the average of the posteriors, drawn towards the diagonal plus even confusion where a class has few rows.

    Args:
        probabilities: (n, K) float32, NaN in rows that have none.
        codes: (n,) int64 given labels, -1 where missing.
        fitted: (n,) bool, rows from which the noise is learned (active training rows).

    Returns:
        The noise; rows without a label get their probabilities as posterior.
    """
    n, classes = probabilities.shape
    valid = np.isfinite(probabilities).all(1) if classes else np.zeros(n, dtype=bool)
    known = valid & (codes >= 0)
    rows = np.flatnonzero(known & fitted)
    posterior = np.where(valid[:, None], probabilities, np.nan).astype(np.float32)
    if not len(rows) or classes < 2:
        return Noise(_diagonal(codes[codes >= 0], classes), posterior, 0.0)
    p, given = probabilities[rows].astype(np.float64), codes[rows]
    joint = confident_joint(p, given, classes)
    for _ in range(ROUNDS):
        transition = _transition(joint, len(rows))
        joint = np.zeros((classes, classes))
        np.add.at(joint, given, _posterior(p, given, transition))
        joint /= joint.sum()
    transition = _transition(joint, len(rows))
    rows = np.flatnonzero(known)
    posterior[rows] = _posterior(probabilities[rows].astype(np.float64), codes[rows], transition)
    return Noise(joint, posterior, float(1 - np.trace(joint)))


def confident_joint(probabilities: np.ndarray, given: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) joint of given (row) and true (column) label by cleanlab; classes without a row get no mass.

    cleanlab wants every class from 0 to K-1 to occur, so it sees only those that do.
    """
    from cleanlab.count import estimate_joint

    present, compact = np.unique(given, return_inverse=True)
    joint = np.zeros((classes, classes))
    if len(present) == 1:
        joint[present[0], present[0]] = 1.0
        return joint
    p = np.maximum(probabilities[:, present], 1e-12)
    estimated = estimate_joint(compact, p / p.sum(1, keepdims=True))
    joint[np.ix_(present, present)] = np.nan_to_num(estimated)
    return joint / joint.sum()


def _diagonal(codes: np.ndarray, classes: int) -> np.ndarray:
    counts = np.bincount(codes, minlength=classes)[:classes].astype(np.float64)
    return np.diag(counts / counts.sum()) if counts.sum() else np.eye(classes) / max(classes, 1)


def _transition(joint: np.ndarray, rows: int) -> np.ndarray:
    """(K, K) joint -> P(given = row | true = column), smoothed by `PRIOR_ROWS` of the average confusion."""
    classes = len(joint)
    rate = float(np.clip(1 - np.trace(joint), 1.0 / (rows + 1), 0.9))
    average = np.full((classes, classes), rate / max(classes - 1, 1))
    np.fill_diagonal(average, 1 - rate)
    counts = joint * rows + PRIOR_ROWS * average
    return counts / counts.sum(0, keepdims=True)


def _posterior(p: np.ndarray, given: np.ndarray, transition: np.ndarray) -> np.ndarray:
    """r(k) ~ p(k | x) T(given | k), rows sum to 1."""
    weighted = p * transition[given]
    total = weighted.sum(1, keepdims=True)
    return np.where(total > 0, weighted / np.maximum(total, 1e-300), p)


def estimate_set_noise(probabilities: np.ndarray, sets: np.ndarray, known: np.ndarray, fitted: np.ndarray) -> Noise:
    """The noise of a multilabel task: each label on its own, as a class of two.

    Args:
        probabilities: (n, K) float32 probability that each label is on, NaN in rows that have none.
        sets: (n, K) bool given labels.
        known: (n,) bool, rows that have labels at all.
        fitted: (n,) bool, rows from which the noise is learned.

    Returns:
        `posterior`: probability that each label is truly on. `joint`: diagonal, the share of each label among all labels
        that are on. `rate`: share of wrong entries of the label matrix.
    """
    posterior = np.array(probabilities, dtype=np.float32)
    rates = np.zeros(sets.shape[1])
    for label in range(sets.shape[1]):
        on = probabilities[:, label]
        codes = np.where(known, sets[:, label].astype(np.int64), -1)
        noise = estimate_noise(np.stack([1 - on, on], axis=1), codes, fitted)
        posterior[:, label], rates[label] = noise.posterior[:, 1], noise.rate
    on = sets[known].sum(0).astype(np.float64)
    joint = np.diag(on / on.sum()) if on.sum() else np.eye(len(on)) / max(len(on), 1)
    return Noise(joint, posterior, float(rates.mean()) if len(rates) else 0.0)
