"""Near-duplicates by the embedding: nearest neighbours by cosine similarity, for what has no fingerprint of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from curate.evidence.pairs.method import Method, Pairs, above
from curate.evidence.parts.lying import where_they_lie

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task

NEIGHBOURS = 10
BLOCK_ROWS = 16_384
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
    nearest = np.full(len(evidence.table), -1.0, dtype=np.float32)
    for left, right, similarity in _neighbours(evidence):
        np.maximum.at(nearest, left, similarity)
        np.maximum.at(nearest, right, similarity)
    usual = (nearest > -1) & evidence.table.training
    usual = usual if usual.any() else nearest > -1
    if not usual.any():
        return TEXT_SIMILARITY
    return float(1.0 - SHARE_OF_GAP[modality] * max(1.0 - float(np.median(nearest[usual])), 1e-3))


def find(evidence: Evidence, rows: np.ndarray, least: float) -> Pairs:
    """Pairs of `rows` among the nearest neighbours of each.

    Peak memory, beside the neighbours: one block, and 20 bytes per pair that is alike.
    """
    member = np.zeros(len(evidence.table), dtype=bool)
    member[rows] = True
    found = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))]
    for left, right, similarity in _neighbours(evidence):
        kept = member[left] & member[right] & (similarity >= np.float32(least) - np.float32(1e-6))
        left, right = left[kept], right[kept]
        code = np.minimum(left, right) * np.int64(len(member)) + np.maximum(left, right)
        found.append((code, similarity[kept]))
    codes, values = (np.concatenate(column) for column in zip(*found, strict=True))
    code, first = np.unique(codes, return_index=True)
    return above(Pairs.of(code // max(len(member), 1), code % max(len(member), 1), values[first]), least)


def compare(evidence: Evidence, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 cosine similarity; 0 where a row has no vector."""
    vectors = evidence.embedding().vectors
    begins = range(0, len(left), BLOCK_ROWS)
    blocks = [(left[begin : begin + BLOCK_ROWS], right[begin : begin + BLOCK_ROWS]) for begin in begins]
    return np.concatenate([np.zeros(0, dtype=np.float32), *where_they_lie(_cosines, vectors, blocks)])


def _cosines(vectors: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(p,) float32 in [0, 1] of pairs of rows."""
    left, right = pairs
    products = np.einsum("ij,ij->i", vectors[left], vectors[right])
    return np.nan_to_num(products).clip(0, 1).astype(np.float32, copy=False)


def _neighbours(evidence: Evidence) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs of nodes (the first row of each content) with other content, with their similarity, in blocks of rows."""
    near = evidence.neighbours(NEIGHBOURS)
    node, active = content_nodes(evidence), evidence.active
    n, k = near.indices.shape
    for begin in range(0, n, BLOCK_ROWS):
        right = near.indices[begin : begin + BLOCK_ROWS].ravel()
        left = np.repeat(np.arange(begin, min(begin + BLOCK_ROWS, n)), k)
        value = near.similarity[begin : begin + BLOCK_ROWS].ravel()
        usable = (right >= 0) & active[left] & active[np.maximum(right, 0)]
        left, right, value = node[left[usable]], node[right[usable]], value[usable]
        other = (left != right) & (left >= 0) & (right >= 0)
        yield left[other], right[other], value[other]


def content_nodes(evidence: Evidence) -> np.ndarray:
    """(n,) int64: for each readable row the row that stands for its content (the lowest id hash), -1 for the others."""
    from curate.evidence.order import canonical_order

    table = evidence.table
    order = canonical_order(table.row_ids)
    readable = np.ones(len(order), dtype=bool)
    readable[list(evidence.broken)] = False
    order = order[readable[order]]
    # The two halves of the hash one after the other: rows of one content lie side by side, in canonical order.
    by_content = np.lexsort((table.content[order, 1], table.content[order, 0]))
    content = table.content[order[by_content]]
    begins = np.ones(len(content), dtype=bool)
    begins[1:] = (content[1:] != content[:-1]).any(1)
    first = by_content[np.flatnonzero(begins)]
    node = np.full(len(table), -1, dtype=np.int64)
    node[order[by_content]] = order[first[np.cumsum(begins) - 1]]
    return node


METHOD = Method("cosine similarity of the embedding", 1, needs, threshold, find, compare, embeds=True)
