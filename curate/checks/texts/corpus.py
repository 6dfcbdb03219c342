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
        surprise: (n,) float64 bits that the letters of each text hold in sum, by the model that did not learn from it,
            and (n,) how many letters it has.
        prefixes: beginnings of known words -> texts that use the commonest of these words.
    """

    texts: int
    hashes: np.ndarray
    rows: np.ndarray
    uses: np.ndarray
    ends: np.ndarray
    letters: tuple[LetterModel, LetterModel]
    surprise: tuple[np.ndarray, np.ndarray]
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
    values, places, rows, ends, words, spelled = [], [], [], [], {}, []
    letters, held = (LetterModel(), LetterModel()), 0
    for start, codes in blocks(texts, LONGEST):
        found = Words.of(codes)
        row = found.row.astype(np.int64)
        values.append(found.hashes)
        places.append(found.place + held)
        held += len(found.hashes)
        rows.append(row + start)
        ends.append(np.append(row[1:] != row[:-1], True)[: len(row)])
        half = half_of(row + start).astype(bool)
        for model, chosen in zip(letters, (half, ~half)):  # the model of a row never learned from it
            uses = np.bincount(found.place[chosen], minlength=len(found.hashes))
            model.learn(found.letters, found.letters.counts(uses))
        spelled.append(found.letters)
        _spell(words, found, codes)
    if not values:
        none = np.zeros(0, dtype=np.int64)
        return Corpus(len(texts), none.astype(np.uint64), none, none, none, letters, (none, none), {})
    place, row = np.concatenate(places), np.concatenate(rows)
    surprise = _surprise(letters, spelled, place, row, len(texts))
    distinct, of_value = np.unique(np.concatenate(values), return_inverse=True)
    code, last = of_value[place], np.concatenate(ends)
    in_row = np.sort(code * (len(texts) + 1) + row)
    in_row = in_row[np.append(True, in_row[1:] != in_row[:-1])[: len(in_row)]]
    used = np.bincount(in_row // (len(texts) + 1), minlength=len(distinct))
    uses = np.bincount(code, minlength=len(distinct))
    return Corpus(
        len(texts), distinct, used, uses, np.bincount(code[last], minlength=len(distinct)), letters, surprise,
        _prefixes(words, distinct, used),
    )  # fmt: skip


def _surprise(
    models: tuple[LetterModel, LetterModel],
    spelled: Sequence[Sequences],
    place: np.ndarray,
    row: np.ndarray,
    texts: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) bits in sum and (n,) number of letters, by the model of the other half.

    Args:
        models: of the letters.
        spelled: letters of the different words of each block.
        place: (w,) which of these words each word of the sample is.
        row: (w,) the text that it stands in.
        texts: n.
    """
    bits = []
    for model in models:
        bits.append(np.concatenate([letters.sums(model.surprise(letters))[0] for letters in spelled]))
    sizes = np.concatenate([np.bincount(letters.row, minlength=letters.texts) for letters in spelled])
    own = np.stack(bits)[half_of(row), place]
    return np.bincount(row, weights=own, minlength=texts), np.bincount(row, weights=sizes[place], minlength=texts)


@dataclass(frozen=True)
class Words:
    """The w words of some texts.

    Attributes:
        hashes: (v,) uint64, the different words in the order in which they occur first.
        place: (w,) int64, which of them each word is.
        row: (w,) int32, the text that it stands in.
        begin: (v,) int64, where each of the different words stands first.
        end: (v,) int64, where it ends there.
        letters: those of the different words.
    """

    hashes: np.ndarray
    place: np.ndarray
    row: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    letters: Sequences

    @classmethod
    def of(cls, codes: Codes) -> Words:
        """Those of some texts: a letter and the two before it stand in one word."""
        begin, end = codes.words
        encoded = pa.array(codes.spans(begin, end)).dictionary_encode()
        hashes, place = encoded.dictionary.to_numpy(), encoded.indices.to_numpy().astype(np.int64)
        first = np.zeros(len(hashes), dtype=np.int64)
        first[place[::-1]] = np.arange(len(place))[::-1]
        letters = Sequences.of(codes.of_spans(begin[first], end[first]))
        return cls(hashes, place, codes.row[begin], begin[first], end[first], letters)

    def surprise(self, model: LetterModel, texts: int) -> tuple[np.ndarray, np.ndarray]:
        """(n,) bits that the letters of each of n texts hold in sum, and (n,) how many letters it has."""
        bits, sizes = (one[self.place] for one in self.letters.sums(model.surprise(self.letters)))
        return (
            np.bincount(self.row, weights=bits, minlength=texts),
            np.bincount(self.row, weights=sizes, minlength=texts),
        )


def half_of(places: np.ndarray) -> np.ndarray:
    """Which of the two models of letters judges texts of the sample: the one that did not learn from them."""
    return places % 2


def _spell(words: dict[int, str], found: Words, codes: Codes) -> None:
    """Note how each distinct word of two characters or more is spelled.

    Args:
        words: hash of a word -> the word.
        found: the words of some texts.
        codes: of these texts.
    """
    for value, begin, end in zip(found.hashes.tolist(), found.begin.tolist(), found.end.tolist()):
        if value not in words and end - begin > 1:
            words[value] = "".join(map(chr, codes.points[begin : min(end, begin + 40)].tolist()))


def _prefixes(words: dict[int, str], hashes: np.ndarray, rows: np.ndarray) -> dict[str, int]:
    found: dict[str, int] = {}
    known: Sequence[int] = np.flatnonzero(rows >= KNOWN).tolist()
    for place in known:
        word = words.get(int(hashes[place]), "")
        for size in range(1, len(word)):
            if found.get(word[:size], 0) < rows[place]:
                found[word[:size]] = int(rows[place])
    return found
