"""Methods that judge class labels without predicted probabilities: by neighbours, and by the dynamics of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curate.checks.labels.methods import Judge, Tell, Verdicts

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

SOFTNESS = 0.05
"""Difference of cosine similarity at which a neighbour's weight falls to 1/e of the nearest one's."""
BLOCK_CELLS = 4_000_000


def by_neighbours(evidence: Evidence, k: int, min_confidence: float) -> tuple[Judge, Tell, np.ndarray]:
    """Agreement of the labels of the nearest training rows, weighted by similarity; no model is fitted.

    Returns:
        The judge, the teller, and (n,) bool rows that have neighbours to be judged by.
    """
    labels, near = evidence.labels, evidence.neighbours(k, training=True)
    n = len(labels)
    voters = np.where(near.indices >= 0, labels.codes[np.maximum(near.indices, 0)], -1)
    weights = np.where(voters >= 0, np.exp((near.similarity - near.similarity[:, :1]) / SOFTNESS), 0.0)
    total = weights.sum(1)
    has_voters = total > 0
    weights /= np.where(has_voters, total, 1.0)[:, None]
    count = np.bincount(labels.codes[(labels.codes >= 0) & evidence.table.training & evidence.active], minlength=1)
    share = count / max(count.sum(), 1)
    agreed = (weights * (voters == labels.codes[:, None])).sum(1)
    best, most = np.full(n, -1), np.zeros(n)
    for begin in range(0, n, max(1, BLOCK_CELLS // max(1, voters.shape[1] ** 2))):
        rows = slice(begin, begin + max(1, BLOCK_CELLS // max(1, voters.shape[1] ** 2)))
        same = voters[rows][:, :, None] == voters[rows][:, None, :]
        held = np.where(voters[rows] >= 0, (same * weights[rows][:, None, :]).sum(2), -1.0)
        # Rounded, so that two classes with the same weights are told apart by their code and not by the last bit.
        first = np.lexsort((voters[rows], -held.round(6)), axis=1)[:, 0]
        best[rows] = np.take_along_axis(voters[rows], first[:, None], 1)[:, 0]
        most[rows] = np.take_along_axis(held, first[:, None], 1)[:, 0]

    def judge(rows: np.ndarray) -> Verdicts:
        given = labels.codes[rows]
        # The neighbours count as half their number of rows, the share of the classes as one row.
        score = (agreed[rows] * 0.5 * k + share[np.minimum(given, len(share) - 1)]) / (0.5 * k + 1)
        found = (best[rows] != given) & (best[rows] >= 0) & (most[rows] >= min_confidence)
        suggested = np.where(best[rows] == given, -1, best[rows])
        threshold = f"another class with at least {min_confidence:g} of them is flagged"
        return Verdicts(np.clip(score, 0.0, 1.0), found, suggested, {}, threshold)

    def tell(row: int, code: int) -> str:
        other = f"and {labels.names[code]!r} {most[row]:.2f}" if code >= 0 else "and no other class more"
        return (
            f"of its {int((voters[row] >= 0).sum())} nearest training rows, weighted by similarity, the label"
            f" {labels.names[labels.codes[row]]!r} has {agreed[row]:.2f} {other}"
        )

    return judge, tell, has_voters


def by_training_dynamics(evidence: Evidence, held_out: bool) -> tuple[Judge, Tell, np.ndarray]:
    """Margins averaged over the epochs of a small head, against those of rows with labels that are surely wrong.

    Returns:
        The judge, the teller, and (n,) bool rows that have a margin.
    """
    labels, dynamics = evidence.labels, evidence.dynamics(held_out)
    valid = np.isfinite(dynamics.margin)
    spread = float(np.std(dynamics.margin[valid], dtype=np.float64)) if valid.any() else 0.0
    # Out of sample a label that is preferred to all others is not wrong, whatever the threshold samples say.
    threshold = min(dynamics.threshold, 0.0) if held_out else dynamics.threshold

    def judge(rows: np.ndarray) -> Verdicts:
        margin, best = dynamics.margin[rows].astype(np.float64), dynamics.best[rows]
        score = 0.5 * (1 + np.tanh(margin / max(spread, 1e-6)))
        facts = {"margin_threshold": round(threshold, 4)} if np.isfinite(threshold) else {}
        suggested = np.where(best == labels.codes[rows], -1, best)
        return Verdicts(score, margin <= threshold, suggested, facts, f"margins up to {threshold:.2f} are flagged")

    def tell(row: int, code: int) -> str:
        other = f"{labels.names[code]!r}" if code >= 0 else "the next class"
        seen = "heads that have not seen the row" if held_out else "a head that learns the row"
        return (
            f"over the epochs of {seen}, the label {labels.names[labels.codes[row]]!r} has a mean margin of"
            f" {dynamics.margin[row]:.2f} over {other}"
        )

    return judge, tell, valid
