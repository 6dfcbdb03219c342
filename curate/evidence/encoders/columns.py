"""Columns of vectors, numbers and text as arrays, in the order in which rows are asked for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.table import Table


def texts(table: Table, name: str, rows: np.ndarray) -> list[str]:
    """Texts of a column; "" where missing."""
    column = table.column(name).combine_chunks()
    return pc.fill_null(column.cast(pa.string()), "").take(pa.array(rows)).to_pylist()


def vectors(table: Table, name: str, rows: np.ndarray, width: int | None = None) -> np.ndarray:
    """(len(rows), d) float64 of a column with a list of numbers per row.

    NaN in rows that are null or of another length.

    Args:
        table: the table.
        name: of the column.
        rows: positions.
        width: d, if it is known; else the most frequent length.

    Raises:
        DataError: the column is no column of vectors, or none of its rows is `width` long.
    """
    column = table.column(name).combine_chunks()
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        if pa.types.is_floating(kind) or pa.types.is_integer(kind):
            numbers = pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)
            return numbers[rows, None]
        raise DataError(
            f"{table.source}: the column {name!r} holds {kind}, where a vector of numbers per row is needed"
        )
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    filled = lengths[lengths > 0]
    if width is None:
        width = int(np.bincount(filled).argmax()) if len(filled) else 1
    good = lengths == width
    if len(filled) and not good.any():
        raise DataError(
            f"{table.source}: the vectors in column {name!r} have {np.bincount(filled).argmax()} numbers, where {width}"
            " are needed"
        )
    result = np.full((len(lengths), width), np.nan)
    kept = column.filter(pa.array(good))
    flat = pc.fill_null(pc.list_flatten(kept).cast(pa.float64()), np.nan)
    result[good] = flat.to_numpy(zero_copy_only=False).reshape(-1, width)
    return result[rows]
