"""Media columns with new content, made block by block: never more of it in memory than a few blocks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.media.item import DecodeError
from curate.media.payload import UnreadablePayload, read_bytes
from curate.storage import storing
from curate.table import PROBLEMS, Table

MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
BLOCK = 32
"""Rows that are in memory at a time, with what is made of them."""

Parts = Sequence[Mapping[str, Any]]
"""What one row becomes: values for each of its parts, media as encoded bytes."""


@dataclass(frozen=True)
class Rewritten:
    """The new content of all rows.

    Attributes:
        columns: column -> m values in the order of rows and parts; memory-mapped.
        counts: (n,) int64, parts of each row; they sum to m.
        failures: row -> why it could not be read; it is its own only part, as it was.
    """

    columns: dict[str, pa.ChunkedArray]
    counts: np.ndarray
    failures: dict[int, str]


def rewrite(
    table: Table,
    columns: Sequence[str],
    schema: pa.Schema,
    change: Callable[[int, Mapping[str, bytes]], Parts | None],
) -> Rewritten:
    """Read media of every row, change it, and write it to a file that stands behind the new columns.

    Args:
        table: the rows.
        columns: media columns that are read; a row in which the first is missing stays as it is.
        schema: of what `change` gives: a subset of `columns` as `MEDIA`, and others of any type.
        change: called with the row's number and its encoded bytes by column, in several threads at once; gives the
            parts that the row becomes, None to leave it as it is. What it raises as DecodeError is the row's failure.

    Raises:
        StorageError: there is no room for the file.
    """
    given = {name: table.column(name) for name in columns}
    others = {f.name: table.column(f.name) for f in schema if f.name in table.dataset.column_names}
    counts, failures = np.ones(len(table), dtype=np.int64), {}
    handle, name = tempfile.mkstemp(prefix="curate-media-", suffix=".arrow")
    os.close(handle)
    path = Path(name)
    try:
        with (
            storing(path, temporary=True),
            pa.OSFile(name, "wb") as sink,
            pa.ipc.new_stream(sink, schema) as out,
            ThreadPoolExecutor() as pool,
        ):
            for start in range(0, len(table), BLOCK):
                rows = range(start, min(start + BLOCK, len(table)))
                block = {name: column.slice(start, len(rows)).to_pylist() for name, column in given.items()}
                made = list(pool.map(_one(table, block, change, start), rows))
                lines: list[dict[str, Any]] = []
                for row, (parts, failure) in zip(rows, made):
                    if failure:
                        failures[row] = failure
                    if parts is None:
                        lines.append({name: column[row].as_py() for name, column in others.items()})
                    else:
                        counts[row] = len(parts)
                        lines += [{name: _media(value) for name, value in part.items()} for part in parts]
                out.write_batch(pa.RecordBatch.from_pylist(lines, schema))
        with pa.memory_map(name) as file:
            mapped = pa.ipc.open_stream(file).read_all()
    finally:
        path.unlink(missing_ok=True)  # the mapping holds the content for as long as it is used
    return Rewritten({field.name: mapped[field.name] for field in schema}, counts, failures)


def _one(
    table: Table,
    block: Mapping[str, list[Any]],
    change: Callable[[int, Mapping[str, bytes]], Parts | None],
    start: int,
) -> Callable[[int], tuple[Parts | None, str]]:
    """What becomes of a row: its parts (None where it stays), and why it could not be read."""

    def one(row: int) -> tuple[Parts | None, str]:
        values = {name: column[row - start] for name, column in block.items()}
        first = next(iter(values.values()))
        if table.unreadable[row] or first is None or (first["bytes"] is None and first["path"] is None):
            return None, ""
        try:
            given = {name: read_bytes(value, table.root) for name, value in values.items() if value is not None}
            return change(row, given), ""
        except (DecodeError, UnreadablePayload) as error:
            return None, str(error)

    return one


def _media(value: Any) -> Any:
    return {"bytes": value, "path": None} if isinstance(value, bytes) else value


def with_failures(table: Table, failures: Mapping[int, str]) -> Table:
    """The table with rows that could not be read among its problems; `failures` are by its own positions."""
    if not failures:
        return table
    rows = sorted(failures)
    found = [rows, ["unreadable"] * len(rows), [failures[row] for row in rows]]
    more = pa.table([pa.array(values, field.type) for values, field in zip(found, PROBLEMS)], schema=PROBLEMS)
    return replace(table, problems=pa.concat_tables([table.problems, more]))
