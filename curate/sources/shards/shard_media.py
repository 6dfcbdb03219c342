"""Media of many rows, put one behind the other into files without names, and seen as Arrow columns from there."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import numpy as np
import pyarrow as pa

IN_MEMORY = 1 << 25
"""Bytes of a column from which on it stands in a file."""


@dataclass
class _Column:
    kind: str
    file: IO[bytes]
    rows: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


class MediaSpool:
    """Columns of media while they are collected. The files vanish when nobody looks at the columns any more."""

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self._left_out: set[int] = set()

    def add(self, column: str, kind: str, row: int, data: bytes, name: str) -> None:
        """The content of one row, which comes after all rows before it."""
        if column not in self._columns:
            self._columns[column] = _Column(kind, tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
        spooled = self._columns[column]
        spooled.file.write(data)
        spooled.rows.append(row)
        spooled.ends.append((spooled.ends[-1] if spooled.ends else 0) + len(data))
        spooled.names.append(name)

    def forget(self, row: int) -> None:
        """The media of this row count as missing."""
        self._left_out.add(row)

    def columns(self, rows: int) -> Iterator[tuple[str, str, pa.StructArray]]:
        """(name, kind, ``struct<bytes, path>`` of all rows) of each column; rows without are null."""
        for name, column in self._columns.items():
            lengths = np.zeros(rows, np.int64)
            places = np.array(column.rows, np.int64)
            lengths[places] = np.diff(np.array([0, *column.ends], np.int64))
            offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
            gone = np.ones(rows, dtype=bool)
            gone[places] = False
            gone[list(self._left_out)] = True
            paths: list[str | None] = [None] * rows
            for place, path in zip(column.rows, column.names):
                paths[place] = path
            valid = pa.py_buffer(np.packbits(~gone, bitorder="little").tobytes())
            buffers = [valid, pa.py_buffer(offsets), _content(column.file)]
            contents = pa.Array.from_buffers(pa.large_binary(), rows, buffers)
            mask = pa.array(gone)
            yield (
                name,
                column.kind,
                pa.StructArray.from_arrays([contents, pa.array(paths, pa.string())], ["bytes", "path"], mask=mask),
            )


def _content(file: IO[bytes]) -> pa.Buffer:
    """What was written; mapped where it stands in a file."""
    with file:
        file.flush()
        if getattr(file, "_rolled", True):
            return pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))  # it keeps a handle of its own
        file.seek(0)
        return pa.py_buffer(file.read())
