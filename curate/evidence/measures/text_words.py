"""Fingerprints of longer texts: a MinHash of their pairs of words, taken from whole blocks of bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.measure import Measure
from curate.evidence.measures.text_folding import (
    LARGEST_TEXT,
    UNSPACED_WIDE,
    blocks,
    characters,
    code_kinds,
    lower_ascii,
)
from curate.evidence.measures.text_shingles import BINS, minhash

WORDED = 200
"""Characters from which on a text has a `text.word_minhash`. Texts between this and `LETTERED` have both prints, so
that a text and a longer one that holds it meet in one of them."""
SPELLED = 8
"""Bytes of a word that are looked at, beside its length."""
UNSPACED = ((0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x19E0, 0x19FF))
"""Thai, Lao, Tibetan, Burmese and Khmer: letters without spaces between words."""
_FIRST, _SECOND, _LAST = (np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))
_MASKS = np.array([(1 << (8 * size)) - 1 for size in range(SPELLED + 1)], dtype=np.uint64)


class TextWords(Measure):
    """One-permutation MinHash of the set of pairs of neighbouring words, for texts of 200 characters or more.

    Case, compatibility forms, punctuation and white space are set aside; a Chinese or Japanese character is a word, and
    so are three letters, begun at each, of scripts without spaces. Two texts agree in as many of the 128 numbers as
    their sets have in common (Jaccard), within 0.04. Shorter texts, and those without any letter, digit or symbol, have
    zeros.
    """

    name = "text.word_shingles"
    modality = "text"
    parameters = {"bins": BINS, "spelled": SPELLED, "from": WORDED, "characters": LARGEST_TEXT}
    fields = {"text.word_minhash": ("uint8", (BINS,))}

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Values of n texts."""
        out = np.zeros((len(items), BINS), dtype=np.uint8)
        lengths = pc.fill_null(pc.utf8_length(items), 0).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(lengths >= WORDED)
        items = items.take(pa.array(rows)) if len(rows) < len(items) else items
        for first, texts in blocks(items):
            out[rows[first : first + len(texts)]] = minhash(*word_pairs(texts), len(texts))
        return {"text.word_minhash": out}


def word_pairs(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of each word with the one after it (the last one with the end), repeated ones among them.

    Returns:
        (w,) uint64 hashes and (w,) int64 text of each, ascending.
    """
    spelled = [text.encode("ascii") if text.isascii() else _spelled(text) for text in texts]
    data = np.frombuffer((b" " + b" ".join(spelled) + b" " * SPELLED).translate(lower_ascii()), dtype=np.uint8)
    space = data == 32
    edges = np.flatnonzero(space[1:] != space[:-1]) + 1
    starts, sizes = edges[0::2], edges[1::2] - edges[0::2]
    # Eight bytes from each place on as one number: the same bytes seen by another type, nothing is copied.
    words = np.ndarray(max(len(data) - SPELLED + 1, 0), "<u8", data, 0, (1,))[starts]
    words &= _MASKS[np.minimum(sizes, SPELLED)]
    words = (words ^ (sizes.astype(np.uint64) << np.uint64(58))) * _FIRST
    words ^= words >> np.uint64(32)
    lengths = np.fromiter(map(len, spelled), dtype=np.int64, count=len(spelled)) + 1
    begun = np.searchsorted(starts, np.append(1, 1 + np.cumsum(lengths)))
    following = np.empty_like(words)
    following[:-1] = words[1:]
    following[begun[1:][np.diff(begun) > 0] - 1] = _LAST
    pairs = (words * _SECOND + following) * _LAST
    pairs ^= pairs >> np.uint64(29)
    return pairs * _FIRST, np.repeat(np.arange(len(texts)), np.diff(begun))


def _spelled(text: str) -> bytes:
    """A text with characters beyond ASCII, as bytes: what is ASCII once folded as it is, all else by one to three bytes
    from 128 up. Characters that stand for words, and letters of scripts without spaces, are words of their own."""
    codes = characters([text])[0].astype(np.int64)
    kinds = code_kinds()[codes]
    alone = kinds == UNSPACED_WIDE
    run = np.zeros(len(codes), dtype=bool)
    for first, last in UNSPACED:
        run |= (codes >= first) & (codes <= last)
    wide = (codes >= 0x800) & ~run
    sizes = np.ones(len(codes), dtype=np.int64)
    sizes[wide], sizes[alone], sizes[run] = 2, 3, 4
    places = np.cumsum(sizes) - sizes
    out = np.full(int(sizes.sum()), 32, dtype=np.uint8)
    low = np.where(codes < 128, codes, (codes ^ codes >> 7) & 127 | 128).astype(np.uint8)
    out[places] = low
    out[places[wide] + 1] = (codes[wide] >> 7) & 127 | 128
    for after in (1, 2):
        at = np.flatnonzero(run)
        at = at[at + after < len(codes)]
        out[places[at] + after] = low[at + after]
    return out.tobytes()
