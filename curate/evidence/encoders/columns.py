"""Columns of vectors, numbers and text as arrays, in the order in which rows are asked for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.evidence.encoders.vectors import unit
from curate.evidence.vector_rows import VectorRows
from curate.table import Table

BLOCK_ROWS = 8_192


def texts(table: Table, name: str, rows: np.ndarray) -> list[str]:
    """Texts of a column; "" where missing."""
    column = table.column(name).combine_chunks()
    return pc.fill_null(column.cast(pa.string()), "").take(pa.array(rows)).to_pylist()


def vectors(table: Table, name: str, rows: np.ndarray, width: int | None = None) -> np.ndarray:
    """(len(rows), d) float64 of a column with a list of numbers per row, or a number.

    NaN in rows that are null or of another length.

    Args:
        table: the table.
        name: of the column.
        rows: positions.
        width: d, if it is known; else the most frequent length.

    Raises:
        DataError: the column is no column of vectors, or none of its rows is `width` long.

    Peak memory: the result, and one block.
    """
    column = table.column(name)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        numbers = pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy()
        return numbers[rows, None]
    found = vector_rows(table, name, width)
    result = np.empty((len(rows), found.shape[1]))
    for begin in range(0, len(rows), BLOCK_ROWS):
        result[begin : begin + BLOCK_ROWS] = found[rows[begin : begin + BLOCK_ROWS]]
    return result


def unit_vectors(table: Table, name: str) -> np.ndarray:
    """(n, d) float32 of a column with a list of numbers per row, or a number, brought to length 1.

    NaN in rows that are null, of another length than most, or of no length. Raises as `vectors`.

    Peak memory: the result, and one block.
    """
    kind = table.column(name).type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return unit(vectors(table, name, np.arange(len(table))))
    found = vector_rows(table, name)
    result = np.empty(found.shape, dtype=np.float32)
    for begin in range(0, len(found), BLOCK_ROWS):
        result[begin : begin + BLOCK_ROWS] = unit(found[begin : begin + BLOCK_ROWS])
    return result


def vector_rows(table: Table, name: str, width: int | None = None) -> VectorRows:
    """A column with a list of numbers per row, to be read block by block; as `vectors` in all else.

    Raises:
        DataError: as in `vectors`, and where the column holds one number per row.
    """
    column = table.column(name)
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column, kind = column.cast(kind.storage_type), kind.storage_type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise DataError(
            f"{table.source}: the column {name!r} holds {kind}, where a vector of numbers per row is needed"
        )
    counts = lengths(column)  # of rows by length, empty ones not among them
    if width is None:
        width = int(counts.argmax()) if counts.any() else 1
    elif counts.any() and (width >= len(counts) or not counts[width]):
        raise DataError(
            f"{table.source}: the vectors in column {name!r} have {counts.argmax()} numbers, where {width} are needed"
        )
    return VectorRows(column, width)


def lengths(column: pa.ChunkedArray) -> np.ndarray:
    """(longest + 1,) int64: how many lists of a column have each length; none are counted of length 0."""
    counts = np.zeros(1, dtype=np.int64)
    for chunk in column.chunks:
        if pa.types.is_fixed_size_list(chunk.type):
            found = np.zeros(chunk.type.list_size + 1, dtype=np.int64)
            found[-1] = len(chunk) - chunk.null_count
        else:
            found = np.bincount(pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False))
        longer, shorter = (found, counts) if len(found) > len(counts) else (counts, found)
        counts = longer.astype(np.int64)
        counts[: len(shorter)] += shorter
    counts[0] = 0
    return counts
