"""Columns of text that hold numbers become numbers, if nothing is lost by it."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

INTEGER = r"^(0|-?[1-9][0-9]{0,17})$"
FLOAT = r"^-?(0|[1-9][0-9]{0,17})?(\.[0-9]+|\.)?([eE][+-]?[0-9]{1,3})?$"
SAMPLE = 1000


def with_numbers(table: pa.Table, keep: Collection[str] = (), *, whole: bool = False) -> pa.Table:
    """Columns whose every value is a number become int64 or, unless `whole`, float64; those in `keep` stay text.

    A leading zero or plus (zip codes, phone numbers) keeps a column text, and so do words.
    """
    columns = [c if name in keep else numbers(c, whole=whole) for name, c in zip(table.column_names, table.columns)]
    return pa.table(columns, names=table.column_names)


def numbers(column: pa.ChunkedArray, *, whole: bool = False) -> pa.ChunkedArray:
    """One column of text as numbers where every value is one, a whole one if `whole`, else as it was."""
    if not is_text(column.type):
        return column
    head = column.slice(0, SAMPLE).drop_null()
    for pattern, kind in ((INTEGER, pa.int64()), *(() if whole else ((FLOAT, pa.float64()),))):
        for part in (head, column):
            matches = pc.all(pc.match_substring_regex(part, pattern)).as_py()
            if matches is False or (matches is None and part is column):
                break
        else:
            if pattern == FLOAT and pc.any(pc.is_in(column, value_set=pa.array(["", ".", "-", "-."], column.type))):
                bare = pc.any(pc.invert(pc.match_substring_regex(column, "[0-9]"))).as_py()
                if bare:
                    return column
            try:
                return column.cast(kind)
            except pa.ArrowInvalid:
                return column
    return column


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column in a type that a `datasets.Dataset` can hold: no dictionaries, views or extension types."""
    kind = column.type
    if isinstance(kind, pa.ExtensionType):
        chunks = [chunk.storage for chunk in column.chunks]
        return plain(pa.chunked_array(chunks, kind.storage_type))
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if kind == pa.string_view():
        return column.cast(pa.large_string())
    if kind == pa.binary_view():
        return column.cast(pa.large_binary())
    return column


def is_text(kind: pa.DataType) -> bool:
    """Whether values are strings."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def is_number(kind: pa.DataType) -> bool:
    """Whether values are numbers (yes and no are categories)."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def is_list(kind: pa.DataType) -> bool:
    """Whether values are lists."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
