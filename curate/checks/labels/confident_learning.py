"""Confident learning on clean arrays: cleanlab's scores and filters behind checks of their input.

Filters, counts and the plain scores of classes are computed in passes over blocks of rows (`curate.evidence.confident`,
`pruning`) and equal cleanlab's; entropies, sets of labels and numbers are cleanlab's own computing.
Source: Northcutt, Jiang, Chuang, Confident Learning, 2021.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any, Literal

import numpy as np

from curate.checks.labels.pruning import Judged, label_issues, normalized_margin
from curate.evidence.confident import Predicted, estimated_joint, predicted
from curate.evidence.parts.lying import elsewhere
from curate.evidence.vector_rows import Rows

BLOCK_ROWS = 65_536
Score = Literal["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
Filter = Literal[
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
]


def clean(probabilities: np.ndarray) -> np.ndarray:
    """(n, K) -> (n, K) float64 in [0, 1] whose rows sum to 1, as cleanlab asks for."""
    clipped = np.clip(probabilities.astype(np.float64), 0.0, 1.0)
    return clipped / np.maximum(clipped.sum(1, keepdims=True), 1e-12)


def quality(
    labels: np.ndarray,
    probabilities: Rows,
    score: str,
    adjust: bool = False,
    rows: np.ndarray | None = None,
    seen: Predicted | None = None,
) -> np.ndarray:
    """(m,) scores in [0, 1], 0 worst.

    Args:
        labels: (m,) codes.
        probabilities: (n, K), rows sum to 1.
        score: one of `Score`.
        adjust: whether the mean confidence of each class is taken off first (not for entropy).
        rows: (m,) positions of the rows; all n if left out.
        seen: what a pass over these rows gave, if there was one.

    Peak memory: 32 bytes per row and some blocks; with `adjust`, three float64 copies of the probabilities.
    """
    if not len(labels):
        return np.zeros(0)
    one_class = len(np.unique(labels)) < 2
    if adjust and score != "confidence_weighted_entropy" and not one_class:
        from cleanlab.rank import get_label_quality_scores

        present, compact = np.unique(labels, return_inverse=True)  # it wants every class to occur
        kept = clean(_of(probabilities, rows)[:, present])
        found = get_label_quality_scores(compact, kept, method=score, adjust_pred_probs=True)
        return np.clip(found, 0.0, 1.0)
    seen = predicted(probabilities, labels, rows) if seen is None else seen
    if score == "confidence_weighted_entropy" and not one_class:
        return _entropies(labels, probabilities, rows)
    plain = score == "self_confidence" or one_class
    found = seen.own if plain else normalized_margin(probabilities, labels, seen, rows)
    return np.clip(found.astype(np.float64), 0.0, 1.0)


def _entropies(labels: np.ndarray, probabilities: Rows, rows: np.ndarray | None) -> np.ndarray:
    """(m,) cleanlab's entropy of each row weighted by the confidence in its label, block by block."""
    from cleanlab.rank import get_label_quality_scores

    found = np.empty(len(labels))
    for begin in range(0, len(labels), BLOCK_ROWS):
        block = slice(begin, begin + BLOCK_ROWS)
        p = clean(probabilities[block if rows is None else rows[block]])
        found[block] = get_label_quality_scores(labels[block], p, method="confidence_weighted_entropy")
    return np.clip(found, 0.0, 1.0)


def _of(probabilities: Rows, rows: np.ndarray | None) -> np.ndarray:
    return probabilities[:] if rows is None else probabilities[rows]


def count(labels: np.ndarray, probabilities: Rows, rows: np.ndarray | None = None) -> int:
    """How many labels confident learning counts as wrong (cleanlab's `num_label_issues`); none below two classes."""
    present = np.unique(labels)
    if len(present) < 2:
        return 0
    if len(present) == probabilities.shape[1]:
        return int(label_issues(labels, probabilities, "confident_learning", rows).issues.sum())
    return elsewhere(partial(_count_of, labels, present, rows), probabilities)


def _count_of(labels: np.ndarray, present: np.ndarray, rows: np.ndarray | None, probabilities: Rows) -> int:
    compact, p = _present(labels, probabilities, present, rows)
    return int(label_issues(compact, p, "confident_learning").issues.sum())


def judged(labels: np.ndarray, probabilities: Rows, filter_by: str, rows: np.ndarray | None = None) -> Judged:
    """The rows that a filter of cleanlab names, and what the probabilities of each row come to.

    With fewer than two classes among the labels there is nothing to compare, and no row is named.

    Args:
        labels: (m,) codes.
        probabilities: (n, K), rows sum to 1.
        filter_by: one of `Filter`.
        rows: (m,) positions of the rows; all n if left out.
    """
    if len(labels) and labels.min() < labels.max():
        return label_issues(labels, probabilities, filter_by, rows)
    return Judged(np.zeros(len(labels), dtype=bool), predicted(probabilities, labels, rows))


def issues(labels: np.ndarray, probabilities: Rows, filter_by: str) -> np.ndarray:
    """(n,) codes, (n, K) probabilities -> (n,) bool, the rows that a filter of cleanlab names."""
    return judged(labels, probabilities, filter_by).issues


def joint_of_present(labels: np.ndarray, probabilities: Rows, rows: np.ndarray | None = None) -> np.ndarray | None:
    """(P, P) estimated joint of given (row) and true (column) label of the P classes that occur, None below two.

    Args:
        labels: (m,) codes.
        probabilities: (n, K), rows sum to 1.
        rows: (m,) positions of the rows; all n if left out.
    """
    present = np.unique(labels)
    if len(present) < 2:
        return None
    if len(present) == probabilities.shape[1]:
        joint = estimated_joint(probabilities, labels, rows)
    else:
        joint = elsewhere(partial(_joint_of, labels, present, rows), probabilities)
    return joint if np.isfinite(joint).all() else None


def _joint_of(labels: np.ndarray, present: np.ndarray, rows: np.ndarray | None, probabilities: Rows) -> np.ndarray:
    compact, p = _present(labels, probabilities, present, rows)
    return estimated_joint(p, compact)


def _present(
    labels: np.ndarray, probabilities: Rows, present: np.ndarray, rows: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Codes among the classes that occur, and the probabilities of these alone, brought to the sum of 1."""
    kept = np.clip(_of(probabilities, rows)[:, present], 0.0, 1.0)
    kept /= np.maximum(kept.sum(1, keepdims=True), 1e-12)
    return np.searchsorted(present, labels), kept


def multilabel_quality(sets: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores and issues of multilabel rows.

    Args:
        sets: (n, K) bool, given labels.
        probabilities: (n, K) in [0, 1], one independent probability per class.

    Returns:
        (n,) scores in [0, 1] and (n,) bool issues, cleanlab's both.
    """
    if not len(sets):
        return np.zeros(0), np.zeros(0, dtype=bool)
    probabilities = np.clip(probabilities.astype(np.float64), 0.0, 1.0)
    if not sets.any():
        return (1.0 - probabilities).min(1), np.zeros(len(sets), dtype=bool)
    from cleanlab.multilabel_classification.filter import find_label_issues
    from cleanlab.multilabel_classification.rank import get_label_quality_scores

    given: Any = [np.flatnonzero(row).tolist() for row in sets]
    scores = np.clip(get_label_quality_scores(given, probabilities), 0.0, 1.0)
    varied = sets.any(0) & ~sets.all(0)
    if not varied.any():
        return scores, np.zeros(len(sets), dtype=bool)
    given = [np.flatnonzero(row).tolist() for row in sets[:, varied]]
    with warnings.catch_warnings():
        # as above
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="cleanlab")
        found = find_label_issues(given, np.ascontiguousarray(probabilities[:, varied]), n_jobs=1)
    return scores, np.asarray(found, dtype=bool)


def regression_quality(values: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """(n,) given values and (n,) out-of-sample predictions -> (n,) scores in [0, 1] (cleanlab's OUTRE)."""
    if len(values) < 3 or np.ptp(values) == 0:
        return np.ones(len(values))
    from cleanlab.regression.rank import get_label_quality_scores

    return np.clip(np.nan_to_num(get_label_quality_scores(values, predictions), nan=1.0), 0.0, 1.0)
