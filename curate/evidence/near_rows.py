"""The nearest rows of a set by its embedding; searched once and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from curate.evidence.embedder import Embedder
from curate.evidence.estimates import Arrays, Estimates
from curate.evidence.lists.kept import KeptLists
from curate.evidence.neighbours import merged, named, nearest_neighbours
from curate.evidence.values import Neighbours

VERSION = 5
"""Raise it when what is found changes: it is part of the key of the cache."""
STEP = 10


@dataclass(frozen=True)
class NearRows:
    """Searches among the rows of a set.

    Attributes:
        embedder: of the rows.
        order: (n,) int64 canonical order.
        estimates: where what was found is kept.
        keeper: what is listed -> the keeper of its lists.
        note: takes a sentence for the run's summary.
    """

    embedder: Embedder
    order: np.ndarray
    estimates: Estimates
    keeper: Callable[[str], KeptLists]
    note: Callable[[str], None]

    def of_all(self, active: np.ndarray, training: np.ndarray, k: int, learned: bool) -> Neighbours:
        """The k nearest other active rows of each row; ties are ordered by the hash of the row ids.

        Args:
            active: (n,) bool, rows that may be found.
            training: (n,) bool, rows of no held-out split.
            k: how many.
            learned: only training rows are found.
        """
        order, valid = self.order, self.embedder.embedding().valid[self.order]
        found = valid & active[order]
        own = found & training[order]
        near = self._found("neighbours", own, valid, k)
        if not learned and (found & ~own).any():
            # The search among training rows serves both: only held-out rows are searched beside it.
            near = merged(near, self._found("neighbours_held_out", found & ~own, valid, k))
        return named(near, order)

    def among(self, name: str, rows: np.ndarray, found: np.ndarray, k: int) -> Neighbours:
        """The k nearest others of (m,) rows among some of these; indices are positions among the m."""
        vectors, every = self.embedder.embedding().vectors, np.ones(len(rows), dtype=bool)
        return nearest_neighbours(vectors, found, every, k, rows, self.keeper(f"neighbours, {name}"))

    def _found(self, what: str, found: np.ndarray, valid: np.ndarray, k: int) -> Neighbours:
        """The k nearest rows among those of a mask in canonical order; the indices are positions in that order."""
        width = -(-k // STEP) * STEP  # steps that ask for a few more or fewer share a search
        vectors, order = self.embedder.embedding().vectors, self.order

        def compute() -> Arrays:
            near = nearest_neighbours(vectors, found, valid, width, order, self.keeper(what))
            return {
                "rows_indices": near.indices, "rows_similarity": near.similarity, "recall": np.array([near.recall])
            }  # fmt: skip

        arrays = self.estimates.get(what, (VERSION, self.embedder.key(), found, width), compute)
        recall = float(arrays["recall"][0])
        if recall < 1:
            self.note(
                f"{what}: rows are compared within near cells; of the nearest rows of a sample {recall:.1%} found"
            )
        return Neighbours(arrays["rows_indices"][:, :k], arrays["rows_similarity"][:, :k], recall)
