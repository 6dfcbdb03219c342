"""Numbers that are beyond what float32 holds, in which losses, vectors and series are counted: they become missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.columns.column_types import is_list

LARGEST = float(np.finfo(np.float32).max)
ISSUE = "too_large"
"""The issue of the lines in `Table.problems` that tell of such numbers."""

Told = dict[int, str]


def without_excess(column: pa.ChunkedArray, name: str) -> tuple[pa.ChunkedArray, Told]:
    """Numbers, or lists of them of any depth: those beyond float32 are null; row -> which one it was.

    Numbers that fit, NaN and infinity stay. Columns of float32 or narrower, of integers and of anything else are given
    back as they are.
    """
    deepest = column.type
    while is_list(deepest):
        deepest = deepest.value_type
    if not (pa.types.is_float64(deepest) or pa.types.is_decimal(deepest)):
        return column, {}
    chunks: list[pa.Array] = []
    told: Told = {}
    start = 0
    for chunk in column.chunks:
        found = _found(chunk)
        told |= {start + row: _sentence(name, value) for row, value in found.items()}
        chunks += [chunk] if not found else _mended(chunk, list(found))
        start += len(chunk)
    return (pa.chunked_array(chunks, column.type), told) if told else (column, {})


def _sentence(name: str, value: float) -> str:
    return f"{name}: {value:.4g} is beyond what float32 holds (3.4e+38) and counts as missing"


def _found(chunk: pa.Array) -> dict[int, float]:
    """Row -> the first number of it that is too large."""
    values, parent = chunk, None
    while is_list(values.type):
        above = pc.list_parent_indices(values)
        parent = above if parent is None else parent.take(above)
        values = pc.list_flatten(values)
    # Without a copy where all numbers fit, which is nearly always; NaN is passed over.
    bounds = pc.min_max(values).as_py()
    ends = [float(one) for one in bounds.values() if one is not None]
    if all(-LARGEST <= one <= LARGEST for one in ends):
        return {}
    numbers = pc.fill_null(values.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False)
    places = np.flatnonzero(np.isfinite(numbers) & (np.abs(numbers) > LARGEST))
    rows = places if parent is None else parent.to_numpy(zero_copy_only=False)[places]
    return {int(row): float(numbers[place]) for place, row in zip(places[::-1], rows[::-1])}


def _mended(chunk: pa.Array, rows: list[int]) -> Iterator[pa.Array]:
    """The chunk in parts, its rows in question without the numbers that are too large."""
    begin = 0
    for row in sorted(rows):
        yield chunk.slice(begin, row - begin)
        yield pa.array([_fitting(chunk[row].as_py())], chunk.type)
        begin = row + 1
    yield chunk.slice(begin)


def _fitting(value: Any) -> Any:
    if isinstance(value, list):
        return [_fitting(one) for one in value]
    number = float(value) if value is not None else 0.0
    return None if np.isfinite(number) and abs(number) > LARGEST else value
