"""Nearest rows, found for a block of rows at a time: what a search gives takes as much room as rows do.

Blocks are shared out among threads, or among the machines of an engine; each is searched by one thread, so that it does
not hang on the cores which of equally near rows are found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from curate.engines.engine import current
from curate.engines.threads import one_thread_loops, one_thread_products
from curate.evidence.parts.lying import on_machines

BLOCK_ROWS = 2_048
"""Rows whose neighbours are searched at once."""
BLOCK_CELLS = 1_048_576
"""Distances that a thread holds at once: 16 MB with the rows that they lead to."""


def nearest(values: Any, k: int, queries: np.ndarray | None = None, among: np.ndarray | None = None) -> np.ndarray:
    """(q, k) int32: the k nearest rows of each row asked about, as scikit-learn finds them; itself among them.

    Args:
        values: (n, d) matrix, in memory or where it lies.
        k: how many.
        queries: (q,) rows asked about, all if left out.
        among: (a,) rows to search in, all if left out; what is found counts within them.
    """
    queries = np.arange(len(values)) if queries is None else queries
    found = np.empty((len(queries), k), dtype=np.int32)
    return _filled(found, _Search(k, among), values, queries)


def nearest_others(
    values: Any, k: int, queries: np.ndarray | None = None, among: np.ndarray | None = None
) -> np.ndarray:
    """(q, k) int32: the k nearest rows of each row beside the first that is found, which is taken for itself."""
    return nearest(values, k + 1, queries, among)[:, 1:]


def summed_distances(values: Any, k: int, queries: np.ndarray, among: np.ndarray, farthest: bool = False) -> np.ndarray:
    """(q,) float64: sum of the distances of each row asked about to its k nearest (or farthest) among some rows."""
    found = np.empty(len(queries))
    return _filled(found, _Search(len(among) if farthest else k, among, summed=k), values, queries)


@dataclass
class _Search:
    """A search for the nearest of some rows, prepared once where it is done.

    Attributes:
        k: how many.
        among: (a,) rows to search in, None for all.
        summed: the sum of the distances of the last so many is given, and not which rows they are.
    """

    k: int
    among: np.ndarray | None
    summed: int | None = None
    prepared: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """What travels."""
        return {**vars(self), "prepared": None}

    def prepare(self, values: Any) -> _Search:
        """Index the rows to search in."""
        from sklearn.neighbors import NearestNeighbors

        if self.prepared is None:
            base = values[:] if self.among is None else values[self.among]
            self.prepared = NearestNeighbors(n_neighbors=self.k).fit(base)
        return self

    def __call__(self, values: Any, queries: np.ndarray) -> np.ndarray:
        """(b, k) rows, or (b,) sums of distances, of (b,) rows asked about."""
        search, asked = self.prepare(values).prepared, values[queries]
        with one_thread_loops():
            if self.summed is None:
                return search.kneighbors(asked, return_distance=False)
            return search.kneighbors(asked)[0][:, -self.summed :].sum(axis=1)


def _filled(found: np.ndarray, search: _Search, values: Any, queries: np.ndarray) -> np.ndarray:
    """The array, with what the search says of each row asked about."""
    size = max(1, min(BLOCK_ROWS, BLOCK_CELLS // max(1, search.k)))
    blocks = [queries[start : start + size] for start in range(0, len(queries), size)]
    start = 0
    with one_thread_products():
        for block in _of_blocks(search, values, blocks):
            found[start : start + len(block)] = block
            start += len(block)
    return found


def _of_blocks(search: _Search, values: Any, blocks: list[np.ndarray]) -> Iterator[np.ndarray]:
    if current().remote:
        return on_machines(search, values, blocks)
    return current().ordered_map(partial(search.prepare(values), values), blocks)


def nearest_of_parts(parts: Callable[[], Iterator[np.ndarray]], count: int, k: int) -> np.ndarray:
    """(n, k) int32: the k nearest rows of every row, itself among them, of a matrix that is never whole in memory.

    Args:
        parts: gives its blocks of rows in order, as often as it is called.
        count: n, more than k.
        k: how many.
    """
    from sklearn.neighbors import NearestNeighbors

    found, far = np.full((count, k), -1, dtype=np.int32), np.full((count, k), np.inf)
    base = 0
    with one_thread_products():
        for corpus in parts():
            search = NearestNeighbors(n_neighbors=min(k, len(corpus))).fit(corpus)
            start = 0
            for away, place in current().ordered_map(partial(_apart, search), _asked(parts)):
                here = slice(start, start + len(away))
                both = np.concatenate([far[here], away], axis=1)
                order = np.argsort(both, axis=1, kind="stable")[:, :k]
                rows = np.concatenate([found[here], (place + base).astype(np.int32)], axis=1)
                far[here] = np.take_along_axis(both, order, axis=1)
                found[here] = np.take_along_axis(rows, order, axis=1)
                start += len(away)
            base += len(corpus)
    return found


def _asked(parts: Callable[[], Iterator[np.ndarray]]) -> Iterator[np.ndarray]:
    for part in parts():
        for begin in range(0, len(part), BLOCK_ROWS):
            yield part[begin : begin + BLOCK_ROWS]


def _apart(search: Any, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(b, k) distances and places."""
    with one_thread_loops():
        return search.kneighbors(asked)
