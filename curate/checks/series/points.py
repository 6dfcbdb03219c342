"""Tables whose rows are the points of one long series, or of a few: found by their column of times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, nearest
from curate.stand_ins import NOTHING_SAID
from curate.table import Table
from curate.task import DateOrder, Task

TIME_NAMES = (
    "timestamp", "time", "datetime", "date", "ds", "date_time", "timestamps", "time_stamp", "ts", "t", "datum", "zeit",
    "utc", "epoch", "unix_time", "recorded_at", "measured_at", "created_at",
)  # fmt: skip
CLOCKS = (" %H:%M:%S", " %H:%M", "")
DAY_FIRST = tuple(date + clock for date in ("%d/%m/%Y", "%d-%m-%Y") for clock in CLOCKS)
MONTH_FIRST = tuple(date + clock for date in ("%m/%d/%Y", "%m-%d-%Y") for clock in CLOCKS)
SURE = (
    *(date + clock for date in ("%Y/%m/%d", "%d.%m.%Y") for clock in CLOCKS),
    "%Y-%m-%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%d",
)  # fmt: skip
"""Dates whose order is that of everybody who writes them so."""
LEAST_POINTS = 32
LEAST_ORDERED = 0.98
LEAST_EVEN = 0.5
LEAST_EVEN_SORTED = 0.9


@dataclass(frozen=True)
class PointSeries:
    """One series whose points are rows.

    Attributes:
        rows: (n,) int64 positions in the table, in the order of the table.
        seconds: (n,) float64 times since 1970 (or since whatever numbers count from); NaN where missing.
        step: the usual time from one point to the next.
        dated: whether the times are dates, and not plain numbers.
        values: (channels, n) float64, NaN where missing.
        channels: names of the columns.
    """

    rows: np.ndarray
    seconds: np.ndarray
    step: float
    dated: bool
    values: np.ndarray
    channels: tuple[str, ...]

    def when(self, place: int) -> str:
        """The time of a point, for people."""
        at = float(self.seconds[place])
        if not np.isfinite(at):
            return "an unknown time"
        if not self.dated:
            return f"{at:g}"
        return str(np.datetime64(round(at * 1000), "ms").astype("datetime64[s]")).replace("T", " ")

    def lasting(self, seconds: float) -> str:
        """A length of time, for people."""
        if not self.dated:
            return f"{seconds:g}"
        for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
            if seconds >= 2 * size:
                return f"{seconds / size:.4g} {unit}"
        return f"{seconds:.4g} s"


def may_hold_points(task: Task, time: str | None) -> bool:
    """Whether a task's columns could be points of a series: scalar columns, one of them the time."""
    return isinstance(task.features, tuple) and time_column(task, time) is not None


def time_column(task: Task, time: str | None) -> str | None:
    """The column of times among a task's scalar features: the one that is named, else by its usual names."""
    if time is not None:
        return time if time in task.feature_columns or time == task.id else None
    by_name = {name.strip().lower().replace(" ", "_"): name for name in task.feature_columns}
    if task.id is not None:  # unique times look like an identity
        by_name.setdefault(task.id.strip().lower().replace(" ", "_"), task.id)
    return next((by_name[name] for name in TIME_NAMES if name in by_name), None)


def point_series(table: Table, active: np.ndarray, time: str | None = None, by: str | None = None) -> list[PointSeries]:
    """The series that the active rows of a table are points of, one per group and file; none where they are not points.

    Rows are points where the column of times can be read as such, grows from row to row within each group (or would,
    were the rows sorted by it), and by one usual step at least half of the time.

    Args:
        table: the rows.
        active: (n,) bool.
        time: name of the column of times; by its usual names if None.
        by: name of the column that tells series apart; the task's group, the file, and a column of names within which
            times grow, if None.

    Raises:
        ConfigError: the column that `time` or `by` names is not there, or `time` holds no growing times.
    """
    column = time_column(table.task, time) if isinstance(table.task.features, tuple) else None
    known = table.column_names
    for setting, name, found in (("time", time, column), ("by", by, by if by in known else None)):
        if name is not None and found is None:
            raise ConfigError(f"{setting}: no column {name!r}{nearest(name, known)}; there are {', '.join(known)}")
    if column is None or not active.any():
        return []
    seconds, dated = read_times(table.column(column), table.task.date_order)
    values = numeric_channels(table, [name for name in table.task.feature_columns if name not in (column, by)])
    if seconds is None and time is not None:
        raise ConfigError(f"time: the column {time!r} of {table.source} holds no times")
    if seconds is None or not values:
        return []
    stacked, channels = np.stack(list(values.values())), tuple(values)
    found = []
    for rows in _groups(table, np.flatnonzero(active), seconds, by):
        rows, step = _in_order(rows, seconds)
        if len(rows) >= LEAST_POINTS and step is not None:
            found.append(PointSeries(rows, seconds[rows], step, dated, stacked[:, rows], channels))
    if sum(len(series.rows) for series in found) >= 0.5 * active.sum():
        return _without_attributes(found)
    if time is not None and active.sum() >= LEAST_POINTS:
        raise ConfigError(
            f"time: the column {time!r} of {table.source} does not grow by one usual step from row to row"
        )
    return []  # a table of records that has dates is no series


def _without_attributes(found: list[PointSeries]) -> list[PointSeries]:
    """The series without channels that tell them apart: constant within each, and not the same in all."""
    low = np.stack([np.fmin.reduce(series.values, axis=1) for series in found])
    high = np.stack([np.fmax.reduce(series.values, axis=1) for series in found])
    attribute = (low == high).all(0) & (np.ptp(low, axis=0) > 0)
    if not attribute.any():
        return found
    kept = np.flatnonzero(~attribute)
    names = tuple(found[0].channels[k] for k in kept)
    return [replace(series, values=series.values[kept], channels=names) for series in found] if len(kept) else []


def read_times(column: pa.ChunkedArray, order: DateOrder | None = None) -> tuple[np.ndarray | None, bool]:
    """(n,) float64 seconds, NaN where missing, and whether they are dates; None where the column holds no times.

    Text is read by the first format that all of it has; `order` says which of day and month to try first where they
    stand side by side.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _seconds(column), True
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values = column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
        return _from_numbers(values)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None, False
    head = column.drop_null().slice(0, 200)
    formats = (*SURE, *(MONTH_FIRST + DAY_FIRST if order == "month_first" else DAY_FIRST + MONTH_FIRST))
    for read in (_iso, *(_by_format(text) for text in formats)):
        try:
            read(head)  # most formats fail on the first values already
            return _seconds(read(column)), True
        except pa.ArrowInvalid:
            continue
    return None, False


def _iso(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return pc.cast(column, pa.timestamp("ms"))
    except pa.ArrowInvalid:  # with a zone
        return pc.cast(column, pa.timestamp("ms", tz="UTC"))


def _by_format(text: str) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    return lambda column: pc.strptime(column, format=text, unit="ms")


def _seconds(column: pa.ChunkedArray) -> np.ndarray:
    plain = pc.cast(column, pa.timestamp("ms", tz=getattr(column.type, "tz", None)), safe=False)
    values = pc.cast(pc.cast(plain, pa.int64()), pa.float64(), safe=False)
    return values.to_numpy().astype(np.float64) / 1000


def _from_numbers(values: np.ndarray) -> tuple[np.ndarray, bool]:
    """Counts of seconds, milliseconds, microseconds or nanoseconds since 1970 become dates; others stay as they are."""
    finite = values[np.isfinite(values)]
    middle = float(np.median(finite)) if len(finite) else 0.0
    for scale in (1.0, 1e3, 1e6, 1e9):
        if 6e8 <= middle / scale < 5e9:  # 1989 to 2128
            return values / scale, True
    return values, False


def numeric_channels(table: Table, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Columns of numbers as (n,) float64, NaN where missing, also where words such as ``NA`` say so.

    The target of a regression is one of them.
    """
    if table.task.kind == "regression" and table.task.label is not None:
        names = [*names, table.task.label]
    found = {}
    for name in names:
        column = table.column(name)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            trimmed = pc.utf8_trim_whitespace(column)
            missing = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(("", *NOTHING_SAID), trimmed.type))
            column = pc.if_else(missing, None, trimmed)
            try:
                column = column.cast(pa.float64())
            except pa.ArrowInvalid:
                continue
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            values = pc.fill_null(column.cast(pa.float64(), safe=False), float("nan")).to_numpy().astype(np.float64)
            found[name] = np.where(np.isfinite(values), values, np.nan)
    return {name: values for name, values in found.items() if np.isfinite(values).any()}


def _groups(table: Table, rows: np.ndarray, seconds: np.ndarray, by: str | None) -> list[np.ndarray]:
    """Active rows of each group and file, in the order of the table."""
    keys = np.zeros((len(table), 3), dtype=np.int64)
    if table.groups is not None:
        keys[:, 0] = table.groups
    if table.origin is not None:
        keys[:, 1] = _codes(table.origin["file"])
    if by is not None:
        keys[:, 2] = _codes(table.column(by))
        return _parts(rows, keys[rows])
    found = _parts(rows, keys[rows])
    if all(_in_order(part, seconds)[1] is not None and _grows(seconds[part]) for part in found):
        return found
    for name in table.task.feature_columns:  # panel data: several series below each other, told apart by a name
        kind = table.column(name).type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
            keys[:, 2] = _codes(table.column(name))
            parts = _parts(rows, keys[rows])
            if len(found) < len(parts) <= len(rows) / LEAST_POINTS and all(_grows(seconds[part]) for part in parts):
                return parts
    return found


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    array = column.combine_chunks()
    encoded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    return pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _parts(rows: np.ndarray, keys: np.ndarray) -> list[np.ndarray]:
    _, place = np.unique(keys, axis=0, return_inverse=True)
    place = place.reshape(-1)
    order = np.argsort(place, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(place[order])) + 1)


def _grows(seconds: np.ndarray) -> bool:
    return bool((np.diff(seconds[np.isfinite(seconds)]) > 0).all())


def _in_order(rows: np.ndarray, seconds: np.ndarray) -> tuple[np.ndarray, float | None]:
    """Rows in the order of their times where that is not the table's, and the usual step (None for no series)."""
    step = _usual_step(seconds[rows], LEAST_EVEN)
    if step is not None:
        return rows, step
    ordered = rows[np.argsort(seconds[rows], kind="stable")]
    return ordered, _usual_step(seconds[ordered], LEAST_EVEN_SORTED)


def _usual_step(seconds: np.ndarray, least_even: float) -> float | None:
    """The usual time between neighbouring points, None where times do not grow evenly enough for a series."""
    steps = np.diff(seconds[np.isfinite(seconds)])
    if len(steps) < LEAST_POINTS - 1 or (steps >= 0).mean() < LEAST_ORDERED or not (steps > 0).any():
        return None
    usual = float(np.median(steps[steps > 0]))
    return usual if (np.abs(steps - usual) <= 0.1 * usual).mean() >= least_even else None
