"""How much of their pieces two texts have in common, exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.engines.engine import Piece, current
from curate.evidence.measures.text_folding import LARGEST_TEXT, characters
from curate.evidence.measures.text_shingles import shingles
from curate.evidence.pairs._paired_pieces import paired_shares

if TYPE_CHECKING:
    from curate.evidence.parcels import InFile

LONG_TEXT = 200
"""Characters from which on texts are compared by longer pieces: long texts share short ones by chance."""
SHORT_LETTERS, LONG_LETTERS = 3, 5
SHORT_SHARE, LONG_SHARE, TAKEN_OFF = 0.65, 0.4, 0.25
"""A short or long text may hold another that has at least this share of its pieces; for what it adds, this much is
taken off. A few words more change what a short text says: "How do I top up?", "How do I top up with a cheque?"."""
SENTENCE = re.compile(r"(?<=[.?!,;:。？！，\n])\s*(?=\S)|\s+(?=[A-Z][a-z])")
"""Where a greeting or a sentence may have been added: after a mark, or before a capital letter."""
CUT_OFF = 0.05
"""Taken off where a text is like another only once sentences before or after it are left out."""
LEAST_HELD, SAME_SIZE, LARGEST = 0.8, 1.4, 4
"""Texts are cut where the longer one has that share of the other's pieces, into parts of about the other's length, and
is at most four times as long: of a document that is longer the other one is an excerpt."""
SENT_PAIRS = 1 << 14
"""Pairs of texts that one machine of an engine compares at a time."""
BLOCK_PAIRS, BLOCK_CHARACTERS, PAIRED_CHARACTERS = 1 << 17, 1 << 22, 1 << 20
PLAIN_PAIRS = 1 << 18
"""Pairs of ASCII texts that are taken from all at a time."""


def text_similarity(
    texts: pa.ChunkedArray, left: np.ndarray, right: np.ndarray, in_file: InFile | None = None
) -> np.ndarray:
    """Share of the pieces that two texts have in common.

    Pieces have three characters, five where both texts have more than 200 (two and three in Chinese, Japanese and
    Korean). The similarity is the largest of: their Jaccard index; if that is at least 0.65 (0.4 for long texts), the
    share of the shorter text's pieces that the longer one has, less 0.25; and for short texts the Jaccard index with
    what is left of the longer text without the sentences before or after, less 0.05.

    Args:
        texts: the whole column, null counts as empty.
        left: (p,) int64 positions in it.
        right: (p,) int64.
        in_file: the file that the column is mapped from, of which machines of an engine read it; where one lacks it, or
            there is none, the texts of pairs are sent.

    Returns:
        (p,) float32 in [0, 1]; 0 where either text has no pieces.
    """
    if current().remote and len(left) > SENT_PAIRS:
        return np.concatenate(list(current().ordered_map(_of_sent, _sent(texts, left, right, in_file))))
    out = np.zeros(len(left), dtype=np.float32)
    plain = pc.fill_null(pc.string_is_ascii(texts), True).to_numpy()
    others = []
    for begin in range(0, len(left), PLAIN_PAIRS):
        mask = plain[left[begin : begin + PLAIN_PAIRS]] & plain[right[begin : begin + PLAIN_PAIRS]]
        own = begin + np.flatnonzero(mask)
        out[own] = _of_ascii(texts, left[own], right[own])
        others.append(begin + np.flatnonzero(~mask))
    rest = np.concatenate([np.zeros(0, dtype=np.int64), *others])
    if len(rest):  # at once, as many pairs share their rows
        out[rest] = _of_any(texts, left[rest], right[rest])
    return out


@dataclass(frozen=True)
class TextPairs(Piece):
    """Pairs of texts on their way to another machine.

    Attributes:
        rows: (t,) int64 rows of the column that they are of.
        places: (2, p) int64 places of the pairs among them.
        in_file: the column where the other machine reads it; None for texts that travel along.
        column: all texts; stays behind.
        held: (t,) texts that travel along.
    """

    rows: np.ndarray
    places: np.ndarray
    in_file: InFile | None
    column: pa.ChunkedArray | None
    held: pa.Array | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What travels."""
        return {**vars(self), "column": None}

    def carried(self) -> list[Piece]:
        """The same pairs with their texts."""
        if self.column is None:
            return []
        taken = self.column.take(pa.array(self.rows))
        held = pa.concat_arrays(taken.chunks) if taken.chunks else pa.array([], taken.type)
        return [TextPairs(np.arange(len(held)), self.places, None, None, held)]

    def texts(self) -> pa.ChunkedArray:
        """(t,) texts, where they travelled along or can be read. Raises `Absent`."""
        if self.in_file is None:
            return pa.chunked_array([self.held])
        return self.in_file[self.rows.tolist()].column(0)


def _sent(texts: pa.ChunkedArray, left: np.ndarray, right: np.ndarray, in_file: InFile | None) -> Iterator[Piece]:
    for begin in range(0, len(left), SENT_PAIRS):
        some = slice(begin, begin + SENT_PAIRS)
        rows, places = np.unique(np.stack([left[some], right[some]]), return_inverse=True)
        pairs = TextPairs(rows, places.reshape(2, -1), in_file, texts)
        yield from pairs.carried() if in_file is None else [pairs]


def _of_sent(pairs: TextPairs) -> np.ndarray:
    """(p,) float32 similarity of such pairs."""
    return text_similarity(pairs.texts(), *pairs.places)


def _of_ascii(texts: pa.ChunkedArray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 similarity of pairs of texts that are ASCII."""
    out = np.zeros(len(left), dtype=np.float32)
    sizes = pc.fill_null(pc.binary_length(texts), 0).to_numpy().clip(0, LARGEST_TEXT)
    blocks = np.cumsum(sizes[left] + sizes[right], dtype=np.int64) // PAIRED_CHARACTERS
    for part in np.split(np.arange(len(left)), np.flatnonzero(np.diff(blocks)) + 1):
        both = np.stack([left[part], right[part]], axis=1).ravel()
        out[part] = _side_by_side(_given(texts, both))
    return out


def _side_by_side(texts: list[str]) -> np.ndarray:
    """(p,) float32 similarity of the first with the second text, of the third with the fourth, and so on; all ASCII."""
    codes, lengths = characters(texts)
    long = lengths.reshape(-1, 2).min(1) > LONG_TEXT
    if long.any() and not long.all():
        out = np.zeros(len(long), dtype=np.float32)
        for mask in (long, ~long):
            out[mask] = _side_by_side([texts[place] for place in np.flatnonzero(np.repeat(mask, 2)).tolist()])
        return out
    if long.any():
        return _similarity(*paired_shares(codes, lengths, LONG_LETTERS), LONG_SHARE)
    jaccard, held = paired_shares(codes, lengths, SHORT_LETTERS)
    firsts = 2 * np.arange(len(long))
    return _with_added(_similarity(jaccard, held, SHORT_SHARE), jaccard, held, texts, firsts, firsts + 1)


def _given(texts: pa.ChunkedArray, rows: np.ndarray) -> list[str]:
    return [(text or "")[:LARGEST_TEXT] for text in texts.take(pa.array(rows)).to_pylist()]


def _of_any(texts: pa.ChunkedArray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 similarity of pairs of texts of any script."""
    out = np.zeros(len(left), dtype=np.float32)
    rows, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    one, other = places.reshape(2, -1)
    texts = texts.take(pa.array(rows))
    sizes = pc.fill_null(pc.utf8_length(texts), 0).to_numpy().clip(0, LARGEST_TEXT)
    order = np.lexsort((other, one, _component(one, other)))  # pairs of one block share their rows
    waiting = [order[first : first + BLOCK_PAIRS] for first in range(0, len(order), BLOCK_PAIRS)]
    while waiting:
        part = waiting.pop()
        held = np.unique(np.concatenate([one[part], other[part]]))
        if len(part) > 1 and sizes[held].sum() > BLOCK_CHARACTERS:
            waiting += [part[: len(part) // 2], part[len(part) // 2 :]]
            continue
        found = _given(texts, held)
        out[part] = _block(found, np.searchsorted(held, one[part]), np.searchsorted(held, other[part]))
    return out


def _component(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) int: equal for pairs that hang together."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = int(max(left.max(), right.max())) + 1
    graph = coo_array((np.ones(len(left), dtype=bool), (left, right)), shape=(n, n))
    return connected_components(graph, directed=False)[1][left]


def _block(texts: list[str], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 similarity of pairs among some texts."""
    codes, lengths = characters(texts)
    long = np.minimum(lengths[left], lengths[right]) > LONG_TEXT
    out = np.zeros(len(left), dtype=np.float32)
    for letters, least, mask in ((SHORT_LETTERS, SHORT_SHARE, ~long), (LONG_LETTERS, LONG_SHARE, long)):
        if mask.any():
            jaccard, held = _shares(codes, lengths, letters, left[mask], right[mask])
            out[mask] = _similarity(jaccard, held, least)
            if letters == SHORT_LETTERS:
                out[mask] = _with_added(out[mask], jaccard, held, texts, left[mask], right[mask])
    return out


def _similarity(jaccard: np.ndarray, held: np.ndarray, least: float) -> np.ndarray:
    return np.where(jaccard >= least, np.maximum(jaccard, held - TAKEN_OFF), jaccard).astype(np.float32)


def _with_added(
    similarity: np.ndarray,
    jaccard: np.ndarray,
    held: np.ndarray,
    texts: list[str],
    left: np.ndarray,
    right: np.ndarray,
) -> np.ndarray:
    """(p,) float32 similarity of short texts, where they are more alike without sentences that one has more."""
    added = np.flatnonzero((jaccard < 1 - CUT_OFF) & (held >= LEAST_HELD))
    similarity[added] = np.maximum(similarity[added], _without_sentences(texts, left[added], right[added]))
    return similarity


def _without_sentences(texts: list[str], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 the largest Jaccard index of the shorter text with the beginnings and ends of the longer one that
    sentences make, less 0.05; 0 where none is of its length."""
    out, made, pair, characters_made = np.zeros(len(left), dtype=np.float32), [], [], 0
    for place, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        low, high = sorted((one, other), key=lambda row: len(texts[row]))
        whole, size = texts[high], len(texts[low])
        if len(whole) > LARGEST * size:
            continue
        for cut in sorted({match.start() for match in SENTENCE.finditer(whole)}):
            for begin, end in ((0, cut), (cut, len(whole))):
                if size <= SAME_SIZE * (end - begin) and end - begin <= SAME_SIZE * size:
                    made += [whole[begin:end], texts[low]]
                    pair.append(place)
                    characters_made += end - begin + size
        if characters_made > PAIRED_CHARACTERS:
            np.maximum.at(out, np.array(pair), _of_cut(made))
            made, pair, characters_made = [], [], 0
    if pair:
        np.maximum.at(out, np.array(pair), _of_cut(made))
    return out


def _of_cut(made: list[str]) -> np.ndarray:
    """(p,) float32 Jaccard index of the first with the second text, the third with the fourth, and so on, less 0.05."""
    codes, lengths = characters(made)
    if codes.dtype == np.uint8:
        jaccard, _ = paired_shares(codes, lengths, SHORT_LETTERS)
    else:
        parts = np.arange(0, len(made), 2)
        jaccard, _ = _shares(codes, lengths, SHORT_LETTERS, parts, parts + 1)
    return (jaccard - CUT_OFF).astype(np.float32)


def _shares(
    codes: np.ndarray, lengths: np.ndarray, letters: int, left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(p,) Jaccard index of pairs, and (p,) share of the smaller set that the other one has."""
    from scipy.sparse import csr_array

    hashes, owner = shingles(codes, lengths, letters)
    _, word = np.unique(hashes, return_inverse=True)
    shape = (len(lengths), int(word.max(initial=0)) + 1)
    sets = csr_array((np.ones(len(word), dtype=np.int32), (owner, word)), shape=shape)
    sets.data[:] = 1  # pieces that repeat were summed
    sizes = np.diff(sets.indptr).astype(np.int64)
    common = np.zeros(len(left))
    step = np.cumsum(sizes[left] + sizes[right]) // BLOCK_CHARACTERS
    for part in np.split(np.arange(len(left)), np.flatnonzero(np.diff(step)) + 1):
        common[part] = np.asarray(sets[left[part]].multiply(sets[right[part]]).sum(1)).ravel()
    jaccard = common / np.maximum(sizes[left] + sizes[right] - common, 1)
    return jaccard, common / np.maximum(np.minimum(sizes[left], sizes[right]), 1)
