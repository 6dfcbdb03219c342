"""A matrix that can become double where it stands, and single again: a copy in double would be twice as large."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

BLOCK_ROWS = 16_384


def roomy(rows: int, columns: int) -> np.ndarray:
    """(n, d) float32, empty, with unused room behind it; what is not used of it takes no memory."""
    return np.empty(2 * rows * columns, dtype=np.float32)[: rows * columns].reshape(rows, columns)


@contextmanager
def in_double(values: np.ndarray) -> Iterator[np.ndarray]:
    """The same numbers as (n, d) float64. Until the block is left, nobody else may look at those of a roomy matrix.

    Args:
        values: (n, d) matrix; from `roomy` it is widened in place and is afterwards what it was, any other is copied.
    """
    buffer = values.base
    if not _has_room(values, buffer):
        yield np.ascontiguousarray(values, dtype=np.float64)
        return
    assert buffer is not None
    wide = buffer.view(np.float64).reshape(values.shape)
    starts = range(0, len(values), BLOCK_ROWS)
    for start in reversed(starts):  # what is written lies behind all that is still to be read
        here = slice(start, start + BLOCK_ROWS)
        wide[here] = values[here].copy()
    try:
        yield wide
    finally:
        for start in starts:
            here = slice(start, start + BLOCK_ROWS)
            values[here] = wide[here].copy()


def _has_room(values: np.ndarray, buffer: object) -> bool:
    return (
        isinstance(buffer, np.ndarray)
        and buffer.dtype == values.dtype == np.float32
        and buffer.ndim == 1
        and buffer.size == 2 * values.size
        and bool(values.flags.c_contiguous)
        and values.ctypes.data == buffer.ctypes.data
    )
