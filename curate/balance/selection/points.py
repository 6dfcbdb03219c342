"""Vectors of a pool, read in chunks so that nobody has to hold a second copy of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

CHUNK = 8192
"""Rows per chunk: 2 MB of 64 float32 numbers."""


class Points:
    """The vectors of a pool.

    Args:
        vectors: (n, d) float32, of all rows.
        rows: (m,) int64, the rows of the pool in its order.
    """

    def __init__(self, vectors: np.ndarray, rows: np.ndarray) -> None:
        self._vectors, self.rows = vectors, rows

    def __len__(self) -> int:
        """Number of places in the pool."""
        return len(self.rows)

    @property
    def width(self) -> int:
        """Numbers per vector."""
        return self._vectors.shape[1]

    def take(self, places: np.ndarray) -> np.ndarray:
        """(p, d) float32 vectors of some places."""
        return np.ascontiguousarray(self._vectors[self.rows[places]], dtype=np.float32)

    def chunks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """All vectors, a slice of places and their (c, d) float32 at a time."""
        for start in range(0, len(self), CHUNK):
            part = slice(start, min(start + CHUNK, len(self)))
            yield part, np.ascontiguousarray(self._vectors[self.rows[part]], dtype=np.float32)

    def part(self, places: np.ndarray) -> Points:
        """The pool of some places."""
        return Points(self._vectors, self.rows[places])

    def mean(self) -> np.ndarray:
        """(d,) float64 mean vector."""
        total = np.zeros(self.width)
        for _, vectors in self.chunks():
            total += vectors.sum(0, dtype=np.float64)
        return total / max(len(self), 1)
