"""Label noise: the joint of given and true labels, and what each row's true class is likely to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.evidence.heads import FLOOR, softmax
from curate.evidence.values import Noise

PRIOR_ROWS = 5.0
"""Rows' worth of belief that a class's noise goes where the average of all classes' noise goes."""
BIAS_ROWS = 10.0
"""Rows' worth of belief that a class has the share of the probabilities that the heads give it."""
ROUNDS = 30
ONE_HOT_CELLS = 50_000_000
TEMPERATURES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""Exponents that are tried on the probabilities; above 1 sharper: heads fitted on noisy labels hedge."""


@dataclass(frozen=True)
class Channel:
    """What the given labels say once the way from the true to the given label is modelled.

    Attributes:
        posterior: (n, K) float32, probability of each true class given the input and the given label.
        joint: (K, K) float64, given label (row) and true label (column), sums to 1.
        temperature: exponent under which the given labels are likeliest.
        bias: (K,) float64, added to the logarithm of the probabilities after that: heads and votes give rare classes
            less than their share.
    """

    posterior: np.ndarray
    joint: np.ndarray
    temperature: float
    bias: np.ndarray

    def calibrated(self, probabilities: np.ndarray) -> np.ndarray:
        """(m, K) float32 probabilities sharpened by the temperature and shifted by the bias."""
        logarithm = np.log(np.maximum(probabilities.astype(np.float64), FLOOR))
        return softmax(logarithm * self.temperature + self.bias).astype(np.float32)


def fit_channel(probabilities: np.ndarray, codes: np.ndarray) -> Channel:
    """Fit P(given | true), and a temperature and class biases of the probabilities, to the given labels.

    The posterior of the true class is r(k) ~ p(k | x)^b exp(c(k)) T(given | k). T starts from cleanlab's
    `estimate_joint` (Northcutt, Jiang, Chuang: Confident Learning, 2021) and is refined by expectation maximisation,
    with a prior of `PRIOR_ROWS` rows of average confusion per class; b is the exponent with the best likelihood of the
    given labels, and c gives each class as much mass in the probabilities as in the posterior.

    Args:
        probabilities: (n, K) out-of-sample, rows sum to 1.
        codes: (n,) int64 given labels, all known.
    """
    n, classes = probabilities.shape
    logarithm = np.log(np.maximum(probabilities.astype(np.float64), FLOOR))
    start = confident_joint(probabilities, codes, classes) * n
    given = np.zeros((classes, n), dtype=np.float32) if n * classes <= ONE_HOT_CELLS else None
    if given is not None:
        given[codes, np.arange(n)] = 1
    best: tuple[float, Channel] | None = None
    middle = TEMPERATURES.index(1.0)
    for way in (TEMPERATURES[middle:], TEMPERATURES[:middle][::-1]):  # up from 1, then down, as long as it gets better
        for temperature in way:
            posterior, counts, likelihood, bias = _maximised(logarithm * temperature, codes, start, given)
            if best is not None and likelihood <= best[0]:
                break
            best = likelihood, Channel(posterior, counts / n, temperature, bias)
    assert best is not None
    return best[1]


def _maximised(
    logits: np.ndarray, codes: np.ndarray, counts: np.ndarray, given: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """Posterior, counts of given and true labels, likelihood and bias after some rounds of expectation maximisation.

    The bias moves until each class has as much mass in the probabilities as in the posterior (iterative scaling), with
    `BIAS_ROWS` rows' worth of belief that it has already.
    """
    bias = np.zeros(logits.shape[1])
    p = softmax(logits).astype(np.float32)
    posterior, likelihood = p, -np.inf
    for done in range(ROUNDS):
        posterior, likelihood = posterior_of(p, codes, transition_matrix(counts))
        counts = _counted(posterior, codes, given)
        if done + 1 < ROUNDS:
            bias += np.log((posterior.sum(0) + BIAS_ROWS) / (p.sum(0) + BIAS_ROWS))
            p = softmax(logits + bias).astype(np.float32)
    return posterior, counts, likelihood, bias


def estimate_noise(probabilities: np.ndarray, codes: np.ndarray, fitted: np.ndarray) -> Noise:
    """The noise of labels, from out-of-sample probabilities.

    Args:
        probabilities: (n, K) float32, NaN in rows that have none.
        codes: (n,) int64 given labels, -1 where missing.
        fitted: (n,) bool, rows from which the noise is learned (active training rows).

    Returns:
        The noise; rows without a label get their probabilities as posterior.
    """
    classes = probabilities.shape[1]
    valid = np.asarray(np.isfinite(probabilities).all(1)) & (classes > 0)
    known = valid & (codes >= 0)
    rows = np.flatnonzero(known & fitted)
    posterior = np.where(valid[:, None], probabilities, np.nan).astype(np.float32)
    if not len(rows) or classes < 2:
        return Noise(_diagonal(codes[codes >= 0], classes), posterior, 0.0)
    channel = fit_channel(probabilities[rows], codes[rows])
    rest = np.flatnonzero(known)
    p = channel.calibrated(probabilities[rest])
    posterior[rest] = posterior_of(p, codes[rest], transition_matrix(channel.joint * len(rows)))[0]
    return Noise(channel.joint, posterior, float(max(0.0, 1 - np.trace(channel.joint))))


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


def transition_matrix(counts: np.ndarray) -> np.ndarray:
    """(K, K) rows of given (row) and true (column) label -> P(given = row | true = column), columns sum to 1."""
    classes, rows = len(counts), counts.sum()
    rate = float(np.clip(1 - np.trace(counts) / rows, 1 / (rows + 1), 0.9))
    average = np.full((classes, classes), rate / max(classes - 1, 1))
    np.fill_diagonal(average, 1 - rate)
    smoothed = counts + PRIOR_ROWS * average
    return smoothed / smoothed.sum(0, keepdims=True)


def posterior_of(p: np.ndarray, given: np.ndarray, transition: np.ndarray) -> tuple[np.ndarray, float]:
    """(n, K) float32 posterior r(k) ~ p(k | x) T(given | k), and the mean log-likelihood of the given labels."""
    weighted = p * transition.astype(np.float32)[given]
    total = np.maximum(weighted.sum(1, keepdims=True), np.float32(1e-30))
    weighted /= total
    return weighted, float(np.log(total).mean(dtype=np.float64))


def _counted(posterior: np.ndarray, codes: np.ndarray, given: np.ndarray | None) -> np.ndarray:
    """(K, K) sum of the posteriors of the rows of each given label."""
    if given is not None:
        return (given @ posterior).astype(np.float64)
    counts = np.zeros((posterior.shape[1], posterior.shape[1]))
    np.add.at(counts, codes, posterior)
    return counts


def estimate_set_noise(probabilities: np.ndarray, sets: np.ndarray, known: np.ndarray, fitted: np.ndarray) -> Noise:
    """The noise of a multilabel task: each label on its own, as a class of two.

    Args:
        probabilities: (n, K) float32 probability that each label is on, NaN in rows that have none.
        sets: (n, K) bool given labels.
        known: (n,) bool, rows that have labels at all.
        fitted: (n,) bool, rows from which the noise is learned.

    Returns:
        `posterior`: probability that each label is truly on. `joint`: diagonal, the share of each label among all
        labels that are on. `rate`: share of wrong entries of the label matrix.
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
