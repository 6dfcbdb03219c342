"""Fingerprints of text: a MinHash of its pieces of a few characters, in any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.measure import Measure

BINS = 128
LETTERS, WIDE = 4, {3: 2, 4: 2, 5: 3}
"""Characters of a piece, and how many it has where it starts with a Chinese, Japanese or Korean character."""
LARGEST_TEXT = 200_000
"""Characters of a text that are looked at."""
BLOCK_CHARACTERS = 1 << 20
SPACE, SPACED_WIDE, UNSPACED_WIDE = 1, 2, 3
_MULTIPLIERS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F],
    dtype=np.uint64,
)


class TextShingles(Measure):
    """One-permutation MinHash of the set of four-character pieces (two for Chinese, Japanese and Korean characters).

    Case, compatibility forms (NFKC), punctuation and white space are set aside. Two texts agree in as many of the 128
    numbers as their sets have in common (Jaccard), within 0.04. A missing text, or one without any letter, digit or
    symbol, has zeros. Source: Li, Owen, Zhang, One Permutation Hashing, 2012; bins that stay empty are filled as in
    Shrivastava, Optimal Densification for Fast and Accurate Minwise Hashing, 2017.
    """

    name = "text.shingles"
    modality = "text"
    parameters = {"bins": BINS, "letters": LETTERS, "wide": WIDE[LETTERS], "characters": LARGEST_TEXT}
    fields = {"text.minhash": ("uint16", (BINS,))}

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Values of n texts."""
        out = np.zeros((len(items), BINS), dtype=np.uint16)
        for first, texts in blocks(items):
            out[first : first + len(texts)] = minhash(*shingles(*characters(texts), LETTERS), len(texts))
        return {"text.minhash": out}


def blocks(texts: pa.Array | pa.ChunkedArray) -> Iterator[tuple[int, list[str]]]:
    """(first row, texts) of runs of rows with about a million characters; null is the empty text."""
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
        (c,) uint32 code points of all texts, and (n,) int64 how many each has.
    """
    folded = [f" {unicodedata.normalize('NFKC', text).casefold()} " for text in texts]
    codes = np.frombuffer("".join(folded).encode("utf-32-le"), dtype=np.uint32)
    owner = np.repeat(np.arange(len(folded)), [len(text) for text in folded])
    kinds = _kinds()[codes]
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


def shingles(codes: np.ndarray, lengths: np.ndarray, letters: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all pieces of texts, repeated ones among them.

    Args:
        codes: (c,) code points of all texts.
        lengths: (n,) how many each text has; a text that is shorter than a piece is one piece.
        letters: characters of a piece, 3, 4 or 5; fewer where it starts with a wide character.

    Returns:
        (s,) uint64 hashes and (s,) int64 text of each, ascending. A text of spaces alone has none.
    """
    owner = np.repeat(np.arange(len(lengths)), lengths)
    ends = np.cumsum(lengths)
    room = ends[owner] - np.arange(len(codes))
    size = np.where(_kinds()[codes] >= SPACED_WIDE, WIDE[letters], letters)
    starts = np.zeros(len(codes), dtype=bool)
    starts[(ends - lengths)[lengths > 0]] = True
    whole = (room >= size) | (starts & ~((codes == 32) & (room == 1)))
    used = np.minimum(size, room)
    uneven = bool((used[whole] < letters).any())
    padded = np.concatenate([codes, np.zeros(letters, dtype=codes.dtype)]).astype(np.uint64)
    hashes = np.zeros(len(codes), dtype=np.uint64)
    for place in range(letters):
        term = padded[place : place + len(codes)] * _MULTIPLIERS[place]
        if uneven:
            term[place >= used] = 0
        hashes += term
    return _mixed(hashes[whole]), owner[whole]


def minhash(hashes: np.ndarray, owner: np.ndarray, texts: int) -> np.ndarray:
    """(s,) hashes and (s,) text of each -> (texts, 128) uint16, zeros for a text without pieces."""
    empty = np.iinfo(np.uint64).max
    least = np.full(texts * BINS, empty, dtype=np.uint64)
    np.minimum.at(least, owner * BINS + (hashes >> np.uint64(57)).astype(np.int64), hashes & np.uint64((1 << 57) - 1))
    least = least.reshape(texts, BINS)
    found = least != empty
    some = np.flatnonzero(found.any(1))
    waiting_text, waiting_bin = np.nonzero(~found[some])
    waiting_text = some[waiting_text]
    filled = least.copy()
    attempt = 0
    while len(waiting_text):
        attempt += 1
        source = (_mixed(waiting_bin.astype(np.uint64) + np.uint64(attempt << 20)) >> np.uint64(57)).astype(np.int64)
        hit = found[waiting_text, source]
        # The number of attempts goes in, so that bins that borrow from one bin stay as unlike as they would be.
        borrowed = least[waiting_text[hit], source[hit]]
        filled[waiting_text[hit], waiting_bin[hit]] = borrowed
        waiting_text, waiting_bin = waiting_text[~hit], waiting_bin[~hit]
    out = (_mixed(filled) >> np.uint64(48)).astype(np.uint16)
    out[~found.any(1)] = 0
    return out


def _mixed(values: np.ndarray) -> np.ndarray:
    """(s,) uint64 -> uint64 with every bit depending on all others (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@cache
def _kinds() -> np.ndarray:
    """(0x110000,) uint8 kind of each code point: 1 white space, punctuation or control, 2 Hangul, 3 Han or kana."""
    kinds = np.zeros(0x110000, dtype=np.uint8)
    for code in range(0x30000):
        if unicodedata.category(chr(code))[0] in "PZC":
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
