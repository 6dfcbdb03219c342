"""The inputs of rows as one matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.balance.resampling.arrow_types import is_float, is_list, is_single, plain
from curate.balance.resampling.widened import roomy
from curate.errors import DataError
from curate.media import series as media_series
from curate.media.item import DecodeError
from curate.table import Table
from curate.wording import some_of

LARGEST_EXACT = 2**53
BLOCK_ROWS = 65_536
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


def read(table: Table, rows: np.ndarray, *, room: bool = False) -> Inputs:
    """The features and series of some rows, as they are.

    Args:
        table: the table.
        rows: (m,) positions, in the order that the matrix shall have.
        room: whether the matrix, if it is float32, is to have room to become double (`widened`).

    Raises:
        DataError: a value is missing or infinite (names column and row), rows differ in length, or a column holds
            something that rows can't be made in.
    """
    task = table.task
    names = (*task.feature_columns, *((task.series,) if task.series else ()))
    if len(names) > 1 and not kinds(table) & {"vector", "series"}:
        return _read_scalars(table, names, rows, room)
    parts, columns = [], []
    for name in names:
        part, column = _read_column(table, name, rows, is_series=name == task.series, room=room and len(names) == 1)
        _refuse_gaps(table, part, column, rows)
        parts.append(part)
        columns.append(column)
    if len(parts) == 1:
        return Inputs(parts[0], tuple(columns))
    return Inputs(np.hstack(parts) if parts else np.zeros((len(rows), 0), dtype=np.float32), tuple(columns))


def _read_scalars(table: Table, names: Sequence[str], rows: np.ndarray, room: bool) -> Inputs:
    """Columns of single values, each written into its place: side by side they would be held twice."""
    found = [table.column(name).type for name in names]
    single = all(is_single(kind) or _kind(kind, name) == "category" for kind, name in zip(found, names))
    values, columns = _empty(len(rows), len(names), single, room), []
    for place, name in enumerate(names):
        part, column = _read_column(table, name, rows, is_series=False)
        _refuse_gaps(table, part, column, rows)
        values[:, place] = part[:, 0]
        columns.append(column)
    return Inputs(values, tuple(columns))


def kinds(table: Table) -> set[str]:
    """What the task's features and series are: number, category, vector, series."""
    task = table.task
    found = {_kind(table.column(name).type, name) for name in task.feature_columns}
    return found | ({"series"} if task.series else set())


def of_kind(table: Table, wanted: str) -> str:
    """The names of the features that are of a kind, for a message: the first five, quoted."""
    names = [name for name in table.task.feature_columns if _kind(table.column(name).type, name) == wanted]
    return some_of(names, said=repr)


def _kind(kind: pa.DataType, name: str) -> str:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return "vector"
    bare = plain(kind)
    if pa.types.is_string(bare) or pa.types.is_large_string(bare) or pa.types.is_boolean(bare):
        return "category"
    if pa.types.is_decimal(kind) or pa.types.is_temporal(kind) or pa.types.is_integer(kind) or is_float(kind):
        return "number"
    raise DataError(
        f"resample: column {name!r} holds {kind}; rows are compared and made in numbers, dates, categories, vectors and"
        " series. Leave it out of task.features"
    )


def _empty(rows: int, columns: int, single: bool, room: bool) -> np.ndarray:
    if single and room:
        return roomy(rows, columns)
    return np.empty((rows, columns), dtype=np.float32 if single else np.float64)


def _read_column(
    table: Table, name: str, rows: np.ndarray, is_series: bool, room: bool = False
) -> tuple[np.ndarray, Column]:
    column = table.column(name)
    kind = column.type.storage_type if isinstance(column.type, pa.BaseExtensionType) else column.type
    if is_series or _kind(kind, name) == "vector":
        return _read_lists(table, column, name, rows, is_series, room)
    if _kind(kind, name) == "category":
        return _read_category(column, name, rows)
    return _read_number(column, name, rows)


def _read_number(column: pa.ChunkedArray, name: str, rows: np.ndarray) -> tuple[np.ndarray, Column]:
    kind = column.type
    taken = column.take(pa.array(rows))
    if pa.types.is_temporal(kind):
        taken = taken.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    elif pa.types.is_integer(kind) and len(taken):
        bounds = pc.min_max(taken).as_py()
        if bounds["min"] is not None and max(abs(bounds["min"]), abs(bounds["max"])) > LARGEST_EXACT:
            raise DataError(
                f"resample: column {name!r} holds whole numbers beyond 2^53 ({bounds['max']}), which look like ids and"
                " can't be computed with exactly; leave it out of task.features"
            )
    numbers = pc.cast(taken, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    precision = np.float32 if is_single(kind) else np.float64
    return numbers.astype(precision, copy=False)[:, None], Column(name, "number", kind)


def _read_category(column: pa.ChunkedArray, name: str, rows: np.ndarray) -> tuple[np.ndarray, Column]:
    encoded = column.take(pa.array(rows)).cast(plain(column.type)).combine_chunks().dictionary_encode()
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
    table: Table, column: pa.ChunkedArray, name: str, rows: np.ndarray, is_series: bool, room: bool
) -> tuple[np.ndarray, Column]:
    role = "series" if is_series else "vector"
    kind = column.type.storage_type if isinstance(column.type, pa.BaseExtensionType) else column.type
    if is_series and is_list(kind.value_type):
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
    values = _empty(len(rows), width, is_single(kind.value_type), room)
    start = 0
    for chunk in column.chunks:  # one by one: a copy of a whole column is as large as the matrix
        here = place[start : start + len(chunk)]
        chosen, size = np.flatnonzero(here >= 0), lengths[start : start + len(chunk)]
        flat = pc.list_flatten(chunk).to_numpy(zero_copy_only=False)
        first, even = np.cumsum(size) - size, bool((size == width).all())
        for begin in range(0, len(chosen), BLOCK_ROWS):
            some = chosen[begin : begin + BLOCK_ROWS]
            own = flat.reshape(-1, width)[some] if even else flat[first[some][:, None] + np.arange(width)]
            values[here[some]] = own
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
    finite = np.ones(len(part), dtype=bool)
    for start in range(0, len(part), BLOCK_ROWS):  # a mark for every cell is a quarter of the matrix
        finite[start : start + BLOCK_ROWS] = np.isfinite(part[start : start + BLOCK_ROWS]).all(axis=1)
    if finite.all():
        return
    bad = rows[~finite]
    raise DataError(
        f"resample: column {column.name!r} has missing or infinite values in {len(bad)} of {len(rows)} rows (the first"
        f" is {table.row_ids[bad[0]]}); put `impute` before this step, or drop those rows; methods that select"
        " rows also take `space: embedding`"
    )


def _lengths(chunk: pa.Array) -> np.ndarray:
    return pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False).astype(np.int64)


def middles_and_spreads(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """(d,) float64 means and standard deviations of the columns of the matrix; 0 and 1 for categories and constants."""
    columns = inputs.values.T  # one by one: squares of the whole matrix in double are twice as large as it is
    mean = np.array([column.mean(dtype=np.float64) for column in columns])
    spread = np.array([column.std(dtype=np.float64) for column in columns])
    as_it_is = inputs.categorical | ~(spread > 0)
    return np.where(as_it_is, 0.0, mean), np.where(as_it_is, 1.0, spread)


def names_of(inputs: Inputs, places: Sequence[int]) -> list[str]:
    """Names of the table's columns behind columns of the matrix."""
    owners = [c.name for c in inputs.columns for _ in range(c.width)]
    return [owners[place] for place in places]
