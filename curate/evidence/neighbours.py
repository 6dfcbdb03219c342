"""Nearest neighbours by cosine similarity, in bounded memory: exact, or with a recall that is measured.

Up to `MOST_PRODUCTS` multiplications all pairs are compared, beyond that on a GPU where there is one; without one the
rows of near cells are (`curate.evidence.cell_search`), unless so many cells are near that comparing all pairs is
cheaper. What a search leaves to its caller is done here: equal vectors share one search, a row is not its own
neighbour, rows without a vector are kept out, and ties have an order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np

from curate.engines.engine import current
from curate.evidence.cell_search import LEAST_RECALL, cell_search
from curate.evidence.exact_search import Chosen, exact_search
from curate.evidence.lists.kept import KeptLists
from curate.evidence.lists.neighbours import listed_search
from curate.evidence.parts.lying import elsewhere, where_they_lie
from curate.evidence.values import Neighbours

Made = TypeVar("Made")
BLOCK_BYTES = 64_000_000
"""Memory for one block of the rows that share a search."""
BLOCK_ROWS = 8_192
MOST_PRODUCTS = 4e11
"""Queries times candidates times numbers up to which all pairs are compared: about 32,000 rows of 384 numbers."""
DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""What stands where a driver for a GPU is loaded: NVIDIA, AMD, Windows' subsystem for Linux."""
GPU_PRODUCTS = 4e15
"""The same on a GPU: a million rows and more."""


def nearest_neighbours(
    vectors: np.ndarray,
    candidates: np.ndarray,
    queries: np.ndarray,
    k: int,
    order: np.ndarray | None = None,
    keeper: KeptLists | None = None,
) -> Neighbours:
    """The k nearest candidates of each query row, itself excluded; ties are ordered by position.

    Equal vectors are searched once and share the result, so that many duplicates neither cost time nor push each other
    out in an arbitrary order. Where different vectors tie for the last of the k places, the first has it; in a search
    by cells that search chooses, by the rows and their order alone.

    Args:
        vectors: (m, d) float32, L2-normalised, in memory or mapped; never copied as a whole.
        candidates: (n,) bool, rows that may be found.
        queries: (n,) bool, rows to search for.
        k: how many.
        order: (n,) positions in `vectors` of the rows that all else speaks of; as they stand if left out.
        keeper: of lists of the nearest; what is found does not hang on it.

    Returns:
        (n, k) int32 indices and float32 similarities; -1 and NaN in rows that are no queries, and where there are not k
        candidates. `recall` is 1 where all pairs were compared.

    Peak memory, beside the vectors: 20 k + 60 bytes per row; for an exact search 24 (k + 17) bytes per row and blocks,
    200 MB in all, for one by cells which rows look into which cells (2 bytes for each of some ten to thirty per row, at
    most n^1.5 / 4 bytes) and 150 MB of blocks.
    """
    n = len(queries)
    rows = np.flatnonzero(queries | candidates).astype(np.int32)
    if not len(rows) or not k or not candidates.any():
        return Neighbours(*_nobody(n, k))
    chosen = Chosen(vectors, rows if order is None else order[rows])
    group, first, names = _equal_vectors(chosen)
    chosen = Chosen(vectors, chosen.rows[first])
    found = candidates[rows]
    is_target, is_query = (np.bincount(group[mask], minlength=len(first)) > 0 for mask in (found, queries[rows]))
    places = np.flatnonzero(is_query)
    near, near_similarity, recall = _search(chosen, np.flatnonzero(is_target), places, k, names, keeper)
    line = np.full(len(first), -1, dtype=np.int32)  # of each group in the result of the search
    line[places] = np.arange(len(places))
    members = _first_members(group[found], rows[found], len(first), k + 1)
    indices, similarity = _nobody(n, k)  # not before the search, which takes more than they do
    step = max(1, BLOCK_BYTES // ((k + 1) * (k + 1) * 24))
    asked = np.flatnonzero(queries[rows])
    for begin in range(0, len(asked), step):
        block = asked[begin : begin + step]
        own, place = rows[block], line[group[block]]
        indices[own], similarity[own] = _of_rows(own, group[block], members, near[place], near_similarity[place], k)
    return Neighbours(indices, similarity, recall)


def _nobody(n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, k) indices and similarities of rows without neighbours."""
    return np.full((n, k), -1, dtype=np.int32), np.full((n, k), np.nan, dtype=np.float32)


def merged(one: Neighbours, other: Neighbours) -> Neighbours:
    """The nearest of two searches with different candidates; ties by position."""
    k = one.indices.shape[1]
    indices, similarity = np.empty_like(one.indices), np.empty_like(one.similarity)
    for begin in range(0, len(indices), BLOCK_ROWS):
        rows = slice(begin, begin + BLOCK_ROWS)
        index = np.concatenate([one.indices[rows], other.indices[rows]], axis=1)
        value = np.concatenate([one.similarity[rows], other.similarity[rows]], axis=1)
        key = np.where(index >= 0, -value, np.inf)
        best = np.lexsort((np.where(index >= 0, index, np.iinfo(np.int64).max), key), axis=1)[:, :k]
        indices[rows], similarity[rows] = np.take_along_axis(index, best, 1), np.take_along_axis(value, best, 1)
    return Neighbours(indices, similarity, min(one.recall, other.recall))


def named(near: Neighbours, order: np.ndarray) -> Neighbours:
    """The same with (n, k) int64 positions in a table in place of positions in an order of it, (n,) int64."""
    indices = np.empty(near.indices.shape, dtype=np.int64)
    for begin in range(0, len(indices), BLOCK_ROWS):
        index = near.indices[begin : begin + BLOCK_ROWS]
        indices[begin : begin + BLOCK_ROWS] = np.where(index >= 0, order[index], -1)
    return Neighbours(indices, near.similarity, near.recall)


def _search(
    chosen: Chosen,
    targets: np.ndarray,
    queries: np.ndarray,
    k: int,
    names: np.ndarray | None,
    keeper: KeptLists | None,
) -> tuple[np.ndarray, np.ndarray, float]:
    """For each query the k nearest other targets, best first, and the recall."""
    products = float(len(queries)) * len(targets) * chosen.width
    if products <= MOST_PRODUCTS:
        return *listed_search(chosen, targets, queries, k, names, None if current().remote else keeper), 1.0
    device = device_of_searches()
    if device != "cpu" and products <= GPU_PRODUCTS:
        return *exact_search(chosen, targets, queries, k, device), 1.0
    found = elsewhere(partial(cell_search, targets=targets, queries=queries, k=k, device=device), chosen)
    if found is None or found[2] < LEAST_RECALL:
        return *exact_search(chosen, targets, queries, k, device), 1.0
    return found


def device_of_searches() -> str:
    """``cuda`` where torch is installed and finds a GPU, else ``cpu``."""
    # Importing torch takes seconds: not where no driver is loaded.
    if find_spec("torch") is None or not any(Path(driver).exists() for driver in DRIVERS):
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _equal_vectors(chosen: Chosen) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """(m,) group of each vector, (g,) first row of each group, and (g,) uint64 hash, if they differ.

    Groups are numbered by first row.
    """
    keys = np.concatenate(list(_by_blocks(_hashes, chosen, np.arange(len(chosen)))))
    names, first, code = np.unique(keys, return_index=True, return_inverse=True)
    repeats = np.flatnonzero(first[code] != np.arange(len(code)))
    both = np.stack([repeats, first[code[repeats]]], axis=1)
    if not all(_by_blocks(_equal, chosen, both)):  # a collision of hashes
        _, first, code = np.unique(chosen[np.arange(len(chosen))], axis=0, return_index=True, return_inverse=True)
        names, code = None, code.ravel()
    by_first = np.argsort(first)
    rank = np.argsort(by_first).astype(np.int32)
    return rank[code], first[by_first], None if names is None else names[by_first]


def _by_blocks(work: Callable[[Chosen, np.ndarray], Made], chosen: Chosen, places: np.ndarray) -> Iterator[Made]:
    blocks = [places[begin : begin + BLOCK_ROWS] for begin in range(0, len(places), BLOCK_ROWS)]
    return where_they_lie(work, chosen, blocks)


def _equal(chosen: Chosen, both: np.ndarray) -> bool:
    """Whether the vectors of all (m, 2) pairs are equal."""
    return bool((chosen[both[:, 0]] == chosen[both[:, 1]]).all())


def _hashes(chosen: Chosen, places: np.ndarray) -> np.ndarray:
    """(m,) uint64 hash of each vector."""
    import xxhash

    rows = chosen[places]
    rows = np.ascontiguousarray(rows + 0.0, dtype=np.float32)  # + 0.0 turns -0.0 into 0.0
    return np.fromiter((xxhash.xxh3_64_intdigest(row.data) for row in rows), dtype=np.uint64, count=len(rows))


def _first_members(group: np.ndarray, rows: np.ndarray, groups: int, most: int) -> np.ndarray:
    """(groups, most') int32: the first rows of each group, -1 where it has fewer."""
    order = np.argsort(group, kind="stable")
    counts = np.bincount(group, minlength=groups)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = rank < most
    members = np.full((groups, min(most, int(counts.max(initial=0)))), -1, dtype=np.int32)
    members[group[order][kept], rank[kept]] = rows[order][kept]
    return members


def _of_rows(
    rows: np.ndarray, group: np.ndarray, members: np.ndarray, near: np.ndarray, value: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """From nearest groups to nearest rows: (q, k) indices and similarities.

    Args:
        rows: (q,) whose they are.
        group: (q,) their groups.
        members: as of `_first_members`.
        near: (q, k) nearest other groups, -1 for none.
        value: (q, k) their similarities.
        k: how many.
    """
    several = (members >= 0).sum(1) > 1
    # Rows that are alone with their vector, as are those near them, need no more.
    twins = members[group]
    shared = ((twins >= 0) & (twins != rows[:, None])).any(1) | ((near >= 0) & several[near]).any(1)
    indices = np.where(near >= 0, members[near, 0], -1)
    similarity = np.where(near >= 0, value, np.float32(np.nan))
    if shared.any():
        indices[shared], similarity[shared] = _expand(
            rows[shared], group[shared], members, near[shared], value[shared], k
        )
    return indices, similarity


def _expand(
    rows: np.ndarray, group: np.ndarray, members: np.ndarray, near: np.ndarray, value: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """First the other members of the own group, then those of the near groups."""
    other = np.where(near[..., None] >= 0, members[near], -1)
    index = np.concatenate([members[group], other.reshape(len(rows), -1)], axis=1)
    similarity = np.concatenate(
        [np.ones((len(rows), members.shape[1]), dtype=np.float32), np.repeat(value, members.shape[1], axis=1)], axis=1
    )
    index[index == rows[:, None]] = -1
    key = np.where(index >= 0, similarity, -np.inf)
    # Groups that tie are mixed by position, as their members would be.
    order = np.lexsort((np.where(index >= 0, index, np.iinfo(np.int64).max), -key), axis=1)[:, :k]
    index, similarity = np.take_along_axis(index, order, 1), np.take_along_axis(key, order, 1)
    missing = k - index.shape[1]
    if missing > 0:
        index = np.hstack([index, np.full((len(index), missing), -1, dtype=index.dtype)])
        similarity = np.hstack([similarity, np.full((len(index), missing), -np.inf, dtype=similarity.dtype)])
    return index, np.where(index >= 0, similarity, np.nan)
