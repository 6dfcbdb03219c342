"""Texts as they are compared: folded case and forms, with punctuation and white space as one space."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.freed import hold_blocks

LARGEST_TEXT = 200_000
"""Characters of a text that are looked at."""
BLOCK_CHARACTERS = 1 << 20
SPACE, SPACED_WIDE, UNSPACED_WIDE = 1, 2, 3
SET_ASIDE = "PZC"
"""Categories of characters that count as white space: punctuation, separators, controls."""


def blocks(texts: pa.Array | pa.ChunkedArray) -> Iterator[tuple[int, list[str]]]:
    """(first row, texts) of runs of rows with about a million characters; null is the empty text."""
    hold_blocks()
    lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
    ends = np.cumsum(np.minimum(lengths, LARGEST_TEXT) + 2)
    first = 0
    while first < len(texts):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + BLOCK_CHARACTERS, side="right")))
        yield first, [(text or "")[:LARGEST_TEXT] for text in texts.slice(first, last - first).to_pylist()]
        first = last


def characters(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """What is compared of texts: folded case and forms, runs of punctuation and white space as one space.

    Spaces beside Chinese and Japanese characters are left out; every other text begins and ends with one.

    Returns:
        (c,) uint32 code points of all texts (uint8 where all are ASCII), and (n,) int64 how many each has.
    """
    if all(map(str.isascii, texts)):
        return _ascii_characters(texts)
    folded = [f" {unicodedata.normalize('NFKC', text).casefold()} " for text in texts]
    codes = np.frombuffer("".join(folded).encode("utf-32-le"), dtype=np.uint32)
    owner = np.repeat(np.arange(len(folded)), [len(text) for text in folded])
    kinds = code_kinds()[codes]
    space = kinds == SPACE
    codes = np.where(space, np.uint32(32), codes)
    again = np.zeros(len(codes), dtype=bool)
    again[1:] = space[1:] & space[:-1] & (owner[1:] == owner[:-1])
    codes, owner, kinds, space = codes[~again], owner[~again], kinds[~again], space[~again]
    beside = np.zeros(len(codes), dtype=bool)
    dense = kinds == UNSPACED_WIDE
    beside[1:] |= dense[:-1]
    beside[:-1] |= dense[1:]
    kept = ~(space & beside)
    return codes[kept], np.bincount(owner[kept], minlength=len(folded))


def _ascii_characters(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The same of texts that are all ASCII: byte by byte, and no character is looked up."""
    joined = "".join([f" {text} " for text in texts]).encode("ascii").translate(lower_ascii())
    codes = np.frombuffer(joined, dtype=np.uint8)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + 2
    starts = np.cumsum(lengths) - lengths
    space = codes == 32
    again = space[1:] & space[:-1]
    again[starts[1:] - 1] = False
    gone = np.flatnonzero(again) + 1
    if not len(gone):
        return codes, lengths
    before = np.searchsorted(gone, np.append(starts, len(codes)))
    return codes[np.append(True, ~again)], lengths - np.diff(before)


@cache
def lower_ascii() -> bytes:
    """(256,) what each byte of ASCII becomes: lower case, and a space for punctuation, white space and controls."""
    table = [32 if unicodedata.category(chr(code))[0] in SET_ASIDE else ord(chr(code).lower()) for code in range(128)]
    return bytes([*table, *range(128, 256)])


@cache
def code_kinds() -> np.ndarray:
    """(0x110000,) uint8 kind of each code point: 1 white space, punctuation or control, 2 Hangul, 3 Han or kana."""
    kinds = np.zeros(0x110000, dtype=np.uint8)
    for code in range(0x30000):
        if unicodedata.category(chr(code))[0] in SET_ASIDE:
            kinds[code] = SPACE
    for first, last in ((0x1100, 0x11FF), (0xA960, 0xA97F), (0xAC00, 0xD7FF)):
        kinds[first : last + 1] = SPACED_WIDE
    for first, last in ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)):
        kinds[first : last + 1] = UNSPACED_WIDE
    kinds[0x20000:0x323B0] = UNSPACED_WIDE
    kinds[0x30FB] = SPACE
    kinds[0xE0000:0xE1000] = SPACE
    kinds.setflags(write=False)
    return kinds
