"""Confident learning on clean arrays: cleanlab's scores and filters behind checks of their input.

Source: Northcutt, Jiang, Chuang, Confident Learning, 2021; the computing is cleanlab's.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np

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


def quality(labels: np.ndarray, probabilities: np.ndarray, score: str, adjust: bool = False) -> np.ndarray:
    """(n,) codes, (n, K) probabilities whose rows sum to 1 -> (n,) scores in [0, 1], 0 worst.

    Args:
        labels: (n,) codes.
        probabilities: (n, K).
        score: one of `Score`.
        adjust: whether the mean confidence of each class is taken off first (not for entropy).
    """
    if not len(labels):
        return np.zeros(0)
    if len(np.unique(labels)) < 2:
        return probabilities[np.arange(len(labels)), labels]
    from cleanlab.rank import get_label_quality_scores

    adjust = adjust and score != "confidence_weighted_entropy"
    if not adjust:
        return np.clip(get_label_quality_scores(labels, probabilities, method=score), 0.0, 1.0)
    present, compact = np.unique(labels, return_inverse=True)  # it wants every class to occur
    kept = clean(probabilities[:, present])
    found = get_label_quality_scores(compact, kept, method=score, adjust_pred_probs=True)
    return np.clip(found, 0.0, 1.0)


def count(labels: np.ndarray, probabilities: np.ndarray) -> int:
    """How many labels cleanlab counts as wrong (`num_label_issues`); none with fewer than two classes."""
    present, compact = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return 0
    from cleanlab.count import num_label_issues

    with warnings.catch_warnings():
        # as in `issues`
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="cleanlab")
        return int(num_label_issues(compact, clean(probabilities[:, present])))


def issues(labels: np.ndarray, probabilities: np.ndarray, filter_by: str) -> np.ndarray:
    """(n,) codes, (n, K) probabilities -> (n,) bool, the rows that cleanlab's filter names.

    With fewer than two classes among the labels there is nothing to compare, and no row is named.
    """
    if len(np.unique(labels)) < 2:
        return np.zeros(len(labels), dtype=bool)
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        # numpy divides by the size of classes that have labels but no confident row
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="cleanlab")
        return np.asarray(find_label_issues(labels, probabilities, filter_by=filter_by, n_jobs=1), dtype=bool)


def joint_of_present(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray | None:
    """(P, P) estimated joint of given (row) and true (column) label of the P classes that occur, None below two."""
    present, compact = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return None
    from cleanlab.count import estimate_joint

    with warnings.catch_warnings():
        # as above
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="cleanlab")
        joint = np.asarray(estimate_joint(compact, clean(probabilities[:, present])), dtype=np.float64)
    return joint if np.isfinite(joint).all() else None


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
