"""Near-duplicates: the settings of checks that look for them, and the groups that pairs of alike rows form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.groups.grouping import numbered, rank_ids, representatives, split_rank
from curate.evidence import pairs as near
from curate.evidence.pairs import By, Pairs
from curate.step import Check
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

COMPARED_MEMBERS = 64
"""In components of up to that many rows, members that the search did not pair are compared with the kept row, too."""


class PairCheck(Check):
    """The settings of checks that look for near-duplicates."""

    embeds: ClassVar[bool] = True
    spends: ClassVar[bool] = True

    by: By = Field(
        "content",
        description="what likeness is judged by: content (fingerprints of the modality), or embedding (cosine"
        " similarity of the embedding: rows that mean the same)",
    )
    min_similarity: float | None = Field(
        None,
        ge=0,
        le=1,
        description="least similarity of near-duplicates, in the unit that reasons name (1 is equality); if left out"
        " the modality's own threshold: text 0.72 (share of letter sequences in common: a typo, a word of eight gone or"
        " a sentence added; 0.85 leaves little but typos, case and punctuation, for sets of short, similar requests),"
        " image 0.91 or more, audio 0.75, video 0.5",
    )


@dataclass(frozen=True)
class NearGroups:
    """Groups of near-duplicates.

    Attributes:
        groups: (n,) int64, -1 for rows in none.
        kept: (n,) int64, the member that stands for the row's group, -1 for rows in none.
        similarity: (n,) float64, similarity to that member; for rows in no group to the most similar other content, as
            far down as the search goes, else 0.
        min_similarity: the threshold that was used.
        unit: what the similarity is.
    """

    groups: np.ndarray
    kept: np.ndarray
    similarity: np.ndarray
    min_similarity: float
    unit: str


def needs(task: Task, by: By = "content") -> tuple[str, ...]:
    """Measures that find pairs, and that tell the better member."""
    names: dict[str, tuple[str, ...]] = {"image": ("image.width", "image.height"), "audio": ("audio.seconds",)}
    better = [name for modality in task.modalities for name in names.get(modality, ())]
    return tuple(dict.fromkeys((*near.needs(task, by), *better)))


def pairs_of_content(evidence: Evidence, settings: PairCheck) -> Pairs:
    """Pairs of nodes (`near.content_nodes`), as far below the threshold as the search goes; with that threshold."""
    found = evidence.near_pairs(settings.by)
    least = settings.min_similarity
    if least is None:
        return found
    if least < near.floor_of(found.threshold):
        found = evidence.near_pairs(settings.by, least)
    return Pairs.of(found.left, found.right, found.similarity, least)


def alike_rows(evidence: Evidence, settings: PairCheck, stands: np.ndarray) -> Pairs:
    """Pairs of active rows (see `pairs_of_content`).

    Args:
        evidence: of the rows.
        settings: of the check.
        stands: (n,) int64, for each active row the active row that stands for its content.
    """
    found = pairs_of_content(evidence, settings)
    node = near.content_nodes(evidence)
    active_of = np.full(len(node), -1, dtype=np.int64)
    rows = np.flatnonzero(evidence.active)
    active_of[node[rows]] = stands[rows]
    left, right = active_of[found.left], active_of[found.right]
    here = (left >= 0) & (right >= 0)
    return Pairs.of(left[here], right[here], found.similarity[here], found.threshold)


def standing_rows(evidence: Evidence) -> np.ndarray:
    """(n,) int64: the active row that takes part for each row's content (held-out rows first, then the lowest id)."""
    rank = rank_ids(evidence.table.row_ids)
    copies = numbered(np.where(evidence.active, evidence.duplicate_groups(), -1), rank)
    stands = representatives(copies, [split_rank(evidence.table.splits), rank])
    return np.where(stands >= 0, stands, np.arange(len(evidence.table)))


def find_groups(
    evidence: Evidence, settings: PairCheck, preference: Callable[[Evidence], list[np.ndarray]]
) -> NearGroups:
    """Groups of rows that are near-duplicates of the member that is kept.

    Rows that are connected make a component, and in a component the preferred row takes the rows that are like itself,
    then the next one those that are left: a chain of small steps does not end in one group of unlike rows. Of exact
    copies one row takes part.

    Args:
        evidence: of the rows.
        settings: of the check.
        preference: gives (n,) keys, the row with the smallest is kept; called once the pairs are found.
    """
    n, unit = len(evidence.table), near.methods(evidence.table.task, settings.by)[0].unit
    nothing = np.full(n, -1, dtype=np.int64)
    asked = 1.0 if settings.min_similarity is None else settings.min_similarity
    none = NearGroups(nothing, nothing, np.zeros(n), asked, unit)
    if evidence.active.sum() < 2:
        return none
    stands = standing_rows(evidence)
    found = alike_rows(evidence, settings, stands)
    least = found.threshold
    if not np.isfinite(least):  # fewer than two contents: nothing was compared
        return none
    nearest = np.zeros(n)
    np.maximum.at(nearest, found.left, found.similarity)
    np.maximum.at(nearest, found.right, found.similarity)
    groups, kept, similarity = _stars(n, near.above(found, least), preference(evidence), evidence, settings.by, least)
    inside = groups >= 0
    nearest[inside] = similarity[inside]
    alone = stands != np.arange(n)
    nearest[alone] = nearest[stands[alone]]
    return NearGroups(numbered(groups, rank_ids(evidence.table.row_ids)), kept, nearest, float(least), unit)


def _stars(
    n: int, pairs: Pairs, preference: list[np.ndarray], evidence: Evidence, by: By, least: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) group, kept row (-1 for rows in none) and similarity to it: components cut into stars around kept rows."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    groups, kept, similarity = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64), np.zeros(n)
    if not len(pairs):
        return groups, kept, similarity
    values = (pairs.similarity.astype(np.float64), (pairs.left, pairs.right))
    known = coo_array(values, shape=(n, n)).tocsr()
    known = known.maximum(known.T).tocsr()
    _, component = connected_components(known, directed=False)
    members = np.unique(np.concatenate([pairs.left, pairs.right]))
    order = members[np.lexsort([*(key[members] for key in reversed(preference)), component[members]])]
    edges = np.flatnonzero(np.diff(component[order], prepend=-1, append=-1))
    waiting = [order[begin:end] for begin, end in pairwise(edges)]
    small = {int(component[part[0]]): len(part) <= COMPARED_MEMBERS for part in waiting}
    while waiting:
        firsts = np.concatenate([np.full(len(part) - 1, part[0]) for part in waiting])
        others = np.concatenate([part[1:] for part in waiting])
        like = np.asarray(known[firsts, others], dtype=np.float64).reshape(-1)
        unknown = (like == 0) & np.array([small[int(c)] for c in component[firsts]], dtype=bool)
        if unknown.any():
            like[unknown] = near.similarity_of(evidence, firsts[unknown], others[unknown], by)
        taken = like >= least - 1e-6
        groups[others[taken]] = kept[others[taken]] = firsts[taken]
        groups[firsts[taken]] = kept[firsts[taken]] = firsts[taken]
        similarity[others[taken]], similarity[firsts[taken]] = like[taken], 1.0
        waiting = [part[1:][kept[part[1:]] < 0] for part in waiting]
        waiting = [part for part in waiting if len(part) > 1]
    return groups, kept, similarity
