"""Groups of rows by measure, category and cluster, and how accurate predictions are in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from curate.checks.sets.clusters import cluster_centres
from curate.checks.sets.columns import Column
from curate.checks.sets.shortcuts import binned
from curate.evidence.parts.lying import elsewhere, where_they_lie
from curate.evidence.vector_rows import Rows

PARTS = 5
MOST_CLUSTERS = 20
CLUSTER_ROWS = 20_000
BLOCK_ROWS = 32_768
"""Rows that are copied at a time."""


@dataclass(frozen=True)
class Slice:
    """A group of rows.

    Attributes:
        name: what its rows have in common.
        members: places among the judged rows.
        accuracy: share predicted right.
        expected: what the classes of its rows would give.
        p: that a group is so far below what is expected, by chance.
    """

    name: str
    members: np.ndarray
    accuracy: float = 1.0
    expected: float = 1.0
    p: float = 1.0

    def judged(self, right: np.ndarray, expected: np.ndarray) -> Slice:
        """The slice with its accuracy.

        Args:
            right: (m,) 1 where the prediction is right.
            expected: (m,) accuracy of the row's class.
        """
        from scipy.special import ndtr

        hits, wanted = right[self.members], expected[self.members]
        deviation = float(np.sqrt(max((wanted * (1 - wanted)).sum(), 0.25)))
        z = float((hits.sum() - wanted.sum() + 0.5) / deviation)
        return replace(self, accuracy=float(hits.mean()), expected=float(wanted.mean()), p=float(ndtr(z)))


def column_slices(column: Column, rows: np.ndarray) -> list[Slice]:
    """A slice for every category, or for every fifth of a number, and one for rows without a value."""
    values = column.values[rows]
    bins = binned(column, values, PARTS)
    found = []
    for part in np.unique(bins):
        members = np.flatnonzero(bins == part)
        known = values[members][np.isfinite(values[members])]
        if not len(known):
            name = f"{column.name} missing"
        elif column.categories:
            name = f"{column.name} = {column.told(known[0])}"
        else:
            name = f"{column.name} from {column.told(known.min())} to {column.told(known.max())}"
        found.append(Slice(name, members))
    return found if len(found) > 1 else []


def cluster_slices(vectors: Rows, valid: np.ndarray, said: Callable[[int], str], seed: int) -> list[Slice]:
    """A slice for every cluster of the embedding (k-means, about one per 50 rows, at most 20), named by its middle row.

    Args:
        vectors: (m, d) float32, copied block by block.
        valid: (m,) bool, rows that have a vector.
        said: place among the m -> the row in a few words.
        seed: of the clusters.
    """
    places = np.flatnonzero(valid)
    clusters = min(MOST_CLUSTERS, len(places) // 50)
    if clusters < 2:
        return []
    base = places
    if len(places) > CLUSTER_ROWS:
        base = places[np.linspace(0, len(places) - 1, CLUSTER_ROWS).astype(np.int64)]
    centres = elsewhere(partial(_centres, base, clusters, seed), vectors)
    blocks = [places[begin : begin + BLOCK_ROWS] for begin in range(0, len(places), BLOCK_ROWS)]
    judged = where_they_lie(partial(_nearest_centre, centres), vectors, blocks)
    code, least = map(np.concatenate, zip(*judged, strict=True))
    found = []
    for k in np.unique(code):
        members = places[code == k]
        found.append(Slice(f"of rows like {said(int(members[least[code == k].argmin()]))!r}", members))
    return found


def _centres(some: np.ndarray, clusters: int, seed: int, vectors: Rows) -> np.ndarray:
    return cluster_centres(vectors[some], clusters, seed)


def _nearest_centre(centres: np.ndarray, vectors: Rows, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(b,) which of (c, d) centres is nearest to each row, and (b,) how near."""
    near = np.square(centres).sum(1)[None] - 2 * vectors[some] @ centres.T
    return near.argmin(1), near.min(1)
