"""Classes with few rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.judging.blameless import BlamelessCheck
from curate.findings import Findings
from curate.task import Task
from curate.wording import counted

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class ClassImbalance(BlamelessCheck):
    """Finds every class that has few training rows beside the others, not the rarest alone.

    The score of a row is its class's number of training rows over the mean of all classes, at most 1. Rows of rare
    classes are flagged for the report and for gates; nothing is wrong with them, so of the fixes only review and keep
    are taken. Class weights, oversampling and their like are balance steps. Cost: one count.
    Source for the effective number of classes: exponential of Shannon's entropy (Hill, 1973).
    """

    issues: ClassVar[tuple[str, ...]] = ("rare_class",)
    no_other_fix: ClassVar[str] = (
        "nothing is wrong with rows of a rare class, so {fix} would make things worse: use a balance step such as"
        " class_weights or oversample, or the fix review"
    )

    min_share_of_mean: float = Field(
        1 / 3, ge=0, le=1, description="a class with fewer rows than this share of the mean class is rare"
    )
    min_rows: int = Field(
        5, ge=0, description="a class with fewer training rows than this is rare if the mean class has more"
    )

    def refuses(self, task: Task) -> str | None:
        """Counts classes."""
        if task.kind not in ("classification", "multilabel"):
            return f"class_imbalance counts classes, and the task is {task.kind or 'undefined'}"
        return None

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row that has a label; a multilabel row is judged by its rarest class."""
        table, labels = evidence.table, evidence.labels
        counts = labels.counts(evidence.active & table.training)
        present = counts > 0
        mean = float(counts[present].mean()) if present.any() else 0.0
        rare = present & ((counts < self.min_share_of_mean * mean) | ((counts < self.min_rows) & (counts < mean)))
        share = np.minimum(counts / mean, 1.0) if mean else np.zeros(len(counts))
        rows = np.flatnonzero(evidence.active & labels.known)
        if labels.sets is not None:
            rows = rows[labels.sets[rows].any(1)]
            codes = np.where(labels.sets[rows], share, np.inf).argmin(1) if len(labels.names) else rows[:0]
        else:
            codes = labels.codes[rows]
        flagged = rare[codes] if len(rare) else np.zeros(len(rows), dtype=bool)
        score = share[codes] if len(share) else np.zeros(len(rows))
        sentence = {
            int(k): f"the class {labels.names[k]!r} has {counted(int(counts[k]), 'training row')}, {share[k]:.0%} of"
            f" the mean of {mean:,.0f} per class"
            for k in np.flatnonzero(rare)
        }
        reasons = {int(place): sentence[int(codes[place])] for place in np.flatnonzero(flagged)}
        return Findings.of(
            self.name,
            "rare_class",
            rows,
            table.row_ids,
            score,
            flagged,
            reason=reasons,
            facts=_facts(counts, rare, labels.names),
        )


def _facts(counts: np.ndarray, rare: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    present = counts[counts > 0]
    shares = present / present.sum() if len(present) else np.ones(0)
    return {
        "counts": {name: int(count) for name, count in zip(names, counts, strict=True)},
        "largest_over_smallest": round(float(present.max() / present.min()), 2) if len(present) else None,
        "effective_number_of_classes": round(float(np.exp(-(shares * np.log(shares)).sum())), 2) if len(present) else 0,
        "rare_classes": [names[k] for k in np.flatnonzero(rare)],
        "classes_without_training_rows": [names[k] for k in np.flatnonzero(counts == 0)],
    }
