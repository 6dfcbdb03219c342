"""How much of their pieces two texts have in common, exactly."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.measures.text_shingles import LARGEST_TEXT, characters, shingles

LONG_TEXT = 200
"""Characters from which on texts are compared by longer pieces: long texts share short ones by chance."""
SHORT_LETTERS, LONG_LETTERS = 3, 5
LEAST_SHARE, TAKEN_OFF = 0.4, 0.25
"""A text may hold another that has at least this share of its pieces; for what it adds, this much is taken off."""
BLOCK_PAIRS, BLOCK_CHARACTERS = 1 << 17, 1 << 22


def text_similarity(texts: pa.ChunkedArray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Share of the pieces that two texts have in common.

    Pieces have three characters, five where both texts have more than 200 (two and three in Chinese, Japanese and
    Korean). The similarity is their Jaccard index, or, if that is at least 0.4 and it is more, the share of the shorter
    text's pieces that the longer one has, less 0.25: a text to which sentences were added reaches at most 0.75.

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
    for letters, mask in ((SHORT_LETTERS, ~long), (LONG_LETTERS, long)):
        if mask.any():
            out[mask] = _similarity(codes, lengths, letters, left[mask], right[mask])
    return out


def _similarity(
    codes: np.ndarray, lengths: np.ndarray, letters: int, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
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
    held = common / np.maximum(np.minimum(sizes[left], sizes[right]), 1)
    return np.where(jaccard >= LEAST_SHARE, np.maximum(jaccard, held - TAKEN_OFF), jaccard)
