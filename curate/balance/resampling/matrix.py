"""The inputs of rows as one matrix, and new rows of that matrix as columns of the table again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.media import series as media_series
from curate.media.item import DecodeError
from curate.table import Table

LARGEST_EXACT = 2**53
FREE_TEXT = 64
"""A text column with more different values, most of which stand in one row alone, is no category."""


@dataclass(frozen=True)
class Column:
    """What a column of the table is in the matrix.

    Attributes:
        name: of the column.
        kind: number, category, vector or series.
        type: Arrow type of the column.
        shape: of one row of it: () for scalars, (d,) or (channels, length) for lists.
        categories: values behind the codes of a category, sorted, null last; empty for the others.
    """

    name: str
    kind: str
    type: pa.DataType
    shape: tuple[int, ...] = ()
    categories: tuple[Any, ...] = ()

    @property
    def width(self) -> int:
        """Columns of the matrix that it takes."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Inputs:
    """Rows of a table as a matrix.

    Attributes:
        values: (m, d) float32 where all columns are of that precision or less, else float64; categories are codes.
        columns: what stands in it, left to right.
    """

    values: np.ndarray
    columns: tuple[Column, ...]

    @property
    def categorical(self) -> np.ndarray:
        """(d,) bool: columns of the matrix that hold codes of categories."""
        return np.repeat([c.kind == "category" for c in self.columns], [c.width for c in self.columns])


def read(table: Table, rows: np.ndarray) -> Inputs:
    """The features and series of some rows, as they are.

    Args:
        table: the table.
        rows: (m,) positions, in the order that the matrix shall have.

    Raises:
        DataError: a value is missing or infinite (names column and row), rows differ in length, or a column holds
            something that rows can't be made in.
    """
    task, parts, columns = table.task, [], []
    for name in (*task.feature_columns, *((task.series,) if task.series else ())):
        part, column = _read_column(table, name, rows, is_series=name == task.series)
        _refuse_gaps(table, part, column, rows)
        parts.append(part)
        columns.append(column)
    if len(parts) == 1:
        return Inputs(parts[0], tuple(columns))
    return Inputs(np.hstack(parts) if parts else np.zeros((len(rows), 0), dtype=np.float32), tuple(columns))


def kinds(table: Table) -> set[str]:
    """What the task's features and series are: number, category, vector, series."""
    task = table.task
    found = {_kind(table.column(name).type, name) for name in task.feature_columns}
    return found | ({"series"} if task.series else set())


def rounded(columns: Sequence[Column]) -> list[str]:
    """Names of the columns whose new values are rounded to whole numbers or units."""
    return [c.name for c in columns if c.kind != "category" and not _is_float(_inner(c.type))]


def write(columns: Sequence[Column], values: np.ndarray) -> dict[str, pa.Array]:
    """(m, d) new rows of the matrix as columns of the table's own types."""
    ends = np.cumsum([c.width for c in columns])
    made = {}
    for column, end in zip(columns, ends.tolist()):
        part = values if len(ends) == 1 else values[:, end - column.width : end]
        if column.kind == "category":
            known = pa.array(list(column.categories), _plain(column.type))
            made[column.name] = _typed(known.take(pa.array(np.rint(part[:, 0]).astype(np.int64))), column.type)
        elif column.kind == "number":
            made[column.name] = _numbers(part[:, 0], column.type)
        else:
            made[column.name] = _lists(part, column)
    return made


def _kind(kind: pa.DataType, name: str) -> str:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return "vector"
    plain = _plain(kind)
    if pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_boolean(plain):
        return "category"
    if pa.types.is_decimal(kind) or pa.types.is_temporal(kind) or pa.types.is_integer(kind) or _is_float(kind):
        return "number"
    raise DataError(
        f"resample: column {name!r} holds {kind}; rows are compared and made in numbers, dates, categories, vectors and"
        " series. Leave it out of task.features"
    )


def _read_column(table: Table, name: str, rows: np.ndarray, is_series: bool) -> tuple[np.ndarray, Column]:
    column = table.column(name)
    kind = column.type.storage_type if isinstance(column.type, pa.BaseExtensionType) else column.type
    if is_series or _kind(kind, name) == "vector":
        return _read_lists(table, column, name, rows, is_series)
    if _kind(kind, name) == "category":
        return _read_category(column, name, rows)
    return _read_number(column, name, rows)


def _read_number(column: pa.ChunkedArray, name: str, rows: np.ndarray) -> tuple[np.ndarray, Column]:
    kind = column.type
    taken = column.take(pa.array(rows))
    if pa.types.is_temporal(kind):
        taken = taken.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    if pa.types.is_integer(taken.type) and len(taken):
        bounds = pc.min_max(taken).as_py()
        if bounds["min"] is not None and max(abs(bounds["min"]), abs(bounds["max"])) > LARGEST_EXACT:
            raise DataError(
                f"resample: column {name!r} holds whole numbers beyond 2^53 ({bounds['max']}), which look like ids and"
                " can't be computed with exactly; leave it out of task.features"
            )
    numbers = pc.cast(taken, pa.float64()).to_numpy(zero_copy_only=False)
    precision = np.float32 if _is_single(kind) else np.float64
    return numbers.astype(precision, copy=False)[:, None], Column(name, "number", kind)


def _read_category(column: pa.ChunkedArray, name: str, rows: np.ndarray) -> tuple[np.ndarray, Column]:
    encoded = column.take(pa.array(rows)).cast(_plain(column.type)).combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    order = sorted(range(len(values)), key=values.__getitem__)
    rank = np.empty(len(values) + 1, dtype=np.int64)
    rank[order] = np.arange(len(values))
    rank[-1] = len(values)  # the code -1 of null
    known = tuple(values[i] for i in order) + ((None,) if (codes < 0).any() else ())
    alone = int((np.bincount(codes[codes >= 0], minlength=1) == 1).sum())
    if len(values) > FREE_TEXT and alone > len(rows) / 2:
        raise DataError(
            f"resample: column {name!r} holds free text ({len(values)} different values in {len(rows)} rows), of which"
            " no new value can be made; leave it out of task.features, or take a method that selects rows"
        )
    return rank[codes].astype(np.float32)[:, None], Column(name, "category", column.type, (), known)


def _read_lists(
    table: Table, column: pa.ChunkedArray, name: str, rows: np.ndarray, is_series: bool
) -> tuple[np.ndarray, Column]:
    role = "series" if is_series else "vector"
    kind = column.type.storage_type if isinstance(column.type, pa.BaseExtensionType) else column.type
    if is_series and _is_list(kind.value_type):
        return _read_channels(table, column, name, rows)
    if not (pa.types.is_integer(kind.value_type) or pa.types.is_floating(kind.value_type)):
        raise DataError(f"resample: column {name!r} holds {kind}; its lists must hold numbers")
    lengths = np.concatenate([_lengths(chunk) for chunk in column.chunks] or [np.zeros(0, dtype=np.int64)])
    wanted = lengths[rows]
    width = int(np.bincount(wanted).argmax()) if len(rows) else 0
    if (odd := np.flatnonzero((wanted != width) | (wanted == 0))).size:
        raise _odd_row(table, name, rows[odd], f"{wanted[odd[0]]} numbers, where most rows have {width}")
    place = np.full(len(table), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    values = np.empty((len(rows), width), dtype=np.float32 if _is_single(kind.value_type) else np.float64)
    start = 0
    for chunk in column.chunks:  # one by one: a copy of a whole column is as large as the matrix
        here = place[start : start + len(chunk)]
        chosen, size = np.flatnonzero(here >= 0), lengths[start : start + len(chunk)]
        flat = pc.list_flatten(chunk).to_numpy(zero_copy_only=False)
        if (size == width).all():
            values[here[chosen]] = flat.reshape(-1, width)[chosen]
        else:
            first = (np.cumsum(size) - size)[chosen]
            values[here[chosen]] = flat[first[:, None] + np.arange(width)]
        start += len(chunk)
    return values, Column(name, role, kind, (width,))


def _read_channels(table: Table, column: pa.ChunkedArray, name: str, rows: np.ndarray) -> tuple[np.ndarray, Column]:
    decoded = media_series.decode(column.take(pa.array(rows)))
    shapes = [one.shape for one in decoded if not isinstance(one, DecodeError)]
    shape = max(set(shapes), key=lambda s: (shapes.count(s), s)) if shapes else (0, 0)
    for row, one in zip(rows, decoded):
        if isinstance(one, DecodeError):
            raise _odd_row(table, name, np.array([row]), f"no series that can be read: {one}")
        if one.shape != shape:
            raise _odd_row(table, name, np.array([row]), f"{one.shape} values, where most rows have {shape}")
    values = np.stack(decoded).reshape(len(rows), -1) if len(rows) else np.zeros((0, 0), dtype=np.float32)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return values, Column(name, "series", column.type, tuple(int(side) for side in shape))


def _odd_row(table: Table, name: str, rows: np.ndarray, found: str) -> DataError:
    more = f" ({len(rows)} such rows)" if len(rows) > 1 else ""
    return DataError(
        f"resample: column {name!r}: row {table.row_ids[rows[0]]} has {found}{more}; rows can only be compared and"
        " mixed at equal length. Put `regularize_series` or a check with fix: drop before this step; methods that"
        " select rows also take `space: embedding`"
    )


def _refuse_gaps(table: Table, part: np.ndarray, column: Column, rows: np.ndarray) -> None:
    finite = np.isfinite(part).all(axis=1)
    if finite.all():
        return
    bad = rows[~finite]
    raise DataError(
        f"resample: column {column.name!r} has missing or infinite values in {len(bad)} of {len(rows)} rows (the first"
        f" is {table.row_ids[bad[0]]}); put `impute` before this step, or drop those rows; methods that select"
        " rows also take `space: embedding`"
    )


def _numbers(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if _is_float(kind):
        return pa.array(values.astype(kind.to_pandas_dtype(), copy=False))
    if pa.types.is_decimal(kind):
        return pc.round(pa.array(values.astype(np.float64)), ndigits=kind.scale).cast(kind, safe=False)
    if pa.types.is_temporal(kind):
        whole = np.int32 if kind.bit_width == 32 else np.int64
        return pa.array(np.rint(values).astype(whole)).cast(kind)
    return pa.array(_whole(values, kind), kind)


def _whole(values: np.ndarray, kind: pa.DataType) -> np.ndarray:
    """Rounded and kept within what the type can hold; extrapolation may leave it."""
    bounds = np.iinfo(kind.to_pandas_dtype())
    low, high = max(float(bounds.min), -float(LARGEST_EXACT)), min(float(bounds.max), float(LARGEST_EXACT))
    return np.clip(np.rint(values), low, high).astype(kind.to_pandas_dtype())


def _lists(values: np.ndarray, column: Column) -> pa.Array:
    inner = _inner(column.type)
    flat = _numbers(np.ascontiguousarray(values).reshape(-1), inner)
    sizes, made, kind = list(column.shape), flat, column.type
    types: list[pa.DataType] = []
    while _is_list(kind):
        types.append(kind)
        kind = kind.value_type
    for size, outer in zip(reversed(sizes), reversed(types)):
        made = _nest(made, size, outer)
    return made


def _nest(values: pa.Array, size: int, outer: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_list(outer):
        return pa.FixedSizeListArray.from_arrays(values, type=outer)
    large = pa.types.is_large_list(outer)
    offsets = np.arange(0, len(values) + 1, size, dtype=np.int64 if large else np.int32)
    return (pa.LargeListArray if large else pa.ListArray).from_arrays(pa.array(offsets), values, type=outer)


def _typed(values: pa.Array, kind: pa.DataType) -> pa.Array:
    return values.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else values.cast(kind)


def _lengths(chunk: pa.Array) -> np.ndarray:
    return pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False).astype(np.int64)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _inner(kind: pa.DataType) -> pa.DataType:
    while _is_list(kind):
        kind = kind.value_type
    return _plain(kind)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_float(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind)


def _is_single(kind: pa.DataType) -> bool:
    """Whether float32 holds every value of the type."""
    return (pa.types.is_floating(kind) or pa.types.is_integer(kind)) and (
        kind in (pa.float32(), pa.float16(), pa.int8(), pa.uint8(), pa.int16(), pa.uint16())
    )


def middles_and_spreads(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """(d,) float64 means and standard deviations of the columns of the matrix; 0 and 1 for categories and constants."""
    columns = inputs.values.T  # one by one: squares of the whole matrix in double are twice as large as it is
    mean = np.array([column.mean(dtype=np.float64) for column in columns])
    spread = np.array([column.std(dtype=np.float64) for column in columns])
    plain = inputs.categorical | ~(spread > 0)
    return np.where(plain, 0.0, mean), np.where(plain, 1.0, spread)


def names_of(inputs: Inputs, places: Sequence[int]) -> list[str]:
    """Names of the table's columns behind columns of the matrix."""
    owners = [c.name for c in inputs.columns for _ in range(c.width)]
    return [owners[place] for place in places]
