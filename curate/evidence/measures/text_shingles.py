"""Fingerprints of text: a MinHash of its pieces of a few characters, in any script."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.measure import Measure
from curate.evidence.measures.text_folding import SPACED_WIDE, blocks, characters, code_kinds

BINS = 128
LETTERS, WIDE = 4, {3: 2, 4: 2, 5: 3}
"""Characters of a piece, and how many it has where it starts with a Chinese, Japanese or Korean character."""
LETTERED = 600
"""Characters of a text up to which `text.minhash` is taken; longer ones are told by their words (`text_words`)."""
_MULTIPLIERS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F],
    dtype=np.uint64,
)


class TextShingles(Measure):
    """One-permutation MinHash of the set of four-character pieces (two for Chinese, Japanese and Korean characters).

    Case, compatibility forms (NFKC), punctuation and white space are set aside. Two texts agree in as many of the 128
    numbers as their sets have in common (Jaccard), within 0.04. A text that is missing, has no letter, digit or symbol,
    or more than 600 characters, has zeros. Beside it, how many characters are left once all that is set aside; 0 for
    more than 600 characters. Source: Li, Owen, Zhang, One Permutation Hashing, 2012; bins that
    stay empty are filled as in Shrivastava, Optimal Densification for Fast and Accurate Minwise Hashing, 2017.
    """

    name = "text.shingles"
    version = 2
    modality = "text"
    parameters = {"bins": BINS, "letters": LETTERS, "wide": WIDE[LETTERS], "characters": LETTERED}
    fields = {"text.minhash": ("uint8", (BINS,)), "text.folded_characters": ("int32", ())}

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Values of n texts."""
        prints, folded = letter_prints(items, LETTERED)
        return {"text.minhash": prints, "text.folded_characters": folded}


def letter_prints(items: pa.Array, longest: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(n, 128) uint8 MinHash of n texts, and (n,) int32 characters of the folded ones; zeros for those of more than
    `longest` characters, if given."""
    out, folded = np.zeros((len(items), BINS), dtype=np.uint8), np.zeros(len(items), dtype=np.int32)
    rows = np.arange(len(items))
    if longest is not None:
        rows = np.flatnonzero(pc.fill_null(pc.utf8_length(items), 0).to_numpy(zero_copy_only=False) <= longest)
        items = items.take(pa.array(rows)) if len(rows) < len(items) else items
    for first, texts in blocks(items):
        codes, lengths = characters(texts)
        here = rows[first : first + len(texts)]
        out[here], folded[here] = minhash(*shingles(codes, lengths, LETTERS), len(texts)), lengths
    return out, folded


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
    size = np.full(len(codes), letters)
    if codes.dtype != np.uint8:  # which are ASCII, and none of them wide
        size[code_kinds()[codes] >= SPACED_WIDE] = WIDE[letters]
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
    return mixed(hashes[whole]), owner[whole]


def minhash(hashes: np.ndarray, owner: np.ndarray, texts: int) -> np.ndarray:
    """(s,) hashes and (s,) text of each -> (texts, 128) uint8, zeros for a text without pieces."""
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
        source = (mixed(waiting_bin.astype(np.uint64) + np.uint64(attempt << 20)) >> np.uint64(57)).astype(np.int64)
        hit = found[waiting_text, source]
        # The number of attempts goes in, so that bins that borrow from one bin stay as unlike as they would be.
        borrowed = least[waiting_text[hit], source[hit]]
        filled[waiting_text[hit], waiting_bin[hit]] = borrowed
        waiting_text, waiting_bin = waiting_text[~hit], waiting_bin[~hit]
    out = (mixed(filled) >> np.uint64(56)).astype(np.uint8)
    out[~found.any(1)] = 0
    return out


def mixed(values: np.ndarray) -> np.ndarray:
    """(s,) uint64 -> uint64 with every bit depending on all others (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
