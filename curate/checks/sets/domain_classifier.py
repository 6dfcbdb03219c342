"""A classifier that tries to tell two samples apart by their vectors: how well it does, and by which rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.checks.sets.ranks import average_ranks
from curate.evidence.heads import design, fit_logistic

FOLDS = 5
RIDGE = 0.03
"""Strong: the question is whether there is a plain difference, not whether rows can be told apart one by one."""
FEWEST = 20


@dataclass(frozen=True)
class Told:
    """How two samples can be told apart.

    Attributes:
        auroc: that a row of the sample looks more like it than a row of the reference; 0.5 is not at all.
        low: lower end of the interval.
        high: upper end.
        probability: (n,) out-of-fold probability that a row belongs to the sample, were both equally large; cautious
            of the sample.
        opposite: (n,) the same that it belongs to the reference; cautious of the reference.
    """

    auroc: float
    low: float
    high: float
    probability: np.ndarray
    opposite: np.ndarray


def tell_apart(vectors: np.ndarray, is_sample: np.ndarray, unit: np.ndarray, confidence: float = 0.99) -> Told | None:
    """Cross-validated logistic regression; None with fewer than 20 rows on either side.

    Args:
        vectors: (n, d) float32, finite.
        is_sample: (n,) bool, the sample as against the reference.
        unit: (n,) int, rows that must not be torn apart by folds (equal content, groups).
        confidence: of the interval (DeLong and others, 1988).
    """
    if min(is_sample.sum(), (~is_sample).sum()) < FEWEST:
        return None
    fold = unit_folds(unit)
    weight = np.where(is_sample, 0.5 / is_sample.sum(), 0.5 / (~is_sample).sum()).astype(np.float32)
    targets = np.stack([~is_sample, is_sample], axis=1).astype(np.float32)
    margin = np.zeros(len(vectors))
    inputs = design(vectors, np.ones(len(vectors), dtype=bool))
    for k in range(FOLDS):
        held = fold == k
        weights = np.where(held, 0, weight).astype(np.float32)
        if not held.any() or not weights[is_sample].any() or not weights[~is_sample].any():
            continue
        coefficients = fit_logistic(inputs, targets, weights, RIDGE, iterations=20)
        logits = inputs[held] @ coefficients
        margin[held] = logits[:, 1] - logits[:, 0]
    auroc, low, high = auroc_interval(margin[is_sample], margin[~is_sample], confidence)
    return Told(auroc, low, high, _calibrated(margin, is_sample), _calibrated(-margin, ~is_sample))


def unit_folds(unit: np.ndarray) -> np.ndarray:
    """(n,) int: a fold for each row, the same for rows of one unit; hangs on the order in which units appear."""
    _, first, code = np.unique(unit, return_index=True, return_inverse=True)
    fold = np.random.default_rng(0).permutation(len(first)) % FOLDS
    return fold[np.argsort(np.argsort(first))][code.ravel()]


def _calibrated(margin: np.ndarray, is_sample: np.ndarray) -> np.ndarray:
    """(n,) probability of the sample by (n,) out-of-fold margins, were both sides equally large.

    Margins are cut into the blocks of an isotonic regression; a block counts one more row of the reference than it has,
    so that a few rows beyond all of the reference are not sure to be foreign.
    """
    from sklearn.isotonic import IsotonicRegression

    weight = np.where(is_sample, 1 / is_sample.sum(), 1 / (~is_sample).sum())
    fitted = IsotonicRegression().fit_transform(margin, is_sample.astype(np.float64), sample_weight=weight)
    _, block = np.unique(np.round(fitted, 9), return_inverse=True)
    sample = np.bincount(block, weights=is_sample) / is_sample.sum()
    reference = (np.bincount(block, weights=~is_sample) + 1) / (~is_sample).sum()
    return np.maximum.accumulate(sample / (sample + reference))[block]


def auroc_interval(positive: np.ndarray, negative: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """AUROC of (m,) against (n,) scores, and the ends of its interval.

    Source: DeLong, DeLong, Clarke-Pearson, 1988; fast form by Sun and Xu, 2014.
    """
    from scipy.special import ndtri

    m, n = len(positive), len(negative)
    if not m or not n:
        return 0.5, 0.0, 1.0
    ranks = average_ranks(np.concatenate([positive, negative]))
    own_positive, own_negative = average_ranks(positive), average_ranks(negative)
    auroc = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    above = (ranks[:m] - own_positive) / n
    below = 1 - (ranks[m:] - own_negative) / m
    variance = (above.var(ddof=1) / m if m > 1 else 0.25) + (below.var(ddof=1) / n if n > 1 else 0.25)
    # Where the samples are apart altogether the variance is 0: the doubt that is left is one row on the other side.
    error = float(ndtri(0.5 + confidence / 2)) * max(float(np.sqrt(variance)), 0.25 / (m + n))
    return auroc, max(0.0, auroc - error), min(1.0, auroc + error)
