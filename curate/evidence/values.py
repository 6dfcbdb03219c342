"""The values that estimates come as, in the order of the table; rows without evidence are marked, never left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Embedding:
    """One vector per row.

    Attributes:
        vectors: (n, d) float32, L2-normalised; NaN in rows that could not be embedded. Where other machines embedded,
            rows that are read where these left them (`curate.evidence.parts.rows.UnitRows`).
        encoder: what made them, for people, e.g. ``wordllama 0.4.0 (256-d)``.
        valid: (n,) bool, rows that have a vector.
    """

    vectors: np.ndarray
    encoder: str
    valid: np.ndarray


@dataclass(frozen=True)
class Neighbours:
    """The k nearest other rows of each row, nearest first, among the active rows with an embedding.

    Attributes:
        indices: (n, k) int64 positions in the table; -1 where there are not that many, or the row has no vector.
        similarity: (n, k) float32 cosine similarity, descending; NaN where the index is -1.
        recall: share of the nearest rows of a sample that was found; 1 where all pairs were compared.
    """

    indices: np.ndarray
    similarity: np.ndarray
    recall: float = 1.0


@dataclass(frozen=True)
class Probabilities:
    """Out-of-sample predicted probabilities.

    Attributes:
        values: (n, K) float32, rows sum to 1; NaN in rows for which there are none.
        valid: (n,) bool.
        folds: (n,) int8, the fold in which the row was held out; -1 for rows of held-out splits and unlabeled rows.
        method: how they came about, for people.
    """

    values: np.ndarray
    valid: np.ndarray
    folds: np.ndarray
    method: str


@dataclass(frozen=True)
class Noise:
    """What the estimated label noise says.

    Attributes:
        joint: (K, K) float64, estimated joint distribution of given label (row) and true label (column), sums to 1
            (cleanlab's `estimate_joint`).
        posterior: (n, K) float32, probability of each true class given the row's input and its given label; NaN where
            there are no probabilities.
        rate: estimated share of wrong labels.
        informed: whether the probabilities agree with the given labels more than by chance; if not, nothing can be said
            of a label, and every given one is believed.
    """

    joint: np.ndarray
    posterior: np.ndarray
    rate: float
    informed: bool = True
