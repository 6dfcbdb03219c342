"""Candidates from descriptors: the nearest rows of each row, by the likest of several queries for it."""

from __future__ import annotations

import numpy as np

from curate.engines.local import ordered_map
from curate.engines.threads import one_thread_products
from curate.evidence.faiss_library import faiss

BLOCK_BYTES = 1 << 21
"""Products that are looked through at once: they stay near the processor."""
EXACT_ROWS = 8_000
"""Up to here all products are taken; above an index of cells (faiss) looks into the nearest ones alone."""
PROBES = 12


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
    if n <= EXACT_ROWS:
        row, other = _exact(base, queries, least, min(most, n - 1), workers)
    else:
        row, other = _indexed(base, queries, least, min(most, n - 1))
    code = np.unique(np.minimum(row, other) * np.int64(n) + np.maximum(row, other))
    return code // n, code % n


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


def _indexed(base: np.ndarray, queries: np.ndarray, least: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    n, width = base.shape
    library = faiss()
    cells = int(4 * np.sqrt(n))
    index = library.IndexIVFFlat(library.IndexFlatIP(width), width, cells, library.METRIC_INNER_PRODUCT)
    index.nprobe = PROBES
    index.train(base[:: max(1, n // (64 * cells))])
    index.add(base)
    rows, others, values = [], [], []
    for query in queries:
        value, near = index.search(np.ascontiguousarray(query), most + 1)
        row, place = np.nonzero((value >= least) & (near >= 0) & (near != np.arange(n)[:, None]))
        rows.append(row)
        others.append(near[row, place])
        values.append(value[row, place])
    row, other, value = np.concatenate(rows), np.concatenate(others), np.concatenate(values)
    order = np.lexsort((other, -value, row))
    row, other = row[order], other[order]
    _, first = np.unique(row * np.int64(n) + other, return_index=True)  # the likest query stands first
    first.sort()
    row, other = row[first], other[first]
    counts = np.bincount(row, minlength=n)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return row[rank < most].astype(np.int64), other[rank < most].astype(np.int64)
