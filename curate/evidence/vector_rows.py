"""Rows of numbers that are read block by block: arrays, mapped files, and columns of vectors as Arrow holds them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BLOCK_NUMBERS = 500_000


class Rows(Protocol):
    """What passes over rows ask for; a NumPy array, mapped or not, has it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, d)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""
        ...

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        """Some rows, by a slice or by (m,) positions."""
        ...


class VectorRows:
    """A column with a list of numbers per row, as rows of an array that is never made.

    Parts of the column whose lists lie one behind the other are looked at where they are; others (nulls, lists of
    another length) are copied when they are asked for, with NaN in rows that have no vector.

    Args:
        column: lists of numbers.
        width: d; rows of another length are NaN.

    Attributes:
        dtype: float64 for a column of such numbers or of integers, else float32.
    """

    def __init__(self, column: pa.ChunkedArray, width: int) -> None:
        self._chunks = [chunk for chunk in column.chunks if len(chunk)]
        self._begins = np.concatenate([[0], np.cumsum([len(chunk) for chunk in self._chunks])]).astype(np.int64)
        self._width = width
        kind = column.type.value_type
        narrow = pa.types.is_float32(kind) or pa.types.is_float16(kind)
        self.dtype = np.dtype(np.float32 if narrow else np.float64)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return int(self._begins[-1]), self._width

    def __len__(self) -> int:
        """Number of rows."""
        return int(self._begins[-1])

    def whole(self) -> np.ndarray | None:
        """All rows as a view of the column's own memory, None where it does not lie there in one piece."""
        return self._view(self._chunks[0]) if len(self._chunks) == 1 else None

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """(m, d): some rows, a view where they lie in one piece."""
        if isinstance(rows, slice):
            begin, end, _ = rows.indices(len(self))
            return self._piece(begin, max(begin, end))
        rows = np.asarray(rows, dtype=np.int64)
        found = np.empty((len(rows), self._width), dtype=self.dtype)
        of = np.searchsorted(self._begins, rows, side="right") - 1
        for chunk in np.unique(of):
            places = np.flatnonzero(of == chunk)
            found[places] = self._taken(int(chunk), rows[places] - self._begins[chunk])
        return found

    def _piece(self, begin: int, end: int) -> np.ndarray:
        first = max(0, int(np.searchsorted(self._begins, begin, side="right")) - 1)
        parts = []
        for chunk in range(first, len(self._chunks)):
            start = int(self._begins[chunk])
            if start >= end:
                break
            part = self._chunks[chunk].slice(max(begin - start, 0), end - max(begin, start))
            view = self._view(part)
            parts.append(self._filled(part) if view is None else view)
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([np.empty((0, self._width), dtype=self.dtype), *parts])

    def _taken(self, chunk: int, rows: np.ndarray) -> np.ndarray:
        view = self._view(self._chunks[chunk])
        return self._filled(self._chunks[chunk].take(pa.array(rows))) if view is None else view[rows]

    def _view(self, part: Any) -> np.ndarray | None:
        """(len(part), d) view of a part of the column without nulls and with lists of one length, else None."""
        if not len(part):
            return np.empty((0, self._width), dtype=self.dtype)
        if part.null_count or part.type.value_type != pa.from_numpy_dtype(self.dtype):
            return None
        if pa.types.is_fixed_size_list(part.type):
            if part.type.list_size != self._width:
                return None
            first = part.offset * self._width
        else:
            offsets = part.offsets.to_numpy()
            if not (np.diff(offsets) == self._width).all():
                return None
            first = int(offsets[0])
        numbers = part.values.slice(first, len(part) * self._width)
        return None if numbers.null_count else numbers.to_numpy().reshape(-1, self._width)

    def _filled(self, part: Any) -> np.ndarray:
        """(len(part), d) copy, NaN in rows that are null or of another length, and in place of nulls."""
        result = np.full((len(part), self._width), np.nan, dtype=self.dtype)
        lengths = pc.fill_null(pc.list_value_length(part), -1).to_numpy(zero_copy_only=False)
        good = lengths == self._width
        numbers = pc.list_flatten(part.filter(pa.array(good))).cast(pa.from_numpy_dtype(self.dtype), safe=False)
        result[good] = pc.fill_null(numbers, np.nan).to_numpy(zero_copy_only=False).reshape(-1, self._width)
        return result


def finite_rows(values: Rows) -> np.ndarray:
    """(n,) bool: rows of finite numbers alone, and of at least one; in blocks of rows, unless the rows say it."""
    known = getattr(values, "finite", None)
    if known is not None:
        return known.copy()
    found = np.zeros(len(values), dtype=bool)
    step = max(1, BLOCK_NUMBERS // max(1, values.shape[1]))
    for begin in range(0, len(values) if values.shape[1] else 0, step):
        block = values[begin : begin + step]
        # A sum is finite only if all of its numbers are; the other way round it may overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            kept = np.isfinite(block @ np.ones(block.shape[1], dtype=block.dtype))
        rest = np.flatnonzero(~kept)
        kept[rest] = np.isfinite(block[rest]).all(1)
        found[begin : begin + step] = kept
    return found
