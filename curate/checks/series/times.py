"""Times of the values of series, where a table has them: a column of lists beside that of the series."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.checks.series.points import TIME_NAMES, read_times
from curate.errors import ConfigError, nearest
from curate.table import Table

NEAR = 0.1
BLOCK_ROWS = 2_048


def times_column(table: Table, named: str | None) -> str | None:
    """The column with a list of times per row: the one that is named, else by its usual names.

    Raises:
        ConfigError: the named column is not there, or holds no lists.
    """
    columns = table.column_names
    schema = table.rows([], columns).schema if len(table) else pa.schema([])
    lists = [name for name in schema.names if _is_list(schema.field(name).type) and name != table.task.series]
    if named is not None and named not in lists:
        raise ConfigError(
            f"time: no column {named!r} with a list of times for each series{nearest(named, lists)}; columns of lists:"
            f" {', '.join(lists) or 'none'}"
        )
    by_name = {name.strip().lower().replace(" ", "_"): name for name in lists}
    return named or next((by_name[name] for name in TIME_NAMES if name in by_name), None)


def irregular_steps(table: Table, rows: np.ndarray, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many steps from one time to the next differ from the row's usual step by more than a tenth.

    Args:
        table: the rows.
        rows: (m,) positions.
        column: with a list of times per row.

    Returns:
        (m,) share of the steps, 0 where there are no times; (m,) first place after such a step, -1 for none; (m, 2)
        that step and the usual one, in seconds (or the unit of the numbers).
    """
    share, place, sizes = np.zeros(len(rows)), np.full(len(rows), -1, dtype=np.int64), np.zeros((len(rows), 2))
    for low in range(0, len(rows), BLOCK_ROWS):
        lists = table.rows(rows[low : low + BLOCK_ROWS], [column]).column(0).combine_chunks()
        lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        seconds, _ = read_times(pa.chunked_array([pc.list_flatten(lists)]), table.task.date_order)
        if seconds is None:
            continue
        for at, own in enumerate(np.split(seconds, np.cumsum(lengths)[:-1]), start=low):
            share[at], place[at], sizes[at] = _irregular(own)
    return share, place, sizes


def _irregular(seconds: np.ndarray) -> tuple[float, int, tuple[float, float]]:
    steps = np.diff(seconds)
    if len(steps) < 2 or not (steps > 0).any():
        return 0.0, -1, (0.0, 0.0)
    usual = float(np.median(steps[steps > 0]))
    off = np.flatnonzero(~(np.abs(steps - usual) <= NEAR * usual))  # a missing time is off, too
    if not len(off):
        return 0.0, -1, (0.0, usual)
    worst = int(off[np.nan_to_num(np.abs(steps[off] - usual), nan=np.inf).argmax()])
    return len(off) / len(steps), worst + 1, (float(steps[worst]), usual)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
