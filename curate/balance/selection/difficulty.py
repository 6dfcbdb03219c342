"""How hard rows are for a model that did not see them."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np

from curate.evidence.parts.lying import by_pieces, lies_in_parts
from curate.table import Labels

By = Literal["margin", "entropy", "least_confidence", "el2n"]
Keep = Literal["hardest", "easiest", "middle"]
FLOOR = 1e-12
CHUNK = 65_536
"""Rows that are held in float64 at a time."""


def difficulty(values: np.ndarray, labels: Labels, by: By) -> np.ndarray:
    """(n,) float64 in [0, 1], 1 for the hardest; NaN in rows without probabilities, and for el2n without a label.

    Args:
        values: (n, K) out-of-sample probabilities, of a multilabel task one per label.
        labels: the labels.
        by: margin, 1 less the gap between the two likeliest classes; entropy, as a share of its largest value;
            least_confidence, 1 less the probability of the likeliest class, as a share of its largest value; el2n,
            the distance of the probabilities from the one-hot label, as a share of its largest value.
    """
    if lies_in_parts(values):
        known = (labels.codes,) if labels.sets is None else (labels.codes, labels.sets)
        [found] = by_pieces(partial(_of_piece, by), values, np.arange(len(values)), *known)
    else:
        [found] = _of_piece(by, values, labels.codes, labels.sets)
    return np.where(labels.known, found, np.nan) if by == "el2n" else found


def _of_piece(by: By, values: np.ndarray, codes: np.ndarray, sets: np.ndarray | None = None) -> tuple[np.ndarray]:
    found = np.empty(len(values))
    for start in range(0, len(values), CHUNK):
        part = slice(start, start + CHUNK)
        own = None if sets is None else sets[part]
        found[part] = _of_rows(np.asarray(values[part], dtype=np.float64), codes[part], own, by)
    return (found,)


def _of_rows(values: np.ndarray, codes: np.ndarray, sets: np.ndarray | None, by: By) -> np.ndarray:
    if by == "el2n":
        given = np.zeros(values.shape) if sets is None else sets.astype(np.float64)
        if sets is None:
            known = np.flatnonzero(codes >= 0)
            given[known, codes[known]] = 1
        return np.linalg.norm(values - given, axis=1) / np.sqrt(2 if sets is None else values.shape[1])
    if sets is not None:  # each label on its own, then the mean over the labels
        return np.mean([_of_classes(np.stack([p, 1 - p], axis=1), by) for p in values.T], axis=0)
    return _of_classes(values, by)


def _of_classes(values: np.ndarray, by: By) -> np.ndarray:
    k = values.shape[1]
    if k < 2:
        return np.where(np.isfinite(values).all(1), 0.0, np.nan)
    if by == "margin":
        top = np.partition(values, k - 2, axis=1)[:, -2:]
        return 1 - (top[:, 1] - top[:, 0])
    if by == "entropy":
        return -(values * np.log(np.maximum(values, FLOOR))).sum(1) / np.log(k)
    return (1 - values.max(1)) / (1 - 1 / k)


def error_of_values(predicted: np.ndarray, labels: Labels) -> np.ndarray:
    """(n,) float64: absolute out-of-sample error of a regression target as a share of the largest; NaN for none."""
    assert labels.values is not None
    error = np.abs(predicted - labels.values)
    largest = float(np.nanmax(error)) if np.isfinite(error).any() else 0.0
    return error / largest if largest > 0 else error


def kept_first(score: np.ndarray, keep: Keep) -> np.ndarray:
    """(m,) difficulties -> (m,) int64 places, those to keep first; places without one come last."""
    known = np.flatnonzero(np.isfinite(score))
    values = score[known]
    if keep == "middle":
        rank = np.empty(len(values))
        rank[np.argsort(values, kind="stable")] = np.arange(len(values))
        key = np.abs(rank - (len(values) - 1) / 2)
    else:
        key = -values if keep == "hardest" else values
    return np.concatenate([known[np.argsort(key, kind="stable")], np.flatnonzero(~np.isfinite(score))])
