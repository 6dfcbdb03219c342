"""How sure a suggested label is, and the probabilities of a row's true class behind it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from curate import registry
from curate.evidence.evidence import Evidence


def posterior(evidence: Evidence) -> np.ndarray | None:
    """(n, K) probability of each true class with NaN where there is none; None for tasks without classes."""
    labels = evidence.labels
    if evidence.table.task.kind != "classification" or not labels.known.any():
        return None
    return evidence.noise().posterior


def suggestion_confidence(step: str, flagged: pa.Table, suggested: np.ndarray, evidence: Evidence) -> np.ndarray:
    """(m,) probability that each suggested label is right.

    It is the posterior's mass on the suggested class. Where a check's score itself is the doubt about the given label
    (`score_is_doubt`: spellings, votes among copies) or a row has no posterior, it is 1 - score.

    Args:
        step: name of the check.
        flagged: m lines of findings.
        suggested: (m,) codes of the suggested labels, -1 for none.
        evidence: what the check judged by.
    """
    by_score = 1.0 - flagged["score"].to_numpy().astype(np.float64)
    known = registry.step_names()
    if step in known and getattr(registry.step(step), "score_is_doubt", False):
        return by_score
    mass = posterior(evidence)
    if mass is None:
        return by_score
    own = mass[flagged["row"].to_numpy(), np.maximum(suggested, 0)].astype(np.float64)
    return np.where(np.isfinite(own) & (suggested >= 0), own, by_score)
