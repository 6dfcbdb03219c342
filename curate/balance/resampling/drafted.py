"""New rows before they become rows of a table: what they are made from, and a way to make them block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

BLOCK_CELLS = 262_144
"""Cells of the matrix that are made at once: 2 MB in double, which stays near the processor."""
BLOCK_ROWS = 16_384
Blocks = Callable[[], Iterator[np.ndarray]]
"""Gives (b, d) rows of the matrix block by block, in order, the same ones as often as it is called."""


def block_rows(width: int) -> int:
    """Rows in a block of so many columns."""
    return max(1, min(BLOCK_ROWS, BLOCK_CELLS // max(1, width)))


def in_blocks(values: np.ndarray) -> Blocks:
    """The blocks of a matrix that is there."""
    size = block_rows(values.shape[1])
    return lambda: (values[start : start + size] for start in range(0, len(values), size))


@dataclass(frozen=True)
class Drafted:
    """New rows and what they were made from.

    Attributes:
        blocks: gives the (m, d) rows of the matrix, block by block: together they may be larger than the table.
        codes: (m,) int32 class codes; 0 where labels are not classes.
        first: (m,) int32 main parent, as a row of the matrix that the step saw; -1 where there is none.
        second: (m,) int32 the row toward which it was moved; -1 where there is none.
        share: (m,) float32 how far, 0 at the main parent, 1 at the other; NaN where it was made in another way.
    """

    blocks: Blocks
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
        values: np.ndarray | Blocks,
        codes: np.ndarray | int,
        first: np.ndarray,
        second: np.ndarray | None = None,
        share: np.ndarray | None = None,
    ) -> Drafted:
        """New rows; a single code is that of all of them."""
        m = len(first)
        return cls(
            in_blocks(values) if isinstance(values, np.ndarray) else values,
            np.full(m, codes, dtype=np.int32) if isinstance(codes, int) else np.asarray(codes, dtype=np.int32),
            np.asarray(first, dtype=np.int32),
            np.full(m, -1, dtype=np.int32) if second is None else np.asarray(second, dtype=np.int32),
            np.full(m, np.nan, dtype=np.float32) if share is None else np.asarray(share, dtype=np.float32),
        )

    @classmethod
    def join(cls, parts: Sequence[Drafted]) -> Drafted:
        """Several as one, in order."""
        if len(parts) == 1:
            return parts[0]
        empty = np.zeros(0, dtype=np.int32)
        return cls(
            partial(_chained, [part.blocks for part in parts]),
            np.concatenate([empty, *(p.codes for p in parts)]),
            np.concatenate([empty, *(p.first for p in parts)]),
            np.concatenate([empty, *(p.second for p in parts)]),
            np.concatenate([np.zeros(0, dtype=np.float32), *(p.share for p in parts)]),
        )

    def span(self, start: int, stop: int) -> Drafted:
        """What consecutive new rows were made from, not copied; it has no blocks."""
        here = slice(start, stop)
        return Drafted(lambda: iter(()), self.codes[here], self.first[here], self.second[here], self.share[here])

    def take(self, rows: np.ndarray) -> Drafted:
        """Some of the new rows, by ascending numbers."""
        keep = np.zeros(len(self), dtype=bool)
        keep[rows] = True

        def blocks() -> Iterator[np.ndarray]:
            start = 0
            for block in self.blocks():
                yield block[keep[start : start + len(block)]]
                start += len(block)

        return Drafted(blocks, self.codes[rows], self.first[rows], self.second[rows], self.share[rows])

    def changed(self, change: Callable[[np.ndarray], np.ndarray]) -> Drafted:
        """The same rows, each block as `change` makes it."""
        return replace(self, blocks=lambda: map(change, self.blocks()))


def _chained(parts: Sequence[Blocks]) -> Iterator[np.ndarray]:
    return (block for blocks in parts for block in blocks())


def gathered(blocks: Iterator[np.ndarray], rows: int) -> Iterator[np.ndarray]:
    """Blocks put together until each has at least so many rows, but for the last."""
    kept, count = [], 0
    for block in blocks:
        kept.append(block)
        count += len(block)
        if count >= rows:
            yield np.concatenate(kept)
            kept, count = [], 0
    if kept:
        yield np.concatenate(kept)
