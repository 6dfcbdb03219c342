"""Which records are compared: those that share a rare value, a rare combination of values, or most of their letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from curate.evidence.measures.text_shingles import BINS, letter_prints
from curate.evidence.pairs._banding import band_rows, candidates, distinct
from curate.evidence.pairs._record_fields import WIDE, Field, equal_fields, equal_share, side_by_side
from curate.evidence.parts.left import ArrayWriter, left_rows

LARGEST_BLOCK = 50
"""Rows with one key; of more, none are compared by that key alone. A record's letters are a key, too: of what a few
categories say of thousands of rows none tells two of them apart."""
BLOCK_ROWS = 8_192
ORDERS = 12
FEW_MEETINGS = 2.0
"""A combination takes in fields until a row is expected to meet no more than so many others in it by chance."""
LEAST_EQUAL = 0.3
"""Share of the fields filled in both rows that are equal, below which a pair is not looked at further."""
LEAST_LETTERS, LEAST_EQUAL_BESIDE = 0.5, 0.1
"""The same for pairs that have so many of their letters in common."""
MOST_WAITING = 1 << 22
ENOUGH_FILLED = 16
"""Fields of a sample of `WIDE` that both rows of a pair must have before the sample says how much of the pair is equal;
where less than half of what is asked for is, the pair is not looked at further."""


def record_pairs(fields: Sequence[Field], n: int, writer: ArrayWriter | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows worth comparing.

    Blocks are those of exact values and of random combinations of fields (a slip in one field leaves the others), and
    the bands of a MinHash over the letters of the whole record. Source: Christen, A Survey of Indexing Techniques for
    Scalable Record Linkage and Deduplication, 2012.

    Args:
        fields: of the table.
        n: rows.
        writer: leaves prints where machines of the engine look through them.

    Returns:
        (p,) and (p,) int64 rows, the left one lower, each pair once, sorted.
    """
    codes = side_by_side(fields)
    none = np.zeros(0, dtype=np.int64)
    found, raw, waiting = [none], [none], 0
    for key in _keys(fields, n):
        left, right = _within(key)
        raw.append(left * n + right)
        waiting += len(left)
        if waiting > MOST_WAITING:
            found = [distinct(np.concatenate([*found, _alike(codes, raw, LEAST_EQUAL)]))]
            raw, waiting = [none], 0
    prints, rows = _letters(fields, n)
    left, right = candidates(left_rows(prints, writer), LEAST_LETTERS, band_rows(n))
    beside = _alike(codes, [rows[left] * n + rows[right]], LEAST_EQUAL_BESIDE)
    pairs = distinct(np.concatenate([*found, _alike(codes, raw, LEAST_EQUAL), beside]))
    return pairs // max(n, 1), pairs % max(n, 1)


def _alike(codes: np.ndarray, parts: Sequence[np.ndarray], least: float) -> np.ndarray:
    """The different ones of (p,) int64 pairs of which so large a share is equal."""
    n, d = codes.shape
    pairs = distinct(np.concatenate(parts))
    if d > WIDE:
        some = np.ascontiguousarray(codes[:, np.random.default_rng(0).permutation(d)[:WIDE]])
        equal, both = equal_fields(some, pairs // n, pairs % n)
        pairs = pairs[(both < ENOUGH_FILLED) | (equal >= 0.5 * least * both)]
    return pairs[equal_share(codes, pairs // n, pairs % n) >= least]


def _keys(fields: Sequence[Field], n: int) -> Iterator[np.ndarray]:
    """(n,) int64 keys, -1 for none: each field, then combinations of fields in random orders.

    Of many fields the most telling `WIDE` are keys by themselves, and each order has as many.
    """
    agreement = np.array([field.agreement for field in fields])
    single = range(len(fields)) if len(fields) <= WIDE else np.argsort(agreement, kind="stable")[:WIDE].tolist()
    yield from (fields[place].codes for place in single)
    rng = np.random.default_rng(0)
    for _ in range(ORDERS):
        key, meetings, parts = np.zeros(n, dtype=np.int64), float(n), 0
        for place in rng.permutation(len(fields))[:WIDE]:
            field = fields[place]
            if agreement[place] > 0.9:
                continue
            gone = (key < 0) | (field.codes < 0)
            key = np.unique(key * len(field.counts) + field.codes, return_inverse=True)[1].astype(np.int64)
            key[gone] = -1
            meetings, parts = meetings * agreement[place], parts + 1
            if meetings <= FEW_MEETINGS:
                if parts > 1:
                    yield key
                key, meetings, parts = np.zeros(n, dtype=np.int64), float(n), 0


def _within(key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows with one key, of keys that few rows have."""
    rows = np.flatnonzero(key >= 0)
    order = rows[np.argsort(key[rows], kind="stable")]
    ordered = key[order]
    _, sizes = np.unique(ordered, return_counts=True)
    small = np.repeat(sizes, sizes) <= LARGEST_BLOCK
    order, ordered = order[small], ordered[small]
    left, right = [order[:0]], [order[:0]]
    for step in range(1, LARGEST_BLOCK):
        at = np.flatnonzero(ordered[step:] == ordered[:-step])
        if not len(at):
            break
        left.append(order[at])
        right.append(order[at + step])
    return np.concatenate(left), np.concatenate(right)


def _letters(fields: Sequence[Field], n: int) -> tuple[np.ndarray, np.ndarray]:
    """(m, 128) uint8 MinHash of the letters of records, and (m,) int64 their rows: those that few are alike in all."""
    key = np.zeros(n, dtype=np.int64)
    for field in fields:
        values, key = np.unique(key * (len(field.counts) + 1) + field.codes + 1, return_inverse=True)
        if len(values) == n:  # each row is one of its own already
            break
    _, first, counts = np.unique(key, return_index=True, return_counts=True)
    few = counts <= LARGEST_BLOCK
    rows = np.flatnonzero(few[key])
    parts = [np.zeros((0, BINS), dtype=np.uint8)]
    for begin in range(0, int(few.sum()), BLOCK_ROWS):
        joined = pa.array(_joined(fields, first[few][begin : begin + BLOCK_ROWS]), pa.string())
        parts.append(letter_prints(joined)[0])
    return np.concatenate(parts)[(np.cumsum(few) - 1)[key[rows]]], rows


def _joined(fields: Sequence[Field], rows: np.ndarray) -> list[str]:
    """The values of some rows as one text each."""
    parts = [_texts(field, field.codes[rows]) for field in fields]
    return [" ".join(row) for row in zip(*parts)] if parts else [""] * len(rows)


def _texts(field: Field, codes: np.ndarray) -> list[str]:
    texts = field.values[np.maximum(codes, 0)] if len(field.values) else np.full(len(codes), "", field.values.dtype)
    return np.where(codes >= 0, texts, "").tolist()
