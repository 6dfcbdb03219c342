"""What several annotators and the model together say of each row's label, and how good each annotator is (CROWDLAB)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

SMALLEST = 1e-6
"""Least probability that the model gives a class here: a class of zero could never be believed again."""


@dataclass(frozen=True)
class Crowd:
    """What votes and predicted probabilities amount to.

    Attributes:
        consensus: (n,) int64 code of the best label, -1 in rows without votes or without probabilities.
        quality: (n,) float32, probability that the consensus is right; NaN where there is none.
        posterior: (n, K) float32 probability of each class given the votes and the input, rows sum to 1; NaN where
            there is none.
        annotator_quality: (m,) float64 in [0, 1], how far each annotator is to be trusted; NaN for one without votes.
        annotator_agreement: (m,) float64 share of an annotator's votes that are the consensus of rows with other votes.
    """

    consensus: np.ndarray
    quality: np.ndarray
    posterior: np.ndarray
    annotator_quality: np.ndarray
    annotator_agreement: np.ndarray


def crowd(votes: np.ndarray, probabilities: np.ndarray, learn: np.ndarray) -> Crowd:
    """Consensus, posterior and quality of annotators.

    The weights of model and annotators are cleanlab's; the posterior is the weighted mean of the model's probabilities
    and of what each vote says. Where there is nothing to learn weights from (no row with two votes, or one class),
    votes count alike and the model not at all.

    Args:
        votes: (n, m) int codes, -1 for none.
        probabilities: (n, K) float out of sample, NaN where there are none.
        learn: (n,) bool rows that weights are learned from (training rows).

    Source: Goh, Tkachenko, Mueller, CROWDLAB: Supervised learning to infer consensus labels and quality scores for data
    with multiple annotators, 2022 (cleanlab.multiannotator).
    """
    (n, m), k = votes.shape, probabilities.shape[1]
    some = np.array((votes >= 0).any(axis=1), dtype=bool)
    judged = np.array(some & np.isfinite(probabilities).all(axis=1), dtype=bool)
    weights = _weights(votes, probabilities, learn & judged)
    posterior = np.full((n, k), np.nan)
    model, trust, likelihood = weights if weights is not None else (0.0, np.ones(m), 1.0)
    if weights is None:
        judged = some
    rows = np.flatnonzero(judged)
    mass = model * np.nan_to_num(probabilities[rows].astype(np.float64))
    for annotator in range(m):
        voted = votes[rows, annotator] >= 0
        other = (1.0 - likelihood) / max(k - 1, 1)
        mass[voted] += trust[annotator] * other
        mass[voted, votes[rows[voted], annotator]] += trust[annotator] * (likelihood - other)
    posterior[rows] = mass / mass.sum(1, keepdims=True)
    consensus = np.full(n, -1, dtype=np.int64)
    quality = np.full(n, np.nan)
    if k:
        consensus[rows] = posterior[rows].argmax(1)
        quality[rows] = posterior[rows].max(1)
    several = np.array((votes >= 0).sum(axis=1) > 1, dtype=bool)
    agreed, given = (votes == consensus[:, None]) & (votes >= 0), votes >= 0
    counted = given & several[:, None] & judged[:, None]
    with np.errstate(invalid="ignore"):
        agreement = (agreed & counted).sum(0) / counted.sum(0)
    own = _annotator_quality(votes, posterior, given & judged[:, None])
    return Crowd(consensus, quality.astype(np.float32), posterior.astype(np.float32), own, agreement)


def _weights(votes: np.ndarray, probabilities: np.ndarray, rows: np.ndarray) -> tuple[float, np.ndarray, float] | None:
    """Weight of the model, (m,) weights of annotators, and how often a vote is the consensus; None if not learnable."""
    own = votes[rows]
    there = (own >= 0).any(0)
    several = np.asarray((own >= 0).sum(1) > 1)
    if probabilities.shape[1] < 2 or not several.any() or len(np.unique(own[several][own[several] >= 0])) < 2:
        return None
    from cleanlab.multiannotator import get_label_quality_multiannotator

    given = np.where(own >= 0, own.astype(np.float64), np.nan)[:, there]
    model = np.maximum(probabilities[rows].astype(np.float64), SMALLEST)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its advice for a console: single votes, annotators without overlap
        found = get_label_quality_multiannotator(
            given,
            model / model.sum(1, keepdims=True),
            consensus_method="majority_vote",
            return_detailed_quality=False,
            return_annotator_stats=False,
            return_weights=True,
            verbose=False,
        )
    trust = np.zeros(votes.shape[1])
    trust[there] = np.nan_to_num(np.asarray(found["annotator_weight"], dtype=np.float64))
    agreement = found["label_quality"]["annotator_agreement"].to_numpy(dtype=np.float64)
    likelihood = float(agreement[several].mean())
    return float(found["model_weight"]), trust, likelihood


def _annotator_quality(votes: np.ndarray, posterior: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """(m,) mean probability of each annotator's votes."""
    quality = np.full(votes.shape[1], np.nan)
    for annotator in range(votes.shape[1]):
        rows = np.flatnonzero(counted[:, annotator])
        if len(rows):
            quality[annotator] = float(posterior[rows, votes[rows, annotator]].mean())
    return quality
