"""Items of a table as operations take them, and back as values of a column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.media import audio, image, series, video, video_written
from curate.media.item import DecodeError
from curate.media.payload import read_bytes
from curate.table import Table

BLOCK = 64
"""Rows that are read at once."""
READABLE = ("image", "text", "audio", "video", "series", "features")
FRAMES = 8
"""Of a video, as many are looked at."""


def columns_of(table: Table, modality: str) -> list[str]:
    """The column of a modality; of features that stand in columns of their own, all of them."""
    given = getattr(table.task, modality)
    return [] if given is None else [given] if isinstance(given, str) else list(given)


def scalars(table: Table, modality: str) -> list[str] | None:
    """The columns of numbers that operations on features see, where there is no column of vectors; else None."""
    if modality != "features" or isinstance(table.task.features, str):
        return None
    names = list(table.task.feature_columns)
    schema = table.rows([], names).schema
    kinds = {name: schema.field(name).type for name in names}
    return [
        name
        for name, kind in kinds.items()
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    ]


def cells(table: Table, modality: str, rows: np.ndarray, most_bytes: int) -> list[Any]:
    """What stands in the column for some rows, of the first rows that fit into so much.

    Files are read and not decoded, but for videos: they are the frames that draws are made from, written anew, so that
    originals and draws went through the same. Of scalar features it is a list, one value for each column.
    """
    names, found, left = columns_of(table, modality), [], most_bytes
    for begin in range(0, len(rows), BLOCK):
        here = rows[begin : begin + BLOCK]
        for cell in _read(table, modality, names, here):
            if modality in ("image", "audio"):
                cell = {"bytes": read_bytes(cell, table.root), "path": None}
            elif modality == "video":
                cell = value(modality, _frames(cell, table))
            left -= bytes_of(cell)
            if left < 0:
                return found
            found.append(cell)
    return found


def _read(table: Table, modality: str, names: list[str], rows: np.ndarray) -> list[Any]:
    read = table.rows(rows, names)
    if scalars(table, modality) is None:
        return read[names[0]].to_pylist()
    return [list(row) for row in zip(*(read[name].to_pylist() for name in names))]


def _frames(cell: Any, table: Table) -> np.ndarray:
    return video.decode(read_bytes(cell, table.root), FRAMES, between=False).frames


def bytes_of(cell: Any) -> int:
    """About how much memory a cell takes."""
    if isinstance(cell, dict):
        return len(cell["bytes"])
    return 8 * np.size(cell) if isinstance(cell, list) else 4 * len(cell or "")


def items(table: Table, modality: str, rows: np.ndarray) -> list[Any]:
    """The decoded items of some rows. Raises DataError for one that can't be read."""
    if (names := scalars(table, modality)) is not None:
        read = table.rows(rows, names)
        return list(_matrix(read, names))
    values = table.rows(rows, [column := columns_of(table, modality)[0]])[column]
    if modality == "text":
        return [value or "" for value in values.to_pylist()]
    if modality == "image":
        return [image.decode(read_bytes(value, table.root)).pixels for value in values.to_pylist()]
    if modality == "audio":
        decoded = [audio.decode(read_bytes(value, table.root)) for value in values.to_pylist()]
        return [(one.samples, one.rate) for one in decoded]
    if modality == "video":
        return [_frames(value, table) for value in values.to_pylist()]
    if modality == "series":
        found = series.decode(values)
        for one in found:
            if isinstance(one, DecodeError):
                raise one
        return [np.asarray(one, np.float32) for one in found]
    return [np.asarray(value, np.float32) for value in values.to_pylist()]


def _matrix(read: pa.Table, names: list[str]) -> np.ndarray:
    """(m, d) float32, NaN where a value is missing."""
    numbers = [pc.fill_null(pc.cast(read[name], pa.float64(), safe=False), np.nan).to_numpy() for name in names]
    return np.column_stack(numbers).astype(np.float32) if numbers else np.zeros((read.num_rows, 0), np.float32)


def value(modality: str, item: Any) -> Any:
    """An item as it stands in a column."""
    if modality == "image":
        return {"bytes": image.encode_png(item), "path": None}
    if modality == "audio":
        return {"bytes": audio.encode_wav(*item), "path": None}
    if modality == "video":
        return {"bytes": video_written.encode(item), "path": None}
    return item if modality == "text" else item.tolist()


def as_columns(
    table: Table, modality: str, originals: list[Any], draws: list[Any], parent: list[int]
) -> dict[str, list[Any]]:
    """Columns of originals and then draws; where operations see some columns, the others are those of the original.

    Args:
        table: the table.
        modality: of the items.
        originals: `cells`.
        draws: `value` of what operations made.
        parent: of each draw, its original.
    """
    names, seen = columns_of(table, modality), scalars(table, modality)
    if seen is None:
        return {names[0]: originals + draws}
    place = {name: at for at, name in enumerate(seen)}
    found: dict[str, list[Any]] = {}
    for at, name in enumerate(names):
        own = [cell[at] for cell in originals]
        if name not in place:
            found[name] = own + [own[i] for i in parent]
            continue
        drawn = [draw[place[name]] for draw in draws]
        found[name] = [None if one is None else float(one) for one in own] + [None if v != v else v for v in drawn]
    return found
