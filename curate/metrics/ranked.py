"""Metrics that need the order of the rows, for many weightings of the same rows at once (bootstrap samples)."""

from __future__ import annotations

import numpy as np


def quantile(values: np.ndarray, weights: np.ndarray, level: float) -> np.ndarray:
    """(B,) weighted quantiles of (n,) values for (B, n) weights; halfway between two values where it falls between."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[:, order], axis=1)
    target = level * reached[:, -1:]
    slack = 1e-9 * np.maximum(reached[:, -1:], 1.0)
    below, above = (reached < target - slack).sum(1), (reached <= target + slack).sum(1)
    last = len(values) - 1
    ordered = values[order]
    return (ordered[np.minimum(below, last)] + ordered[np.where(above <= last, above, np.minimum(below, last))]) / 2


def ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(B, n) ranks of (n,) values among the rows of each weighting; equal values share their middle rank."""
    _, group = np.unique(values, return_inverse=True)
    mass = _by_group(weights, group)
    before = np.cumsum(mass, axis=1) - mass
    return (before + (mass + 1) / 2)[:, group]


def _by_group(weights: np.ndarray, group: np.ndarray) -> np.ndarray:
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(group[order]) > 0]))
    return np.add.reduceat(weights[:, order], starts, axis=1)


def spearman(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(B,) Spearman's rank correlations of (n,) and (n,) for (B, n) weights; NaN where one of them is constant."""
    total = weights.sum(1)
    parts = []
    for values in (first, second):
        own = ranks(values, weights)
        parts.append(own - ((own * weights).sum(1) / total)[:, None])
    one, other = parts
    spread = np.sqrt((weights * one**2).sum(1) * (weights * other**2).sum(1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 0, (weights * one * other).sum(1) / spread, np.nan)


def areas(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B,) areas under the ROC curve and (B,) average precisions of (n,) scores for (n, B) weights.

    NaN where a weighting has no positives, and for the area where it has no negatives. Equal scores are one threshold.
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.flatnonzero(positive[order])
    ordered = scores[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    every = np.cumsum(weights[order], axis=0)
    # Thresholds without a positive change neither sum; of the others what lies above and at them is needed.
    own = np.unique(np.searchsorted(ends, hits))
    at = every[ends[own]]
    above = np.where((own > 0)[:, None], every[ends[own - 1]], 0)
    up = np.add.reduceat(weights[order[hits]], np.searchsorted(hits, np.append(-1, ends)[own], side="right"), axis=0)
    reached = np.cumsum(up, axis=0)
    total, rows = reached[-1], every[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.divide(reached, np.where(at > 0, at, 1), dtype=np.float64)
        below = rows - at - (total - reached)
        ties = at - above - up
        wins = (up * (below + ties / 2)).sum(0, dtype=np.float64)
        pairs = total * (rows - total).astype(np.float64)
        area = np.where(pairs > 0, wins / pairs, np.nan)
        return area, np.where(total > 0, (up * precision).sum(0, dtype=np.float64) / total, np.nan)
