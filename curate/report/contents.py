"""A row's content in a few words, for places that cannot show the thing itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from curate.arrow import plain_values
from curate.checks.texts.quotes import hidden
from curate.report.plain import one_line
from curate.table import Table
from curate.task import MEDIA
from curate.wording import some_of

LONGEST = 200
"""Characters of a preview in words."""
LOOKED_AT = 2 * LONGEST
"""Characters of a text that a preview may come from."""
MOST_FIELDS = 12
OF_CELLS = ("email", "iban", "card", "secret")
"""What is hidden in cells; a number of a table is hardly a telephone."""


def in_words(table: Table, rows: np.ndarray) -> dict[int, str]:
    """row -> its inputs as one printable line of at most `LONGEST` characters.

    Args:
        table: the rows; media are named by their path, or where they came from if a step changed them, never decoded.
        rows: (m,) int positions.
    """
    rows = np.unique(np.asarray(rows, dtype=np.int64))
    columns = input_columns(table)
    if not len(rows) or not columns:
        return dict.fromkeys(rows.tolist(), "")
    told = columns[:MOST_FIELDS]
    batch = table.rows(rows, told)
    values = {name: _values(batch[name], name, table, rows) for name in told}
    return {row: _row(columns, {name: values[name][i] for name in told}) for i, row in enumerate(rows.tolist())}


def input_columns(table: Table) -> list[str]:
    """The columns that hold inputs, and the transcript, in the order of the task's roles."""
    task = table.task
    columns = [getattr(task, role) for role in task.modalities if role != "features"]
    columns += [*task.feature_columns, task.transcript]
    present = set(table.column_names)
    return [name for name in columns if name in present]


def _values(column: pa.ChunkedArray, name: str, table: Table, rows: np.ndarray) -> Sequence[Any]:
    task = table.task
    if name in {getattr(task, role) for role in MEDIA}:
        places = origins(table, rows) if table.origin is not None else {}
        return [_media_or_origin(value, places.get(row)) for row, value in zip(rows.tolist(), column.to_pylist())]
    if name in (task.text, task.transcript):
        return [hidden(value[:LOOKED_AT]) if isinstance(value, str) else value for value in column.to_pylist()]
    return plain_values(column)


def origins(table: Table, rows: np.ndarray) -> dict[int, tuple[str | None, int | None]]:
    """row -> file and line that it came from; the path of its media where the source kept no origin."""
    if table.origin is not None:
        lines = table.origin.take(pa.array(rows)).to_pylist()
        return {row: (line["file"], line["line"]) for row, line in zip(rows.tolist(), lines)}
    columns = [name for role in MEDIA if (name := getattr(table.task, role))]
    if not columns or not len(rows):
        return dict.fromkeys(rows.tolist(), (None, None))
    names = [media_name(value) for value in table.rows(rows, columns[:1])[columns[0]].to_pylist()]
    return {row: (name, None) for row, name in zip(rows.tolist(), names)}


def _media_or_origin(value: Mapping[str, Any] | None, origin: tuple[str | None, int | None] | None) -> str | None:
    """The path of a media value; where it has none its size, and the file and line that it came from."""
    name = media_name(value)
    if name is None or (value or {}).get("path") or origin is None or origin[0] is None:
        return name
    return f"{name} ({origin[0]}" + (")" if origin[1] is None else f", line {origin[1]})")


def media_name(value: Mapping[str, Any] | None) -> str | None:
    """The path of a media value, or its size where it has none; None where there is nothing."""
    if value is None or (not value.get("path") and value.get("bytes") is None):
        return None
    return value["path"] or f"{len(value['bytes']):,} bytes"


def _row(columns: Sequence[str], values: Mapping[str, Any]) -> str:
    """A row by the values of its first columns."""
    if len(columns) == 1:
        return one_line(in_short(values[columns[0]]), LONGEST)
    told = some_of(columns, MOST_FIELDS, lambda name: f"{name}={in_short(values[name])}")
    return one_line(told, LONGEST)


def in_short(value: Any) -> str:
    """One value for people: numbers short, sequences by their shape, nothing as a dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | np.ndarray):
        shape = np.shape(value) if _is_regular(value) else (len(value),)
        return "×".join(str(n) for n in shape) + " values"
    return hidden(value[:LOOKED_AT], OF_CELLS) if isinstance(value, str) else str(value)


def _is_regular(value: Any) -> bool:
    return (
        not isinstance(value, list)
        or not value
        or not isinstance(value[0], list)
        or len({len(v or ()) for v in value}) == 1
    )
