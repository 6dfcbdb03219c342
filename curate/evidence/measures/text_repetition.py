"""Measures of how much a text repeats itself: words, parts of a word, single characters."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from curate.evidence.measure import Measure
from curate.evidence.measures.text_codes import IDEOGRAPH, WORD, Codes, blocks

GRAM = 3
"""Words that must come again in the same order to count as repeated; twice as many single characters."""
PART = 3
"""Letters of one word that must come again within it."""


class TextRepetition(Measure):
    """Shares of the first million characters that say again what the text said before.

    repeated_words: share of the words in a run of 3 (6 for Chinese and Japanese characters) that came before in the
    text. repeated_parts: share of the letters and digits in 3 that came before within the same word ("asdasdasd").
    longest_run: most equal letters, digits or ideographs in a row. Null texts have NaN and -1.
    Source: shares of repeated n-grams after Rae and others, Gopher, 2021.
    """

    name = "text.repetition"
    modality = "text"
    fields = {
        "text.repeated_words": ("float32", ()),
        "text.repeated_parts": ("float32", ()),
        "text.longest_run": ("int32", ()),
    }

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Values of n texts."""
        words, parts = np.zeros(len(items), np.float32), np.zeros(len(items), np.float32)
        runs = np.zeros(len(items), np.int32)
        for start, codes in blocks(items):
            here = slice(start, start + len(codes))
            words[here], parts[here], runs[here] = _words(codes), _parts(codes), _runs(codes)
        null = items.is_null().to_numpy(zero_copy_only=False)
        words[null], parts[null], runs[null] = np.nan, np.nan, -1
        return {"text.repeated_words": words, "text.repeated_parts": parts, "text.longest_run": runs}


def _words(codes: Codes) -> np.ndarray:
    """(n,) share of the words that stand in a repeated run of words."""
    starts, ends = codes.words
    row, hashes = codes.row[starts] if len(starts) else starts, codes.spans(starts, ends)
    single = codes.kinds[starts] == IDEOGRAPH
    again = _repeated(hashes, row, ~single, GRAM) | _repeated(hashes, row, single, 2 * GRAM)
    return _share(again, row, len(codes))


def _repeated(hashes: np.ndarray, row: np.ndarray, chosen: np.ndarray, size: int) -> np.ndarray:
    """(w,) bool: items in a run of `size` chosen items of a row that came before in that row."""
    marked = np.zeros(len(hashes), dtype=bool)
    if len(hashes) < size + 1:
        return marked
    gram = np.zeros(len(hashes) - size + 1, dtype=np.uint64)
    whole = row[size - 1 :] == row[: len(gram)]
    for k in range(size):
        gram = gram * np.uint64(0x100000001B3) + hashes[k : k + len(gram)]
        whole &= chosen[k : k + len(gram)]
    places = np.flatnonzero(whole)
    key = (gram[places] ^ (row[places].astype(np.uint64) << np.uint64(40))) + row[places].astype(np.uint64)
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    later = places[order[1:][same]]
    edge = np.zeros(len(hashes) + 1, dtype=np.int64)
    np.add.at(edge, later, 1)
    np.add.at(edge, later + size, -1)
    marked |= np.cumsum(edge[:-1]) > 0
    return marked


def _parts(codes: Codes) -> np.ndarray:
    """(n,) share of the letters and digits in a part of a word that came before in the same word."""
    starts, ends = codes.words
    word = np.full(len(codes.points), -1, dtype=np.int64)
    long = np.flatnonzero(ends - starts >= 2 * PART)
    for_word = np.repeat(long, (ends - starts)[long])
    inside = codes.kinds == WORD
    index = np.zeros(len(codes.points) + 1, dtype=np.int64)
    np.add.at(index, starts[long], 1)
    np.add.at(index, ends[long], -1)
    in_long = (np.cumsum(index[:-1]) > 0) & inside
    word[in_long] = for_word
    again = np.zeros(len(codes.points), dtype=bool)
    again[in_long] = _repeated(codes.points[in_long].astype(np.uint64), for_word, np.ones(len(for_word), bool), PART)
    return _share(again[inside], codes.row[inside], len(codes))


def _runs(codes: Codes) -> np.ndarray:
    """(n,) longest run of one letter, digit or ideograph."""
    found = np.zeros(len(codes), dtype=np.int32)
    if not len(codes.points):
        return found
    change = np.ones(len(codes.points), dtype=bool)
    change[1:] = (codes.points[1:] != codes.points[:-1]) | (codes.row[1:] != codes.row[:-1])
    begins = np.flatnonzero(change)
    length = np.diff(np.append(begins, len(codes.points)))
    counted = codes.kinds[begins] >= WORD
    np.maximum.at(found, codes.row[begins[counted]], length[counted].astype(np.int32))
    return found


def _share(marked: np.ndarray, row: np.ndarray, rows: int) -> np.ndarray:
    whole = np.bincount(row, minlength=rows)
    part = np.bincount(row[marked], minlength=rows)
    return (part / np.maximum(whole, 1)).astype(np.float32)
