"""Rows as Arrow, in a file that is mapped or in memory, which `datasets` opens only once it is asked to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curate.arrow import places
from curate.errors import DataError

if TYPE_CHECKING:
    import datasets


@dataclass(frozen=True)
class Stored:
    """Rows in an Arrow stream file that `datasets` can open, mapped into memory without importing that library.

    Once mapped they stay what they are, also where the file is replaced (never where it is cut short in place).

    Attributes:
        path: the file.
        columns: that are read of it, None for all.
        stamp: size and time of change that it must have, None for any; what was mapped is known by it elsewhere.
    """

    path: Path
    columns: tuple[str, ...] | None = None
    stamp: tuple[int, int] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return self.mapped.num_rows

    def __getstate__(self) -> dict[str, Any]:
        """What another process maps it by."""
        stamp = self._file[1] if "_file" in vars(self) else self.stamp
        return {"path": self.path, "columns": self.columns, "stamp": stamp}

    def of_columns(self, columns: Sequence[str]) -> Stored:
        """The same rows, of these columns alone."""
        found = replace(self, columns=tuple(columns))
        vars(found)["_file"] = self._file
        return found

    @cached_property
    def _file(self) -> tuple[pa.Table, tuple[int, int]]:
        """What the file holds, and its stamp."""
        with pa.memory_map(str(self.path)) as file:
            about = os.fstat(file.fileno())
            stamp = about.st_size, about.st_mtime_ns
            if self.stamp not in (None, stamp):
                raise DataError(f"{self.path}: it was replaced since it was opened; open it again")
            return pa.ipc.open_stream(file).read_all(), stamp

    @cached_property
    def mapped(self) -> pa.Table:
        """All rows; nothing is read before it is used. Raises DataError where the file has another stamp."""
        # The features that `datasets` notes in the schema are not for those who use the columns as Arrow.
        whole = self._file[0].replace_schema_metadata(None)
        return whole if self.columns is None else whole.select(list(self.columns))

    @cached_property
    def _blocks(self) -> tuple[list[pa.RecordBatch], np.ndarray]:
        """The parts that the file was written in, and where each begins."""
        blocks = self.mapped.to_batches()
        return blocks, np.cumsum([0, *(block.num_rows for block in blocks)])

    def take(self, rows: np.ndarray, columns: Sequence[str] | None = None) -> pa.Table:
        """Some rows, in the given order. Raises IndexError for a row that is not there."""
        # Block by block: the whole column would be copied into one piece before rows are taken of it.
        blocks, begins = self._blocks
        rows = np.asarray(rows, np.int64)
        if len(rows) and not 0 <= rows.min() <= rows.max() < begins[-1]:
            raise IndexError(f"{self.path}: no row {rows.min() if rows.min() < 0 else rows.max()}")
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        ends = np.searchsorted(ascending, begins)
        parts = [
            (block if columns is None else block.select(list(columns))).take(places(ascending[start:end] - begin))
            for block, begin, start, end in zip(blocks, begins, ends, ends[1:])
            if end > start
        ]
        wanted = self.mapped if columns is None else self.mapped.select(list(columns))
        found = pa.Table.from_batches(parts, wanted.schema)
        if (order[1:] > order[:-1]).all():
            return found
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return found.take(places(back))

    def dataset(self) -> datasets.Dataset:
        """All columns, as `datasets` opens the file."""
        from datasets import Dataset
        from datasets.table import MemoryMappedTable

        return Dataset(MemoryMappedTable(self._file[0], str(self.path)))


@dataclass(frozen=True)
class Held:
    """Rows in memory that `datasets` can open, without importing that library before they are.

    Attributes:
        mapped: all rows.
        media: column -> ``image``, ``audio`` or ``video``, for columns that hold encoded files.
        fingerprint: that `datasets` knows the rows by.
    """

    mapped: pa.Table
    media: Mapping[str, str]
    fingerprint: str

    def __len__(self) -> int:
        """Number of rows."""
        return self.mapped.num_rows

    def take(self, rows: np.ndarray, columns: Sequence[str] | None = None) -> pa.Table:
        """Some rows, in the given order. Raises IndexError for a row that is not there."""
        wanted = self.mapped if columns is None else self.mapped.select(list(columns))
        return wanted.take(pa.array(np.asarray(rows, np.int64)))

    def dataset(self) -> datasets.Dataset:
        """The rows as a `datasets.Dataset` that decodes nothing."""
        from datasets import Audio, Dataset, DatasetInfo, Features, Image, Video
        from datasets.table import InMemoryTable

        features = Features.from_arrow_schema(self.mapped.schema)
        kinds: dict[str, Any] = {
            "image": Image(decode=False), "audio": Audio(decode=False), "video": Video(decode=False)
        }  # fmt: skip
        for name, role in self.media.items():
            if self.mapped.schema.field(name).type == kinds[role].pa_type:
                features[name] = kinds[role]
        info = DatasetInfo(features=features)
        return Dataset(InMemoryTable(self.mapped), info=info, fingerprint=self.fingerprint)
