"""Findings without what the table says again, for the cache: ids left out, repeated texts once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curate.findings import SCHEMA, Findings
from curate.table import Table

DICTIONARY = ("check", "issue", "suggested_label", "reason")


def packed(findings: Findings, table: Table) -> pa.Table | None:
    """The lines of findings; None where a finding's id is not that of its row."""
    lines = findings.table
    if not _ids_of_rows(lines["row"], lines["row_id"], pa.array(table.row_ids, pa.string())):
        return None
    lines = lines.drop_columns("row_id")
    for name in DICTIONARY:
        lines = lines.set_column(lines.column_names.index(name), name, _encoded(lines[name]))
    return lines.combine_chunks()


def _ids_of_rows(rows: pa.ChunkedArray, ids: pa.ChunkedArray, known: pa.Array) -> bool:
    """Whether each id is that of its row, by the (n,) known ones; issues about the same rows are looked at once."""
    if [*map(len, rows.chunks)] != [*map(len, ids.chunks)]:
        rows, ids = (pa.chunked_array([column.combine_chunks()], column.type) for column in (rows, ids))
    parts = {(*_place(row), *_place(own)): (row, own) for row, own in zip(rows.chunks, ids.chunks, strict=True)}
    return all(pc.all(pc.equal(known.take(row), own), min_count=0).as_py() for row, own in parts.values())


def _encoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same as codes of its different values; what stands in several chunks of one memory is looked at once."""
    parts: dict[tuple[int, ...], pa.DictionaryArray] = {}
    for chunk in column.chunks:
        place = _place(chunk)
        if place not in parts:
            parts[place] = chunk.dictionary_encode()
    chunks = [parts[_place(chunk)] for chunk in column.chunks]
    return pa.chunked_array(chunks, pa.dictionary(pa.int32(), column.type)).unify_dictionaries()


def _place(array: pa.Array) -> tuple[int, ...]:
    """Where an array lies in memory."""
    return array.offset, len(array), *(0 if buffer is None else buffer.address for buffer in array.buffers())


def unpacked(lines: pa.Table, learned: Mapping[str, Any], table: Table) -> Findings:
    """What `packed` was given, of the same table."""
    ids = pa.chunked_array([pa.array(table.row_ids, pa.string())]).take(lines["row"])
    lines = lines.append_column("row_id", ids)
    columns = [lines[name].cast(SCHEMA.field(name).type) for name in SCHEMA.names]
    return Findings(pa.table(columns, schema=SCHEMA), learned)


def arrow_file(lines: pa.Table) -> pa.Buffer:
    """A table as an Arrow file, compressed."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, lines.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(lines)
    return sink.getvalue()
