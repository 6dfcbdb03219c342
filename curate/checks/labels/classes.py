"""How much class labels are doubted: a method's verdicts on rows beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from curate.checks.labels.doubts import Doubts, judged_in_turn, no_doubts
from curate.checks.labels.methods import Judge, Tell
from curate.table import Labels

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


def doubts_of_classes(
    evidence: Evidence, rank: np.ndarray, judge: Judge, tell: Tell, judgeable: np.ndarray, facts: dict[str, Any]
) -> Doubts:
    """Doubts of class labels.

    Args:
        evidence: of the table.
        rank: (n,) place of each row in an order that does not hang on that of the table.
        judge: gives verdicts on rows.
        tell: what was measured of a row.
        judgeable: (n,) bool, rows that the judge has something to go by; others are counted and left out.
        facts: what is known of the set beside the verdicts.
    """
    table, labels = evidence.table, evidence.labels
    known = np.flatnonzero(evidence.active & labels.known)
    rows = known[judgeable[known]]
    rows = rows[np.argsort(rank[rows], kind="stable")]
    missing = {"rows_without_evidence": len(known) - len(rows)} if len(known) > len(rows) else {}
    parts, learned, thresholds = [], {}, []
    for beside, counts in judged_in_turn(rows, table.splits, table.training):
        verdicts = judge(beside)
        # What is said of the set is said of the training rows where there are any.
        learned = learned or verdicts.facts
        thresholds += [verdicts.threshold] * int(counts.sum())
        parts.append((beside[counts], verdicts.score[counts], verdicts.found[counts], verdicts.suggested[counts]))
    if not parts:
        return no_doubts(missing)
    rows, score, found, suggested = (np.concatenate(column) for column in zip(*parts, strict=True))

    def reason(place: int) -> str:
        measured = tell(int(rows[place]), int(suggested[place]))
        return f"{measured}; doubt {1 - score[place]:.2f}, {thresholds[place]}"

    return Doubts(rows, score, found, suggested, reason, {**learned, **facts, **missing})


def noisiest_pairs(joint: np.ndarray, labels: Labels, most: int = 10) -> list[dict[str, Any]]:
    """The off-diagonal entries of the (K, K) joint of given and true label with the most mass."""
    if not np.isfinite(joint).all():
        return []
    wrong = joint.copy()
    np.fill_diagonal(wrong, 0.0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = np.stack(np.unravel_index(order, wrong.shape), 1)
    return [
        {"given": labels.names[g], "true": labels.names[t], "share": round(float(wrong[g, t]), 5)}
        for g, t in pairs
        if wrong[g, t] > 0
    ]
