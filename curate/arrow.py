"""Arrow columns to and from NumPy by their buffers, and rows as a dataset.

`pyarrow.array`, `pyarrow.scalar` and `to_numpy` look whether they were given something of pandas, for which pyarrow
imports it where it is installed: 25 MB in every process that only wants to read batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import datasets
    from datasets.table import Table


def values_of(column: pa.Array | pa.ChunkedArray, missing: Any = None) -> np.ndarray:
    """(n,) of a column of numbers, in its own type; a copy, except of a single chunk without nulls.

    Args:
        column: whole numbers or floats of any width.
        missing: what nulls become.

    Raises:
        ValueError: the column holds nulls, and `missing` is None.
        TypeError: it holds no numbers.
    """
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise TypeError(f"a column of numbers is expected, not of {column.type}")
    if column.null_count and missing is None:
        raise ValueError(f"the column holds {column.null_count} nulls")
    dtype = np.dtype(column.type.to_pandas_dtype())
    parts = [_chunk(chunk, dtype, missing) for chunk in _chunks(column) if len(chunk)]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def plain_values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values of a column; times that Python has no value for (beyond the year 9999, nanoseconds) as text."""
    try:
        return column.to_pylist()
    except (OverflowError, ValueError):
        if not pa.types.is_temporal(column.type):
            raise
        return column.cast(pa.string()).to_pylist()


def _chunk(chunk: pa.Array, dtype: np.dtype, missing: Any) -> np.ndarray:
    values = np.frombuffer(chunk.buffers()[1], dtype, chunk.offset + len(chunk))[chunk.offset :]
    if chunk.null_count:
        values = values.copy()
        values[~valid(chunk)] = missing
    return values


def valid(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(n,) bool: where a column of any type holds no null."""
    parts = [_valid(chunk) for chunk in _chunks(column)]
    return np.concatenate(parts) if parts else np.empty(0, bool)


def _valid(chunk: pa.Array) -> np.ndarray:
    n, bits = len(chunk), chunk.buffers()[0]
    if chunk.null_count == n:
        return np.zeros(n, bool)
    if not chunk.null_count or bits is None:
        return np.ones(n, bool)
    return truths(pa.Array.from_buffers(pa.bool_(), n, [None, bits], offset=chunk.offset))


def truths(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(n,) bool of a column of bool without nulls. Raises TypeError and ValueError for others."""
    if not pa.types.is_boolean(column.type):
        raise TypeError(f"a column of bool is expected, not of {column.type}")
    if column.null_count:
        raise ValueError(f"the column holds {column.null_count} nulls")
    parts = [
        np.unpackbits(np.frombuffer(chunk.buffers()[1], np.uint8), count=chunk.offset + len(chunk), bitorder="little")[
            chunk.offset :
        ].view(bool)
        for chunk in _chunks(column)
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.empty(0, bool)


def places(values: Sequence[int] | np.ndarray) -> pa.Array:
    """int64 array of whole numbers."""
    whole = np.ascontiguousarray(values, np.int64)
    return pa.Array.from_buffers(pa.int64(), len(whole), [None, pa.py_buffer(whole)])


def texts(values: Sequence[str]) -> pa.Array:
    """string array without nulls."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *(len(one) for one in encoded)])
    if ends[-1] > np.iinfo(np.int32).max:
        raise ValueError("texts of more than 2 GiB together")
    buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(k,) texts (`StringDType`) that differ, ascending, and the (n,) int64 place of each text among them.

    NumPy's unstable sort of texts, which `np.unique` takes for such places and for counts, ends the process where they
    ascend twice, as ids and those of copies do (NumPy 2.4); asked for first places, it sorts stably.
    """
    found, _, places = np.unique(values, return_index=True, return_inverse=True)
    return found, places.reshape(-1).astype(np.int64)


def among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(n,) bool: which of some texts (`StringDType`) are among others.

    `np.isin` would compare each with each.
    """
    there = set(known.tolist())
    return np.fromiter((value in there for value in values.tolist()), np.bool_, len(values))


def _chunks(column: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def dataset_of(rows: pa.Table | Table, features: datasets.Features) -> datasets.Dataset:
    """A dataset of rows in memory, under a name of chance: `datasets` would pickle and hash all of them for one."""
    from datasets import Dataset, DatasetInfo
    from datasets.fingerprint import generate_random_fingerprint
    from datasets.table import InMemoryTable

    held = InMemoryTable(rows) if isinstance(rows, pa.Table) else rows
    return Dataset(held, info=DatasetInfo(features=features), fingerprint=generate_random_fingerprint())
