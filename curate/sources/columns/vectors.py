"""Columns of vectors and of time series in one form: float32, vectors of one length."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.sources.columns.column_types import is_list, is_text
from curate.sources.columns.magnitudes import LARGEST
from curate.wording import counted


def as_vectors(column: pa.ChunkedArray, name: str, source: str) -> tuple[pa.ChunkedArray, dict[int, str]]:
    """Lists as ``fixed_size_list<float32>[d]``; a row of another length is null, with the reason.

    d is the length that most rows have that are not empty.

    Raises:
        DataError: the lists hold no numbers, or are all empty.
    """
    array = column.combine_chunks()
    if pa.types.is_fixed_size_list(array.type) and not array.null_count:
        size, flat = array.type.list_size, array.flatten()
        return pa.chunked_array([pa.FixedSizeListArray.from_arrays(_floats(flat, name, source), size)]), {}
    array = array.cast(pa.list_(array.type.value_type))
    lengths = pc.fill_null(pc.list_value_length(array), -1).to_numpy(zero_copy_only=False)
    known = lengths[lengths >= 0]
    if not known.size or not known.max():
        raise DataError(f"{source}: the column {name!r} holds no vectors")
    size = int(np.bincount(known[known > 0]).argmax())
    wrong = {int(row): f"{counted(int(lengths[row]), 'number')}, where most rows have {size}"
             for row in np.flatnonzero((lengths >= 0) & (lengths != size))}  # fmt: skip
    good = lengths == size
    flat = _floats(array.filter(pa.array(good)).flatten(), name, source).to_numpy(zero_copy_only=False)
    values = np.zeros((len(array), size), np.float32)
    values[good] = flat.reshape(-1, size)
    mask = None if good.all() else pa.array(~good)
    return pa.chunked_array([pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), size, mask=mask)]), wrong


def as_series(column: pa.ChunkedArray, name: str, source: str) -> pa.ChunkedArray:
    """Lists (length) or lists of lists (channels x length) as lists of float32; lengths may differ.

    Raises:
        DataError: the values are no lists of numbers.
    """
    if not is_list(column.type):
        held = (
            "of text: JSON lines, Parquet and NPZ hold lists" if is_text(column.type) else f"of the type {column.type}"
        )
        raise DataError(f"{source}: a series is a list of numbers, and the column {name!r} is {held}")
    nested = is_list(column.type.value_type)
    target = pa.list_(pa.list_(pa.float32())) if nested else pa.list_(pa.float32())
    try:
        return column.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{source}: the column {name!r} is no series of numbers: {error}") from error


def _floats(values: pa.Array, name: str, source: str) -> pa.Array:
    try:
        return pc.fill_null(values.cast(pa.float32(), safe=False), float("nan"))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{source}: the column {name!r} is no list of numbers: {error}") from error


def vector_column(values: np.ndarray) -> pa.Array:
    """(n, d) numbers -> ``fixed_size_list<float32>[d]``; of float64 where one is too large for that."""
    flat = pa.array(_narrowed(values).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def series_column(values: np.ndarray) -> pa.Array:
    """(n, t) or (n, c, t) numbers -> lists, or lists of lists, of float32; of float64 as in `vector_column`."""
    flat = pa.array(_narrowed(values).ravel())
    n, length = values.shape[0], values.shape[-1]
    inner = values.size // length if length else 0
    lists = pa.ListArray.from_arrays(pa.array(np.arange(inner + 1, dtype=np.int32) * length), flat)
    if values.ndim == 2:
        return lists
    return pa.ListArray.from_arrays(pa.array(np.arange(n + 1, dtype=np.int32) * values.shape[1]), lists)


def _narrowed(values: np.ndarray) -> np.ndarray:
    """As float32, unless finite numbers would become infinite: who names the roles of columns tells of these."""
    wide = values.dtype.kind == "f" and values.dtype.itemsize > 4 and values.size
    ends = (np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)) if wide else ()
    too_large = any(abs(end) > LARGEST for end in ends)
    return np.ascontiguousarray(values, dtype=np.float64 if too_large else np.float32)
