"""Rows that are in training and, as the same or almost the same thing, in the evaluation too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from curate.arrow import distinct
from curate.checks.groups import near_pairs
from curate.checks.groups.copies import without_hollow
from curate.checks.groups.grouping import numbered, rank_ids
from curate.evidence import pairs as near
from curate.evidence.pairs import Pairs
from curate.findings import Findings
from curate.task import Task
from curate.wording import counted

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

KEPT_FIRST = ("test", "validation")
"""Splits whose row stays; then come splits of other names, then train."""


class Leakage(near_pairs.PairCheck):
    """Finds rows that another split or group holds, too, as the same or as almost the same content.

    Issues: `across_splits` (the same or almost the same row in two splits: the row of the training split is flagged, of
    validation and test that of validation), `across_groups` (in two groups of one split, which folds would tear apart),
    `shared_group` (a group that has rows in several splits). Likeness is that of `near_duplicates`, and found once for
    both. The score falls from 1 over 0.5 at the threshold to 0 for equal content and shared groups.
    Cost: one sort of the hashes, and the search of `near_duplicates`.
    """

    embeds: ClassVar[bool] = False
    issues: ClassVar[tuple[str, ...]] = ("across_splits", "across_groups", "shared_group")

    kinds: tuple[Literal["exact", "near"], ...] = Field(
        ("exact", "near"), min_length=1, description="exact: equal content; near: near-duplicates"
    )

    def needs(self, task: Task) -> tuple[str, ...]:
        """Measures that find pairs."""
        return near.needs(task, self.by) if "near" in self.kinds else ()

    def refuses(self, task: Task) -> str | None:
        """Needs something to leak from."""
        if task.split is None and task.group is None:
            return "leakage compares splits or groups: name the column of either in the task"
        return None

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row and issue that the task has columns for."""
        table = evidence.table
        nodes = near.content_nodes(evidence)
        nodes[~evidence.active] = -1
        pairs = self._pairs(evidence)
        threshold = round(pairs.threshold, 4) if np.isfinite(pairs.threshold) else None
        parts, facts = [], {"min_similarity": threshold}
        rank, groups = rank_ids(table.row_ids), table.groups
        if table.task.split is not None:
            keys = _split_keys(table.splits)
            met = _met(nodes, pairs, keys, np.zeros(len(table), dtype=np.int64), rank)
            parts.append(self._findings(evidence, "across_splits", met, pairs.threshold))
            facts |= {"across_splits": _between_splits(evidence, met)}
        if groups is not None:
            inside = distinct(table.splits)[1]
            met = _met(nodes, pairs, numbered(groups, rank, smallest=1), inside, rank)
            parts.append(self._findings(evidence, "across_groups", met, pairs.threshold))
            if table.task.split is not None:
                parts.append(self._shared(evidence, groups))
        found = Findings.join(parts)
        return Findings(found.table, {self.name: facts})

    def _pairs(self, evidence: Evidence) -> Pairs:
        """Pairs of nodes above the threshold, and nodes of several rows with themselves."""
        nodes = np.where(evidence.active, near.content_nodes(evidence), -1)
        shared = np.bincount(nodes + 1)[nodes + 1] > 1
        own = np.unique(without_hollow(np.where(shared, nodes, -1), evidence.table))
        own = own[own >= 0]
        found = Pairs.none()
        if "near" in self.kinds:
            found = near_pairs.pairs_of_content(evidence, self)
            found = near.above(found, found.threshold)
        own = own if "exact" in self.kinds else own[:0]
        left, right = np.concatenate([own, found.left]), np.concatenate([own, found.right])
        similarity = np.concatenate([np.ones(len(own)), found.similarity])
        return Pairs.of(left, right, similarity, found.threshold)

    def _findings(self, evidence: Evidence, issue: str, met: _Met, threshold: float) -> Findings:
        rows = np.flatnonzero(evidence.active)
        hit = met.other >= 0
        gap = np.where(met.exact, 0.0, (1.0 - met.similarity) / max(1.0 - threshold, 1e-6))
        score = np.where(hit, np.clip(np.nan_to_num(gap) / 2, 0.0, 0.5), 1.0)
        unit = near.methods(evidence.table.task, self.by)[0].unit
        reasons = {
            int(place): _reason(evidence, issue, int(rows[place]), met, unit, threshold)
            for place in np.flatnonzero(hit[rows])
        }
        ids = evidence.table.row_ids
        return Findings.of(self.name, issue, rows, ids, score[rows], hit[rows], reason=reasons)

    def _shared(self, evidence: Evidence, groups: np.ndarray) -> Findings:
        """Rows of groups that lie in several splits: all but those of the split that stays."""
        table, rows = evidence.table, np.flatnonzero(evidence.active)
        keys = _split_keys(table.splits)
        best = np.full(int(groups.max(initial=0)) + 1, np.iinfo(np.int64).max)
        np.minimum.at(best, groups[rows], keys[rows])
        flagged = keys[rows] > best[groups[rows]]
        at_best = rows[keys[rows] == best[groups[rows]]]
        count = np.bincount(groups[at_best], minlength=len(best))
        where = {int(key): str(name) for name, key in zip(table.splits[rows], keys[rows])}
        names = table.column(str(table.task.group))
        reasons = {}
        for place in np.flatnonzero(flagged):
            row = int(rows[place])
            times, split = int(count[groups[row]]), where[int(best[groups[row]])]
            reasons[int(place)] = (
                f"its group {str(names[row].as_py())!r} has {counted(times, 'row')} in the {split} split:"
                f" leakage from {split} into {table.splits[row]}"
            )
        score = np.where(flagged, 0.0, 1.0)
        return Findings.of(self.name, "shared_group", rows, table.row_ids, score, flagged, reason=reasons)


@dataclass(frozen=True)
class _Met:
    """For each row the likest row on the other side: (n,) position or -1, similarity, and whether they are equal."""

    other: np.ndarray
    similarity: np.ndarray
    exact: np.ndarray


def _met(nodes: np.ndarray, pairs: Pairs, sides: np.ndarray, inside: np.ndarray, rank: np.ndarray) -> _Met:
    """The likest row of another side whose side comes first.

    Args:
        nodes: (n,) node of each row's content, -1 for rows that take no part.
        pairs: of nodes.
        sides: (n,) int64; of two rows that are alike the one on the lower side stays.
        inside: (n,) int64; only rows that are equal here are compared.
        rank: (n,) rank of the rows' ids.
    """
    n = len(nodes)
    other, similarity = np.full(n, -1, dtype=np.int64), np.zeros(n)
    exact = np.zeros(n, dtype=bool)
    part = np.flatnonzero(nodes >= 0)
    # One row of the lowest side stands for the content: it is enough to meet that one.
    order = part[np.lexsort((rank[part], sides[part], inside[part], nodes[part]))]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(nodes[order]) != 0) | (np.diff(inside[order]) != 0)
    stands = order[first]
    start = np.searchsorted(nodes[stands], np.arange(n + 1))
    row_start = np.searchsorted(nodes[order], np.arange(n + 1))
    both = np.concatenate([np.arange(len(pairs)), np.flatnonzero(pairs.left != pairs.right)])
    turned = np.arange(len(both)) >= len(pairs)
    sources = np.where(turned, pairs.right[both], pairs.left[both])
    targets = np.where(turned, pairs.left[both], pairs.right[both])
    values = pairs.similarity[both].astype(np.float64)
    strong = np.lexsort((targets, -(sources == targets).astype(np.int64), -values))
    for place in strong.tolist():
        source, target = int(sources[place]), int(targets[place])
        rows, reps = order[row_start[source] : row_start[source + 1]], stands[start[target] : start[target + 1]]
        rows = rows[other[rows] < 0]
        if not len(rows) or not len(reps):
            continue
        lower = (sides[reps][None] < sides[rows][:, None]) & (inside[reps][None] == inside[rows][:, None])
        meets = lower.any(1)
        chosen = reps[lower.argmax(1)]
        other[rows[meets]], similarity[rows[meets]] = chosen[meets], values[place]
        exact[rows[meets]] = source == target
    return _Met(other, similarity, exact)


def _split_keys(splits: np.ndarray) -> np.ndarray:
    """(n,) split names -> (n,) int64: test 0, validation 1, other names in their order, train last."""
    names = sorted({str(name) for name in splits} - {*KEPT_FIRST, "train"})
    places = {name: place for place, name in enumerate((*KEPT_FIRST, *names, "train"))}
    return np.array([places[str(name)] for name in splits], dtype=np.int64)


def _between_splits(evidence: Evidence, met: _Met) -> dict[str, Any]:
    """ "train, test" -> rows flagged as exact and as near copies, and the share of the second split that is met."""
    splits, rows = evidence.table.splits, np.flatnonzero(met.other >= 0)
    out: dict[str, Any] = {}
    names = np.array([f"{splits[row]}, {splits[met.other[row]]}" for row in rows], dtype=object)
    for name in sorted(set(names.tolist())):
        own = rows[names == name]
        held = str(splits[met.other[own[0]]])
        size = int((evidence.active & (splits == held)).sum())
        out[name] = {
            "exact_rows": int(met.exact[own].sum()),
            "near_rows": int((~met.exact[own]).sum()),
            f"rows_of_{held}_met": len(np.unique(met.other[own])),
            f"rows_of_{held}": size,
        }
    return out


def _reason(evidence: Evidence, issue: str, row: int, met: _Met, unit: str, threshold: float) -> str:
    table, other = evidence.table, int(met.other[row])
    text = f"has the same content as row {table.row_ids[other]}"
    if not met.exact[row]:
        text = (
            f"is almost the same as row {table.row_ids[other]} ({unit} {met.similarity[row]:.3f}, threshold"
            f" {threshold:.3f})"
        )
    if issue == "across_splits":
        own, its = str(table.splits[row]), str(table.splits[other])
        counted = "exact_duplicates" if met.exact[row] else "near_duplicates"
        return f"{text} of the {its} split: leakage from {its} into {own} ({counted} speaks of the same copy)"
    names = table.column(str(table.task.group))
    own, its = (f"the group {str(names[r].as_py())!r}" if names[r].is_valid else "no group" for r in (row, other))
    return f"{text} of {its}, and is in {own}"
