"""Candidates from descriptors: the nearest rows of each row, by the likest of several queries for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from curate.errors import MissingPackage

BLOCK_BYTES = 64_000_000
EXACT_ROWS = 8_000
"""Up to here all products are taken; above an index of cells (faiss) looks into the nearest ones alone."""
PROBES = 12


def candidates(base: np.ndarray, queries: np.ndarray, least: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows of which one is among the `most` nearest of the other, each once.

    Args:
        base: (n, d) float32 unit vectors.
        queries: (q, n, d) float32 unit vectors, q ways to ask for each row.
        least: least cosine similarity of the likest query.
        most: pairs that one row may ask for.

    Returns:
        (p,) and (p,) int64 rows, left before right.
    """
    n = len(base)
    if n < 2:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    find = _exact if n <= EXACT_ROWS else _indexed
    row, other = find(base, queries, least, min(most, n - 1))
    code = np.unique(np.minimum(row, other) * np.int64(n) + np.maximum(row, other))
    return code // n, code % n


def _exact(base: np.ndarray, queries: np.ndarray, least: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    n = len(base)
    step = max(1, BLOCK_BYTES // (4 * n))
    rows, others = [], []
    for begin in range(0, n, step):
        best = queries[0, begin : begin + step] @ base.T
        for query in queries[1:]:
            np.maximum(best, query[begin : begin + step] @ base.T, out=best)
        best[np.arange(len(best)), np.arange(begin, begin + len(best))] = -2
        near = np.argpartition(best, n - most, axis=1)[:, n - most :]
        row, place = np.nonzero(np.take_along_axis(best, near, 1) >= least)
        rows.append(row + begin)
        others.append(near[row, place])
    return np.concatenate(rows).astype(np.int64), np.concatenate(others).astype(np.int64)


def _indexed(base: np.ndarray, queries: np.ndarray, least: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    n, width = base.shape
    faiss = _faiss()
    cells = int(4 * np.sqrt(n))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, cells, faiss.METRIC_INNER_PRODUCT)
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


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise MissingPackage(
            "faiss-cpu", "all", f"looking for near-duplicates in more than {EXACT_ROWS:,} rows"
        ) from None
    return faiss
