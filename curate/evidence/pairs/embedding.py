"""Near-duplicates by the embedding: nearest neighbours by cosine similarity, for what has no fingerprint of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curate.evidence.pairs.method import Method, Pairs, above

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task

NEIGHBOURS = 10
TEXT_SIMILARITY = 0.9
SHARE_OF_GAP = {"image": 0.7, "audio": 0.25, "video": 0.3, "series": 0.1, "features": 0.001}
"""Modality -> how near rows must be, as a share of the set's typical distance between nearest neighbours."""


def needs(task: Task) -> tuple[str, ...]:
    """No measures: the embedding asks for its own."""
    return ()


def threshold(evidence: Evidence) -> float:
    """The threshold where the user gave none.

    Text embeddings have a scale of their own. For the others it hangs on how alike rows of this set are anyway: a pair
    must be nearer than a share of the distance that the typical training row has to its nearest other content.
    """
    modality = evidence.table.task.modality
    if modality == "text":
        return TEXT_SIMILARITY
    left, _, similarity = _neighbours(evidence)
    nearest = np.full(len(evidence.table), -1.0)
    np.maximum.at(nearest, left, similarity)
    usual = (nearest > -1) & evidence.table.training
    usual = usual if usual.any() else nearest > -1
    if not usual.any():
        return TEXT_SIMILARITY
    return float(1.0 - SHARE_OF_GAP[modality] * max(1.0 - float(np.median(nearest[usual])), 1e-3))


def find(evidence: Evidence, rows: np.ndarray, least: float) -> Pairs:
    """Pairs of `rows` among the nearest neighbours of each."""
    left, right, similarity = _neighbours(evidence)
    member = np.zeros(len(evidence.table), dtype=bool)
    member[rows] = True
    inside = member[left] & member[right] & (left < right)
    left, right, similarity = left[inside], right[inside], similarity[inside]
    _, first = np.unique(left * np.int64(len(evidence.table)) + right, return_index=True)
    return above(Pairs.of(left[first], right[first], similarity[first]), least)


def compare(evidence: Evidence, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 cosine similarity; 0 where a row has no vector."""
    vectors = evidence.embedding().vectors
    return np.nan_to_num(np.einsum("ij,ij->i", vectors[left], vectors[right])).clip(0, 1).astype(np.float32)


def _neighbours(evidence: Evidence) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of nodes (the first row of each content) with other content, both directions, with their similarity."""
    near = evidence.neighbours(NEIGHBOURS)
    node, active = content_nodes(evidence), evidence.active
    n, k = near.indices.shape
    left, right = np.repeat(np.arange(n), k), near.indices.ravel()
    usable = (right >= 0) & active[left] & active[np.maximum(right, 0)]
    left, right, value = node[left[usable]], node[right[usable]], near.similarity.ravel()[usable].astype(np.float64)
    other = (left != right) & (left >= 0) & (right >= 0)
    left, right, value = left[other], right[other], value[other]
    return np.concatenate([left, right]), np.concatenate([right, left]), np.concatenate([value, value])


def content_nodes(evidence: Evidence) -> np.ndarray:
    """(n,) int64: for each readable row the row that stands for its content (the lowest id hash), -1 for the others."""
    from curate.evidence.order import canonical_order

    table = evidence.table
    order = canonical_order(table.row_ids)
    order = order[~np.isin(order, list(evidence.broken))]
    node = np.full(len(table), -1, dtype=np.int64)
    _, first, inverse = np.unique(table.content[order], axis=0, return_index=True, return_inverse=True)
    node[order] = order[first[inverse.reshape(-1)]]
    return node


METHOD = Method("cosine similarity of the embedding", 1, needs, threshold, find, compare, embeds=True)
