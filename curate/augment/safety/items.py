"""Items of a table as operations take them, and back as values of a column."""

from __future__ import annotations

from typing import Any

import numpy as np

from curate.errors import ConfigError
from curate.media import audio, image, series
from curate.media.item import DecodeError
from curate.media.payload import read_bytes
from curate.table import Table

READABLE = ("image", "text", "audio", "series", "features")


def column_of(table: Table, modality: str) -> str:
    """The column of a modality. Raises ConfigError where items are not one value of one column."""
    column = getattr(table.task, modality)
    if not isinstance(column, str):
        raise ConfigError(f"label safety looks at one column of {modality}, and the task has {column or 'none'}")
    return column


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
