"""Columns of a table as numbers side by side: numbers as they are, categories as ones and zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.sources.columns.column_types import is_number
from curate.table import Table
from curate.transforms import _columns as columns


def learned_column(table: Table, name: str, rows: np.ndarray, most: int) -> dict[str, Any]:
    """What a column is, as JSON values: ``{"kind": number | vector | category, ...}``.

    Args:
        table: the rows.
        name: of the column.
        rows: (n,) bool training rows.
        most: categories that get a place of their own, the most frequent ones.

    Raises:
        DataError: the column holds something else.
    """
    kind = table.column(name).type
    if is_number(kind):
        return {"kind": "number"}
    if columns.is_vector(kind):
        return {"kind": "vector", "width": columns.vectors(table.select(np.flatnonzero(rows)), name)[0].shape[1]}
    if columns.is_category(kind) or pa.types.is_null(kind):
        texts = table.column(name).filter(pa.array(rows)).cast(pa.string()).drop_null()
        counted = sorted(pc.value_counts(texts).to_pylist(), key=lambda line: (-line["counts"], line["values"]))
        return {"kind": "category", "names": [line["values"] for line in counted[:most]]}
    raise DataError(f"fuse: column {name!r} holds {kind}; it can fuse numbers, categories and vectors")


def column_values(table: Table, name: str, learned: dict[str, Any]) -> np.ndarray:
    """(n, width) float64 numbers of a column, NaN where it is missing. A category that is not known is all zeros.

    Raises:
        DataError: vectors have another length than those that were learned from.
    """
    if learned["kind"] == "number":
        return columns.numbers(table, name)[:, None]
    if learned["kind"] == "vector":
        values, present = columns.vectors(table, name)
        if not present.any():
            return np.full((len(table), learned["width"]), np.nan)
        if values.shape[1] != learned["width"]:
            raise DataError(
                f"fuse: vectors of column {name!r} have {values.shape[1]} numbers, those that were learned from had"
                f" {learned['width']}"
            )
        return values
    texts = table.column(name).cast(pa.string())
    codes = pc.fill_null(pc.index_in(texts, value_set=pa.array(learned["names"], pa.string())), -1).to_numpy()
    hot = (codes[:, None] == np.arange(len(learned["names"]))[None]).astype(np.float64)
    hot[texts.is_null().to_numpy()] = np.nan
    return hot
