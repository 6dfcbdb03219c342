"""The ensemble's judgement of labels: scores combined, and as many rows flagged as labels are estimated to be wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.checks.labels import confident_learning
from curate.evidence.confident import largest_other, predicted
from curate.evidence.vector_rows import Rows

CERTAIN = 1e-6
"""Probabilities nearer to 0 or 1 than this are taken for this far."""
WEIGHTS = {"self_confidence": 1.0, "posterior": 1.0, "normalized_margin": 0.5}
"""The margin says half of what self-confidence says, again."""
SURE = 0.8
"""Doubt from which a row is flagged whatever the estimated number of wrong labels is."""
THIN_ROWS = 10
"""Classes of fewer rows cannot carry an estimate of their noise: only what is sure is flagged in them."""
LEVEL = 0.9
"""Of the interval of the noise rate."""
MOST_CELLS = 20_000_000
"""Rows times classes from which confident learning counts by a sample of the rows."""


@dataclass(frozen=True)
class NoiseRate:
    """Estimated share of wrong labels.

    Attributes:
        rate: the estimate.
        low: lower end of the interval.
        high: its upper end.
    """

    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Views:
    """What probabilities say of each label; n rows.

    Attributes:
        own: (n,) out-of-sample probability of the given class.
        other: (n,) the largest one of another class, -inf where there is no other.
        believed: (n,) probability that the given class is the true one, given the input and the label.
        likeliest: (n,) int64 the true class by that.
    """

    own: np.ndarray
    other: np.ndarray
    believed: np.ndarray
    likeliest: np.ndarray

    @classmethod
    def of(cls, given: np.ndarray, probabilities: Rows, posterior: Rows) -> Views:
        """Of (n,) codes, (n, K) probabilities out of sample and (n, K) probabilities of each true class."""
        seen, true = predicted(probabilities, given), predicted(posterior, given)
        return cls(seen.own, largest_other(probabilities, given, seen), true.own, true.best.astype(np.int64))


def doubt(views: Views) -> np.ndarray:
    """How much each label is doubted: the weighted mean of what several scores say, as log-odds.

    Self-confidence finds labels that the model gives no chance, the normalised margin those where it is sure of another
    class, the posterior those that the noise between the classes explains. None of them is best on all kinds of noise.

    Returns:
        (n,) float64 log-odds that the label is wrong.
    """
    own, believed = views.own.astype(np.float64), views.believed.astype(np.float64)
    margin = (1.0 + np.maximum(views.other.astype(np.float64), 0.0) - own) / 2
    scores = {"self_confidence": 1.0 - own, "posterior": 1.0 - believed, "normalized_margin": margin}
    total = sum((WEIGHTS[name] * _log_odds(score) for name, score in scores.items()), start=np.zeros(len(own)))
    return total / sum(WEIGHTS.values())


def _log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, CERTAIN, 1 - CERTAIN)
    return np.log(p) - np.log1p(-p)


def noise_rate(given: np.ndarray, probabilities: Rows, views: Views) -> NoiseRate:
    """The share of wrong labels, between two estimators that err on different sides.

    The noise model holds a model's doubt about a row for the row's own, and so misses errors that people make where
    content is ambiguous; confident learning counts each confident disagreement, and so counts the model's errors, too.
    The estimate is their geometric mean. The interval reaches from the lower end of the first to the upper end of the
    second, with the uncertainty of a share of n rows (Jeffreys); the rows of classes that are too thin count as right
    for its lower end.
    """
    n = len(given)
    if not n:
        return NoiseRate(0.0, 0.0, 1.0)
    from scipy.special import betaincinv

    wrong = np.clip(1.0 - views.believed.astype(np.float64), 0.0, 1.0)
    modelled, classes = float(wrong.mean()), probabilities.shape[1]
    if n * classes > MOST_CELLS:  # an even sample, in the order of the rows' ids
        some = np.linspace(0, n - 1, MOST_CELLS // classes).astype(np.int64)
        joint = confident_learning.joint_of_present(given[some], probabilities, some)
    else:
        joint = confident_learning.joint_of_present(given, probabilities)
    counted = modelled if joint is None else float(np.clip(1 - np.trace(joint), 0.0, 1.0))
    supported = float(wrong[~thin(given, classes)].sum())
    tail = (1 - LEVEL) / 2
    most = max(modelled, counted) * n
    low = float(betaincinv(min(modelled, counted, supported / n) * n + 0.5, n + 0.5, tail))
    high = float(betaincinv(most + 0.5, n - most + 0.5, 1 - tail))
    rate = float(np.sqrt(modelled * counted))
    return NoiseRate(rate, min(low, rate), max(high, rate))


def flagged(given: np.ndarray, log_odds: np.ndarray, rate: float, classes: int) -> np.ndarray:
    """(n,) bool: as many of the most doubted rows as labels are wrong, and all that are surely wrong.

    Args:
        given: (n,) codes; rows in an order that does not hang on that of the table decide ties.
        log_odds: (n,) from `doubt`.
        rate: share of wrong labels.
        classes: K.
    """
    order = np.argsort(-log_odds, kind="stable")
    found = np.zeros(len(given), dtype=bool)
    found[order[: round(rate * len(given))]] = True
    sure = log_odds >= np.log(SURE / (1 - SURE))
    return np.where(thin(given, classes), sure, found | sure)


def suggestions(given: np.ndarray, probabilities: Rows, posterior: Rows, views: Views, found: np.ndarray) -> np.ndarray:
    """(n,) the likeliest true class, -1 where that is the given one; for flagged rows the likeliest other class.

    Args:
        given: (n,) codes.
        probabilities: (n, K).
        posterior: (n, K).
        views: of these.
        found: (n,) bool, flagged rows.
    """
    suggested = np.where(views.likeliest == given, -1, views.likeliest)
    rows = np.flatnonzero(found & (suggested < 0))
    others = probabilities[rows] * posterior[rows]
    others[np.arange(len(rows)), given[rows]] = -1.0
    suggested[rows] = others.argmax(1)
    return suggested


def thin(given: np.ndarray, classes: int) -> np.ndarray:
    """(n,) bool: rows of classes of fewer than `THIN_ROWS` rows."""
    return np.bincount(given, minlength=classes)[given] < THIN_ROWS
