"""Label noise: the joint of given and true labels, and what each row's true class is likely to be."""

from __future__ import annotations

import numpy as np

from curate.evidence.channel import fit_channel
from curate.evidence.values import Noise

CHANCE_ERRORS = 3.5
"""Standard errors above chance from which predictions count as knowing something. On labels that were dealt out anew,
40 sets of 40 to 500 rows reach up to 3.0, because the heads choose their settings by the labels."""


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
    if not better_than_chance(probabilities[rows], codes[rows]):
        posterior[known] = np.eye(classes, dtype=np.float32)[codes[known]]
        return Noise(_diagonal(codes[rows], classes), posterior, 0.0, informed=False)
    channel = fit_channel([probabilities[rows]], codes[rows])
    posterior[rows] = channel.posterior(codes[rows], probabilities[rows], fitted=True)
    rest = np.flatnonzero(known & ~fitted)
    posterior[rest] = channel.posterior(codes[rest], probabilities[rest], fitted=False)
    return Noise(channel.joint, posterior, float(max(0.0, 1 - np.trace(channel.joint))))


def better_than_chance(probabilities: np.ndarray, codes: np.ndarray) -> bool:
    """Whether rows get more probability on their given label than they would if the labels were dealt out anew.

    Args:
        probabilities: (n, K) out of sample.
        codes: (n,) given labels.
    """
    n, classes = probabilities.shape
    shares = np.bincount(codes, minlength=classes) / n
    gain = probabilities[np.arange(n), codes].astype(np.float64) - probabilities @ shares
    # One class alone leaves nothing to tell apart, and nothing to doubt.
    return shares.max() == 1 or float(gain.mean()) > CHANCE_ERRORS * float(gain.std()) / np.sqrt(n)


def _diagonal(codes: np.ndarray, classes: int) -> np.ndarray:
    counts = np.bincount(codes, minlength=classes)[:classes].astype(np.float64)
    return np.diag(counts / counts.sum()) if counts.sum() else np.eye(classes) / max(classes, 1)


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
