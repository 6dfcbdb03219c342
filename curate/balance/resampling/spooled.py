"""A table that is written block by block: in memory while it is small, then in a file that is mapped."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from curate.storage import storing

IN_MEMORY = 32_000_000
"""Bytes up to which no file is written."""


def spooled(batches: Iterable[pa.RecordBatch], schema: pa.Schema, in_memory: int = IN_MEMORY) -> pa.Table:
    """All batches as one table; where they are large, one that stands behind a file of the temporary folder.

    Args:
        batches: blocks of rows, taken one at a time.
        schema: theirs.
        in_memory: bytes up to which they are kept in memory.

    Raises:
        StorageError: there is no room for the file.
    """
    kept: list[pa.RecordBatch] = []
    size, source = 0, iter(batches)
    for batch in source:
        kept.append(batch)
        size += batch.nbytes
        if size > in_memory:
            break
    else:
        return pa.Table.from_batches(kept, schema)
    handle, name = tempfile.mkstemp(prefix="curate-made-", suffix=".arrow")
    os.close(handle)
    try:
        with storing(Path(name), temporary=True), pa.OSFile(name, "wb") as sink, pa.ipc.new_stream(sink, schema) as out:
            for batch in kept:
                out.write_batch(batch)
            del kept, batch
            for batch in source:
                out.write_batch(batch)
        with pa.memory_map(name) as file:
            return pa.ipc.open_stream(file).read_all()
    finally:
        Path(name).unlink(missing_ok=True)  # the mapping holds the content for as long as it is used
