"""New rows as they are made, before they become rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Drafted:
    """New rows and what they were made from.

    Attributes:
        values: (m, d) rows of the matrix.
        codes: (m,) int32 class codes; 0 where labels are not classes.
        first: (m,) int32 main parent, as a row of the matrix that the step saw; -1 where there is none.
        second: (m,) int32 the row toward which it was moved; -1 where there is none.
        share: (m,) float32 how far, 0 at the main parent, 1 at the other; NaN where it was made in another way.
    """

    values: np.ndarray
    codes: np.ndarray
    first: np.ndarray
    second: np.ndarray
    share: np.ndarray

    def __len__(self) -> int:
        """Number of new rows."""
        return len(self.codes)

    @classmethod
    def of(
        cls,
        values: np.ndarray,
        codes: np.ndarray | int,
        first: np.ndarray,
        second: np.ndarray | None = None,
        share: np.ndarray | None = None,
    ) -> Drafted:
        """New rows; a single code is that of all of them."""
        m = len(values)
        return cls(
            values,
            np.full(m, codes, dtype=np.int32) if isinstance(codes, int) else np.asarray(codes, dtype=np.int32),
            np.asarray(first, dtype=np.int32),
            np.full(m, -1, dtype=np.int32) if second is None else np.asarray(second, dtype=np.int32),
            np.full(m, np.nan, dtype=np.float32) if share is None else np.asarray(share, dtype=np.float32),
        )

    @classmethod
    def join(cls, parts: Sequence[Drafted], like: np.ndarray) -> Drafted:
        """Several as one, in order; none as no rows of the matrix `like`."""
        if len(parts) == 1:
            return parts[0]
        empty = np.zeros(0, dtype=np.int32)
        return cls(
            np.concatenate([like[:0], *(p.values for p in parts)]),
            np.concatenate([empty, *(p.codes for p in parts)]),
            np.concatenate([empty, *(p.first for p in parts)]),
            np.concatenate([empty, *(p.second for p in parts)]),
            np.concatenate([np.zeros(0, dtype=np.float32), *(p.share for p in parts)]),
        )

    def span(self, start: int, stop: int) -> Drafted:
        """Consecutive new rows, not copied."""
        here = slice(start, stop)
        return Drafted(self.values[here], self.codes[here], self.first[here], self.second[here], self.share[here])

    def take(self, rows: np.ndarray) -> Drafted:
        """Some of the new rows."""
        return Drafted(self.values[rows], self.codes[rows], self.first[rows], self.second[rows], self.share[rows])
