"""Data in memory: dicts of columns, DataFrames, Arrow tables, arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.columns.png import png_column
from curate.sources.columns.vectors import series_column, vector_column
from curate.sources.raw import Raw

IMAGE_CHANNELS = (1, 3, 4)
SERIES_NAMES = ("series", "signal", "signals", "timeseries", "time_series")


def from_columns(columns: Mapping[str, Any], source: str = "dict") -> Raw:
    """A dict of columns of one length.

    Lists and 1-d arrays are columns as they are; ``(n, d)`` numbers are vectors (a series under such a name);
    ``(n, h, w[, c])`` uint8 are images, kept as PNG; other ``(n, c, t)`` numbers are series.

    Raises:
        DataError: no columns, lengths that differ, or values that no column can hold.
    """
    if not columns:
        raise DataError(f"{source}: there are no columns")
    arrays: dict[str, pa.Array] = {}
    media: dict[str, str] = {}
    unreadable: dict[int, str] = {}
    for key, values in columns.items():
        name = str(key)
        values, found = _without_halves(name, values)
        for row, why in found.items():
            unreadable.setdefault(row, why)
        arrays[name], kind = _column(name, values, source)
        if kind:
            media[name] = kind
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
        raise DataError(f"{source}: columns must have one length, but {listed} rows")
    if not next(iter(lengths.values())):
        raise DataError(f"{source}: there are no rows")
    records = {row: f"{source} {row}".encode() for row in unreadable}
    table = pa.table(list(arrays.values()), names=list(arrays))
    return Raw(table, source, media=media, unreadable=unreadable, records=records)


def _without_halves(name: str, values: Any) -> tuple[Any, dict[int, str]]:
    """Texts with half of a surrogate pair, which are no Unicode, become None; row -> why."""
    if isinstance(values, np.ndarray) and values.dtype == object and values.ndim == 1:
        values = list(values)
    if not isinstance(values, list | tuple):
        return values, {}
    strange = {
        row: f"{name}: half of a surrogate pair (\\ud800 to \\udfff) is no text"
        for row, value in enumerate(values)
        if isinstance(value, str) and not value.isascii() and _is_halved(value)
    }
    return ([None if row in strange else value for row, value in enumerate(values)] if strange else values), strange


def _is_halved(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def from_frame(frame: Any) -> Raw:
    """A pandas DataFrame; an index with a name is a column, any other is left out."""
    if frame.index.name is not None or frame.index.nlevels > 1:
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"DataFrame: there are several columns {', '.join(map(repr, twice))}; names must differ")
    columns: dict[str, Any] = {}
    for place, name in enumerate(names):
        column = frame.iloc[:, place]
        try:
            columns[name] = pa.Array.from_pandas(column)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeEncodeError):
            columns[name] = column.to_list()
    return from_columns(columns, "DataFrame")


def from_table(data: Any) -> Raw:
    """An Arrow table, or anything that hands over an Arrow stream (polars, duckdb, ...)."""
    from curate.sources.formats.parquet import from_arrow

    columns = data if isinstance(data, pa.Table) else pa.table(data)
    if not columns.num_rows:
        raise DataError("Arrow table: there are no rows")
    return from_arrow(columns, type(data).__name__, None)


def _column(name: str, values: Any, source: str) -> tuple[pa.Array | pa.ChunkedArray, str | None]:
    """One column as Arrow, and the kind of media where it is some."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values, None
    if hasattr(values, "detach"):  # a torch tensor, without importing torch
        values = values.detach().cpu().numpy()
    if hasattr(values, "to_numpy") and not isinstance(values, np.ndarray):
        values = values.to_numpy()
    if not isinstance(values, np.ndarray):
        if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__iter__"):
            _refuse(name, values, source)
        values = list(values)
        return _from_list(name, values, source)
    if values.dtype == object:
        return _from_list(name, list(values), source)
    if values.ndim == 0:
        _refuse(name, values, source)
    if values.ndim == 1:
        return _flat(values), None
    return _block(name, values, source)


def _refuse(name: str, values: Any, source: str) -> NoReturn:
    lone = "; one row alone is a list of one dict" if isinstance(values, str | int | float | None) else ""
    raise DataError(f"{source}: the column {name!r} must be a list or an array, not {type(values).__name__}{lone}")


def _flat(values: np.ndarray) -> pa.Array:
    if values.dtype.kind in "US":
        return pa.array(values.astype(str).tolist(), pa.string())
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    return pa.array(values, from_pandas=True)


def _block(name: str, values: np.ndarray, source: str) -> tuple[pa.Array, str | None]:
    """An array of two or more dimensions: vectors, series or images."""
    if values.dtype.kind not in "biuf":
        raise DataError(f"{source}: the column {name!r} has the type {values.dtype} and {values.ndim} dimensions")
    pixels = values.dtype == np.uint8
    if pixels and (values.ndim == 3 or (values.ndim == 4 and values.shape[-1] in IMAGE_CHANNELS)):
        return png_column(values), "image"
    if values.ndim == 2 and name.lower() not in SERIES_NAMES:
        return vector_column(values), None
    if values.ndim in (2, 3):
        return series_column(values), None
    raise DataError(
        f"{source}: the column {name!r} has the shape {values.shape} and the type {values.dtype}; images are"
        " (rows, height, width[, 1, 3 or 4]) uint8, series (rows, channels, length), vectors (rows, numbers)"
    )


def _from_list(name: str, values: Sequence[Any], source: str) -> tuple[pa.Array | pa.ChunkedArray, str | None]:
    first = next((v for v in values if v is not None), None)
    if isinstance(first, Path):
        values = [None if v is None else str(v) for v in values]
    elif hasattr(first, "tobytes") and hasattr(first, "getbands"):  # a Pillow image, without importing Pillow
        return png_column([None if v is None else np.asarray(v) for v in values]), "image"
    elif isinstance(first, np.ndarray) and first.dtype == np.uint8 and first.ndim in (2, 3):
        return png_column(values), "image"
    elif isinstance(first, np.ndarray):
        values = [None if v is None else np.asarray(v).tolist() for v in values]
    try:
        return pa.array(values, from_pandas=True), None
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError):
        return mixed(name, values, source), None


def mixed(name: str, values: Sequence[Any], source: str) -> pa.Array:
    """Values of several types (1, ``"1"``, 1.0) as text; whole floats are written as integers.

    Raises:
        DataError: one is neither text, number, truth value nor None.
    """
    texts: list[str | None] = []
    for row, value in enumerate(values):
        if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
            texts.append(None)
        elif isinstance(value, bool | np.bool_):
            texts.append(str(bool(value)).lower())
        elif isinstance(value, float | np.floating):
            texts.append(str(int(value)) if float(value).is_integer() else repr(float(value)))
        elif isinstance(value, str | int | np.integer):
            texts.append(str(value))
        else:
            raise DataError(f"{source}: the column {name!r} mixes types: row {row} (from 0) is {type(value).__name__}")
    return pa.array(texts, pa.string())
