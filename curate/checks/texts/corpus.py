"""What a set's own texts are like: its words, how they end, and its sequences of letters, learned from a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from curate.checks.texts.letter_model import LetterModel, Sequences
from curate.evidence.measures.text_codes import Codes, blocks

SAMPLE = 20_000
LONGEST = 2_000
"""Texts of the sample, and characters of each, from which the words of a set are learned."""
LEAST_TEXTS = 200
"""With fewer texts nothing is said about what is usual."""
KNOWN = 3
"""A word is known if so many texts use it."""


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


def learn(texts: pa.Array) -> Corpus:
    """The words and letters of a sample of texts."""
    values, places, rows, ends, words = [], [], [], [], {}
    letters, held = (LetterModel(), LetterModel()), 0
    for start, codes in blocks(texts, LONGEST):
        begin, end = codes.words
        own, place = _encoded(codes.spans(begin, end))
        row = codes.row[begin].astype(np.int64)
        values.append(own)
        places.append(place + held)
        held += len(own)
        rows.append(row + start)
        ends.append(np.append(row[1:] != row[:-1], True)[: len(row)])
        half = (np.arange(start, start + len(codes)) % 2).astype(bool)
        sequences = Sequences.of(codes)
        for model, chosen in zip(letters, (half, ~half)):  # the model of a row never learned from it
            model.learn(sequences, sequences.counts(chosen))
        _spell(words, own, place, begin, end, codes)
    if not values:
        none = np.zeros(0, dtype=np.int64)
        return Corpus(len(texts), none.astype(np.uint64), none, none, none, letters, {})
    distinct, of_value = np.unique(np.concatenate(values), return_inverse=True)
    code, last = of_value[np.concatenate(places)], np.concatenate(ends)
    in_row = np.sort(code * (len(texts) + 1) + np.concatenate(rows))
    in_row = in_row[np.append(True, in_row[1:] != in_row[:-1])[: len(in_row)]]
    used = np.bincount(in_row // (len(texts) + 1), minlength=len(distinct))
    uses = np.bincount(code, minlength=len(distinct))
    return Corpus(
        len(texts), distinct, used, uses, np.bincount(code[last], minlength=len(distinct)), letters,
        _prefixes(words, distinct, used),
    )  # fmt: skip


def half_of(places: np.ndarray) -> np.ndarray:
    """Which of the two models of letters judges texts of the sample: the one that did not learn from them."""
    return places % 2


def _encoded(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(v,) different hashes of (w,) in the order in which they occur first, and (w,) int64 which each is."""
    encoded = pa.array(hashes).dictionary_encode()
    return encoded.dictionary.to_numpy(), encoded.indices.to_numpy().astype(np.int64)


def _spell(
    words: dict[int, str], hashes: np.ndarray, place: np.ndarray, begin: np.ndarray, end: np.ndarray, codes: Codes
) -> None:
    """Note how each distinct word of two characters or more is spelled.

    Args:
        words: hash of a word -> the word.
        hashes: (v,) of different words.
        place: (w,) which of them each word is.
        begin: (w,) where it begins.
        end: (w,) where it ends.
        codes: of the texts.
    """
    first = np.zeros(len(hashes), dtype=np.int64)
    first[place[::-1]] = np.arange(len(place))[::-1]
    for value, at in zip(hashes.tolist(), first.tolist()):
        if value not in words and end[at] - begin[at] > 1:
            words[value] = "".join(map(chr, codes.points[begin[at] : end[at]].tolist()[:40]))


def _prefixes(words: dict[int, str], hashes: np.ndarray, rows: np.ndarray) -> dict[str, int]:
    found: dict[str, int] = {}
    known: Sequence[int] = np.flatnonzero(rows >= KNOWN).tolist()
    for place in known:
        word = words.get(int(hashes[place]), "")
        for size in range(1, len(word)):
            if found.get(word[:size], 0) < rows[place]:
                found[word[:size]] = int(rows[place])
    return found
