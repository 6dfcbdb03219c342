"""Rows that are almost the same as another row."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from curate.checks.groups import near_pairs
from curate.checks.groups.copies import copies
from curate.checks.groups.grouping import rank_ids, split_rank
from curate.checks.groups.whole_labels import said
from curate.checks.series.curves import are_points
from curate.evidence.confident import predicted
from curate.findings import Findings
from curate.table import HELD_OUT
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class NearDuplicates(near_pairs.PairCheck):
    """Finds rows that are almost another row: edited images, texts with a changed word, the same recording again.

    Each modality has fingerprints of its own, from which an index gives candidates, and a comparison that gives the
    similarity of a pair; reasons name its unit. One row of a group is kept, the others are flagged; each of them is
    like the kept row itself, not only like another member. The score falls from 1 over 0.5 at the threshold to 0 at
    equality. Points of series (rows with growing times) follow each other closely, and are judged only where `by` or
    `min_similarity` is set. Exact copies are `exact_duplicates`' business and appear here only with `include_exact`.
    Cost: see the modules of `curate.evidence.pairs`; candidates come from an index, never from all pairs.
    """

    issues: ClassVar[tuple[str, ...]] = ("near_duplicate",)

    keep: Literal["best", "first"] = Field(
        "best",
        description="which member is kept: best (largest image or longest text or recording, then the label that the"
        " probabilities agree with, then the lowest row id), or first (the lowest row id)",
    )
    include_exact: bool = Field(
        False, description="flag exact copies too, for pipelines without the step exact_duplicates"
    )

    def needs(self, task: Task) -> tuple[str, ...]:
        """Measures that confirm pairs, and that tell which member is better."""
        more = ("text.characters",) if "text" in task.modalities and self.keep == "best" else ()
        return near_pairs.needs(task, self.by) + more

    def wants_embedding(self, task: Task) -> bool:
        """Only to compare by, or to tell by predicted probabilities which of two labelled rows is better."""
        return (
            self.by == "embedding"
            or "series" in task.modalities
            or (isinstance(task.features, str) or (self.keep == "best" and task.kind == "classification"))
        )

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row."""
        table, rows = evidence.table, np.flatnonzero(evidence.active)
        if not {"by", "min_similarity"} & set(self.changed()) and are_points(evidence):
            sentence = "its rows are points of series, of which those that follow each other are alike"
            return Findings(Findings.none().table, {self.name: {"sentence": sentence}})
        found = near_pairs.find_groups(evidence, self, self._preference)
        groups, kept, similarity = found.groups.copy(), found.kept.copy(), found.similarity.copy()
        if self.include_exact:
            _add_copies(evidence, groups, kept, similarity)
        extra = (groups >= 0) & (kept != np.arange(len(table)))
        gap = np.maximum(1.0 - similarity, 0.0) / max(1.0 - found.min_similarity, 1e-6)
        score = np.where(extra, np.minimum(gap / 2, 0.5), np.clip(gap / 2, 0.5, 1.0))
        score[(groups >= 0) & ~extra] = 1.0
        reasons = {
            int(place): _reason(
                evidence, int(rows[place]), int(kept[rows[place]]), float(similarity[rows[place]]), found
            )
            for place in np.flatnonzero(extra[rows])
        }
        sizes = np.bincount(groups[groups >= 0])
        return Findings.of(
            self.name,
            "near_duplicate",
            rows,
            table.row_ids,
            np.clip(score[rows], 0.0, 1.0),
            extra[rows],
            group=groups[rows],
            reason=reasons,
            facts={
                "groups": int((sizes > 0).sum()),
                "rows_beyond_the_kept": int(extra.sum()),
                "largest_group": int(sizes.max(initial=0)),
                "min_similarity": round(found.min_similarity, 4),
                "similarity": found.unit,
            },
        )

    def _preference(self, evidence: Evidence) -> list[np.ndarray]:
        """Keys of which row is kept, smallest first: held-out rows, then quality, label and id."""
        task = evidence.table.task
        splits, rank = split_rank(evidence.table.splits), rank_ids(evidence.table.row_ids)
        if self.keep == "first":
            return [splits, rank]
        keys = [splits]
        if "image" in task.modalities:
            pixels = evidence.measure("image.width").astype(np.float64) * evidence.measure("image.height")
            keys.append(-np.nan_to_num(pixels))
        if "audio" in task.modalities:
            keys.append(-np.round(np.nan_to_num(evidence.measure("audio.seconds")), 1))
        if "text" in task.modalities:
            keys.append(-np.nan_to_num(evidence.measure("text.characters").astype(np.float64)))
        labels = evidence.labels
        if task.kind == "classification" and evidence.active.sum() > 1:
            keys.append(~labels.known)
            if labels.known.any() and labels.counts(evidence.active).astype(bool).sum() > 1:
                own = predicted(evidence.probabilities().values, np.maximum(labels.codes, 0)).own
                keys.append(-np.round(np.nan_to_num(own.astype(np.float64)), 3))
        return [*keys, rank]


def _add_copies(evidence: Evidence, groups: np.ndarray, kept: np.ndarray, similarity: np.ndarray) -> None:
    """Give exact copies the group of the one copy that took part, or a group of their own."""
    equal = copies(evidence)
    following = int(groups.max(initial=-1)) + 1
    order = np.argsort(rank_ids(evidence.table.row_ids))
    splits = split_rank(evidence.table.splits)
    for copy in np.unique(equal[evidence.active & (equal >= 0)]):
        members = order[(equal[order] == copy) & evidence.active[order]]
        if len(members) < 2:
            continue
        grouped = members[groups[members] >= 0]
        if len(grouped):
            groups[members], kept[members] = groups[grouped[0]], kept[grouped[0]]
            similarity[members] = similarity[grouped[0]]
        else:
            first = members[np.argsort(splits[members], kind="stable")[0]]
            groups[members], kept[members], similarity[members] = following, first, 1.0
            following += 1


def _reason(evidence: Evidence, row: int, kept: int, similarity: float, found: near_pairs.NearGroups) -> str:
    table = evidence.table
    text = (
        f"almost the same as row {table.row_ids[kept]} ({found.unit} {similarity:.3f}, threshold"
        f" {found.min_similarity:.3f})"
    )
    split, other = str(table.splits[row]), str(table.splits[kept])
    if split != other:
        text += f" of the {other} split"
        if other in HELD_OUT:
            text += f": leakage from {other} into {split}"
    own, its = evidence.labels.name(row), evidence.labels.name(kept)
    if own != its:
        text += f"; their labels differ ({said(own)} here, {said(its)} there)"
    return text
