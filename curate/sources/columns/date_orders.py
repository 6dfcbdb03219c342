"""Columns of text that hold dates such as 01/02/2024: whether the day or the month comes first."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.columns.column_types import SAMPLE, is_text
from curate.task import Task
from curate.wording import some_of

DATE = r"^\s*[0-9]{1,2}(/[0-9]{1,2}/|-[0-9]{1,2}-)[0-9]{4}([ T].*)?$"
DAY_FIRST = r"^\s*(1[3-9]|2[0-9]|3[01])[/-]"
MONTH_FIRST = r"^\s*[0-9]{1,2}[/-](1[3-9]|2[0-9]|3[01])[/-]"


def date_notes(columns: pa.Table, task: Task) -> list[str]:
    """Sentences about a table's columns of dates whose order nothing tells, and about those that hold both orders."""
    untold, mixed = {}, []
    for name in dict.fromkeys((*task.feature_columns, *((task.id,) if task.id else ()))):
        column = columns[name]
        if not is_text(column.type) or not _are_dates(column):
            continue
        day, month = _first(column, DAY_FIRST), _first(column, MONTH_FIRST)
        if day and month:
            mixed.append(
                f"{name!r}: the day comes first in {day!r} and the month in {month!r}, so that no times are read from"
                " it: write its dates as 2024-12-31"
            )
        elif not (day or month or task.date_order):
            untold[name] = _first(column, DATE)
    if not untold:
        return mixed
    return [*mixed, _ambiguous(untold)]


def _ambiguous(untold: dict[str, str | None]) -> str:
    return (
        f"{some_of(untold, said=repr)}: nothing tells whether dates such as {next(iter(untold.values()))!r} put the"
        " day or the month first; as times they are read with the day first. Say which (--date-order month_first, or"
        " task: {date_order: month_first}), or write them as 2024-12-31"
    )


def _are_dates(column: pa.ChunkedArray) -> bool:
    """Whether all texts that are there, one at least, are such dates."""
    head_matches = pc.all(pc.match_substring_regex(column.slice(0, SAMPLE), DATE)).as_py()
    return head_matches is not False and pc.all(pc.match_substring_regex(column, DATE)).as_py() is True


def _first(column: pa.ChunkedArray, pattern: str) -> str | None:
    """The first text that matches."""
    place = pc.index(pc.match_substring_regex(column, pattern), True).as_py()
    return None if place < 0 else column[place].as_py()
