"""Rows of numbers that lie in parts: chunks of the cache on a file system that the machines of an engine share.

The machines that measured the rows wrote the parts; whoever asks for rows opens the parts on its own machine. What
travels are names of parts, and for each row where it lies.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curate.engines.engine import Absent
from curate.evidence.chunks import map_chunk
from curate.evidence.measure import blank
from curate.evidence.parts.like_arrays import LyingRows

MOST_OPEN = 16_384
"""Parts that a process has mapped at once; a system allows some 65,000."""
NOWHERE = -1


@dataclass(frozen=True)
class Part:
    """A chunk of the cache.

    Attributes:
        path: absolute; its name is the hash of its bytes.
        size: bytes.
        rows: how many it holds.
    """

    path: Path
    size: int
    rows: int

    @classmethod
    def of(cls, path: Path, rows: int) -> Part:
        """A chunk as it stands there."""
        try:
            return cls(path, path.stat().st_size, rows)
        except OSError:  # another run removed it: what looks into it will see that
            return cls(path, 0, rows)

    def __len__(self) -> int:
        """Rows."""
        return self.rows

    def is_there(self) -> bool:
        """Whether this machine sees it."""
        try:
            return self.path.stat().st_size == self.size
        except OSError:
            return False


class PartedRows(LyingRows):
    """A field of a measure, some of whose rows lie in parts, and others in memory.

    Args:
        field: its name in the parts.
        kind: dtype and shape of one row's value.
        rows: n; all of them are blank at first.

    Attributes:
        written: parts that all lines of were written for these rows.
        again: (m,) positions -> their values, measured anew; for rows whose part is gone or damaged. It stays behind
            where the rows are sent, and a part that is not there then raises `Absent`.
    """

    def __init__(self, field: str, kind: tuple[str, tuple[int, ...]], rows: int) -> None:
        self._field, self._kind = field, kind
        self.shape, self.dtype = (rows, *kind[1]), np.dtype(kind[0])
        self.again: Callable[[np.ndarray], np.ndarray] | None = None
        self.written: list[Part] = []
        self._pieces: list[Part | np.ndarray] = []
        self._begins = [0]
        self._at = np.full(rows, NOWHERE, dtype=np.int64)
        self._open: OrderedDict[int, np.ndarray] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        """What travels: where the rows lie."""
        return {**vars(self), "again": None, "written": [], "_open": OrderedDict()}

    @property
    def parts(self) -> list[Part]:
        """Those in which rows lie."""
        return [piece for piece in self._pieces if isinstance(piece, Part)]

    def __setitem__(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Hold values of some rows in memory."""
        self._add(rows, np.array(values, dtype=self.dtype), np.arange(len(values)))

    def lie_in(self, rows: np.ndarray, part: Part, lines: np.ndarray | None = None) -> None:
        """Say that (m,) rows are those lines of a part; its lines in their order if left out."""
        self._add(rows, part, np.arange(len(part)) if lines is None else lines)
        if lines is None:
            self.written.append(part)

    def repeat(self, rows: np.ndarray, sources: np.ndarray) -> None:
        """Give rows the values of others."""
        self._at[rows] = self._at[sources]

    def join(self, groups: Sequence[tuple[Sequence[Part], Part]]) -> None:
        """Say that the lines of parts lie in another one, one part after the other."""
        whither: dict[Part, tuple[Part, int]] = {}
        for parts, into in groups:
            ends = np.cumsum([len(part) for part in parts]).tolist()
            whither |= {part: (into, end - len(part)) for part, end in zip(parts, ends, strict=True)}
        pieces: list[Part | np.ndarray] = []
        begins, moved, first = [0], [], {}
        for piece in self._pieces:
            into, offset = whither.get(piece, (piece, 0)) if isinstance(piece, Part) else (piece, 0)
            own = into if isinstance(into, Part) else id(into)
            if own not in first:
                first[own] = begins[-1]
                pieces.append(into)
                begins.append(begins[-1] + len(into))
            moved.append(first[own] + offset)
        known = np.flatnonzero(self._at >= 0)
        number = np.searchsorted(self._begins, self._at[known], side="right") - 1
        self._at[known] += (np.array(moved, dtype=np.int64) - np.array(self._begins[:-1], dtype=np.int64))[number]
        self._pieces, self._begins = pieces, begins
        self._open.clear()

    def chosen(self, rows: np.ndarray) -> PartedRows:
        """Some of the rows, by (m,) positions, left where they lie."""
        other = PartedRows(self._field, self._kind, 0)
        other.shape, other._at = (len(rows), *self.shape[1:]), self._at[rows]
        other._pieces, other._begins = list(self._pieces), list(self._begins)
        again = self.again
        other.again = None if again is None else lambda some: again(rows[some])
        return other

    def taken(self, rows: np.ndarray) -> np.ndarray:
        """See `LyingRows`."""
        at = self._at[rows]
        found = blank(self.dtype.name, self.shape[1:], len(rows))
        begins = np.array(self._begins)
        by_place = np.argsort(at, kind="stable")
        by_place = by_place[np.searchsorted(at[by_place], 0) :]
        piece = np.searchsorted(begins, at[by_place], side="right") - 1
        cuts = np.flatnonzero(np.diff(piece)) + 1
        for some in np.split(by_place, cuts) if len(by_place) else ():
            number = int(np.searchsorted(begins, at[some[0]], side="right") - 1)
            found[some] = self._values(number)[at[some] - begins[number]]
        return found

    def look_again(self) -> None:
        """See `LyingRows`; what was removed meanwhile is still there for who had it open."""
        for number in list(self._open):
            piece = self._pieces[number]
            if isinstance(piece, Part) and piece.path.exists():
                del self._open[number]

    def _add(self, rows: np.ndarray, piece: Part | np.ndarray, lines: np.ndarray) -> None:
        if not len(rows):
            return
        self._pieces.append(piece)
        self._at[rows] = self._begins[-1] + lines
        self._begins.append(self._begins[-1] + len(piece))

    def _values(self, number: int) -> np.ndarray:
        """(rows, ...) of a piece."""
        piece = self._pieces[number]
        if not isinstance(piece, Part):
            return piece
        values = self._open.get(number)
        if values is None:
            chunk = map_chunk(piece.path, {self._field: self._kind}) if piece.is_there() else None
            if chunk is None:
                return self._anew(number, piece)
            while len(self._open) >= MOST_OPEN:
                self._open.popitem(last=False)
            values = self._open[number] = chunk[1][self._field]
        return values

    def _anew(self, number: int, part: Part) -> np.ndarray:
        """The values of a part that is gone or damaged, measured anew and held in memory. Raises `Absent`."""
        if self.again is None:
            raise Absent(f"{part.path} (a part of the cache)")
        rows = np.flatnonzero((self._at >= self._begins[number]) & (self._at < self._begins[number + 1]))
        values = blank(self.dtype.name, self.shape[1:], part.rows)
        values[self._at[rows] - self._begins[number]] = self.again(rows)
        self._pieces[number] = values
        return values


class UnitRows(LyingRows):
    """One embedding of the vectors of one or more encoders, made of them row by row when it is asked for.

    Args:
        vectors: (n, d) of each encoder.
        gone: (n,) bool, rows that have none.
    """

    def __init__(self, vectors: Sequence[np.ndarray | LyingRows], gone: np.ndarray) -> None:
        self._vectors, self._gone = vectors, gone
        self.shape = len(gone), sum(part.shape[1] for part in vectors)
        self.dtype = np.dtype(np.float32)

    def taken(self, rows: np.ndarray) -> np.ndarray:
        """See `LyingRows`."""
        from curate.evidence.encoders.vectors import joined

        found = joined([part[rows] for part in self._vectors])
        found[self._gone[rows]] = np.nan
        return found

    def look_again(self) -> None:
        """See `LyingRows`."""
        for part in self._vectors:
            if isinstance(part, LyingRows):
                part.look_again()
