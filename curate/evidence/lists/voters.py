"""The nearest voters of every row, found once and brought up to date where rows came and went.

Vectors are rounded to whole numbers so small that float32 holds every sum of their products: similarities are the same
to the bit in whatever blocks, and by however many threads, they are computed, so that lists that were kept are those
that a search finds. Rows and voters are known by the 64-bit hash of their rounded vectors.
"""

from __future__ import annotations

import numpy as np

from curate.engines.local import ordered_map
from curate.engines.threads import one_thread_products
from curate.evidence.faiss_library import faiss, one_thread_search
from curate.evidence.lists.listed import MOST_NEW, SPARE, Lists
from curate.evidence.vector_rows import Rows

LARGEST_SUM = 2**24
"""Up to here float32 holds every whole number."""
BLOCK_ROWS = 4_096
SEARCHED = 1_024
"""Rows whose lists a thread searches at a time."""
FEW_VOTERS = 256
"""With fewer a list holds so many of them that it is as well searched anew."""
MOST_CELLS = 4_000_000
"""Products of rows with new voters that are held at a time."""
NOBODY = np.iinfo(np.int64).min


def scale_of(width: int) -> float:
    """What vectors of length 1 and so many numbers are multiplied by before they are rounded."""
    return float(np.floor(np.sqrt(LARGEST_SUM) - 0.5 * np.sqrt(width) - 1))


def rounded(vectors: np.ndarray) -> np.ndarray:
    """(m, d) float32 whole numbers in proportion to vectors of length 1; no -0.0 among them."""
    return np.rint(vectors * np.float32(scale_of(vectors.shape[1]))) + np.float32(0)


def hashes(vectors: Rows, rows: np.ndarray) -> np.ndarray:
    """(m,) uint64 hash of each rounded vector."""
    import xxhash

    digest, found = xxhash.xxh3_64_intdigest, np.empty(len(rows), dtype=np.uint64)
    for begin in range(0, len(rows), BLOCK_ROWS):
        block = rounded(vectors[rows[begin : begin + BLOCK_ROWS]])
        found[begin : begin + len(block)] = [digest(row) for row in block]
    return found


def nearest(asked: np.ndarray, base: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest of some vectors.

    Args:
        asked: (q, d) float32 from `rounded`.
        base: (g, d) float32 from `rounded`.
        k: how many.

    Returns:
        (q, k) int64 places in the base, -1 for none, (q, k) float32 products, and (q,) float32 bound, as of `Lists`.
    """
    k = min(k, len(base))
    if not k:
        return np.empty((len(asked), 0), np.int64), np.empty((len(asked), 0), np.float32), np.zeros(len(asked))
    value, place = _products(asked, base, k + 1)
    return _in_order(_keys(value, place), k, np.full(len(asked), -np.inf, dtype=np.float32))[:3]


def lists(
    vectors: Rows, first: np.ndarray, rows: np.ndarray, voters: np.ndarray, base: np.ndarray, k: int, kept: Lists | None
) -> Lists:
    """The lists of some rows, by those that were kept as far as they go.

    Args:
        vectors: (n, d) float32.
        first: (q,) positions in `vectors` of a row of each hash.
        rows: (q,) uint64 ascending hashes.
        voters: (g,) uint64 ascending hashes.
        base: (g, d) float32 rounded vectors of the voters.
        k: voters that are asked of a list; it has `SPARE` more.
        kept: lists of other rows or voters.
    """
    needed, k = min(k, len(voters)), min(k + SPARE, len(voters))
    found = Lists(
        voters,
        rows,
        np.empty((len(rows), k), dtype=np.int16),
        np.empty((len(rows), k), dtype=np.float32),
        np.empty(len(rows), dtype=np.float32),
    )
    known = np.zeros(len(rows), dtype=bool)
    of_use = kept is not None and len(voters) > FEW_VOTERS and kept.near.shape[1] == k
    if kept is not None and of_use and kept.changed(voters, kept.rows) <= MOST_NEW:
        known = _brought_up_to_date(vectors, first, base, kept, found, needed)
    rest = np.flatnonzero(~known)

    def search(block: np.ndarray) -> None:
        with one_thread_search():
            asked = nearest(rounded(vectors[first[block]]), base, k)
        found.near[block], found.value[block], found.bound[block] = asked

    faiss()  # it brings a BLAS of its own, which has to be there when the limit is set
    with one_thread_products():
        for _ in ordered_map(search, (rest[begin : begin + SEARCHED] for begin in range(0, len(rest), SEARCHED))):
            pass
    return found


def _brought_up_to_date(
    vectors: Rows, first: np.ndarray, base: np.ndarray, kept: Lists, found: Lists, needed: int
) -> np.ndarray:
    """Write the lists that follow from those that were kept; (q,) bool, which ones do, as far as they are needed."""
    place = np.searchsorted(found.candidates, kept.candidates).clip(max=len(found.candidates) - 1)
    stays = found.candidates[place] == kept.candidates
    now = np.append(np.where(stays, place, -1), -1)  # of those before, and of nobody
    new = np.flatnonzero(~np.isin(found.candidates, kept.candidates, assume_unique=True))
    own = np.searchsorted(kept.rows, found.rows).clip(max=max(len(kept.rows) - 1, 0))
    known = kept.rows[own] == found.rows if len(kept.rows) else np.zeros(len(found.rows), dtype=bool)
    k, nobody_left = kept.near.shape[1], bool(stays.all())
    rows, added = np.flatnonzero(known), base[new]
    step = max(1, min(BLOCK_ROWS, MOST_CELLS // max(len(new), 1)))
    for begin in range(0, len(rows), step):
        block = rows[begin : begin + step]
        line = own[block]
        bound = kept.bound[line]
        keys = _keys(kept.value[line], now[kept.near[line]])
        unchanged = np.full(len(block), nobody_left)
        if len(new):
            products = rounded(vectors[first[block]]) @ added.T
            better = products > bound[:, None]
            keys = np.concatenate([keys, _keys_of(products, better, new)], axis=1)
            unchanged &= ~better.any(1)
        near, value, least, count = _in_order(keys, k, bound)
        found.near[block], found.value[block], found.bound[block] = near, value, least
        # With fewer above the bound than are needed, others below it may have come up.
        known[block] = unchanged | (count >= needed)
    return known


def _keys_of(products: np.ndarray, better: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(q, c) int64 keys of those of (q, m) products that are better, of (m,) places; `NOBODY` behind them."""
    counts = better.sum(1)
    line, column = np.nonzero(better)
    keys = np.full((len(better), int(counts.max(initial=0))), NOBODY)
    keys[line, np.arange(len(line)) - np.repeat(np.cumsum(counts) - counts, counts)] = _keys(
        products[line, column], places[column]
    )
    return keys


def _products(asked: np.ndarray, base: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(q, k') float32 largest products and (q, k') int64 places in the base."""
    return faiss().knn(asked, base, min(k, len(base)), metric=faiss().METRIC_INNER_PRODUCT)


def _keys(value: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(q, c) int64 that are larger for larger values, and among equal ones for lower places; `NOBODY` for place -1."""
    return np.where(place >= 0, (value.astype(np.int64) << 24) - place, NOBODY)


def _in_order(keys: np.ndarray, k: int, bound: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The k best of (q, c) keys, none that ties with the next one; the new bound; and how many keys there are."""
    count = (keys != NOBODY).sum(1)
    keys = np.sort(keys, axis=1)[:, ::-1]
    value = -(-keys >> 24)
    near = (value << 24) - keys
    there = keys != NOBODY
    if keys.shape[1] > k:
        bound = np.where(there[:, k], value[:, k].astype(np.float32), bound)
        keys, value, near, there = keys[:, :k], value[:, :k], near[:, :k], there[:, :k]
    there = there & (value > bound[:, None])
    return np.where(there, near, -1), np.where(there, value, 0).astype(np.float32), bound, count
