"""Nearest rows, found for a block of rows at a time: what a search gives takes as much room as rows do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

BLOCK_ROWS = 16_384
"""Rows whose neighbours are searched at once."""
BLOCK_CELLS = 4_194_304
"""Distances that are held at once: 64 MB with the rows that they lead to."""


def nearest(
    values: np.ndarray, k: int, queries: np.ndarray | None = None, among: np.ndarray | None = None
) -> np.ndarray:
    """(q, k) int32: the k nearest rows of each row asked about, as scikit-learn finds them; itself among them.

    Args:
        values: (n, d) matrix.
        k: how many.
        queries: (q,) rows asked about, all if left out.
        among: (a,) rows to search in, all if left out; what is found counts within them.
    """
    count = len(values) if queries is None else len(queries)
    found = np.empty((count, k), dtype=np.int32)
    for start, block in _searched(values, k, queries, among, distances=False):
        found[start : start + len(block)] = block
    return found


def nearest_others(values: np.ndarray, k: int, queries: np.ndarray | None = None) -> np.ndarray:
    """(q, k) int32: the k nearest rows of each row beside the first that is found, which is taken for itself."""
    return nearest(values, k + 1, queries)[:, 1:]


def summed_distances(
    values: np.ndarray, k: int, queries: np.ndarray, among: np.ndarray, farthest: bool = False
) -> np.ndarray:
    """(q,) float64: sum of the distances of each row asked about to its k nearest (or farthest) among some rows."""
    found = np.empty(len(queries))
    for start, block in _searched(values, len(among) if farthest else k, queries, among, distances=True):
        found[start : start + len(block)] = block[:, -k:].sum(axis=1)
    return found


def _searched(
    values: np.ndarray, k: int, queries: np.ndarray | None, among: np.ndarray | None, *, distances: bool
) -> Iterator[tuple[int, np.ndarray]]:
    """Where each block begins, and its (b, k) rows or distances."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=k).fit(values if among is None else values[among])
    count = len(values) if queries is None else len(queries)
    size = max(1, min(BLOCK_ROWS, BLOCK_CELLS // max(1, k)))
    for start in range(0, count, size):
        here = slice(start, start + size)
        asked = values[here] if queries is None else values[queries[here]]
        yield start, search.kneighbors(asked)[0] if distances else search.kneighbors(asked, return_distance=False)


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
    for corpus in parts():
        search = NearestNeighbors(n_neighbors=min(k, len(corpus))).fit(corpus)
        start = 0
        for part in parts():
            for begin in range(0, len(part), BLOCK_ROWS):
                asked = part[begin : begin + BLOCK_ROWS]
                here = slice(start, start + len(asked))
                away, place = search.kneighbors(asked)
                both = np.concatenate([far[here], away], axis=1)
                order = np.argsort(both, axis=1, kind="stable")[:, :k]
                rows = np.concatenate([found[here], (place + base).astype(np.int32)], axis=1)
                far[here] = np.take_along_axis(both, order, axis=1)
                found[here] = np.take_along_axis(rows, order, axis=1)
                start += len(asked)
        base += len(corpus)
    return found
