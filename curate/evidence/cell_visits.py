"""Which rows look into which cells: as lists where each looks into few, as bits where it looks into many."""

from __future__ import annotations

from typing import Protocol

import numpy as np

CELLS_AT_ONCE = 256
"""Cells whose visitors are read off the lists together."""


class Looks(Protocol):
    """Which of u rows look into which of c cells."""

    def add(self, near: np.ndarray) -> None:
        """The next rows: (m, c) bool, which cells they look into; m is a multiple of 8 but for the last ones."""
        ...

    def visitors(self, cell: int) -> np.ndarray:
        """Ascending places of the rows that look into a cell; asked for one cell after the other, it costs least."""
        ...

    def of(self, rows: np.ndarray) -> np.ndarray:
        """(m, c) bool: which cells (m,) rows look into."""
        ...


class Listed:
    """The cells that each row looks into, one after the other: 2 bytes for each, and 4 for the row.

    Args:
        rows: u.
        cells: c, at most 65,536 of them in 2 bytes.
    """

    def __init__(self, rows: int, cells: int) -> None:
        self._cells, self._kind = cells, np.min_scalar_type(max(cells - 1, 0))
        self._ends = np.zeros(rows + 1, dtype=np.int64 if rows * cells >= 1 << 31 else np.int32)
        self._parts: list[np.ndarray] = []
        self._done = 0
        self._first, self._places, self._begins = 0, np.zeros(0, dtype=np.int32), np.zeros(1, dtype=np.int64)

    def add(self, near: np.ndarray) -> None:
        """The next rows."""
        row, cell = np.divmod(np.flatnonzero(near), self._cells)
        here = slice(self._done + 1, self._done + 1 + len(near))
        self._ends[here] = self._ends[self._done] + np.cumsum(np.bincount(row, minlength=len(near)))
        self._parts.append(cell.astype(self._kind))
        self._done += len(near)

    @property
    def _all(self) -> np.ndarray:
        """Every list, one behind the other."""
        if len(self._parts) != 1:
            self._parts = [np.concatenate([np.zeros(0, dtype=self._kind), *self._parts])]
        return self._parts[0]

    def visitors(self, cell: int) -> np.ndarray:
        """Places of the rows that look into a cell."""
        if not self._first <= cell < self._first + len(self._begins) - 1:
            self._read(cell - cell % CELLS_AT_ONCE)
        at = cell - self._first
        return self._places[self._begins[at] : self._begins[at + 1]].astype(np.int64)

    def _read(self, first: int) -> None:
        """Look up the visitors of some cells."""
        found = np.flatnonzero((self._all >= first) & (self._all < first + CELLS_AT_ONCE))
        cell = self._all[found] - self._kind.type(first)
        by_cell = np.argsort(cell, kind="stable")
        self._places = (np.searchsorted(self._ends, found, side="right") - 1).astype(np.int32)[by_cell]
        counts = np.bincount(cell, minlength=CELLS_AT_ONCE)
        self._first, self._begins = first, np.concatenate([[0], np.cumsum(counts)])

    def of(self, rows: np.ndarray) -> np.ndarray:
        """(m, c) bool: which cells rows look into."""
        begin, end = self._ends[rows].astype(np.int64), self._ends[rows + 1].astype(np.int64)
        count = end - begin
        line = np.repeat(np.arange(len(rows)), count)
        place = np.arange(len(line)) + np.repeat(begin - (np.cumsum(count) - count), count)
        near = np.zeros((len(rows), self._cells), dtype=bool)
        near[line, self._all[place]] = True
        return near


class Bits:
    """A bit for each row and cell: c / 8 bytes per row.

    Args:
        rows: u.
        cells: c.
    """

    def __init__(self, rows: int, cells: int) -> None:
        self._rows, self._done = rows, 0
        self._bits = np.zeros((cells, (rows + 7) // 8), dtype=np.uint8)

    def add(self, near: np.ndarray) -> None:
        """The next rows."""
        bits = np.packbits(near.T, axis=1)
        self._bits[:, self._done // 8 : self._done // 8 + bits.shape[1]] = bits
        self._done += len(near)

    def visitors(self, cell: int) -> np.ndarray:
        """Places of the rows that look into a cell."""
        return np.flatnonzero(np.unpackbits(self._bits[cell], count=self._rows))

    def of(self, rows: np.ndarray) -> np.ndarray:
        """(m, c) bool: which cells rows look into."""
        return ((self._bits[:, rows >> 3] >> (7 - (rows & 7)).astype(np.uint8)) & 1 > 0).T


def looks_for(near: np.ndarray, rows: int) -> Looks:
    """What takes less memory for so many rows, if all look into as many cells as the first do, (m, c) bool."""
    cells = near.shape[1]
    listed = near.mean() * cells * np.min_scalar_type(max(cells - 1, 0)).itemsize + 4
    return Listed(rows, cells) if listed < cells / 8 else Bits(rows, cells)
