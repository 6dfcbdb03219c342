"""Items of a table as operations take them, and back as values of a column."""

from __future__ import annotations

from typing import Any

import numpy as np

from curate.errors import ConfigError
from curate.media import audio, image, series
from curate.media.item import DecodeError
from curate.media.payload import read_bytes
from curate.table import Table

BLOCK = 64
"""Rows that are read at once."""
READABLE = ("image", "text", "audio", "series", "features")


def column_of(table: Table, modality: str) -> str:
    """The column of a modality. Raises ConfigError where items are not one value of one column."""
    column = getattr(table.task, modality)
    if not isinstance(column, str):
        raise ConfigError(f"label safety looks at one column of {modality}, and the task has {column or 'none'}")
    return column


def cells(table: Table, modality: str, rows: np.ndarray, most_bytes: int) -> list[Any]:
    """What stands in the column for some rows, files read but not decoded; of the first rows that fit into so much."""
    column, found, left = column_of(table, modality), [], most_bytes
    for begin in range(0, len(rows), BLOCK):
        for cell in table.rows(rows[begin : begin + BLOCK], [column])[column].to_pylist():
            if modality in ("image", "audio"):
                cell = {"bytes": read_bytes(cell, table.root), "path": None}
            left -= bytes_of(cell)
            if left < 0:
                return found
            found.append(cell)
    return found


def bytes_of(cell: Any) -> int:
    """About how much memory a cell takes."""
    if isinstance(cell, dict):
        return len(cell["bytes"])
    return 8 * np.size(cell) if isinstance(cell, list) else 4 * len(cell or "")


def items(table: Table, modality: str, rows: np.ndarray) -> list[Any]:
    """The decoded items of some rows. Raises DataError for one that can't be read."""
    values = table.rows(rows, [column := column_of(table, modality)])[column]
    if modality == "text":
        return [value or "" for value in values.to_pylist()]
    if modality == "image":
        return [image.decode(read_bytes(value, table.root)).pixels for value in values.to_pylist()]
    if modality == "audio":
        decoded = [audio.decode(read_bytes(value, table.root)) for value in values.to_pylist()]
        return [(one.samples, one.rate) for one in decoded]
    if modality == "series":
        found = series.decode(values)
        for one in found:
            if isinstance(one, DecodeError):
                raise one
        return [np.asarray(one, np.float32) for one in found]
    return [np.asarray(value, np.float32) for value in values.to_pylist()]


def value(modality: str, item: Any) -> Any:
    """An item as it stands in a column."""
    if modality == "image":
        return {"bytes": image.encode_png(item), "path": None}
    if modality == "audio":
        return {"bytes": audio.encode_wav(*item), "path": None}
    return item if modality == "text" else item.tolist()
