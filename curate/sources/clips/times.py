"""Columns of times within a sound or a video: numbers of any unit, or clocks such as 00:01:02.5."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.columns.column_types import is_text

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")
_NUMBER = re.compile(r"([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*(ms|s|sec|secs|seconds)?")
_MISSING = frozenset(("", "nan", "none", "null", "na", "n/a", "inf", "+inf", "infinity", "-"))
UNIT_WORDS = {
    "milliseconds": {"ms", "msec", "msecs", "millis", "millisecond", "milliseconds"},
    "seconds": {"s", "sec", "secs", "second", "seconds"},
    "samples": {"sample", "samples"},
    "frames": {"frame", "frames"},
}
"""Unit -> words in the name of a column that say it."""


@dataclass(frozen=True)
class Times:
    """A column of times.

    Attributes:
        values: (n,) float64, NaN where there is none.
        clock: (n,) bool: values that are seconds, whatever the column's unit.
        wrong: row -> what stands there instead of a time.
    """

    values: np.ndarray
    clock: np.ndarray
    wrong: dict[int, str]

    def without(self, rows: np.ndarray) -> Times:
        """The same with no time in the rows of a (n,) mask."""
        values = np.where(rows, np.nan, self.values)
        return Times(values, self.clock, {row: text for row, text in self.wrong.items() if not rows[row]})


def read_times(column: pa.ChunkedArray) -> Times:
    """The times of a column; without end (``inf``) counts as none."""
    kind, n = column.type, len(column)
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        per_second = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[kind.unit]
        whole = pc.cast(column, pa.int64() if kind.bit_width == 64 else pa.int32())
        return Times(_numbers(whole) / per_second, np.ones(n, bool), {})
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = _numbers(column)
        return Times(np.where(np.isinf(values), np.nan, values), np.zeros(n, bool), {})
    values, clock = np.full(n, np.nan), np.zeros(n, bool)
    wrong: dict[int, str] = {}
    for row, text in enumerate(column.to_pylist()):
        if text is None or (is_text(kind) and text.strip().lower() in _MISSING):
            continue
        found = _time(text.strip()) if is_text(kind) else None
        if found is None:
            wrong[row] = str(text)[:40]
        else:
            values[row], clock[row] = found
    return Times(values, clock, wrong)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy().copy()


def _time(text: str) -> tuple[float, bool] | None:
    """The number, and whether it is of seconds by its form."""
    if found := _CLOCK.fullmatch(text):
        hours, minutes, seconds = found.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", ".")), True
    if found := _NUMBER.fullmatch(text):
        number, unit = found.groups()
        return float(number) * (0.001 if unit == "ms" else 1.0), unit is not None
    return None


def said_unit(*names: str | None) -> str | None:
    """The unit that the names of columns say: ``start_ms``, ``end_frame``, ``startSeconds``."""
    words = {word.lower() for name in names if name for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
    return next((unit for unit, known in UNIT_WORDS.items() if words & known), None)
