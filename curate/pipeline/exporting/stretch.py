"""Lines of the plan on their way to another machine, with their rows or by the file that these stand in."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from curate.engines.engine import Piece
from curate.errors import CurateError, DataError, StorageError
from curate.evidence.parcels import Content, InFile
from curate.media.payload import UnreadablePayload
from curate.pipeline.exporting.reading import CONTENT, Reading, changed, size
from curate.table import Table

COLUMNS = ("row", "row_id", "label", "soft_label", "weight", "origin", "draws", CONTENT)


@dataclass(frozen=True)
class Stretch(Piece):
    """Some lines of the plan on their way.

    Attributes:
        name: of the shard that they make, or what they are called in messages.
        parts: the lines.
        rows: where the other machine finds their rows.
        first: number of the first line.
        gone: row id -> reason, of rows whose files can't be read here either; None where nobody has looked.
        table: of the rows; stays behind.
    """

    name: str
    parts: tuple[pa.Table, ...]
    rows: InFile | Content
    first: int = 0
    gone: Mapping[str, str] | None = None
    table: Table | None = None

    @classmethod
    def of(cls, name: str, table: Table, parts: Sequence[pa.Table], **more: Any) -> Stretch:
        """Lines whose rows stand in a table; cut out of the plan, or all of that would travel with them."""
        own = [part.select(list(COLUMNS)).take(pa.array(np.arange(len(part)))) for part in parts]
        rows = InFile.of(table, table.column_names) or _content(table, own)
        return cls(name, tuple(own), rows, table=table, **more)

    def __getstate__(self) -> dict[str, Any]:
        """What travels."""
        return {**vars(self), "table": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """On the other machine."""
        vars(self).update(state)

    def fetch(self, positions: np.ndarray) -> pa.Table:
        """The rows at some positions of the table. Raises Absent."""
        return self.rows[positions.tolist()]

    def carried(self) -> list[Piece]:
        """The same with the rows, and with what can't be read here; media files must be where they are named."""
        table = self.table
        if table is None:
            return []
        rows = _content(table, self.parts)
        gone = _unreadable_here(table, self.parts) if self.gone is None else self.gone
        return [replace(self, rows=rows, gone=gone, table=None)]

    def lost(self, why: str) -> Any:
        """There is nothing to put in its place."""
        raise StorageError(f"{self.name} could not be exported by the Ray cluster: {why.replace('this row', 'it')}")


def _content(table: Table, parts: Sequence[pa.Table]) -> Content:
    positions = np.unique(np.concatenate([np.zeros(0, np.int64), *(part["row"].to_numpy() for part in parts)]))
    # Taken out, or the blocks of memory that they stand in would travel.
    return Content(positions, table.rows(positions).take(pa.array(np.arange(len(positions)))))


def _unreadable_here(table: Table, parts: Sequence[pa.Table]) -> dict[str, str]:
    reading = Reading(table.task, table.root, tuple(table.column_names), pa.schema([]))
    gone: dict[str, str] = {}
    for part in parts:
        rows = table.rows(part["row"].to_numpy(), list(reading.media))
        for row_id, values in zip(part["row_id"].to_pylist(), reading.values(rows)):
            try:
                for value in values:
                    size(value, table.root)
            except UnreadablePayload as error:
                gone[row_id] = str(error)
    return gone


def unseen(reading: Reading, error: BaseException) -> CurateError:
    """What is raised where another machine lacks a file that is here; the error itself where the file has changed."""
    if changed(error):
        return DataError(f"{error}; on a cluster such rows are not skipped: take --engine local for that")
    return StorageError(
        f"{error} on {socket.gethostname()}, a node of the cluster, though it can be read here: all nodes must have the"
        f" data under {reading.root}, as on a file system that they share (--engine local needs none)"
    )
