"""How much of their pieces two texts have in common, exactly."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.measures.text_shingles import LARGEST_TEXT, characters, shingles

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
BLOCK_PAIRS, BLOCK_CHARACTERS = 1 << 17, 1 << 22


def text_similarity(texts: pa.ChunkedArray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Share of the pieces that two texts have in common.

    Pieces have three characters, five where both texts have more than 200 (two and three in Chinese, Japanese and
    Korean). The similarity is the largest of: their Jaccard index; if that is at least 0.65 (0.4 for long texts), the
    share of the shorter text's pieces that the longer one has, less 0.25; and for short texts the Jaccard index with
    what is left of the longer text without the sentences before or after, less 0.05.

    Args:
        texts: the whole column, null counts as empty.
        left: (p,) int64 positions in it.
        right: (p,) int64.

    Returns:
        (p,) float32 in [0, 1]; 0 where either text has no pieces.
    """
    out = np.zeros(len(left), dtype=np.float32)
    if not len(left):
        return out
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
        found = [(text or "")[:LARGEST_TEXT] for text in texts.take(pa.array(held)).to_pylist()]
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
            out[mask] = np.where(jaccard >= least, np.maximum(jaccard, held - TAKEN_OFF), jaccard)
            if letters == SHORT_LETTERS:
                added = np.flatnonzero(mask)[(jaccard < 1 - CUT_OFF) & (held >= LEAST_HELD)]
                out[added] = np.maximum(out[added], _without_sentences(texts, left[added], right[added]))
    return out


def _without_sentences(texts: list[str], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float32 the largest Jaccard index of the shorter text with the beginnings and ends of the longer one that
    sentences make, less 0.05; 0 where none is of its length."""
    made, pair, shorter = list(texts), [], []
    for place, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        low, high = sorted((one, other), key=lambda row: len(texts[row]))
        whole, size = texts[high], len(texts[low])
        if len(whole) > LARGEST * size:
            continue
        for cut in sorted({match.start() for match in SENTENCE.finditer(whole)}):
            for begin, end in ((0, cut), (cut, len(whole))):
                if size <= SAME_SIZE * (end - begin) and end - begin <= SAME_SIZE * size:
                    made.append(whole[begin:end])
                    pair.append(place)
                    shorter.append(low)
    out = np.zeros(len(left), dtype=np.float32)
    if pair:
        parts = np.arange(len(texts), len(made))
        jaccard, _ = _shares(*characters(made), SHORT_LETTERS, parts, np.array(shorter))
        np.maximum.at(out, np.array(pair), (jaccard - CUT_OFF).astype(np.float32))
    return out


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
