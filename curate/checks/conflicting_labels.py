"""Rows with the same, or almost the same, content and different labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from curate.checks.groups import near_pairs
from curate.checks.groups.copies import copies
from curate.checks.groups.grouping import numbered, rank_ids, votes
from curate.checks.groups.whole_labels import WholeLabels, said, whole_labels
from curate.findings import Findings
from curate.task import Task
from curate.wording import counted, some_of

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class ConflictingLabels(near_pairs.PairCheck):
    """Finds groups of equal (issue `exact`) or almost equal rows (issue `near`) whose labels disagree.

    Tags of tokens are compared as a whole, and in equal rows alone: other words have other tags.

    The score is the share of the group's labels that agree with the row's own. Where one label has more votes than any
    other, rows with another label are flagged and it is suggested; in a tie all are flagged and nothing is suggested.
    Only training rows vote on a suggestion. Cost: one sort of the hashes; for `near` nearest neighbours as well.
    """

    issues: ClassVar[tuple[str, ...]] = ("exact", "near")
    suggests: ClassVar[tuple[str, ...]] = issues
    score_is_doubt: ClassVar[bool] = True

    kinds: tuple[Literal["exact", "near"], ...] = Field(
        ("exact", "near"), min_length=1, description="exact: equal content; near: near-duplicates"
    )

    def needs(self, task: Task) -> tuple[str, ...]:
        """Measures that confirm near-duplicates."""
        return near_pairs.needs(task, self.by) if "near" in self._kinds(task) else ()

    def refuses(self, task: Task) -> str | None:
        """Compares class labels, sets of labels and tags."""
        if task.kind not in ("classification", "multilabel", "token_classification"):
            return f"conflicting_labels compares class labels, and the task is {task.kind or 'undefined'}"
        return None

    def find(self, evidence: Evidence) -> Findings:
        """One line per kind and active row with a label."""
        rank, labels = rank_ids(evidence.table.row_ids), whole_labels(evidence)
        usable, kinds = evidence.active & (labels.codes >= 0), self._kinds(evidence.table.task)
        exact = numbered(np.where(usable, copies(evidence), -1), rank)
        parts = []
        if "exact" in kinds:
            parts.append(self._judge(evidence, labels, "exact", usable, exact))
        if "near" in kinds:
            near = near_pairs.find_groups(evidence, self, lambda _: [rank]).groups
            parts.append(self._judge(evidence, labels, "near", usable, np.where(usable, near, -1)))
        found = Findings.join(parts)
        conflicts = {
            f"{issue}_groups": len(np.unique(found.only(issue=issue).flagged["group"].to_numpy())) for issue in kinds
        }
        return Findings(found.table, {self.name: conflicts})

    def _kinds(self, task: Task) -> tuple[str, ...]:
        return tuple(kind for kind in self.kinds if kind == "exact" or task.kind != "token_classification")

    def _judge(
        self, evidence: Evidence, labels: WholeLabels, issue: str, usable: np.ndarray, groups: np.ndarray
    ) -> Findings:
        table, codes, names = evidence.table, labels.codes, labels.classes
        share, best, _, kinds = votes(groups, codes)
        _, voted, _, _ = votes(groups, np.where(table.training, codes, -1))
        conflict = (groups >= 0) & (kinds > 1)
        flagged = conflict & (codes != best)
        rows = np.flatnonzero(usable)
        suggestion = np.where(flagged & (best == voted), best, -1)
        suggested = [names[k] if k >= 0 and names else None for k in suggestion[rows].tolist()]
        sentence = _sentences(issue, groups, conflict, labels)
        reasons = {int(p): sentence[int(groups[rows[p]])] for p in np.flatnonzero(flagged[rows])}
        return Findings.of(
            self.name,
            issue,
            rows,
            table.row_ids,
            np.clip(np.where(conflict, share, 1.0)[rows], 0.0, 1.0),
            flagged[rows],
            suggested_label=suggested,
            group=np.where(conflict, groups, -1)[rows],
            reason=reasons,
        )


def _sentences(issue: str, groups: np.ndarray, conflict: np.ndarray, labels: WholeLabels) -> dict[int, str]:
    """Group -> how its labels stand, for the groups in conflict."""
    rows = np.flatnonzero(conflict)
    rows = rows[np.argsort(groups[rows], kind="stable")]
    what = "the same content" if issue == "exact" else "almost the same content"
    out = {}
    for part in np.split(rows, np.flatnonzero(np.diff(groups[rows])) + 1) if len(rows) else []:
        names, times = np.unique([labels.name(int(row)) or "" for row in part], return_counts=True)
        order = np.lexsort([names, -times])
        told = some_of([f"{said(str(names[k]))} {counted(int(times[k]), 'time')}" for k in order])
        out[int(groups[part[0]])] = f"{len(part)} rows have {what} and are labelled {told}"
    return out
