"""Texts as arrays of code points and of words, so that whole chunks are measured without a loop over characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 1_000_000
"""Characters of a text that are looked at; the rest of longer ones is not."""
BLOCK = 500_000
"""Characters that are held as arrays at once, but for the last text."""
OTHER, SPACE, WORD, IDEOGRAPH = 0, 1, 2, 3
_ODD = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_IDEOGRAPHS = ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))


@dataclass(frozen=True)
class Codes:
    """Some texts, one after the other.

    Attributes:
        points: (p,) uint32 code points, lower case.
        kinds: (p,) uint8: `OTHER`, `SPACE`, `WORD` (letters, marks, digits, underscore), `IDEOGRAPH` (Chinese and
            Japanese characters, each a word).
        letters: (p,) bool, letters and marks of scripts that are written with letters.
        starts: (n + 1,) int64, where each text begins; the last is p.
    """

    points: np.ndarray
    kinds: np.ndarray
    letters: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.starts) - 1

    @cached_property
    def row(self) -> np.ndarray:
        """(p,) int32: the text that each point stands in."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))

    @cached_property
    def words(self) -> tuple[np.ndarray, np.ndarray]:
        """((w,), (w,)) int64: where each word begins and ends."""
        first = np.zeros(len(self.points) + 1, dtype=bool)
        first[self.starts] = True
        word, ideograph = self.kinds == WORD, self.kinds == IDEOGRAPH
        before = np.concatenate([[False], word])
        starts = (word & (~before[:-1] | first[:-1])) | ideograph
        after = np.concatenate([word[1:], [False]])
        ends = (word & (~after | first[1:])) | ideograph
        return np.flatnonzero(starts), np.flatnonzero(ends) + 1

    @cached_property
    def hashes(self) -> np.ndarray:
        """(p + 1,) uint64: sums of mixed points times powers, of which `spans` makes the hash of any span."""
        mixed = self.points.astype(np.uint64)
        mixed = (mixed + np.uint64(0x632BE59BD9B4E019)) * np.uint64(0xFF51AFD7ED558CCD)
        mixed ^= mixed >> np.uint64(33)
        mixed *= _powers(len(mixed))[0]
        return np.concatenate([np.zeros(1, np.uint64), np.add.accumulate(mixed, dtype=np.uint64)])

    def spans(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """(m,) uint64: hashes of spans; equal spans have equal hashes wherever they stand."""
        return (self.hashes[ends] - self.hashes[starts]) * _powers(len(self.points) + 1)[1][starts]

    def of_spans(self, starts: np.ndarray, ends: np.ndarray) -> Codes:
        """(m,) spans as texts of their own."""
        lengths = ends - starts
        begins = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(begins[-1]) + np.repeat(starts - begins[:-1], lengths)
        return Codes(self.points[places], self.kinds[places], self.letters[places], begins)


@lru_cache(maxsize=1)
def _block_powers() -> tuple[np.ndarray, np.ndarray]:
    return _powers_of(BLOCK + 1)


def _powers(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first powers of an odd number, and of its inverse, modulo 2^64; those of a block are made once."""
    powers, inverses = _block_powers() if count <= BLOCK + 1 else _powers_of(count)
    return powers[:count], inverses[:count]


def _powers_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    made = []
    for base in (_ODD, _INVERSE):
        powers = np.full(count, base, dtype=np.uint64)
        powers[:1] = 1
        made.append(np.multiply.accumulate(powers, out=powers))
    return made[0], made[1]


def blocks(texts: pa.Array, longest: int = LONGEST, block: int = BLOCK) -> Iterator[tuple[int, Codes]]:
    """(place of the first text, codes) of n texts in blocks of bounded size; null is as empty.

    Args:
        texts: strings.
        longest: characters of a text that are looked at.
        block: characters in a block, but for the last text of it.
    """
    lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False).astype(np.int64).clip(max=longest)
    total = np.cumsum(lengths)
    start = 0
    while start < len(texts):
        before = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, before + block, side="right")))
        heads = pc.fill_null(pc.utf8_slice_codeunits(texts.slice(start, stop - start), 0, longest), "")
        yield start, _codes("".join(heads.to_pylist()), lengths[start:stop])
        start = stop


def _codes(joined: str, lengths: np.ndarray) -> Codes:
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    places = points.astype(np.intp)  # once, not for each table
    present = np.zeros(int(points.max(initial=0)) + 1, dtype=bool)
    present[places] = True
    lower = np.arange(len(present), dtype=np.uint32)
    kinds, letters = np.zeros(len(lower), np.uint8), np.zeros(len(lower), bool)
    for point in np.flatnonzero(present).tolist():
        lower[point], kinds[point], letters[point] = _kind(point)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Codes(lower[places], kinds[places], letters[places], starts)


def _kind(point: int) -> tuple[int, int, bool]:
    """Lower case, kind, and whether it is a letter of a script written with letters."""
    character = chr(point)
    if any(low <= point <= high for low, high in _IDEOGRAPHS) or point >= 0x20000:
        return point, IDEOGRAPH if unicodedata.category(character)[0] in "LN" else OTHER, False
    category, lower = unicodedata.category(character), character.lower()
    letter = category[0] in "LM"
    if letter or category[0] == "N" or character == "_":
        return (ord(lower) if len(lower) == 1 else point), WORD, letter
    return point, SPACE if character.isspace() else OTHER, False
