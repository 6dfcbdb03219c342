"""Near-duplicates: which pairs of rows are so alike that one of them adds nothing, and the groups that they form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from curate.checks._grouping import numbered, rank_ids, representatives, split_rank
from curate.evidence.evidence import Evidence
from curate.step import Check
from curate.task import Task

NEIGHBOURS = 10
TEXT_SIMILARITY = 0.9
SHARE_OF_GAP = {"image": 0.7, "audio": 0.25, "video": 0.3, "series": 0.1, "features": 0.001}
"""Modality -> how near rows must be, as a share of the set's typical distance between nearest neighbours."""
LARGEST_TEXT = 20_000
"""Characters of a text that are compared."""

Confirm = Callable[[np.ndarray, np.ndarray], np.ndarray]


class PairCheck(Check):
    """The settings of checks that look for near-duplicates."""

    embeds: ClassVar[bool] = True

    min_similarity: float | None = Field(
        None,
        ge=0,
        le=1,
        description="least cosine similarity of the embedding; if left out 0.9 for text, else set by how near nearest"
        " neighbours usually are in the set",
    )
    max_hash_distance: int = Field(
        6, ge=0, le=64, description="images: bits of 64 by which perceptual hashes may differ"
    )
    min_overlap: float = Field(
        0.8, ge=0, le=1, description="text: least share of four-character pieces that two texts have in common"
    )


@dataclass(frozen=True)
class NearGroups:
    """Groups of near-duplicates.

    Attributes:
        groups: (n,) int64, -1 for rows in none.
        kept: (n,) int64, the member that stands for the row's group, -1 for rows in none.
        similarity: (n,) float64, cosine similarity to that member; for rows in no group to the nearest other content.
        min_similarity: the threshold that was used.
    """

    groups: np.ndarray
    kept: np.ndarray
    similarity: np.ndarray
    min_similarity: float


def needs(task: Task) -> tuple[str, ...]:
    """Measures that confirm pairs and tell the better member."""
    names: dict[str, tuple[str, ...]] = {
        "image": ("image.phash", "image.width", "image.height"),
        "audio": ("audio.seconds",),
    }
    return tuple(name for modality in task.modalities for name in names.get(modality, ()))


def find_groups(evidence: Evidence, settings: PairCheck, preference: list[np.ndarray]) -> NearGroups:
    """Groups of rows that are near-duplicates of the member that is kept.

    Candidates are nearest neighbours; they count if the modality's second look confirms them. Rows that are connected
    make a component, and in a component the preferred row takes the rows that are like itself, then the next one those
    that are left: a chain of small steps does not end in one group of unlike rows. Of exact copies one row takes part.

    Args:
        evidence: of the rows.
        settings: of the check.
        preference: (n,) keys, the row with the smallest is kept.
    """
    n, min_similarity = len(evidence.table), settings.min_similarity
    rank = rank_ids(evidence.table.row_ids)
    copies = numbered(np.where(evidence.active, evidence.duplicate_groups(), -1), rank)
    stands = representatives(copies, [split_rank(evidence.table.splits), rank])
    node = np.where(stands >= 0, stands, np.arange(n))
    nothing = np.full(n, -1, dtype=np.int64)
    if evidence.active.sum() < 2:
        return NearGroups(nothing, nothing, np.zeros(n), min_similarity or 1.0)
    near = evidence.neighbours(NEIGHBOURS)
    left, right, similarity = _candidates(near.indices, near.similarity, node, evidence.active)
    nearest = np.full(n, -1.0)
    np.maximum.at(nearest, left, similarity)
    if min_similarity is None:
        usual = (nearest > -1) & evidence.table.training
        usual = usual if usual.any() else nearest > -1
        min_similarity = default_similarity(evidence.table.task.modality, nearest[usual])
    confirm = _confirmation(evidence, settings)
    alike = similarity >= min_similarity
    left, right = left[alike], right[alike]
    sure = confirm(left, right) if len(left) else alike[:0]
    groups, kept = _stars(n, left[sure], right[sure], preference, evidence, min_similarity, confirm)
    groups = numbered(groups, rank)
    inside = np.flatnonzero(groups >= 0)
    vectors = evidence.embedding().vectors
    nearest[inside] = np.einsum("ij,ij->i", vectors[inside], vectors[kept[inside]])
    return NearGroups(groups, kept, nearest[node], float(min_similarity))


def default_similarity(modality: str, nearest: np.ndarray) -> float:
    """The threshold where the user gave none.

    Text embeddings have a scale of their own. For the others it hangs on how alike rows of this set are anyway: a pair
    must be nearer than a share of the distance that the typical row has to its nearest neighbour.

    Args:
        modality: main modality of the task.
        nearest: (m,) similarity of each row to its nearest other content.
    """
    if modality == "text" or not len(nearest):
        return TEXT_SIMILARITY
    return float(1.0 - SHARE_OF_GAP[modality] * max(1.0 - float(np.median(nearest)), 1e-3))


def _candidates(
    indices: np.ndarray, similarity: np.ndarray, node: np.ndarray, active: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of active nodes with other content, each in both directions, with their similarity."""
    n, k = indices.shape
    left, right = np.repeat(np.arange(n), k), indices.ravel()
    usable = (right >= 0) & active[left] & active[np.maximum(right, 0)]
    left, right, value = node[left[usable]], node[right[usable]], similarity.ravel()[usable].astype(np.float64)
    other = left != right
    left, right, value = left[other], right[other], value[other]
    return np.concatenate([left, right]), np.concatenate([right, left]), np.concatenate([value, value])


def _confirmation(evidence: Evidence, settings: PairCheck) -> Confirm:
    """(p,) rows and (p,) rows -> (p,) bool: the second look of the task's modalities at pairs of similar rows."""
    looks: list[Confirm] = []
    task = evidence.table.task
    if "image" in task.modalities:
        hashes = hash_bits(evidence.measure("image.phash"))
        looks.append(lambda a, b: hash_distance(hashes[a], hashes[b]) <= settings.max_hash_distance)
    if "text" in task.modalities and task.text is not None:
        column = evidence.table.column(task.text)
        looks.append(lambda a, b: text_overlap(column, a, b) >= settings.min_overlap)
    if "audio" in task.modalities:
        seconds = evidence.measure("audio.seconds")
        looks.append(lambda a, b: np.minimum(seconds[a], seconds[b]) >= 0.8 * np.maximum(seconds[a], seconds[b]))

    def confirm(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        mask = np.ones(len(a), dtype=bool)
        for look in looks:
            mask[mask] = look(a[mask], b[mask])
        return mask

    return confirm


def _stars(
    n: int,
    left: np.ndarray,
    right: np.ndarray,
    preference: list[np.ndarray],
    evidence: Evidence,
    min_similarity: float,
    confirm: Confirm,
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) group and (n,) kept row, -1 for rows in none: components cut into stars around their preferred rows."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    groups, kept = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    if not len(left):
        return groups, kept
    _, component = connected_components(coo_array((np.ones(len(left)), (left, right)), shape=(n, n)), directed=False)
    members = np.unique(np.concatenate([left, right]))
    order = members[np.lexsort([*(key[members] for key in reversed(preference)), component[members]])]
    vectors = evidence.embedding().vectors
    for part in np.split(order, np.flatnonzero(np.diff(component[order])) + 1):
        waiting = part
        while len(waiting) > 1:
            first, others = waiting[0], waiting[1:]
            like = vectors[others] @ vectors[first] >= min_similarity - 1e-6
            like[like] = confirm(np.full(int(like.sum()), first), others[like])
            if like.any():
                groups[first] = kept[first] = first
                groups[others[like]] = kept[others[like]] = first
            waiting = others[~like]
    return groups, kept


def hash_bits(hashes: np.ndarray) -> np.ndarray:
    """Perceptual hashes as (n, w) unsigned words, whatever the width of the words they come in."""
    hashes = np.asarray(hashes)
    return hashes.reshape(len(hashes), -1)


def hash_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(p, w) and (p, w) unsigned words -> (p,) number of bits that differ."""
    return np.bitwise_count(a ^ b).sum(1).astype(np.int64)


def text_overlap(column: pa.ChunkedArray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) Jaccard overlap of the sets of four characters of two texts, case and runs of blanks aside."""
    if not len(left):
        return np.zeros(0)
    rows, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    sets = [_shingles(text) for text in column.take(rows).to_pylist()]
    pairs = places.reshape(2, -1)
    return np.array([len(sets[a] & sets[b]) / max(1, len(sets[a] | sets[b])) for a, b in pairs.T])


def _shingles(text: str | None) -> frozenset[str]:
    text = " ".join((text or "")[:LARGEST_TEXT].casefold().split())
    return frozenset(text[i : i + 4] for i in range(max(1, len(text) - 3)))
