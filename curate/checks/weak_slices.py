"""Groups of rows on which a model does clearly worse than on the rest of the same classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.groups.grouping import rank_ids
from curate.checks.sets.columns import measures_of, note, set_columns
from curate.checks.sets.few_words import in_few_words
from curate.checks.sets.slices import Slice, cluster_slices, column_slices
from curate.checks.sets.two_samples import holm
from curate.evidence.confident import predicted
from curate.evidence.exact_search import Chosen
from curate.findings import Findings
from curate.step import Check
from curate.task import Task
from curate.wording import counted, noun

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

FEWEST = 100


class WeakSlices(Check):
    """Finds groups of rows (dark images, one microphone, long texts, a cluster of the embedding) with low accuracy.

    Out-of-sample predictions are held against the labels in every fifth of a measure, every category and every cluster;
    what is expected there is the accuracy of the classes that the group holds, so that a group of hard classes is not
    weak for that. Rows of a group are flagged where accuracy falls short by at least `min_gap` and chance is ruled out.
    The score is the accuracy of the weakest group that the row is in over what is expected there, at most 1.
    Cost: one sort per measure; clusters, rows times clusters.
    Source: Chung, Kraska, Polyzotis, Tae, Whang, Slice Finder: automated data slicing for model validation, 2019.
    """

    issues: ClassVar[tuple[str, ...]] = ("weak_slice",)
    embeds: ClassVar[bool] = True

    min_gap: float = Field(
        0.15, gt=0, lt=1, description="least shortfall of accuracy below what the classes of the group would give"
    )
    min_rows: int = Field(20, ge=5, description="rows that a group must have")
    significance: float = Field(0.001, gt=0, lt=0.5, description="of the tests, all of them together")

    def refuses(self, task: Task) -> str | None:
        """Counts right and wrong classes."""
        if task.kind != "classification":
            return f"weak_slices counts right and wrong classes, and the task is {task.kind or 'undefined'}"
        return None

    def needs(self, task: Task) -> tuple[str, ...]:
        """Cheap measures of every input."""
        return measures_of(task)

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row that has a label and a prediction."""
        table, labels = evidence.table, evidence.labels
        estimate = evidence.probabilities()
        rank = rank_ids(table.row_ids)
        rows = np.flatnonzero(evidence.active & labels.known & estimate.valid)
        rows = rows[np.argsort(rank[rows], kind="stable")]
        if len(rows) < FEWEST:
            return self._findings(evidence, rows, np.ones(len(rows)), [], "Too few rows with predictions to say.")
        given = labels.codes[rows]
        right = (predicted(estimate.values, given, rows).best == given).astype(np.float64)
        expected = _accuracy_of_class(right, labels.codes[rows])
        slices = [s for column in set_columns(evidence) for s in column_slices(column, rows)]
        embedding = evidence.embedding()
        vectors = Chosen(embedding.vectors, rows)
        slices += cluster_slices(
            vectors, embedding.valid[rows], lambda place: in_few_words(table, int(rows[place])), evidence.seed
        )
        slices = [s.judged(right, expected) for s in slices if self.min_rows <= len(s.members) <= len(rows) // 2]
        corrected = holm(np.array([s.p for s in slices]))
        weak = [
            s for s, p in zip(slices, corrected) if p < self.significance and s.expected - s.accuracy >= self.min_gap
        ]
        weak.sort(key=lambda s: (s.accuracy - s.expected, s.name))
        score = np.ones(len(rows))
        for s in slices:
            ratio = min(1.0, s.accuracy / max(s.expected, 1e-9))
            score[s.members] = np.minimum(score[s.members], ratio)
        answer = "No: accuracy is even over measures, columns and clusters."
        if weak:
            groups = f"{counted(len(weak), 'group')} {noun(len(weak), 'is', 'are')} weak"
            answer = f"Yes: {groups}, most {weak[0].name}: {self._figures(weak[0])}."
            note(evidence, f"weak slices? {answer}")
        return self._findings(evidence, rows, score, weak, answer)

    def _findings(
        self, evidence: Evidence, rows: np.ndarray, score: np.ndarray, weak: list[Slice], answer: str
    ) -> Findings:
        sentence: dict[int, str] = {}
        for s in reversed(weak):  # the weakest last, so that its sentence stands
            for member in s.members:
                sentence[int(member)] = f"belongs to the weak group {s.name}: {self._figures(s)}"
        order = np.argsort(rows, kind="stable")
        reasons = {new: sentence[int(old)] for new, old in enumerate(order) if int(old) in sentence}
        flagged = np.zeros(len(rows), dtype=bool)
        flagged[list(reasons)] = True
        facts: dict[str, Any] = {
            "question": "Is a model weak on some group of rows?",
            "answer": answer,
            "weak_slices": [
                {
                    "group": s.name,
                    "rows": len(s.members),
                    "accuracy": round(s.accuracy, 4),
                    "expected": round(s.expected, 4),
                }
                for s in weak[:20]
            ],
        }
        return Findings.of(
            self.name,
            "weak_slice",
            rows[order],
            evidence.table.row_ids,
            np.clip(score[order], 0.0, 1.0),
            flagged,
            reason=reasons,
            facts=facts,
        )

    def _figures(self, s: Slice) -> str:
        return (
            f"{s.accuracy:.0%} of its {counted(len(s.members), 'row')} are predicted right, {s.expected:.0%} expected"
            f" by their classes (weak from {self.min_gap:.0%} below)"
        )


def _accuracy_of_class(right: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(m,) accuracy of each row's class, drawn towards that of all rows by two rows' worth."""
    counts = np.bincount(codes)
    hits = np.bincount(codes, weights=right)
    return ((hits + 2 * right.mean()) / (counts + 2))[codes]
