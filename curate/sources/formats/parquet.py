"""Parquet, Arrow and Feather files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa

from curate.errors import DataError
from curate.sources.raw import Raw


def read_arrow(path: Path, *, source: str | None = None) -> Raw:
    """Read one Parquet, Arrow or Feather file.

    Raises:
        DataError: the file can't be read, or has no rows.
    """
    name = source or path.name
    try:
        columns = _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _arrow(path)
    except (pa.ArrowException, OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise DataError(f"{name}: can't be read as {path.suffix.lower().lstrip('.') or 'Arrow'}: {why}") from error
    twice = sorted(name for name, count in Counter(columns.column_names).items() if count > 1)
    if twice:
        raise DataError(f"{name}: there are several columns {', '.join(map(repr, twice))}; names must differ")
    if not columns.num_rows:
        raise DataError(f"{name}: there are no rows")
    return from_arrow(columns, name, path.parent)


def _parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, memory_map=True).read()


def _arrow(path: Path) -> pa.Table:
    """The file format (Feather 2 too), or the stream format in which `datasets` writes its shards."""
    with pa.memory_map(str(path)) as source:
        try:
            return pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            return pa.ipc.open_stream(source).read_all()


def from_arrow(columns: pa.Table, source: str, root: Path | None) -> Raw:
    """Arrow columns, with the classes and media that `datasets` may have noted in the schema."""
    from curate.sources.formats.hub import with_features

    raw = Raw(columns, source, root=root, bases=(root,) if root else ())
    if columns.schema.metadata and b"huggingface" in columns.schema.metadata:
        from datasets import Features

        try:
            features = Features.from_arrow_schema(columns.schema)
        except (ValueError, KeyError, TypeError) as error:
            note = f"{source}: what the datasets library noted in the file can't be understood ({error}); passed over"
            return Raw(columns, source, root=root, bases=raw.bases, notes=(note,))
        return with_features(raw, features)
    return raw
