"""How much each label is doubted: the form of the answer, and the answers for sets of labels and for numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.checks.labels import confident_learning
from curate.evidence.parts.lying import elsewhere
from curate.evidence.vector_rows import finite_rows
from curate.table import HELD_OUT

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

SetJudge = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
NEIGHBOURS = 10
FEWEST = 5
"""Rows from which one can say how far a number usually lies from its prediction."""
FAR = 6.0
"""Robust standard deviations beyond which a number is doubted."""


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


def doubts_of_sets(evidence: Evidence, rank: np.ndarray, judge: SetJudge) -> Doubts:
    """Doubts of multilabel sets, by one independent probability per class."""
    labels, table = evidence.labels, evidence.table
    known = np.flatnonzero(evidence.active & labels.known)
    if not len(known) or labels.sets is None or not labels.names:
        return no_doubts()
    sets, estimate, posterior = labels.sets, evidence.probabilities(), evidence.noise().posterior
    valid = estimate.valid & finite_rows(posterior)
    rows = known[valid[known]]
    rows = rows[np.argsort(rank[rows], kind="stable")]
    parts = []
    for beside, counts in judged_in_turn(rows, table.splits, table.training):
        scores, found = elsewhere(partial(_judged, judge, sets[beside], beside), estimate.values, posterior)
        parts.append((beside[counts], scores[counts], found[counts]))
    if not parts:
        return no_doubts({"rows_without_probabilities": len(known)})
    rows, score, found = (np.concatenate(column) for column in zip(*parts, strict=True))

    def reason(place: int) -> str:
        row = int(rows[place])
        worst = int(np.abs(sets[row] - estimate.values[row]).argmax())
        given = "is given" if sets[row, worst] else "is not given"
        return (
            f"the label {labels.names[worst]!r} {given}, and a model that has not seen the row gives it probability"
            f" {estimate.values[row, worst]:.2f}"
        )

    facts: dict[str, Any] = {"estimated_noise_rate": round(float(evidence.noise().rate), 4)}
    facts["probabilities"] = estimate.method
    return Doubts(rows, score, found, np.full(len(rows), -1), reason, facts)


def _judged(
    judge: SetJudge, sets: np.ndarray, rows: np.ndarray, probabilities: np.ndarray, posterior: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    return judge(sets, probabilities[rows], posterior[rows])


def doubts_of_numbers(evidence: Evidence, rank: np.ndarray) -> Doubts:
    """Doubts of numeric labels: each against what a model or its neighbours, neither of which saw it, make of the row.

    Of the cross-validated model and the median of the nearest training rows the one that errs less is believed.
    """
    labels, training = evidence.labels, evidence.table.training
    known = evidence.active & labels.known
    if labels.values is None or known.sum() < FEWEST:
        return no_doubts()
    guesses = {
        "a model that has not seen it": evidence.predictions(),
        f"the median of its {NEIGHBOURS} nearest rows": _neighbours_median(evidence, known & training),
    }
    spreads = {name: _spread(labels.values - guess, known & training) for name, guess in guesses.items()}
    name = min(spreads, key=lambda key: spreads[key])
    predicted, spread = guesses[name], spreads[name]
    rows = np.flatnonzero(known & np.isfinite(predicted))
    rows = rows[np.argsort(rank[rows], kind="stable")]
    if len(rows) < FEWEST or not np.isfinite(spread):
        return no_doubts()
    given, predicted = labels.values[rows], predicted[rows]
    residual = np.abs(given - predicted)
    score, place = np.ones(len(rows)), np.empty(len(labels), dtype=np.int64)
    place[rows] = np.arange(len(rows))
    for beside, counts in judged_in_turn(rows, evidence.table.splits, training):
        scores = confident_learning.regression_quality(labels.values[beside], predicted[place[beside]])
        score[place[beside[counts]]] = scores[counts]
    far = residual > FAR * spread if spread > 0 else np.zeros(len(rows), dtype=bool)

    def reason(place: int) -> str:
        return (
            f"the value {given[place]:g} lies {residual[place]:.3g} from {predicted[place]:.3g}, which {name} gives;"
            f" the typical distance is {spread:.3g}"
        )

    facts = {"predicted_by": name, "typical_residual": float(f"{spread:.4g}")}
    return Doubts(rows, score, far, np.full(len(rows), -1), reason, facts)


def _neighbours_median(evidence: Evidence, usable: np.ndarray) -> np.ndarray:
    """(n,) median value of each row's nearest rows among the (n,) usable ones; NaN without any."""
    near = evidence.neighbours(NEIGHBOURS).indices
    values = np.asarray(evidence.labels.values)
    found = np.where((near >= 0) & usable[np.maximum(near, 0)], values[np.maximum(near, 0)], np.nan)
    out = np.full(len(values), np.nan)
    some = np.isfinite(found).any(1)
    out[some] = np.nanmedian(found[some], axis=1)
    return out


def _spread(residual: np.ndarray, rows: np.ndarray) -> float:
    """Robust standard deviation of the residuals of the (n,) rows; infinite without any."""
    known = residual[rows & np.isfinite(residual)]
    return 1.4826 * float(np.median(np.abs(known))) if len(known) else float("inf")


def no_doubts(facts: dict[str, Any] | None = None) -> Doubts:
    """Nothing was judged."""
    empty = np.zeros(0, dtype=np.int64)
    return Doubts(empty, np.zeros(0), empty.astype(bool), empty, lambda place: "", facts or {})
