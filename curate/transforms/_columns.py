"""Columns of a table as arrays, and a table with some columns replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import dataset_of
from curate.errors import DataError, nearest
from curate.media.content import input_columns, rehash
from curate.sources.columns.column_types import is_list, is_number
from curate.table import PROBLEMS, Table

if TYPE_CHECKING:
    import datasets

    from curate.task import Task


def replaced(table: Table, columns: Mapping[str, pa.Array | pa.ChunkedArray], task: Task | None = None) -> Table:
    """The table with new values in some columns, or new columns; same rows and ids.

    Content is hashed anew where inputs changed.

    Args:
        table: the rows.
        columns: column -> values of all rows.
        task: of the new table, where roles change.
    """
    task = table.task if task is None else task
    there = set(table.dataset.column_names)
    changed = {n: values for n, values in columns.items() if n not in there or not _same(table.column(n), values)}
    if not changed and task == table.task:
        return table
    dataset = with_columns(arrow_rows(table), table.dataset.features, changed)
    inputs = input_columns(task)
    same = inputs == input_columns(table.task) and not set(inputs) & set(changed)
    content = table.content if same else rehash(replace(table, task=task), dataset)
    return replace(table, dataset=dataset, content=content, task=task)


def text_column(table: Table, name: str, step: str) -> pa.ChunkedArray:
    """The texts of a column, one without any value as strings. Raises DataError where it holds something else."""
    column = table.column(name)
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise DataError(f"{step}: column {name!r} holds {column.type}, not text")
    return column


def arrow_rows(table: Table) -> pa.Table:
    """All rows in their order. Through Arrow nothing is written to disk for it."""
    old = table.dataset
    return old.data.table if old._indices is None else old.with_format("arrow")[:]


def with_columns(
    rows: pa.Table, features: datasets.Features, columns: Mapping[str, pa.Array | pa.ChunkedArray]
) -> datasets.Dataset:
    """A dataset of the rows with some columns replaced or added; the others keep their features."""
    import datasets

    features = features.copy()
    features.update(datasets.Features.from_arrow_schema(pa.schema([(n, values.type) for n, values in columns.items()])))
    rows = pa.table({**dict(zip(rows.column_names, rows.columns, strict=True)), **columns})
    return dataset_of(rows, features)


def _same(old: pa.ChunkedArray, new: pa.Array | pa.ChunkedArray) -> bool:
    new = new if isinstance(new, pa.ChunkedArray) else pa.chunked_array([new])
    return old.type == new.type and old.equals(new)


def noted(table: Table, *sentences: str) -> Table:
    """The table with more to say of it as a whole."""
    return replace(table, notes=(*table.notes, *sentences))


def unreadable_from_now(made: Table, failures: Mapping[int, str], before: Table) -> Table:
    """The table with rows that can't be read any more, and why; they keep the hash of what they were."""
    new = {row: why for row, why in sorted(failures.items()) if not before.unreadable[row]}
    if not new:
        return made
    content = made.content.copy()
    content[list(new)] = before.content[list(new)]
    lines = {"row": list(new), "issue": ["unreadable"] * len(new), "reason": list(new.values())}
    problems = pa.concat_tables([made.problems, pa.table(lines, schema=PROBLEMS)])
    order = pc.sort_indices(problems, sort_keys=[("row", "ascending")])
    return replace(made, content=content, problems=problems.take(order))


def checked(table: Table, names: Iterable[str], step: str) -> tuple[str, ...]:
    """The names, if the table has all of them. Raises DataError with the nearest name."""
    names, known = tuple(names), table.dataset.column_names
    there = set(known)
    for name in names:
        if name not in there:
            raise DataError(f"{step}: {table.source} has no column {name!r}{nearest(name, known)}; it has {known}")
    return names


def is_category(kind: pa.DataType) -> bool:
    """Whether a column of that type holds names, or yes and no."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind)


def is_vector(kind: pa.DataType) -> bool:
    """Whether a column of that type holds lists of numbers."""
    return is_list(kind) and is_number(kind.value_type)


def numbers(table: Table, name: str) -> np.ndarray:
    """(n,) float64 values of a column of numbers, NaN where missing."""
    return pc.cast(table.column(name), pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)


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
    flat = pc.cast(pc.list_flatten(column), pa.float64(), safe=False).to_numpy(zero_copy_only=False)
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
