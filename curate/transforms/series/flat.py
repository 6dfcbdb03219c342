"""A column of time series as one array of numbers, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError


@dataclass(frozen=True)
class FlatSeries:
    """All numbers of a column of series, one channel behind the other.

    Attributes:
        values: (m,) float64, NaN where a number is missing.
        lengths: (c,) int64 numbers of each channel, in the order of rows and then of channels.
        row: (c,) int64 row of each channel.
        channel: (c,) int64 number of each channel in its row.
        present: (n,) bool rows that have a series.
        nested: whether a row lists channels, or is itself the list of numbers.
    """

    values: np.ndarray
    lengths: np.ndarray
    row: np.ndarray
    channel: np.ndarray
    present: np.ndarray
    nested: bool

    @property
    def starts(self) -> np.ndarray:
        """(c,) int64 place of the first number of each channel."""
        return np.cumsum(self.lengths) - self.lengths

    def per_value(self, per_channel: np.ndarray) -> np.ndarray:
        """(m,) what is known of the channel that each number stands in."""
        return np.repeat(per_channel, self.lengths)

    def rows(self) -> list[np.ndarray | None]:
        """Per row (channels, length) float64, None where there is no series or its channels differ in length."""
        parts = np.split(self.values, np.cumsum(self.lengths)[:-1]) if len(self.lengths) else []
        found: list[list[np.ndarray]] = [[] for _ in self.present]
        for row, part in zip(self.row.tolist(), parts):
            found[row].append(part)
        return [np.stack(one) if one and len({len(p) for p in one}) == 1 else None for one in found]


def flat_series(column: pa.ChunkedArray, name: str) -> FlatSeries:
    """The numbers of a column. Raises DataError where it holds something else than lists of numbers."""
    array = column.combine_chunks()
    if not _is_list(array.type):
        raise DataError(f"column {name!r} holds {array.type}; a series is a list of numbers, or of channels of numbers")
    present = array.is_valid().to_numpy(zero_copy_only=False)
    nested = _is_list(array.type.value_type)
    counts = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    inner = pc.list_flatten(array)
    if nested:
        lengths = pc.fill_null(pc.list_value_length(inner), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        inner = pc.list_flatten(inner)
        row = np.repeat(np.arange(len(array)), counts)
        channel = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    else:
        row = np.flatnonzero(present)
        lengths, channel = counts[row], np.zeros(len(row), dtype=np.int64)
    if not (pa.types.is_integer(inner.type) or pa.types.is_floating(inner.type) or pa.types.is_null(inner.type)):
        raise DataError(f"column {name!r} lists {inner.type}; a series holds numbers")
    values = pc.cast(inner, pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return FlatSeries(values, lengths, row, channel, present, nested)


def series_of(values: np.ndarray, lengths: np.ndarray, like: FlatSeries) -> pa.Array:
    """A column of series as float32, from numbers that stand one channel behind the other.

    Args:
        values: (m,) numbers.
        lengths: (c,) numbers of each channel.
        like: which channels there are.
    """
    flat = pa.array(np.asarray(values, dtype=np.float32))
    lists = pa.ListArray.from_arrays(_offsets(lengths), flat) if like.nested else None
    counts = np.bincount(like.row, minlength=len(like.present))
    if not like.nested:
        counts = np.zeros(len(like.present), dtype=np.int64)
        counts[like.row] = lengths
    mask = None if like.present.all() else pa.array(~like.present)
    return pa.ListArray.from_arrays(_offsets(counts), flat if lists is None else lists, mask=mask)


def _offsets(lengths: np.ndarray) -> pa.Array:
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    if bounds[-1] > np.iinfo(np.int32).max:
        raise DataError(f"the series hold {bounds[-1]:,} numbers together, more than a column takes; use fewer rows")
    return pa.array(bounds.astype(np.int32))


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
