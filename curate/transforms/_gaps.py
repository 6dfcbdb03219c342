"""Columns that say where values were missing before they were filled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.columns.column_types import is_number
from curate.table import Table
from curate.transforms import _columns as columns


def gaps_of(table: Table, kinds: dict[str, str], rows: np.ndarray) -> dict[str, Any]:
    """What has gaps in the training rows: column -> null, or for vectors the places that have.

    Args:
        table: the rows.
        kinds: column -> number, category or vector.
        rows: (n,) bool training rows.
    """
    found: dict[str, Any] = {}
    for name, kind in kinds.items():
        missing = _missing(table, name)[rows]
        if kind == "vector":
            if len(places := np.flatnonzero(missing.any(0))):
                found[name] = places.tolist()
        elif missing.any():
            found[name] = None
    return found


def with_indicators(filled: Table, before: Table, gaps: dict[str, Any]) -> Table:
    """The filled table, and where it was filled: columns of 1 and 0, and further places of vectors.

    Raises:
        DataError: a column of that name is there already.
    """
    added: dict[str, pa.Array] = {}
    unread, there = before.unreadable, set(before.dataset.column_names)
    for name, places in gaps.items():
        missing = _missing(before, name)
        if places is not None:
            values, present = columns.vectors(filled, name)
            if values.shape[1]:
                added[name] = columns.vector_column(np.hstack([values, missing[:, places]]), present)
            continue
        marker = f"{name}_missing"
        if marker in there:
            raise DataError(f"impute: the column {marker!r} is there already; rename it, or leave indicators out")
        added[marker] = pa.array(missing[:, 0].astype(np.int8), mask=unread)
    task, given = filled.task, filled.task.features
    if isinstance(given, tuple):
        joined = tuple(f"{name}_missing" for name, places in gaps.items() if places is None and name in given)
        task = task.model_copy(update={"features": (*given, *joined)})
    return columns.replaced(filled, added, task)


def _missing(table: Table, name: str) -> np.ndarray:
    """(n, width) bool: what is missing of a column; a vector that is missing lacks every place."""
    kind = table.column(name).type
    if columns.is_vector(kind):
        return np.isnan(columns.vectors(table, name)[0])
    if is_number(kind):
        return np.isnan(columns.numbers(table, name))[:, None]
    return table.column(name).is_null().to_numpy()[:, None]
