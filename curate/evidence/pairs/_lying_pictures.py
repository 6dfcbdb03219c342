"""Prints of pictures in parts of the cache: machines that read them there describe, search and compare them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from curate.engines.engine import Lacking
from curate.evidence.chunks import LeftArray
from curate.evidence.faiss_library import faiss
from curate.evidence.pairs import _nearest
from curate.evidence.pairs._pictures import CANDIDATES, LEAST_COSINE, SENT_PAIRS, Pictures, described
from curate.evidence.pairs._sent import sent_similarity
from curate.evidence.parts.left import array_writer, made_elsewhere, opened
from curate.evidence.parts.lying import by_rows, elsewhere, in_memory
from curate.evidence.vector_rows import Rows

DESCRIBED_ROWS = 4_096
"""Prints that are read at a time for the index."""


@dataclass(frozen=True)
class LyingPictures:
    """As `Pictures`, which are made of prints where they are asked for: that takes a fifth of comparing a pair.

    Attributes:
        prints: (n, S, S) int8, rows in parts.
        spread: (n,) float32 standard deviation of luma, in levels (0 to 255).
        folder: of the cache, where an index may be left for a while.
    """

    prints: Any
    spread: np.ndarray
    folder: Path

    @property
    def nbytes(self) -> int:
        """Bytes of the prints."""
        return self.prints.nbytes

    def some(self, rows: np.ndarray) -> Pictures:
        """Some of them."""
        return Pictures.of(self.prints[rows], self.spread[rows])

    def candidates(self, most: int = CANDIDATES, workers: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """(p,) and (p,) places of pictures that may be alike."""
        n = len(self.spread)
        if n <= _nearest.EXACT_ROWS:
            return elsewhere(partial(_candidates, most), self.prints)
        blocks = [slice(begin, begin + _nearest.ASKED) for begin in range(0, n, _nearest.ASKED)]
        try:
            with array_writer(self.folder) as writer:
                index = made_elsewhere(_indexed, self.prints, writer)["rows_index"]
                return _nearest.paired(by_rows(_Asking(index, most), self.prints, blocks), n)
        except Lacking:
            return _candidates(most, in_memory(self.prints))

    def similarity(self, left: np.ndarray, right: np.ndarray, workers: int = 1) -> np.ndarray:
        """(p,) float32 as of `Pictures`."""
        if len(left):
            return sent_similarity(self, left, right, SENT_PAIRS)
        return np.zeros(0, dtype=np.float32)


def _candidates(most: int, prints: Rows) -> tuple[np.ndarray, np.ndarray]:
    queries = described(prints[:])
    return _nearest.candidates(queries[0], queries, LEAST_COSINE, most)


def _indexed(prints: Rows) -> dict[str, np.ndarray]:
    """The index of all prints, as bytes."""
    begins = range(0, len(prints), DESCRIBED_ROWS)
    base = np.concatenate([described(prints[begin : begin + DESCRIBED_ROWS])[0] for begin in begins])
    return {"rows_index": faiss().serialize_index(_nearest.indexed(base))[:, None]}


@dataclass(frozen=True)
class _Asking:
    """Asks an index for what is near some prints.

    Attributes:
        stored: bytes of the index, here or left in the cache.
        most: as of `candidates`.
    """

    stored: np.ndarray | LeftArray
    most: int

    @cached_property
    def _index(self) -> Any:
        return faiss().deserialize_index(np.array(opened(self.stored)).ravel())

    def __call__(self, prints: Rows, some: slice) -> np.ndarray:
        """(p,) int64 pairs of some prints, as of `_nearest.searched`."""
        most = min(self.most, len(prints) - 1)
        return _nearest.searched(self._index, described(prints[some]), some.start, LEAST_COSINE, most)
