"""Rows that heads are asked about without ever learning from them: of a large set, those beyond an even sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_LEARNED = 100_000
"""Rows with a label that heads learn from: a linear head on some hundred numbers gains nothing from more."""
LEAST_OF_CLASS = 200
"""Rows of each class that stay, if it has them, however rare it is."""


@dataclass(frozen=True)
class Outside:
    """Rows of an embedding that no head learns from.

    Attributes:
        vectors: (n, d) float32, the whole embedding, never copied as a whole.
        rows: (m,) int64 positions in it.
        folds: (m,) int8, the fold whose head is asked about the row; -1: the mean of all heads.
    """

    vectors: np.ndarray
    rows: np.ndarray
    folds: np.ndarray

    def asked(self, fold: int) -> np.ndarray:
        """Places in `rows` that the head of that fold is asked about."""
        return np.flatnonzero((self.folds == fold) | (self.folds < 0))

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        """(q, d) float32 vectors of some of the rows."""
        return self.vectors[self.rows[places]]


def learned_rows(codes: np.ndarray, most: int = MOST_LEARNED) -> np.ndarray:
    """(n,) bool: an even sample of the rows with a label, by class; all of them where they are few enough.

    Args:
        codes: (n,) int64 classes, -1 for none, in an order that has nothing to do with them.
        most: rows of the sample, and a few more where there are rare classes.
    """
    labelled = codes >= 0
    if labelled.sum() <= most:
        return labelled
    chosen = np.zeros(len(codes), dtype=bool)
    counts = np.bincount(codes[labelled])
    by_class = np.split(np.argsort(codes, kind="stable")[-int(labelled.sum()) :], np.cumsum(counts)[:-1])
    for rows in by_class:
        wanted = max(round(most * len(rows) / labelled.sum()), min(LEAST_OF_CLASS, len(rows)))
        chosen[rows[np.linspace(0, len(rows) - 1, min(wanted, len(rows))).astype(np.int64)]] = True
    return chosen


def with_shares(probabilities: np.ndarray, learned: np.ndarray, all_of_them: np.ndarray) -> np.ndarray:
    """(m, K) probabilities of heads that saw classes in shares of their sample, as they are in the shares of the set.

    Args:
        probabilities: rows sum to 1.
        learned: (s,) codes of the sample.
        all_of_them: (t,) codes of all rows with a label.
    """
    seen, there = (np.bincount(codes, minlength=probabilities.shape[1]) for codes in (learned, all_of_them))
    factor = (there / there.sum()) / np.maximum(seen / seen.sum(), 1e-12)
    result = probabilities * factor.astype(np.float32)
    return result / np.maximum(result.sum(1, keepdims=True), 1e-12)
