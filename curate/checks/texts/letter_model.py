"""How likely a set's letters are after the two before them.

Texts have few different sequences of three letters: these are counted and judged once for all letters of many texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.evidence.measures.text_codes import Codes

MOST_NUMBERED = 1 << 21
"""Sequences of the letters in use up to which each has a number of its own; of more, those that occur are sorted."""
_SIZE = 1 << 18


@dataclass(frozen=True)
class Sequences:
    """The s letters of n texts, each with the two points before it in its word.

    Attributes:
        texts: n.
        points: (3, m) uint64, the different ones: the two points before (0 where there are none), and the letter.
        which: (s,) int64, sequence of each letter.
        row: (s,) int32, text that each stands in, ascending.
    """

    texts: int
    points: np.ndarray
    which: np.ndarray
    row: np.ndarray

    @classmethod
    def of(cls, codes: Codes) -> Sequences:
        """Those of some texts."""
        masked = np.where(codes.letters, codes.points, 0).astype(np.int64)
        used = np.zeros(int(masked.max(initial=0)) + 1, dtype=bool)
        used[masked] = True
        used[0] = True
        letters = np.flatnonzero(used)
        few = len(letters) ** 3 <= MOST_NUMBERED
        numbers = np.zeros(len(used), dtype=np.int32 if few else np.int64)
        numbers[letters] = np.arange(len(letters))
        code = _coded(numbers[masked], codes.starts, len(letters))[codes.letters]
        if few:
            occurs = np.zeros(len(letters) ** 3, dtype=bool)
            occurs[code] = True
            distinct = np.flatnonzero(occurs)
            rank = np.zeros(len(occurs), dtype=np.int64)
            rank[distinct] = np.arange(len(distinct))
            which = rank[code]
        else:
            distinct, which = np.unique(code, return_inverse=True)
        pair, last = np.divmod(distinct, len(letters))
        points = np.stack([letters[places] for places in (*np.divmod(pair, len(letters)), last)])
        return cls(len(codes), points.astype(np.uint64), which, codes.row[codes.letters])

    def counts(self, chosen: np.ndarray) -> np.ndarray:
        """(m,) how often each sequence occurs in texts that occur (n,) times, or of an (n,) bool mask."""
        return np.bincount(self.which, weights=chosen[self.row], minlength=self.points.shape[1])

    def sums(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(m,) values of the sequences -> ((n,), (n,)): sum over the letters of each text, and their number."""
        count = np.bincount(self.row, minlength=self.texts)
        return np.bincount(self.row, weights=values[self.which], minlength=self.texts), count


class LetterModel:
    """How likely a letter is after the two before it: trigrams, backed by pairs, single letters and chance."""

    def __init__(self) -> None:
        self.three, self.two = np.zeros(_SIZE), np.zeros(_SIZE)
        self.one, self.total = np.zeros(_SIZE), 0.0

    def learn(self, sequences: Sequences, counts: np.ndarray) -> None:
        """Count sequences that occur so often, (m,)."""
        a, b, c = sequences.points
        for slots, key in ((self.three, _key(a, b, c)), (self.two, _key(b, c)), (self.one, _key(c))):
            slots += np.bincount(key, weights=counts, minlength=_SIZE)
        self.total += float(counts.sum())

    def surprise(self, sequences: Sequences) -> np.ndarray:
        """(m,) bits that the letter of each sequence holds after the two before it."""
        a, b, c = sequences.points
        single = (self.one[_key(c)] + 0.05) / (self.total + 50.0)
        pair = (self.two[_key(b, c)] + 5.0 * single) / (self.one[_key(b)] + 5.0)
        likely = (self.three[_key(a, b, c)] + 5.0 * pair) / (self.two[_key(a, b)] + 5.0)
        return -np.log2(np.minimum(likely, 1.0))


def _coded(points: np.ndarray, starts: np.ndarray, many: int) -> np.ndarray:
    """(p,) each point with the two before it in its word as one number, (first * many + second) * many + point.

    Args:
        points: (p,) numbers below `many`, 0 for what is no letter.
        starts: (n + 1,) where each text begins; the last is p.
        many: how many numbers there are.
    """
    second = np.zeros_like(points)
    second[1:] = points[:-1]
    second[starts[starts < len(points)]] = 0
    first = np.zeros_like(points)
    first[1:] = second[:-1]
    first[second == 0] = 0
    return (first * many + second) * many + points


def _key(*points: np.ndarray) -> np.ndarray:
    """(m,) int64 slots of a hash table."""
    key = np.zeros(len(points[0]), dtype=np.uint64)
    for part in points:
        key = (key ^ part) * np.uint64(0xBF58476D1CE4E5B9)
        key ^= key >> np.uint64(29)
    return (key & np.uint64(_SIZE - 1)).astype(np.int64)
