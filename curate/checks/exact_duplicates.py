"""Rows with the same content as another row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from curate.checks.groups.copies import copies
from curate.checks.groups.grouping import numbered, rank_ids, representatives, split_rank, votes
from curate.checks.groups.whole_labels import said, whole_labels
from curate.findings import Findings
from curate.randomness import digest
from curate.step import Check
from curate.table import HELD_OUT

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class ExactDuplicates(Check):
    """Finds rows whose inputs equal another row's byte for byte (128-bit hash of the inputs, whatever the label).

    Of each group one row is kept and the others are flagged with score 0; all members carry the group's number. A
    copy in the test or validation split is the one kept, so that the training copy, which leaks into the evaluation,
    is the one flagged. Equal texts whose tokens are tagged differently are none of them repeats: those are the findings
    of `conflicting_labels`. Nor are rows that hold nothing: those are `missing_values`. Cost: one sort of the hashes.
    """

    issues: ClassVar[tuple[str, ...]] = ("exact_duplicate",)

    keep: Literal["best", "first", "random"] = Field(
        "best",
        description="which member of a group is kept: best (has a label, the group's commonest one; then the lowest row"
        " id), first (the lowest row id), random (seeded)",
    )

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row."""
        table, rows = evidence.table, np.flatnonzero(evidence.active)
        rank = rank_ids(table.row_ids)
        groups = numbered(np.where(evidence.active, _copies(evidence), -1), rank)
        splits = table.splits
        chosen = representatives(groups, [split_rank(splits), *self._preference(evidence, groups, rank)])
        extra = (groups >= 0) & (chosen != np.arange(len(table)))
        reasons = {}
        for place in np.flatnonzero(extra[rows]):
            row = int(rows[place])
            reasons[int(place)] = _reason(evidence, row, int(chosen[row]))
        leaked = extra & table.training & np.isin(splits[np.maximum(chosen, 0)], HELD_OUT)
        return Findings.of(
            self.name,
            "exact_duplicate",
            rows,
            table.row_ids,
            np.where(extra[rows], 0.0, 1.0),
            extra[rows],
            group=groups[rows],
            reason=reasons,
            facts=_facts(groups, extra, leaked),
        )

    def _preference(self, evidence: Evidence, groups: np.ndarray, rank: np.ndarray) -> list[np.ndarray]:
        if self.keep == "first":
            return [rank]
        if self.keep == "random":
            drawn = rank.astype(np.float64)
            for row in np.flatnonzero(groups >= 0):
                drawn[row] = digest(evidence.seed, self.name, evidence.table.row_ids[row]) / 2.0**128
            return [drawn, rank]
        codes = evidence.labels.codes
        share, _, _, _ = votes(groups, codes)
        return [~evidence.labels.known, -share, rank]


def _reason(evidence: Evidence, row: int, kept: int) -> str:
    table = evidence.table
    split, other = str(table.splits[row]), str(table.splits[kept])
    text = f"has the same content as row {table.row_ids[kept]}"
    if split != other:
        text += f" of the {other} split"
        if other in HELD_OUT:
            text += f": leakage from {other} into {split}"
    own, its = evidence.labels.name(row), evidence.labels.name(kept)
    if own != its:
        text += f"; their labels differ ({said(own)} here, {said(its)} there)"
    return text


def _copies(evidence: Evidence) -> np.ndarray:
    """(n,) group of each row's content, -1 for none; where tokens are tagged, of content and tags."""
    groups = copies(evidence)
    if evidence.table.task.kind != "token_classification":
        return groups
    tags = whole_labels(evidence).codes
    both = np.unique(np.stack([groups, tags]), axis=1, return_inverse=True)[1].reshape(-1)
    return np.where(groups >= 0, both, -1)


def _facts(groups: np.ndarray, extra: np.ndarray, leaked: np.ndarray) -> dict[str, Any]:
    sizes = np.bincount(groups[groups >= 0])
    return {
        "groups": len(sizes),
        "rows_in_groups": int(sizes.sum()),
        "rows_beyond_the_first": int(extra.sum()),
        "largest_group": int(sizes.max(initial=0)),
        "training_rows_that_leak_into_held_out_splits": int(leaked.sum()),
    }
