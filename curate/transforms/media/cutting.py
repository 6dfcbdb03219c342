"""One row to many: where clips begin and end, and the table of the rows that they become."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.table import Table
from curate.task import Task
from curate.transforms import _made_rows as made
from curate.transforms.media.rewriting import Rewritten


def windows(start: int, end: int, length: int, overlap: int, least: int) -> list[tuple[int, int]]:
    """Windows of `length` over [start, end), each beginning `length - overlap` after the one before.

    What is left at the end is a window of its own if it is at least `least` long; a shorter rest makes the last window
    begin earlier, so that nothing is lost and none is shorter.
    """
    if end - start <= length:
        return [(start, end)]
    step = length - overlap
    found = [(a, min(a + length, end)) for a in range(start, end - overlap, step)]
    a, b = found[-1]
    if b - a < least:
        found[-1] = (max(start, b - least), b)
    return found


def refuse_taken(table: Table, step: str, names: tuple[str, ...]) -> None:
    """Raises DataError where the columns in which a step writes the places of clips are there already."""
    for name in names:
        if name in table.dataset.column_names:
            raise DataError(
                f"{step}: the column {name!r} is there already, and the places of clips go there; rename it"
            )


def cut_rows(table: Table, result: Rewritten, task: Task, group: str, labelled: bool) -> tuple[Table, dict[int, str]]:
    """The table of what rows were cut into, and its own positions of rows that could not be read.

    Args:
        table: the rows there were.
        result: their parts; a row with one part stays itself.
        task: of the new table.
        group: name of the column that keeps parts together, where the task has none.
        labelled: whether parts have the label of the row.
    """
    counts = result.counts
    rows = np.repeat(np.arange(len(table)), counts)
    parts = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    parts = np.where(counts[rows] > 1, parts, -1)
    columns: dict[str, Any] = {**result.columns, **made.kept_together(table, rows, group)[0]}
    if table.task.label is not None and not labelled:
        columns[table.task.label] = table.column(table.task.label).take(pa.array(rows, mask=parts >= 0))
    first = np.cumsum(counts) - counts
    failures = {int(first[row]): reason for row, reason in result.failures.items()}
    return made.made_rows(table, rows, parts, columns, task), failures
