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
    lines = findings.table.combine_chunks()
    ids = pa.array(table.row_ids, pa.string()).take(lines["row"].combine_chunks())
    if not pc.all(pc.equal(ids, lines["row_id"].combine_chunks()), min_count=0).as_py():
        return None
    lines = lines.drop_columns("row_id")
    for name in DICTIONARY:
        lines = lines.set_column(lines.column_names.index(name), name, lines[name].combine_chunks().dictionary_encode())
    return lines


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
