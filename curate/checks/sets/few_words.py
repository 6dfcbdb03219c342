"""A row in a few words, by which a reader knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curate.checks.texts.quotes import shortened
from curate.table import Table
from curate.task import MEDIA


def in_few_words(table: Table, row: int) -> str:
    """The id that the data gave the row; else its text, masked and cut, or the path of its media; else its own id.

    Args:
        table: the rows.
        row: a position.
    """
    task, row_id = table.task, str(table.row_ids[row])
    if task.id is not None:
        return row_id
    columns = [name for role in ("text", *MEDIA) if (name := getattr(task, role)) in table.column_names]
    values = table.rows([row], columns[:1])[columns[0]].to_pylist() if columns else [None]
    return _written(values[0]) or row_id


def _written(value: Any) -> str | None:
    if isinstance(value, str):
        return shortened(value, 0, len(value)).strip()
    return value.get("path") if isinstance(value, Mapping) else None
