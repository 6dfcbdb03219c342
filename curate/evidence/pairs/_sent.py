"""Comparing pairs on the machines of an engine, in blocks.

What is known of the rows is sent to each machine once; where it is too much for that, with each block what is known of
its own rows. What lies in parts of the cache is read there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from curate.engines.engine import Lacking, current
from curate.evidence.blas_threads import with_threads_of_here
from curate.evidence.parts.like_arrays import LyingRows

SHARED_BYTES = 1 << 30
"""What every machine holds of all rows at most: 150,000 pictures, 60,000 videos, 300,000 recordings."""


class Known(Protocol):
    """What is known of rows, and compares them."""

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        ...

    def some(self, rows: np.ndarray) -> Known:
        """The same of some rows."""
        ...

    def similarity(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(p,) float32 of pairs of places."""
        ...


def is_sent(pairs: int, most: int) -> bool:
    """Whether so many pairs are compared by other machines, of which one takes `most` at a time."""
    return current().remote and pairs > most


def sent_similarity(known: Known, left: np.ndarray, right: np.ndarray, most: int) -> np.ndarray:
    """(p,) float32: what `known.similarity` says of the pairs, `most` of them by one machine at a time.

    Args:
        known: of all rows.
        left: (p,) places.
        right: (p,) places.
        most: a multiple of how many pairs are compared together, so that blocks have the bits of the whole.
    """
    blocks = (
        np.stack([left[begin : begin + most], right[begin : begin + most]]) for begin in range(0, len(left), most)
    )
    return np.concatenate(list(_by_blocks(known, blocks)))


def _by_blocks(known: Known, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    lying = [part for own in vars(known).values() for part in (own if isinstance(own, tuple) else (own,))]
    lying = [part for part in lying if isinstance(part, LyingRows)]
    if lying:
        yield from _where_they_lie(known, lying, list(blocks))
    elif known.nbytes <= SHARED_BYTES:
        yield from current().ordered_map(with_threads_of_here(AmongAll(known)), blocks)
    else:
        yield from current().ordered_map(with_threads_of_here(among_own), _with_own(known, blocks))


def _where_they_lie(known: Known, lying: list[LyingRows], blocks: list[np.ndarray]) -> Iterator[np.ndarray]:
    """What is known lies in parts, which machines open; where one lacks them, it is sent."""
    done = 0
    try:
        for found in current().ordered_map(with_threads_of_here(AmongLying(known)), blocks):
            yield found
            done += 1
    except Lacking:
        for part in lying:
            part.look_again()
        yield from _by_blocks(known.some(np.arange(len(lying[0]))), iter(blocks[done:]))


@dataclass(frozen=True)
class AmongAll:
    """Compares pairs of rows that a machine knows.

    Attributes:
        known: of all rows.
    """

    known: Known

    def __call__(self, pairs: np.ndarray) -> np.ndarray:
        """(p,) float32 of (2, p) pairs."""
        return self.known.similarity(*pairs)


@dataclass(frozen=True)
class AmongLying:
    """Compares pairs of rows of which a machine knows where they lie.

    Attributes:
        known: of all rows.
    """

    known: Known

    def __call__(self, pairs: np.ndarray) -> np.ndarray:
        """(p,) float32 of (2, p) pairs."""
        rows, places = np.unique(pairs, return_inverse=True)
        return self.known.some(rows).similarity(*places.reshape(2, -1))


def _with_own(known: Known, blocks: Iterator[np.ndarray]) -> Iterator[tuple[Known, np.ndarray]]:
    """What is known of the rows of each block, and the (2, p) places of its pairs among these."""
    for pairs in blocks:
        rows, places = np.unique(pairs, return_inverse=True)
        yield known.some(rows), places.reshape(2, -1)


def among_own(block: tuple[Known, np.ndarray]) -> np.ndarray:
    """(p,) float32 of pairs that bring what is known of their rows."""
    known, (left, right) = block
    return known.similarity(left, right)
