"""Data for other processes: an Arrow file that they map into memory, in place of a copy each."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from curate.arrow import places
from curate.storage import storing
from curate.stored import Stored
from curate.table import Table

if TYPE_CHECKING:
    import datasets

BLOCK_ROWS = 1000
CONTENT = "curate: content"
"""Column of rows with the hashes of their content, beside a column of files that are all of it."""


class Spilled:
    """An Arrow table that goes to other processes as the path of a file, once it was spilled."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table.combine_chunks()
        self._file: Path | None = None

    def take(self, positions: np.ndarray) -> pa.Table:
        """Some lines, in the given order."""
        return self.table.take(places(positions))

    def spill(self, file: Path) -> None:
        """Write the file that pickles of this object will name. Raises StorageError."""
        self._file = file
        with (
            storing(self._file, temporary=True),
            pa.OSFile(str(self._file), "wb") as sink,
            pa.ipc.new_file(sink, self.table.schema) as writer,
        ):
            writer.write_table(self.table)

    def __getstate__(self) -> dict[str, Any]:
        """The path where there is one, else the table."""
        return {"table": None, "_file": self._file} if self._file is not None else self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Map the file."""
        self.__dict__ |= state
        if self.table is None:
            self.table = pa.ipc.open_file(pa.memory_map(str(self._file))).read_all()


class Rows(Protocol):
    """Rows of a table, taken as Arrow."""

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def take(self, rows: np.ndarray) -> pa.Table:
        """Some rows, in the given order."""
        ...


@dataclass(frozen=True)
class Opened:
    """Rows of a `datasets.Dataset` in Arrow format."""

    dataset: datasets.Dataset

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.dataset)

    def take(self, rows: np.ndarray) -> pa.Table:
        """Some rows, in the given order."""
        arrow: Any = self.dataset
        return arrow[rows.tolist()]


def rows_of(table: Table, columns: Sequence[str]) -> Rows:
    """Columns of a table; from its file, where it has one."""
    if table.stored is not None:
        return table.stored.of_columns(columns)
    return Opened(table.dataset.select_columns(list(columns)).with_format("arrow"))


def content_of(table: Table) -> Spilled | None:
    """`CONTENT` of the rows where it is a file alone, masks and boxes beside it aside; else None."""
    if table.task.modalities not in (("image",), ("audio",), ("video",)):
        return None
    hashes = pa.py_buffer(np.ascontiguousarray(table.content))
    return Spilled(pa.table({CONTENT: pa.Array.from_buffers(pa.binary(16), len(table), [None, hashes])}))


def spill_rows(rows: Rows, folder: Path) -> Rows:
    """The same rows in a memory-mapped file; rows that are mapped from files already stay. Raises StorageError."""
    if not isinstance(rows, Opened):
        return rows
    from datasets.table import MemoryMappedTable

    blocks = getattr(rows.dataset.data, "blocks", None)
    parts = [rows.dataset.data] if blocks is None else [part for row in blocks for part in row]
    if all(isinstance(part, MemoryMappedTable) for part in parts):
        return rows
    file = folder / "rows.arrow"
    arrow: Any = rows.dataset
    with (
        storing(file, temporary=True),
        pa.OSFile(str(file), "wb") as sink,
        pa.ipc.new_stream(sink, arrow[:0].schema) as writer,
    ):
        for start in range(0, len(rows), BLOCK_ROWS):
            writer.write_table(arrow[start : start + BLOCK_ROWS])
    return Stored(file)


def spill_folder(owner: object) -> Path:
    """A temporary folder that goes when `owner` does."""
    folder = Path(tempfile.mkdtemp(prefix="curate-feed-"))
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return folder
