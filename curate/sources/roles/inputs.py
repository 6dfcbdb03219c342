"""The columns of roles in their final types, and the rows in which one of them can't be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.media.content import is_media
from curate.sources.columns.column_types import is_list
from curate.sources.columns.magnitudes import ISSUE, without_excess
from curate.sources.columns.media_columns import resolve
from curate.sources.columns.vectors import as_series, as_vectors
from curate.sources.raw import Raw
from curate.task import Task

MEDIA_ROLES = ("image", "audio", "video", "mask")
TEXT_ROLES = ("text", "transcript", "group", "split", "id")


def typed_inputs(raw: Raw, task: Task, home: Path | None) -> tuple[Raw, dict[int, str]]:
    """The columns of roles in their final types, and the rows in which one of them can't be had."""
    failures: dict[int, str] = {}
    raw = _within_float32(raw, task)

    def failed(column: str, found: Mapping[int, str]) -> None:
        for row, why in found.items():
            if row not in raw.unreadable:
                failures.setdefault(row, f"{column}: {why}{_where(raw, row)}")

    for role in MEDIA_ROLES:
        if name := getattr(task, role):
            resolved = resolve(raw, name, home)
            raw = raw.with_column(name, resolved.column)
            failed(name, resolved.failures)
            if task.modalities == (role,):  # beside a text, an image may be missing; alone, nothing is left
                failed(name, dict.fromkeys(_null_rows(resolved.column), "there is no content and no file is named"))
    for role in TEXT_ROLES:
        name = getattr(task, role)
        if name and not pa.types.is_string(raw.columns[name].type):
            raw = raw.with_column(name, _text(raw.columns[name], name, raw.source))
    vectors = [task.embedding, task.probabilities, task.features if isinstance(task.features, str) else None]
    for name in filter(None, vectors):
        if is_list(raw.columns[name].type) and not (name == task.probabilities and _of_parts(task)):
            column, wrong = as_vectors(raw.columns[name], name, raw.source)
            raw = raw.with_column(name, column)
            failed(name, wrong)
    if _names_arrays(raw, task):
        places = pc.struct_field(resolve(raw, task.probabilities or "", home).column, "path")
        raw = raw.with_column(task.probabilities or "", places)
    if task.series:
        raw = raw.with_column(task.series, as_series(raw.columns[task.series], task.series, raw.source))
    return raw, failures


def _within_float32(raw: Raw, task: Task) -> Raw:
    """Numbers that vectors, series and features can't hold are missing, and remarked."""
    remarks = list(raw.remarks)
    for name in dict.fromkeys(filter(None, (*task.feature_columns, task.series, task.embedding, task.probabilities))):
        column, told = without_excess(raw.columns[name], name)
        if told:
            raw = raw.with_column(name, column)
            remarks += [(row, ISSUE, why) for row, why in told.items()]
    return replace(raw, remarks=remarks)


def _of_parts(task: Task) -> bool:
    """Whether the probabilities are those of parts of a row: tokens, pixels or boxes."""
    return task.tokens is not None or task.kind in ("segmentation", "detection")


def _names_arrays(raw: Raw, task: Task) -> bool:
    """Whether the probabilities of pixels lie in files."""
    if task.kind != "segmentation" or task.probabilities is None:
        return False
    kind = raw.columns[task.probabilities].type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def names_files(raw: Raw, task: Task) -> bool:
    """Whether a media column has paths without content, or probabilities lie in files."""
    if _names_arrays(raw, task):
        return True
    for name in filter(None, (getattr(task, role) for role in MEDIA_ROLES)):
        column = raw.columns[name]
        if is_media(column.type):
            lone = pc.and_(pc.struct_field(column, "bytes").is_null(), pc.struct_field(column, "path").is_valid())
            if pc.any(lone).as_py():
                return True
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            return True
    return False


def _null_rows(column: pa.ChunkedArray) -> list[int]:
    return np.flatnonzero(column.is_null().to_numpy()).tolist()


def _text(column: pa.ChunkedArray, name: str, source: str) -> pa.ChunkedArray:
    if pa.types.is_large_string(column.type) and column.nbytes > 2_000_000_000:
        return column
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{source}: the column {name!r} is of the type {column.type}, not text") from error


def _where(raw: Raw, row: int) -> str:
    if raw.origin is None:
        return ""
    place = raw.origin.slice(row, 1).to_pylist()[0]
    return f" ({place['file']}, line {place['line']})" if place["line"] is not None else f" ({place['file']})"
