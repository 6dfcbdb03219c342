"""New rows of the matrix as columns of the table's own types."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.balance.resampling import matrix
from curate.balance.resampling.arrow_types import inner, is_float, is_list, plain


def write(columns: Sequence[matrix.Column], values: np.ndarray) -> dict[str, pa.Array]:
    """(m, d) new rows of the matrix as columns of the table's own types."""
    ends = np.cumsum([c.width for c in columns])
    made = {}
    for column, end in zip(columns, ends.tolist()):
        part = values if len(ends) == 1 else values[:, end - column.width : end]
        if column.kind == "category":
            known = _typed(pa.array(list(column.categories), plain(column.type)), column.type)
            made[column.name] = known.take(pa.array(np.rint(part[:, 0]).astype(np.int64)))
        elif column.kind == "number":
            made[column.name] = _numbers(part[:, 0], column.type)
        else:
            made[column.name] = _lists(part, column)
    return made


def rounded(columns: Sequence[matrix.Column]) -> list[str]:
    """Names of the columns whose new values are rounded to whole numbers or units."""
    return [c.name for c in columns if c.kind != "category" and not is_float(inner(c.type))]


def _numbers(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if is_float(kind):
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
    most = float(matrix.LARGEST_EXACT)
    low, high = max(float(bounds.min), -most), min(float(bounds.max), most)
    return np.clip(np.rint(values), low, high).astype(kind.to_pandas_dtype())


def _lists(values: np.ndarray, column: matrix.Column) -> pa.Array:
    flat = _numbers(np.ascontiguousarray(values).reshape(-1), inner(column.type))
    sizes, made, kind = list(column.shape), flat, column.type
    types: list[pa.DataType] = []
    while is_list(kind):
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
