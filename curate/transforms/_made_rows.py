"""New rows made from others: 1 to n, each with the id of the row that it was made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import distinct
from curate.errors import DataError
from curate.ledger import Decisions
from curate.media.content import content_hashes, input_columns
from curate.table import PROBLEMS, Table
from curate.task import Task
from curate.transforms._columns import arrow_rows, with_columns


def made_rows(
    table: Table,
    rows: np.ndarray,
    parts: np.ndarray,
    columns: Mapping[str, pa.Array | pa.ChunkedArray],
    task: Task | None = None,
) -> Table:
    """A table of m rows, each one of the table's rows or made from it.

    A row that is made has the id ``parent#part``; what is known of its parent (columns, split, origin, problems) is
    known of it, and an id column takes the new id.

    Args:
        table: the n rows there were.
        rows: (m,) int64, the row that each is made from.
        parts: (m,) int64, the number of the part, -1 for a row that stays as it is, with its own id.
        columns: column -> m values, for what is new or changed.
        task: of the new table, where roles change.

    Raises:
        DataError: a new id is taken.
    """
    task = table.task if task is None else task
    ids = child_ids(table, rows, parts)
    columns = dict(columns)
    if task.id is not None and (parts >= 0).any():
        columns[task.id] = pa.array(ids, pa.string())
    taken = arrow_rows(table).take(pa.array(rows, pa.int64()))
    dataset = with_columns(taken, table.dataset.features, columns)
    names = list(input_columns(task))
    inputs = dataset.select_columns(names).with_format("arrow")[:]
    content = content_hashes([inputs[name] for name in names], table.root).content
    unread = table.unreadable[rows]
    content[unread] = table.content[rows[unread]]
    return replace(
        table,
        dataset=dataset,
        task=task,
        row_ids=ids,
        content=content,
        problems=_problems(table, rows),
        origin=None if table.origin is None else table.origin.take(pa.array(rows, pa.int64())),
        parents=table.row_ids[rows],
    )


def child_ids(table: Table, rows: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """(m,) `StringDType` ids of rows and of parts of rows. Raises DataError for one that is taken."""
    ids = table.row_ids[rows]
    new = np.flatnonzero(parts >= 0)
    ids[new] = np.array([f"{ids[i]}#{parts[i]}" for i in new], dtype=np.dtypes.StringDType())
    named = ids.tolist()
    if len(set(named)) < len(named):
        twice = min(name for name, count in Counter(named).items() if count > 1)
        raise DataError(f"a part of a row would have the id {twice!r}, which another row has already")
    return ids


def kept_together(table: Table, rows: np.ndarray, column: str) -> tuple[dict[str, pa.Array], Task]:
    """The column of groups by which what is made from one row stays together in folds and splits, and the task.

    A task that has groups keeps them; a row without one gets its parent's id as its group. Where there are no groups,
    each row that the source gave is one.

    Args:
        table: the rows there were.
        rows: (m,) int64, the row that each new row is made from.
        column: name of the column, where the task has none.
    """
    own = pa.array(table.row_ids[rows], pa.string())
    if table.task.group is None:
        return {column: own}, table.task.model_copy(update={"group": column})
    given = table.column(table.task.group).take(pa.array(rows, pa.int64())).combine_chunks()
    given = given.cast(pa.string()) if pa.types.is_null(given.type) else given
    if not given.null_count:
        return {}, table.task
    if not pa.types.is_string(given.type):
        given = given.cast(pa.string())
    return {table.task.group: pc.coalesce(given, own)}, table.task


def shared_weights(table: Table, step: str, what: str) -> Decisions:
    """Entries that give the n training rows made from one row the weight 1/n each.

    Args:
        table: with `parents`.
        step: name of the step that made the rows.
        what: what the rows are, for the reason: ``pieces of``.
    """
    if table.parents is None:
        return Decisions()
    family = distinct(table.parents)[1]
    size = np.bincount(family)[family]
    rows = np.flatnonzero((size > 1) & table.training & ~table.unreadable)
    reasons = [
        f"one of {size[row]} {what} row {table.parents[row]}, which together weigh as much as it" for row in rows
    ]
    after = [repr(float(1 / size[row])) for row in rows]
    return Decisions.of(step, "weight", table.row_ids[rows], reasons, after=after)


def _problems(table: Table, rows: np.ndarray) -> pa.Table:
    """What was wrong with the rows, now said of what is made from them."""
    if not table.problems.num_rows:
        return table.problems
    known = table.problems["row"].to_numpy()
    order = np.argsort(known, kind="stable")
    first, last = np.searchsorted(known[order], rows, "left"), np.searchsorted(known[order], rows, "right")
    counts = last - first
    lines = order[np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())]
    found = table.problems.take(pa.array(lines, pa.int64()))
    return found.set_column(0, "row", pa.array(np.repeat(np.arange(len(rows)), counts), pa.int64())).cast(PROBLEMS)
