"""Candidates from descriptors: the nearest rows of each row, by the likest of several queries for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from curate.engines.local import ordered_map
from curate.engines.threads import one_thread_products
from curate.evidence.faiss_library import faiss, one_thread_search

BLOCK_BYTES = 1 << 21
"""Products that are looked through at once: they stay near the processor."""
EXACT_ROWS = 8_000
"""Up to here all products are taken; above an index of cells (faiss) looks into the nearest ones alone."""
PROBES, ASKED = 12, 4_096
"""Cells that are looked into, and rows that the index is asked about at a time."""


def candidates(
    base: np.ndarray, queries: np.ndarray, least: float, most: int, workers: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows of which one is among the `most` nearest of the other, each once.

    Args:
        base: (n, d) float32 unit vectors.
        queries: (q, n, d) float32 unit vectors, q ways to ask for each row.
        least: least cosine similarity of the likest query.
        most: pairs that one row may ask for.
        workers: threads; 0 for one per core.

    Returns:
        (p,) and (p,) int64 rows, left before right.
    """
    n = len(base)
    if n < 2:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    most = min(most, n - 1)
    if n <= EXACT_ROWS:
        return paired([_codes(*_exact(base, queries, least, most, workers), n)], n)
    index = indexed(base)

    def block(begin: int) -> np.ndarray:
        return searched(index, queries[:, begin : begin + ASKED], begin, least, most)

    with one_thread_products():
        return paired(ordered_map(block, range(0, n, ASKED), workers), n)


def _exact(
    base: np.ndarray, queries: np.ndarray, least: float, most: int, workers: int
) -> tuple[np.ndarray, np.ndarray]:
    n = len(base)
    step = max(1, BLOCK_BYTES // (4 * n))

    def block(begin: int) -> tuple[np.ndarray, np.ndarray]:
        asked = queries[:, begin : begin + step]
        best = asked[0] @ base.T
        found = np.empty_like(best)
        for query in asked[1:]:
            np.maximum(best, np.matmul(query, base.T, out=found), out=best)
        rows = np.arange(len(best))
        best[rows, begin + rows] = -2
        row, other = np.nonzero(best >= least)
        count = np.bincount(row, minlength=len(best))
        full = np.flatnonzero(count > most)
        if len(full):  # few rows have so many that some are left out
            fits = count[row] <= most
            near = np.argpartition(best[full], n - most, axis=1)[:, n - most :]
            row = np.concatenate([row[fits], np.repeat(full, most)])
            other = np.concatenate([other[fits], near.ravel()])
        return row + begin, other

    with one_thread_products():
        rows, others = zip(*ordered_map(block, range(0, n, step), workers))
    return np.concatenate(rows).astype(np.int64), np.concatenate(others).astype(np.int64)


def indexed(base: np.ndarray) -> Any:
    """An index of cells (faiss) of (n, d) float32 unit vectors."""
    n, width = base.shape
    library = faiss()
    cells = int(4 * np.sqrt(n))
    index = library.IndexIVFFlat(library.IndexFlatIP(width), width, cells, library.METRIC_INNER_PRODUCT)
    index.nprobe = PROBES
    index.train(base[:: max(1, n // (64 * cells))])
    index.add(base)
    return index


def searched(index: Any, queries: np.ndarray, begin: int, least: float, most: int) -> np.ndarray:
    """(p,) int64 pairs that some rows ask for, each as one number (`paired`).

    Args:
        index: from `indexed`.
        queries: (q, m, d) float32 unit vectors, q ways to ask for each of the rows.
        begin: the first of them; all are asked `ASKED` at a time, from 0 on.
        least: as of `candidates`.
        most: as of `candidates`, less than there are rows.
    """
    rows, others, values = [], [], []
    asking = np.arange(begin, begin + queries.shape[1])
    with one_thread_search():
        for query in queries:
            value, near = index.search(np.ascontiguousarray(query), most + 1)
            row, place = np.nonzero((value >= least) & (near >= 0) & (near != asking[:, None]))
            rows.append(row)
            others.append(near[row, place])
            values.append(value[row, place])
    row, other, value = np.concatenate(rows), np.concatenate(others), np.concatenate(values)
    order = np.lexsort((other, -value, row))
    row, other = row[order], other[order]
    _, first = np.unique(row * np.int64(index.ntotal) + other, return_index=True)  # the likest query stands first
    first.sort()
    row, other = row[first], other[first]
    counts = np.bincount(row, minlength=queries.shape[1])
    rank = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _codes(row[rank < most] + begin, other[rank < most], index.ntotal)


def _codes(row: np.ndarray, other: np.ndarray, n: int) -> np.ndarray:
    return np.unique(np.minimum(row, other) * np.int64(n) + np.maximum(row, other))


def paired(codes: Iterable[np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray]:
    """(p,) and (p,) int64 rows of pairs among n that were found block by block, each once."""
    found = np.unique(np.concatenate(list(codes)))
    return found // n, found % n
