"""Times of samples: columns of numbers, or of dates and times, one list per row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError

NANOSECONDS = 1e9


@dataclass(frozen=True)
class Times:
    """The times of all rows.

    Attributes:
        rows: per row (m,) float64, NaN where a time is missing; None where a row has none. Of dates and times: seconds
            since `origin`.
        unit: type of the times in the column, None for numbers.
        origin: nanoseconds since 1970 of each row's first time, for dates and times.
    """

    rows: list[np.ndarray | None]
    unit: pa.DataType | None
    origin: list[int]

    def column(self, rows: list[np.ndarray | None]) -> pa.Array:
        """Other times of the same rows, as a column like the one that they were read from."""
        if self.unit is None:
            return pa.array(rows, pa.list_(pa.float64()))
        exact = [
            None if one is None else np.round(one * NANOSECONDS).astype(np.int64) + start
            for one, start in zip(rows, self.origin)
        ]
        nanoseconds = pa.array(exact, pa.list_(pa.int64())).cast(pa.list_(pa.timestamp("ns", self.unit.tz)))
        return pc.cast(nanoseconds, pa.list_(self.unit), safe=False)


def read_times(column: pa.ChunkedArray, name: str) -> Times:
    """The times of a column of lists. Raises DataError where they are neither numbers nor dates and times."""
    array = column.combine_chunks()
    kind = array.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise DataError(
            f"regularize_series: column {name!r} holds {kind}; times are a list per row, one for each sample"
        )
    inner, unit = pc.list_flatten(array), None
    if pa.types.is_string(inner.type) or pa.types.is_large_string(inner.type):
        try:
            inner = inner.cast(pa.timestamp("ns"))
        except pa.ArrowInvalid as error:
            raise DataError(
                f"regularize_series: column {name!r} lists text that is no date and time: {error}"
            ) from error
    if pa.types.is_date(inner.type):
        inner = inner.cast(pa.timestamp("ns"))
    present = array.is_valid().to_numpy(zero_copy_only=False)
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    cuts = np.cumsum(lengths)[:-1]
    origin = [0] * len(array)
    if pa.types.is_timestamp(inner.type):
        unit = inner.type
        missing = inner.is_null().to_numpy(zero_copy_only=False)
        exact = pc.fill_null(inner.cast(pa.timestamp("ns", unit.tz)).cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        parts = []
        for row, (own, gone) in enumerate(zip(np.split(exact, cuts), np.split(missing, cuts))):
            origin[row] = int(own[~gone].min()) if (~gone).any() else 0
            parts.append(np.where(gone, np.nan, (own - origin[row]) / NANOSECONDS))
    elif pa.types.is_integer(inner.type) or pa.types.is_floating(inner.type):
        parts = np.split(pc.cast(inner, pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64), cuts)
    else:
        raise DataError(f"regularize_series: column {name!r} lists {inner.type}, neither numbers nor dates and times")
    return Times([part if there else None for part, there in zip(parts, present)], unit, origin)


def usual_step(times: Times) -> float | None:
    """The median distance of neighbouring samples, over all rows; None where no row has two."""
    steps = [np.diff(np.unique(one[np.isfinite(one)])) for one in times.rows if one is not None]
    found = np.concatenate([np.empty(0), *steps])
    return float(np.median(found)) if len(found) else None


def ordered(values: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """Samples in the order of time, without those that have none, one for each time (the mean of its samples).

    Args:
        values: (channels, m) numbers, NaN where missing.
        times: (m,) numbers, NaN where missing.

    Returns:
        The samples, their times, and whether anything had to be put right.
    """
    known = np.isfinite(times)
    if known.all() and (np.diff(times) > 0).all():
        return values, times, False
    at, place = np.unique(times[known], return_inverse=True)
    result = np.full((len(values), len(at)), np.nan)
    for channel, line in enumerate(values[:, known]):
        there = np.isfinite(line)
        count = np.bincount(place[there], minlength=len(at))
        total = np.bincount(place[there], line[there], len(at))
        result[channel] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result, at, True
