"""The rows as points, which of them say what is usual, and their nearest neighbours among those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from curate.evidence.exact_search import Chosen
from curate.evidence.faiss_library import faiss
from curate.evidence.vector_rows import Rows

REFERENCE_ROWS = 10_000
"""Rows that others are compared with, at most; a sample of a few hundred ranks rows nearly as well
(Sugiyama, Borgwardt, Rapid distance-based outlier detection via sampling, 2013)."""
BLOCK_ROWS = 65_536

Near = Callable[[int], tuple[np.ndarray, np.ndarray]]
NearAmong = Callable[[str, np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Space:
    """Points in a canonical order, so that nothing hangs on the order of the rows in the table.

    Attributes:
        vectors: (m, d) float32, finite in these rows.
        fit: (n,) bool, the training rows: what is usual is learned from them alone.
        seed: of whatever is random.
        neighbours: nearest rows that count.
        near: k -> (n, k) int64 nearest rows to learn from, itself excluded, -1 for none, and (n, k) float32 Euclidean
            distances, NaN for none; by a search of its own if left out.
        rows: (n,) which of the vectors are the points, in this order; all m if left out.
        among: finds the neighbours of some of the points among some of these: (name of these points, (p,) rows, (p,)
            bool which may be found, k) -> as `near`, positions among the p; by a search of its own if left out.
        name: of the points.
    """

    vectors: np.ndarray
    fit: np.ndarray
    seed: int
    neighbours: int
    near: Near | None = None
    rows: np.ndarray | None = None
    among: NearAmong | None = None
    name: str = ""
    _found: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.fit)

    @property
    def width(self) -> int:
        """d."""
        return self.vectors.shape[1]

    @cached_property
    def values(self) -> np.ndarray:
        """(n, d) float32 points; copied only for who asks for them, which the search for neighbours does not."""
        return self.vectors if self.rows is None else self.vectors[self.rows]

    def nearest(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """(n, k) nearest rows to learn from and their distances, -1 and NaN for none; kept for the next asker."""
        if k not in self._found:
            wider = [known for known in self._found if known > k]
            if wider:
                self._found[k] = tuple(part[:, :k] for part in self._found[min(wider)])  # type: ignore[assignment]
            else:
                self._found[k] = (self.near or self._search)(k)
        return self._found[k]

    def sample(self, most: int) -> np.ndarray:
        """Positions of at most so many rows to learn from, evenly spaced."""
        rows = np.flatnonzero(self.fit)
        return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]

    def part(self, rows: np.ndarray, name: str) -> Space:
        """The same of some rows (positions), which have a name of their own."""
        of = rows if self.rows is None else self.rows[rows]
        return Space(self.vectors, self.fit[rows], self.seed, self.neighbours, rows=of, among=self.among, name=name)

    def _search(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        base = self.sample(REFERENCE_ROWS)
        if self.among is not None and self.rows is not None:
            found = np.zeros(len(self), dtype=bool)
            found[base] = True
            return self.among(self.name, self.rows, found, k)
        points = self.vectors if self.rows is None else Chosen(self.vectors, self.rows)
        return euclidean_neighbours(points, base, k)


def euclidean_neighbours(values: Rows, base: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Exact nearest neighbours by Euclidean distance, a row itself excluded.

    Args:
        values: (n, d) float32, finite, copied block by block.
        base: (m,) int positions of the rows that may be found.
        k: how many.

    Returns:
        (n, k) int64 positions, -1 for none, and (n, k) float32 distances, NaN for none.
    """
    n = len(values)
    indices = np.full((n, k), -1, dtype=np.int64)
    distance = np.full((n, k), np.nan, dtype=np.float32)
    if not len(base):
        return indices, distance
    targets = np.ascontiguousarray(values[base], dtype=np.float32)
    wanted = min(k + 1, len(base))  # one more, because a row that may be found finds itself
    for begin in range(0, n, BLOCK_ROWS):
        queries = np.ascontiguousarray(values[begin : begin + BLOCK_ROWS], dtype=np.float32)
        squares, places = faiss().knn(queries, targets, wanted, metric=faiss().METRIC_L2)
        found = np.where(places >= 0, base[places], -1)
        itself = found == np.arange(begin, begin + len(queries))[:, None]
        # Among many equal rows a row may not find itself: then the last one goes.
        lone = ~itself.any(1) & (wanted > min(k, len(base)))
        itself[lone, -1] = True
        order = np.argsort(itself, axis=1, kind="stable")[:, : min(k, wanted)]
        gone = np.take_along_axis(itself | (found < 0), order, 1)
        found, squares = np.take_along_axis(found, order, 1), np.take_along_axis(squares, order, 1)
        block = slice(begin, begin + len(queries))
        indices[block, : found.shape[1]] = np.where(gone, -1, found)
        distance[block, : found.shape[1]] = np.where(gone, np.nan, np.sqrt(np.maximum(squares, 0)))
    return indices, distance
