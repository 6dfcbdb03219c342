"""Candidates by locality-sensitive hashing: rows that agree in a whole band of their fingerprints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

WINDOW = 24
"""Rows of one bucket are paired with so many that follow, and with the bucket's first: never all with all."""
BLOCK_PAIRS = 1 << 16
MOST_WAITING = 1 << 22
MOST_ROW_BITS = 26
"""Of the 64 bits of a sorted number; the others tell bands apart, and rows that meet by chance do not agree."""


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
    prints: np.ndarray, least: float, width: int, rows: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows that share a band and agree in enough of all numbers.

    Rows of similarity J share one of b bands of r numbers with probability 1 - (1 - J^r)^b. Source: Leskovec,
    Rajaraman, Ullman, Mining of Massive Datasets, chapter 3.

    Args:
        prints: (n, k) unsigned numbers, of which two rows agree in about as many as they are alike.
        least: share of the k numbers in which a pair must agree.
        width: numbers of a band; k // width bands.
        rows: (m,) the rows among which pairs are looked for; all n if left out. The others are not copied.

    Returns:
        (p,) and (p,) int64 rows (places in `rows`), the left one lower, each pair once, sorted.
    """
    n = len(prints) if rows is None else len(rows)
    found: list[np.ndarray] = []
    waiting = 0
    for band in range(prints.shape[1] // width):
        numbers = slice(band * width, (band + 1) * width)
        for left, right in _meetings(prints[:, numbers] if rows is None else prints[rows, numbers]):
            one, other = (left, right) if rows is None else (rows[left], rows[right])
            alike = agreement(prints, one, other) >= least
            found.append(left[alike] * n + right[alike])
            waiting += int(alike.sum())
            if waiting > MOST_WAITING:
                found = [distinct(np.concatenate(found))]
                waiting = 0
    pairs = distinct(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
    return pairs // max(n, 1), pairs % max(n, 1)


def agreement(prints: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float64 share of the numbers in which the prints of pairs agree."""
    out = np.empty(len(left))
    for first in range(0, len(left), BLOCK_PAIRS):
        part = slice(first, first + BLOCK_PAIRS)
        out[part] = (prints[left[part]] == prints[right[part]]).mean(1)
    return out


def _meetings(band: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of rows of one bucket, in blocks."""
    order, key = _sorted(band)
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, dtype=np.int64)
    sizes = np.diff(np.append(starts, len(key)))
    for step in range(1, min(WINDOW, int(sizes.max(initial=1)) - 1) + 1):
        at = np.flatnonzero(key[step:] == key[:-step])
        yield _sorted_pair(order[at], order[at + step])
    first = np.repeat(starts, sizes)
    far = np.flatnonzero(np.arange(len(key)) - first > WINDOW)
    if len(far):
        yield _sorted_pair(order[first[far]], order[far])


def _sorted(band: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int64 rows by the numbers of their band, equal ones ascending, and (n,) what they were sorted by."""
    key = np.zeros(len(band), dtype=np.uint64)
    for column in band.T:
        key = (key ^ column) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    bits = np.uint64(max(len(band) - 1, 1).bit_length())
    if bits > MOST_ROW_BITS:
        order = np.argsort(key, kind="stable")
        return order, key[order]
    # The row stands in the low bits: sorting numbers is many times faster than sorting places by their numbers.
    packed = np.sort(key >> bits << bits | np.arange(len(band), dtype=np.uint64))
    return (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64), packed >> bits


def _sorted_pair(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.minimum(left, right), np.maximum(left, right)
