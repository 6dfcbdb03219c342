"""Vectors of a pool, read in chunks so that nobody has to hold a second copy of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from curate.evidence.exact_search import Chosen

CHUNK = 8192
"""Rows per chunk: 2 MB of 64 float32 numbers."""


class Points(Chosen):
    """The vectors of a pool: the rows of it, in its order, of the vectors of all rows."""

    def take(self, places: np.ndarray) -> np.ndarray:
        """(p, d) float32 vectors of some places."""
        return self[places]

    def chunks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """All vectors, a slice of places and their (c, d) float32 at a time."""
        for start in range(0, len(self), CHUNK):
            part = slice(start, min(start + CHUNK, len(self)))
            yield part, self[part]

    def part(self, places: np.ndarray) -> Points:
        """The pool of some places."""
        return Points(self.vectors, self.rows[places])

    def mean(self) -> np.ndarray:
        """(d,) float64 mean vector."""
        total = np.zeros(self.width)
        for _, vectors in self.chunks():
            total += vectors.sum(0, dtype=np.float64)
        return total / max(len(self), 1)
