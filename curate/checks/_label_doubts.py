"""How much each label is doubted, by kind of task: classes, sets of labels, numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from curate.checks import _confident_learning as confident_learning
from curate.evidence.evidence import Evidence
from curate.table import HELD_OUT, Labels

Judge = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
NEIGHBOURS = 10


@dataclass(frozen=True)
class Doubts:
    """Verdicts on m rows, in any order.

    Attributes:
        rows: (m,) positions in the table.
        score: (m,) in [0, 1], 0 worst.
        is_issue: (m,) bool.
        suggested: (m,) codes, -1 for none.
        reason: place (0..m-1) -> sentence.
        facts: what was learned about the set.
    """

    rows: np.ndarray
    score: np.ndarray
    is_issue: np.ndarray
    suggested: np.ndarray
    reason: Callable[[int], str]
    facts: dict[str, Any] = field(default_factory=dict)


def judged_in_turn(rows: np.ndarray, splits: np.ndarray, training: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Which rows are judged beside which: training rows beside themselves, each held-out split beside training rows.

    Returns:
        Pairs of (rows to give to the judge, bool mask of those whose verdict counts).
    """
    train = rows[training[rows]]
    turns = [(train, np.ones(len(train), dtype=bool))] if len(train) else []
    for split in HELD_OUT:
        held = rows[splits[rows] == split]
        if len(held):
            turns.append((np.concatenate([train, held]), np.arange(len(train) + len(held)) >= len(train)))
    return turns


def doubts_of_classes(evidence: Evidence, rank: np.ndarray, judge: Judge) -> Doubts:
    """Doubts of class labels; rows without a label or without probabilities are left out."""
    table, labels = evidence.table, evidence.labels
    known = np.flatnonzero(evidence.active & labels.known)
    if not len(known):
        return _nothing()
    estimate, noise = evidence.probabilities(), evidence.noise()
    has_evidence = estimate.valid & np.isfinite(estimate.values).all(1) & np.isfinite(noise.posterior).all(1)
    rows = known[has_evidence[known]]
    rows = rows[np.argsort(rank[rows], kind="stable")]
    parts = []
    for beside, counts in judged_in_turn(rows, table.splits, table.training):
        scores, found, suggested = judge(
            labels.codes[beside], confident_learning.clean(estimate.values[beside]), noise.posterior[beside]
        )
        parts.append((beside[counts], scores[counts], found[counts], suggested[counts]))
    if not parts:
        return _nothing({"rows_without_probabilities": len(known)})
    rows, score, found, suggested = (np.concatenate(column) for column in zip(*parts, strict=True))
    given = labels.codes[rows]

    def reason(place: int) -> str:
        row, best = int(rows[place]), int(suggested[place])
        own = f"{labels.names[given[place]]!r} has probability {estimate.values[row, given[place]]:.2f}"
        doubt = f"and {noise.posterior[row, given[place]]:.2f} once the noise between classes is allowed for"
        if best < 0:
            return f"the label {own} by a model that has not seen the row, {doubt}"
        return (
            f"a model that has not seen the row gives {labels.names[best]!r} probability"
            f" {estimate.values[row, best]:.2f}; the label {own}, {doubt}"
        )

    facts: dict[str, Any] = {"estimated_noise_rate": round(float(noise.rate), 4), "probabilities": estimate.method}
    facts["noisiest_pairs"] = noisiest_pairs(noise.joint, labels)
    if len(known) > len(rows):
        facts["rows_without_probabilities"] = len(known) - len(rows)
    return Doubts(rows, score, found, suggested, reason, facts)


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


def doubts_of_sets(evidence: Evidence, rank: np.ndarray) -> Doubts:
    """Doubts of multilabel sets, by one independent probability per class."""
    labels = evidence.labels
    known = np.flatnonzero(evidence.active & labels.known)
    if not len(known) or labels.sets is None:
        return _nothing()
    estimate = evidence.probabilities()
    rows = known[(estimate.valid & np.isfinite(estimate.values).all(1))[known]]
    rows = rows[np.argsort(rank[rows], kind="stable")]
    sets, table = labels.sets, evidence.table
    parts = []
    for beside, counts in judged_in_turn(rows, table.splits, table.training):
        scores, found = confident_learning.multilabel_quality(sets[beside], estimate.values[beside])
        parts.append((beside[counts], scores[counts], found[counts]))
    if not parts:
        return _nothing({"rows_without_probabilities": len(known)})
    rows, score, found = (np.concatenate(column) for column in zip(*parts, strict=True))

    def reason(place: int) -> str:
        row = int(rows[place])
        gap = np.abs(sets[row] - estimate.values[row])
        worst = int(gap.argmax())
        given = "is given" if sets[row, worst] else "is not given"
        return (
            f"the label {labels.names[worst]!r} {given}, and a model that has not seen the row gives it probability"
            f" {estimate.values[row, worst]:.2f}"
        )

    return Doubts(rows, score, found, np.full(len(rows), -1), reason, {"probabilities": estimate.method})


def doubts_of_numbers(evidence: Evidence, rank: np.ndarray) -> Doubts:
    """Doubts of numeric labels: each against the mean value of the nearest training rows, itself excluded."""
    labels, training = evidence.labels, evidence.table.training
    known = evidence.active & labels.known
    if labels.values is None or known.sum() < 3:
        return _nothing()
    near = evidence.neighbours(NEIGHBOURS)
    usable = (near.indices >= 0) & (known & training)[np.maximum(near.indices, 0)]
    rows = np.flatnonzero(known & usable.any(1))
    rows = rows[np.argsort(rank[rows], kind="stable")]
    if len(rows) < 3:
        return _nothing()
    weight = usable[rows] * np.maximum(
        near.similarity[rows], 1e-3, where=usable[rows], out=np.zeros(usable[rows].shape)
    )
    values = np.where(usable[rows], labels.values[np.maximum(near.indices[rows], 0)], 0.0)
    predicted = (weight * values).sum(1) / weight.sum(1)
    given = labels.values[rows]
    residual = given - predicted
    spread = 1.4826 * float(np.median(np.abs(residual - np.median(residual))))
    score = confident_learning.regression_quality(given, predicted)
    far = np.abs(residual - np.median(residual)) > 6 * spread if spread > 0 else np.zeros(len(rows), dtype=bool)

    def reason(place: int) -> str:
        return (
            f"the value {given[place]:g} lies {abs(residual[place]):.3g} from {predicted[place]:.3g}, the mean of its"
            f" {NEIGHBOURS} nearest rows; the typical distance is {spread:.3g}"
        )

    return Doubts(rows, score, far, np.full(len(rows), -1), reason, {"typical_residual": round(spread, 6)})


def _nothing(facts: dict[str, Any] | None = None) -> Doubts:
    empty = np.zeros(0, dtype=np.int64)
    return Doubts(empty, np.zeros(0), empty.astype(bool), empty, lambda place: "", facts or {})
