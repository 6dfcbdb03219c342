"""Whether more rows would help, and of which class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.groups.grouping import rank_ids
from curate.checks.sets.accuracy_curve import Curve, accuracies, extrapolated
from curate.checks.sets.columns import note
from curate.evidence.exact_search import Chosen
from curate.evidence.folds import stratified_folds, units
from curate.evidence.parts.lying import elsewhere
from curate.findings import Findings
from curate.step import Check
from curate.task import Task
from curate.wording import counted

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

FOLDS = 5
FEWEST = 100


class LearningCurve(Check):
    """Estimates what twice the rows would bring: overall and for each class.

    A linear head on the embedding is fitted to an eighth, a quarter, half and all of the training rows of five folds;
    its error is carried on by a power law to twice the rows, with an interval from resampled folds. The figures hold
    for such a head; a larger model profits differently, mostly more. No row is flagged. The score of a row is 1 minus
    what its class is expected to gain.
    Cost: rows (at most 20,000) times the square of 256 dimensions.
    Source: Hestness and others, Deep learning scaling is predictable, empirically, 2017; Viering, Loog, The shape of
    learning curves: a review, 2023.
    """

    issues: ClassVar[tuple[str, ...]] = ("would_gain",)
    unfixable: ClassVar[Mapping[str, str]] = {"would_gain": "learning_curve flags none"}
    embeds: ClassVar[bool] = True

    worthwhile: float = Field(
        0.01, ge=0, lt=1, description="least gain of accuracy by twice the rows that is called worthwhile"
    )

    def refuses(self, task: Task) -> str | None:
        """Measures accuracy."""
        if task.kind != "classification":
            return f"learning_curve measures accuracy, and the task is {task.kind or 'undefined'}"
        return None

    def find(self, evidence: Evidence) -> Findings:
        """One line per active training row that has a label and an embedding."""
        table, labels, embedding = evidence.table, evidence.labels, evidence.embedding()
        rank = rank_ids(table.row_ids)
        rows = np.flatnonzero(evidence.active & table.training & labels.known & embedding.valid)
        rows = rows[np.argsort(rank[rows], kind="stable")]
        codes = labels.codes[rows]
        enough = np.bincount(codes, minlength=1) >= 2 * FOLDS
        if len(rows) < FEWEST or enough.sum() < 2:
            classes = counted(int(enough.sum()), "class", "classes")
            answer = f"Too few rows to say: {len(rows):,}, with {classes} of {2 * FOLDS} rows or more."
            return self._findings(evidence, rows, None, np.zeros(len(labels.names)), answer)
        groups = None if table.groups is None else table.groups[rows]
        fold = stratified_folds(codes, units(evidence.duplicate_groups()[rows], groups), FOLDS, evidence.seed)
        work = partial(accuracies, codes=codes, fold=fold, classes=len(labels.names), seed=evidence.seed)
        curve = elsewhere(work, Chosen(embedding.vectors, rows))
        expected = extrapolated(curve, evidence.seed)
        answer = self._answer(expected)
        note(evidence, f"enough rows? {answer}")
        return self._findings(evidence, rows, expected, expected.class_gain, answer)

    def _answer(self, curve: Curve) -> str:
        now, then = curve.accuracy[-1], curve.accuracy[-1] + curve.gain
        figures = (
            f"a linear head is right in {now:.1%} with {curve.rows[-1]:,} rows; twice as many would make it about"
            f" {then:.1%} ({max(0.0, now + curve.low):.1%} to {min(1.0, now + curve.high):.1%})"
        )
        if curve.low >= self.worthwhile:
            return f"More rows would help: {figures}."
        if curve.high < self.worthwhile:
            return f"More rows of the same kind would hardly help: {figures}."
        return f"More rows may help a little: {figures}."

    def _findings(
        self, evidence: Evidence, rows: np.ndarray, curve: Curve | None, gain: np.ndarray, answer: str
    ) -> Findings:
        order = np.argsort(rows, kind="stable")
        rows, names = rows[order], evidence.labels.names
        score = 1 - np.clip(gain[evidence.labels.codes[rows]], 0, 1) if len(rows) else np.empty(0)
        facts: dict[str, Any] = {"question": "Are there enough rows?", "answer": answer}
        if curve is not None:
            best = np.argsort(-gain, kind="stable")[:10]
            facts |= {
                "curve": [{"rows": int(n), "accuracy": round(float(a), 4)} for n, a in zip(curve.rows, curve.accuracy)],
                "gain_of_twice_the_rows": round(curve.gain, 4),
                "gain_low": round(curve.low, 4),
                "gain_high": round(curve.high, 4),
                "most_gaining_classes": [
                    {
                        "class": names[k],
                        "accuracy": round(float(curve.class_accuracy[k]), 4),
                        "gain": round(float(gain[k]), 4),
                    }
                    for k in best
                    if gain[k] > 0
                ],
            }
        nothing = np.zeros(len(rows), dtype=bool)
        return Findings.of(self.name, "would_gain", rows, evidence.table.row_ids, score, nothing, facts=facts)
