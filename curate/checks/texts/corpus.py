"""What a set's own texts are like: its words, how they end, and its sequences of letters, learned from a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from curate.evidence.measures.text_codes import Codes, blocks

SAMPLE = 20_000
LONGEST = 2_000
"""Texts of the sample, and characters of each, from which the words of a set are learned."""
LEAST_TEXTS = 200
"""With fewer texts nothing is said about what is usual."""
KNOWN = 3
"""A word is known if so many texts use it."""
_SIZE = 1 << 18


@dataclass(frozen=True)
class Corpus:
    """Words and letters of a sample of n texts.

    Attributes:
        texts: n.
        hashes: (w,) uint64, sorted: distinct words.
        rows: (w,) int64, texts that use each.
        uses: (w,) int64, times that each is used.
        ends: (w,) int64, times that each ends a text.
        letters: the models of letters, each made of one half of the sample.
        prefixes: beginnings of known words -> texts that use the commonest of these words.
    """

    texts: int
    hashes: np.ndarray
    rows: np.ndarray
    uses: np.ndarray
    ends: np.ndarray
    letters: tuple[LetterModel, LetterModel]
    prefixes: dict[str, int]

    def places(self, hashes: np.ndarray) -> np.ndarray:
        """(m,) int64: where each word stands among the distinct ones, -1 for a word that is not there."""
        if not len(self.hashes):
            return np.full(len(hashes), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[place] == hashes, place, -1)

    def used_by(self, hashes: np.ndarray) -> np.ndarray:
        """(m,) int64: texts of the sample that use each word."""
        place = self.places(hashes)
        return np.where(place >= 0, self.rows[place], 0) if len(self.rows) else place + 1


class LetterModel:
    """How likely a letter is after the two before it: trigrams, backed by pairs, single letters and chance."""

    def __init__(self) -> None:
        self.three, self.two = np.zeros(_SIZE), np.zeros(_SIZE)
        self.one, self.total = np.zeros(_SIZE), 0.0

    def learn(self, codes: Codes) -> None:
        """Count the letters of some texts."""
        a, b, c, places = _contexts(codes)
        self.three += np.bincount(_key(a, b, c), minlength=_SIZE)
        self.two += np.bincount(_key(b, c), minlength=_SIZE)
        self.one += np.bincount(_key(c), minlength=_SIZE)
        self.total += len(places)

    def bits(self, codes: Codes) -> tuple[np.ndarray, np.ndarray]:
        """((n,), (n,)): mean surprise of the letters of each text in bits (0 without any), and how many letters."""
        a, b, c, places = _contexts(codes)
        single = (self.one[_key(c)] + 0.05) / (self.total + 50.0)
        pair = (self.two[_key(b, c)] + 5.0 * single) / (self.one[_key(b)] + 5.0)
        likely = (self.three[_key(a, b, c)] + 5.0 * pair) / (self.two[_key(a, b)] + 5.0)
        row = codes.row[places]
        count = np.bincount(row, minlength=len(codes))
        surprise = np.bincount(row, weights=-np.log2(np.minimum(likely, 1.0)), minlength=len(codes))
        return surprise / np.maximum(count, 1), count


def _contexts(codes: Codes) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each letter c with the two points before it in its word (0 where there are none), and where it stands."""
    points = np.where(codes.letters, codes.points, 0).astype(np.uint64)
    before = np.concatenate([np.zeros(2, np.uint64), points])
    first = np.zeros(len(points) + 2, dtype=bool)
    first[codes.starts] = True
    second = np.concatenate([[False], first[:-1]])
    n, places = len(points), np.flatnonzero(codes.letters)
    b = np.where(first[:n], 0, before[1 : n + 1])[places]
    a = np.where(first[:n] | second[:n], 0, before[:n])[places]
    return np.where(b == 0, 0, a), b, points[places], places


def _key(*points: np.ndarray) -> np.ndarray:
    """(m,) int64 slots of a hash table."""
    key = np.zeros(len(points[0]), dtype=np.uint64)
    for part in points:
        key = (key ^ part.astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
        key ^= key >> np.uint64(29)
    return (key & np.uint64(_SIZE - 1)).astype(np.int64)


def learn(texts: pa.Array) -> Corpus:
    """The words and letters of a sample of texts."""
    hashes, rows, ends, words = [], [], [], {}
    letters = (LetterModel(), LetterModel())
    for start, codes in blocks(texts, LONGEST):
        begin, end = codes.words
        own = codes.spans(begin, end)
        row = codes.row[begin].astype(np.int64)
        last = np.append(row[1:] != row[:-1], True)[: len(row)]
        hashes.append(own)
        rows.append(row + start)
        ends.append(last)
        half = (np.arange(start, start + len(codes)) % 2).astype(bool)
        for model, chosen in zip(letters, (half, ~half)):  # the model of a row never learned from it
            model.learn(_only(codes, chosen))
        _spell(words, own, begin, end, codes)
    if not hashes:
        none = np.zeros(0, dtype=np.int64)
        return Corpus(len(texts), none.astype(np.uint64), none, none, none, letters, {})
    all_hashes, all_rows, last = np.concatenate(hashes), np.concatenate(rows), np.concatenate(ends)
    distinct, code = np.unique(all_hashes, return_inverse=True)
    pairs = np.unique(code.astype(np.int64) * (len(texts) + 1) + all_rows) // (len(texts) + 1)
    used = np.bincount(pairs, minlength=len(distinct))
    uses = np.bincount(code, minlength=len(distinct))
    return Corpus(
        len(texts), distinct, used, uses, np.bincount(code[last], minlength=len(distinct)), letters,
        _prefixes(words, distinct, used),
    )  # fmt: skip


def half_of(places: np.ndarray) -> np.ndarray:
    """Which of the two models of letters judges texts of the sample: the one that did not learn from them."""
    return places % 2


def _only(codes: Codes, chosen: np.ndarray) -> Codes:
    keep = chosen[codes.row]
    lengths = np.where(chosen, np.diff(codes.starts), 0)[chosen]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Codes(codes.points[keep], codes.kinds[keep], codes.letters[keep], starts)


def _spell(words: dict[int, str], hashes: np.ndarray, begin: np.ndarray, end: np.ndarray, codes: Codes) -> None:
    """Note how each distinct word of two characters or more is spelled."""
    long = np.flatnonzero(end - begin > 1)
    distinct, first = np.unique(hashes[long], return_index=True)
    for value, place in zip(distinct.tolist(), long[first].tolist()):
        if value not in words:
            words[value] = "".join(map(chr, codes.points[begin[place] : end[place]].tolist()[:40]))


def _prefixes(words: dict[int, str], hashes: np.ndarray, rows: np.ndarray) -> dict[str, int]:
    found: dict[str, int] = {}
    known: Sequence[int] = np.flatnonzero(rows >= KNOWN).tolist()
    for place in known:
        word = words.get(int(hashes[place]), "")
        for size in range(1, len(word)):
            if found.get(word[:size], 0) < rows[place]:
                found[word[:size]] = int(rows[place])
    return found
