"""Rows shown as the things they are: thumbnails, texts, sounds, frames, records and lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import plain_values
from curate.errors import DataError, MissingPackage
from curate.media.payload import read_bytes
from curate.report.contents import input_columns, media_name
from curate.report.previews.curves import Curves
from curate.report.previews.item import Broken, Budget, LeftOut, Preview
from curate.report.previews.record import record_preview
from curate.report.previews.series import series_preview
from curate.report.previews.text import text_preview
from curate.table import Table

MOST_BYTES = 256_000_000
"""Largest file that is read for a preview."""


def previews(
    table: Table, reasons: Mapping[int, str], budget: Budget, beside: Mapping[int, int] | None = None
) -> dict[int, list[Preview]]:
    """row -> what to show of it, one value per input role.

    Args:
        table: the rows.
        reasons: row -> why it is shown; what the reason points at (columns, characters, seconds, values) is marked.
        budget: what the page may still hold; spent here.
        beside: row -> the row of its group that it is shown next to; texts and records show how they differ from it.
    """
    rows = np.array(sorted(reasons), dtype=np.int64)
    columns = input_columns(table)
    if not len(rows) or not columns:
        return {int(row): [] for row in rows}
    said, curves = _problems(table, rows), Curves(table)
    shown: dict[int, list[Preview]] = {}
    for row in rows.tolist():
        # One row at a time: a page needs one decoded item in memory, not hundreds of videos.
        values = _values(table, row, columns)
        if row in said and all(value is None for value in values.values()):
            shown[row] = [Broken(said[row])]
        else:
            other = (beside or {}).get(row)
            compared = {} if other is None else _values(table, other, columns)
            shown[row] = [*curves.around(row), *_row(table, values, reasons[row], budget, compared)]
    return shown


def _values(table: Table, row: int, columns: list[str]) -> dict[str, Any]:
    found = table.rows([row], columns)
    return {name: plain_values(found[name])[0] for name in columns}


def _row(
    table: Table, values: Mapping[str, Any], reason: str, budget: Budget, compared: Mapping[str, Any]
) -> list[Preview]:
    task, found = table.task, []
    for role in task.modalities:
        if role in ("image", "audio", "video"):
            found.append(_media(role, values[getattr(task, role)], table, budget, reason))
        elif role == "text":
            found.append(text_preview(values[task.text or ""], reason, compared.get(task.text or "")))
        elif role == "series":
            found.append(series_preview(values[task.series or ""], reason))
        elif isinstance(task.features, str):
            found.append(series_preview(values[task.features], reason))
        else:
            record = {name: values[name] for name in task.feature_columns}
            found.append(record_preview(record, reason, compared or None))
    if task.transcript and task.transcript in values:
        found.append(text_preview(values[task.transcript]))
    return found


def _media(role: str, value: Any, table: Table, budget: Budget, reason: str) -> Preview:
    name = media_name(value) or ""
    if budget.left <= 0:
        return LeftOut(name)
    try:
        data = read_bytes(value, table.root, MOST_BYTES)
        if role == "audio":
            from curate.report.previews.audio import audio_preview

            return audio_preview(data, budget, reason)
        return _viewer(role)(data, budget)
    except (DataError, MissingPackage) as error:
        return Broken(str(error), name)


def _viewer(role: str) -> Callable[[bytes, Budget], Preview]:
    if role == "image":
        from curate.report.previews.image import image_preview

        return image_preview
    from curate.report.previews.video import video_preview

    return video_preview


def _problems(table: Table, rows: np.ndarray) -> dict[int, str]:
    lines = table.problems.filter(pc.is_in(table.problems["row"], value_set=pa.array(rows)))
    return dict(zip(lines["row"].to_pylist(), lines["reason"].to_pylist()))
