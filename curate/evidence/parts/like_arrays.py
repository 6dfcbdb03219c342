"""Rows that lie somewhere, treated as an array of them would be."""

from __future__ import annotations

from typing import Any

import numpy as np

PICKED_ROWS = 4_096
"""Rows that are held at a time where single numbers of rows are asked for."""


class LyingRows(np.lib.mixins.NDArrayOperatorsMixin):
    """Rows that are read block by block where they lie.

    Who treats them as an array as a whole, by a function, an operator or a method, gets what an array of all rows in
    memory gives.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    finite: np.ndarray | None = None
    """(n,) bool, rows of finite numbers alone, where that is known."""

    def __len__(self) -> int:
        """Number of rows."""
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """As of an array."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Numbers in all."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return self.size * self.dtype.itemsize

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        """Some rows, by a position, a slice, positions or (n,) bool; anything else as of an array of all rows."""
        if isinstance(rows, tuple):
            return self._cut(*rows)
        if rows is None or rows is Ellipsis:
            return self.taken(np.arange(len(self)))[rows]
        if isinstance(rows, slice):
            return self.taken(np.arange(*rows.indices(len(self))))
        places = np.asarray(rows)
        if places.dtype == bool:
            return self.taken(np.flatnonzero(places))
        if places.size and not -len(self) <= places.min() <= places.max() < len(self):
            raise IndexError(
                f"there are {len(self):,} rows, and one of {places.min():,} to {places.max():,} was asked for"
            )
        flat = places.astype(np.int64).ravel()
        return self.taken(np.where(flat < 0, flat + len(self), flat)).reshape(*places.shape, *self.shape[1:])

    def _cut(self, rows: Any = Ellipsis, *rest: Any) -> Any:
        """Some numbers of some rows, as of an array."""
        if isinstance(rows, int | np.integer) and not isinstance(rows, bool):
            return self[rows][rest]
        if isinstance(rows, slice):
            return self[rows][(slice(None), *rest)]
        places = [np.asarray(index) for index in (rows, *rest)]
        if len(places) == 2 and all(place.ndim == 1 and place.dtype.kind in "iu" for place in places):
            chosen, columns = np.broadcast_arrays(*places)
            found = np.empty(len(chosen), dtype=self.dtype)
            for begin in range(0, len(chosen), PICKED_ROWS):
                some = self[chosen[begin : begin + PICKED_ROWS]]
                found[begin : begin + PICKED_ROWS] = some[np.arange(len(some)), columns[begin : begin + PICKED_ROWS]]
            return found
        return self.taken(np.arange(len(self)))[(rows, *rest)]

    def __getattr__(self, name: str) -> Any:
        """What else an array has."""
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self[:], name)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **options: Any) -> Any:
        """A function of NumPy on all rows."""
        arrays = [one[:] if isinstance(one, LyingRows) else one for one in given]
        return getattr(ufunc, method)(*arrays, **options)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All rows in memory."""
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def take(self, places: Any, axis: int | None = None) -> np.ndarray:
        """As of an array: whole rows where `axis` is 0."""
        return self[places] if axis == 0 else self[:].take(places, axis)

    def taken(self, rows: np.ndarray) -> np.ndarray:
        """(m, ...) copy of rows by (m,) int64 positions, none of them negative. Raises `Absent`."""
        raise NotImplementedError

    def look_again(self) -> None:
        """Check what lies somewhere once more before it is read again."""
        raise NotImplementedError
