"""Candidates by locality-sensitive hashing: rows that agree in a whole band of their fingerprints.

Wider bands are narrower ones with one number more, and rows of a bucket stand in the order of the widest bands. So the
pairs that wider bands give are among those of narrower ones, and a set that grows past a step of the width compares no
two of its old rows for the first time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from curate.engines.engine import current
from curate.evidence.parts.lying import by_rows, lies_in_parts, rows_of_piece
from curate.evidence.vector_rows import Rows

WINDOW = 24
"""Rows of one bucket are paired with so many that follow, and with the bucket's first: never all with all."""
WIDEST = 5
"""Numbers of the widest bands; rows of one bucket stand in their order, so that alike ones are near each other."""
BLOCK_PAIRS, LYING_PAIRS = 1 << 13, 1 << 17
"""Pairs whose prints are held at a time: those near the processor, and those that are read in parts of the cache."""
MOST_WAITING = 1 << 22
ROW_BITS, KEY_BITS = 24, 40
"""Of the 64 bits of a sorted number: with more rows, places are sorted by their numbers."""


def band_rows(rows: int) -> int:
    """How many numbers make a band: the more rows, the fewer of them may meet by chance."""
    return 3 if rows <= 20_000 else 4 if rows <= 200_000 else 5


def merged(parts: Sequence[tuple[np.ndarray, np.ndarray]], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of several searches among n rows as one, each once, sorted."""
    keys = [left * np.int64(n) + right for left, right in parts]
    pairs = distinct(np.concatenate([np.zeros(0, dtype=np.int64), *keys]))
    return pairs // max(n, 1), pairs % max(n, 1)


def distinct(keys: np.ndarray) -> np.ndarray:
    """The different ones of (p,) int64, sorted: many times faster than `np.unique`, which fills a hash table first."""
    keys = np.sort(keys)
    return keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]


def candidates(
    prints: Rows, least: float | np.ndarray, width: int, rows: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows that share a band and agree in enough of all numbers.

    Rows of similarity J share one of b bands of r numbers with probability 1 - (1 - J^r)^b. Source: Leskovec,
    Rajaraman, Ullman, Mining of Massive Datasets, chapter 3. Of prints that lie in parts of the cache, each machine of
    the engine looks through some bands, and what it finds is all that comes back.

    Args:
        prints: (n, k) unsigned numbers, of which two rows agree in about as many as they are alike.
        least: share of the k numbers in which a pair must agree, or (n,) that of each row: the lower one of a pair
            counts.
        width: numbers of a band; k // width bands.
        rows: (m,) the rows among which pairs are looked for; all n if left out. The others are not copied.

    Returns:
        (p,) and (p,) int64 rows (places in `rows`), the left one lower, each pair once, sorted.
    """
    n = max(1, len(prints) if rows is None else len(rows))
    chains = _chains(prints.shape[1], width, prints.dtype.itemsize)
    machines = min(len(chains), max(2, current().slots())) if lies_in_parts(prints) else 1
    shares = [chains[first::machines] for first in range(machines)]
    pairs = _all_distinct(by_rows(partial(_of_bands, least, width, rows), prints, shares))
    return pairs // n, pairs % n


def _of_bands(
    least: float | np.ndarray, width: int, rows: np.ndarray | None, prints: Rows, chains: Sequence[tuple[int, ...]]
) -> np.ndarray:
    """(p,) int64 pairs of `candidates` by some bands, each as one number, sorted."""
    n = len(prints) if rows is None else len(rows)
    needed = np.broadcast_to(np.asarray(least, dtype=np.float64), len(prints))

    def alike() -> Iterator[np.ndarray]:
        for numbers in _numbers(prints, rows, chains):
            for left, right in _meetings(numbers, width):
                one, other = (left, right) if rows is None else (rows[left], rows[right])
                good = agreement(prints, one, other) >= np.minimum(needed[one], needed[other])
                yield left[good] * n + right[good]

    return _all_distinct(alike())


def _all_distinct(parts: Iterable[np.ndarray]) -> np.ndarray:
    """The different ones of all parts, sorted; what waits for that is bounded."""
    found, waiting = [np.zeros(0, dtype=np.int64)], 0
    for part in parts:
        found.append(part)
        waiting += len(part)
        if waiting > MOST_WAITING:
            found, waiting = [distinct(np.concatenate(found))], 0
    return distinct(np.concatenate(found))


def _numbers(prints: Any, rows: np.ndarray | None, chains: Sequence[tuple[int, ...]]) -> Iterator[np.ndarray]:
    """(m, c) numbers of each band; those of prints that lie in parts are read in one go."""
    if not lies_in_parts(prints):
        for chain in chains:
            yield prints[:, np.array(chain)] if rows is None else prints[np.ix_(rows, np.array(chain))]
        return
    some = np.arange(len(prints)) if rows is None else rows
    used, step = np.unique([number for chain in chains for number in chain]), rows_of_piece(prints)
    held = np.concatenate([prints[some[begin : begin + step]][:, used] for begin in range(0, max(1, len(some)), step)])
    for chain in chains:
        yield held[:, np.searchsorted(used, chain)]


def agreement(prints: Any, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float64 share of the numbers in which the prints of pairs agree."""
    out, step = np.empty(len(left)), LYING_PAIRS if lies_in_parts(prints) else BLOCK_PAIRS
    for first in range(0, len(left), step):
        part = slice(first, first + step)
        equal = prints.take(left[part], 0) == prints.take(right[part], 0)
        out[part] = equal.sum(1, dtype=np.uint16)
    return out / max(prints.shape[1], 1)


@cache
def bands(numbers: int, width: int) -> tuple[tuple[int, ...], ...]:
    """The numbers of each of `numbers` // width bands, none in two of them.

    Those of one number more are the first of them, each with one of the numbers that are then in none.
    """
    if width == 1:
        return tuple((place,) for place in range(numbers))
    kept = bands(numbers, width - 1)[: numbers // width]
    others = sorted(set(range(numbers)).difference(*kept))
    return tuple((*band, other) for band, other in zip(kept, others, strict=False))


@cache
def _chains(numbers: int, width: int, size: int) -> tuple[tuple[int, ...], ...]:
    """The numbers of each band, and behind them those by which the band becomes a wider one, if they fit into a key."""
    chains = list(bands(numbers, width))
    for wide in range(width + 1, WIDEST + 1) if size == 1 else ():
        wider = bands(numbers, wide)
        chains[: len(wider)] = wider
    return tuple(chains)


def _meetings(chain: np.ndarray, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of rows of one bucket, in blocks.

    Args:
        chain: (n, c) numbers of a band, and those behind it (`_chains`).
        width: numbers of the band.
    """
    order, key = _sorted(chain)
    wider = chain.shape[1] - width
    buckets = [key >> np.uint64(8 * (wider - more)) for more in range(wider + 1)]
    starts = _starts(buckets[0])
    largest = int(np.diff(np.append(starts, len(key))).max(initial=1))
    for step in range(1, min(WINDOW, largest - 1) + 1):
        at = np.flatnonzero(buckets[0][step:] == buckets[0][:-step])
        yield _sorted_pair(order[at], order[at + step])
    if largest > WINDOW + 1:
        yield from (_far(order, _starts(bucket)) for bucket in buckets)


def _starts(bucket: np.ndarray) -> np.ndarray:
    """Where each run of equal numbers begins."""
    return np.flatnonzero(np.append(True, bucket[1:] != bucket[:-1])[: len(bucket)])


def _far(order: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each bucket with those beyond the window.

    Buckets of wider bands have a first row, too, for each of their rows is to meet it whatever the width.
    """
    first = np.repeat(starts, np.diff(np.append(starts, len(order))))
    far = np.flatnonzero(np.arange(len(order)) - first > WINDOW)
    return _sorted_pair(order[first[far]], order[far])


def _sorted(chain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int64 rows by their numbers, equal ones ascending, and (n,) uint64 keys that they were sorted by.

    Numbers of one byte stand in the key one after the other, of others a hash.
    """
    key = np.zeros(len(chain), dtype=np.uint64)
    for column in chain.T:
        if chain.dtype.itemsize == 1:
            key = key << np.uint64(8) | column
        else:
            key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
    bits = np.uint64(ROW_BITS)
    key &= np.uint64((1 << KEY_BITS) - 1)
    if len(chain) > 1 << ROW_BITS:
        order = np.argsort(key, kind="stable")
        return order, key[order]
    # The row stands in the low bits: sorting numbers is many times faster than sorting places by their numbers.
    packed = np.sort(key << bits | np.arange(len(chain), dtype=np.uint64))
    return (packed & np.uint64((1 << ROW_BITS) - 1)).astype(np.int64), packed >> bits


def _sorted_pair(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.minimum(left, right), np.maximum(left, right)
