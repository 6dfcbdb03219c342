"""Columns of a table as arrays, and a table with some columns replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError, nearest
from curate.media.content import input_columns, rehash
from curate.table import Table


def replaced(table: Table, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> Table:
    """The table with new values in some columns, same rows and ids; content hashed anew where inputs changed."""
    import datasets
    from datasets.table import InMemoryTable

    old = table.dataset
    changed = {name: values for name, values in columns.items() if not _same(table.column(name), values)}
    if not changed:
        return table
    # Columns side by side need one order of rows; through Arrow nothing is written to disk for it.
    rows: pa.Table = old.data.table if old._indices is None else old.with_format("arrow")[:]
    features = old.features.copy()
    for name, values in changed.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, values)
        features[name] = datasets.Features.from_arrow_schema(pa.schema([(name, values.type)]))[name]
    dataset = datasets.Dataset(
        InMemoryTable(rows.replace_schema_metadata(None)), info=datasets.DatasetInfo(features=features)
    )
    inputs = set(input_columns(table.task))
    content = rehash(table, dataset) if inputs & set(changed) else table.content
    return replace(table, dataset=dataset, content=content)


def _same(old: pa.ChunkedArray, new: pa.Array | pa.ChunkedArray) -> bool:
    new = new if isinstance(new, pa.ChunkedArray) else pa.chunked_array([new])
    return old.type == new.type and old.equals(new)


def checked(table: Table, names: Iterable[str], step: str) -> tuple[str, ...]:
    """The names, if the table has all of them. Raises DataError with the nearest name."""
    names = tuple(names)
    for name in names:
        if name not in table.dataset.column_names:
            known = table.dataset.column_names
            raise DataError(f"{step}: {table.source} has no column {name!r}{nearest(name, known)}; it has {known}")
    return names


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of that type holds numbers (yes and no are categories)."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def is_category(kind: pa.DataType) -> bool:
    """Whether a column of that type holds names, or yes and no."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind)


def is_vector(kind: pa.DataType) -> bool:
    """Whether a column of that type holds lists of numbers."""
    return (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)) and is_number(
        kind.value_type
    )


def numbers(table: Table, name: str) -> np.ndarray:
    """(n,) float64 values of a column of numbers, NaN where missing."""
    return pc.cast(table.column(name), pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)


def vectors(table: Table, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) float64 values of a column of vectors with NaN where missing, and (n,) bool rows that have a vector.

    Raises:
        DataError: the vectors differ in length; names the first row that does.
    """
    column = table.column(name).combine_chunks()
    present = column.is_valid().to_numpy(zero_copy_only=False)
    if not present.any():
        return np.empty((len(column), 0)), present
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    length = int(np.bincount(lengths[present]).argmax())
    if (odd := present & (lengths != length)).any():
        row = int(np.flatnonzero(odd)[0])
        raise DataError(
            f"column {name!r}: row {table.row_ids[row]} has {lengths[row]} numbers, most have {length}; vectors must be"
            " of one length"
        )
    values = np.full((len(column), length), np.nan)
    flat = pc.cast(pc.list_flatten(column), pa.float64()).to_numpy(zero_copy_only=False)
    values[present] = flat.reshape(int(present.sum()), length)
    return values, present


def vector_column(values: np.ndarray, present: np.ndarray) -> pa.Array:
    """A column of lists of float32, from (n, d) values; null in rows that have no vector."""
    n, d = values.shape
    offsets = np.arange(n + 1, dtype=np.int32) * d
    flat = pa.array(values.astype(np.float32).ravel())
    lists = pa.ListArray.from_arrays(pa.array(offsets), flat)
    return pc.if_else(pa.array(present), lists, pa.nulls(n, lists.type)) if not present.all() else lists


def learnable(table: Table) -> np.ndarray:
    """(n,) bool: training rows that can be read, the only ones that anything is learned from."""
    return table.training & ~table.unreadable
