"""How many pieces two ASCII texts have in common: pieces are numbers of a few bytes, and one sort counts those of many
pairs."""

from __future__ import annotations

import numpy as np

MOST_LETTERS = 5


def paired_shares(codes: np.ndarray, lengths: np.ndarray, letters: int) -> tuple[np.ndarray, np.ndarray]:
    """Jaccard index of pairs of texts, and the share of the smaller set of pieces that the other one has.

    Cost: about 20 nanoseconds per character, 24 bytes of memory per character.

    Args:
        codes: (c,) uint8, the folded texts one after the other (`characters`), the texts of a pair side by side.
        lengths: (2p,) int64 bytes of each text: 1 where it has no piece, else at least `letters`.
        letters: bytes of a piece, at most 5.

    Returns:
        (p,) float64 and (p,) float64, 0 where a text has no piece.
    """
    pairs, bits = len(lengths) // 2, np.uint64(8 * letters + 1)
    ends = np.cumsum(lengths)
    # Eight bytes from each place on as one number: the same bytes seen by another type.
    padded = np.concatenate([codes, np.zeros(8, dtype=np.uint8)])
    keys = np.ndarray(len(codes), "<u8", padded, 0, (1,)) & np.uint64((1 << (8 * letters)) - 1)
    keys <<= np.uint64(1)
    side = np.tile(np.array([0, 1], dtype=np.uint64), pairs)
    keys |= np.repeat((np.arange(2 * pairs, dtype=np.uint64) >> np.uint64(1)) << bits | side, lengths)
    nothing = np.iinfo(np.uint64).max
    for short in range(1, letters):
        keys[ends - np.minimum(short, lengths)] = nothing
    keys.sort()
    keys = keys[: np.searchsorted(keys, nothing)]
    keys = keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]
    bounds = np.searchsorted(keys, np.arange(pairs + 1, dtype=np.uint64) << bits)
    both, second = np.diff(bounds), np.zeros(len(keys) + 1, dtype=np.int64)
    np.cumsum(keys & np.uint64(1), out=second[1:])
    meetings = np.flatnonzero((keys[1:] ^ keys[:-1]) == 1)
    common = np.diff(np.searchsorted(meetings, bounds)).astype(np.float64)
    smaller = second[bounds[1:]] - second[bounds[:-1]]
    smaller = np.minimum(smaller, both - smaller)
    return common / np.maximum(both - common, 1), common / np.maximum(smaller, 1)
