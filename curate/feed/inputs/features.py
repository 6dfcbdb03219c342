"""Vectors of a batch: a column of vectors, or the scalar columns of a table side by side, as `features`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import texts, values_of
from curate.errors import DataError

MAX_NAMES = 10_000
"""More different names than this in a column are no categories but free text or ids."""


@dataclass(frozen=True)
class Column:
    """One scalar column.

    Attributes:
        name: of the column.
        categories: its sorted names, None for numbers.
        place: where its numbers start among the features.
        width: how many there are.
    """

    name: str
    categories: pa.Array | None
    place: int
    width: int


@dataclass(frozen=True)
class Features:
    """The features of a task.

    Attributes:
        columns: the vector column, or the scalar columns.
        scalars: what is known of the scalar columns, None for a vector column.
        filling: (d,) float32 that stand for missing numbers: means of the training draws (0 for categories).
        numeric: (d,) bool, features that are numbers and no categories; only these are augmented.
    """

    columns: tuple[str, ...]
    scalars: tuple[Column, ...] | None
    filling: np.ndarray
    numeric: np.ndarray

    modality = "features"

    @property
    def names(self) -> list[str]:
        """What each of the d features is."""
        if self.scalars is None:
            return [f"{self.columns[0]}[{place}]" for place in range(len(self.filling))]
        found = []
        for column in self.scalars:
            if column.categories is None or column.width == 1:
                found.append(column.name)
            else:
                found += [f"{column.name}={name}" for name in column.categories.to_pylist()]
        return found

    def values(self, rows: pa.Table) -> np.ndarray | list[np.ndarray | None]:
        """(m, d) float32 with NaN where missing; for a vector column a list with None where there is no vector."""
        if self.scalars is not None:
            return scalar_features(rows, self.scalars)
        return [
            values_of(scalar.values.cast(pa.float32(), safe=False), np.nan) if scalar.is_valid else None
            for scalar in rows[self.columns[0]].combine_chunks()
        ]

    def read(self, value: np.ndarray | None) -> np.ndarray:
        """(d,) float32, NaN where missing."""
        if value is None:
            raise DataError("there is no vector")
        if len(value) != len(self.filling):
            raise DataError(f"its vector has {len(value)} numbers, and the first of the data has {len(self.filling)}")
        return value

    def augment(self, item: np.ndarray, change: Callable[[Any], Any]) -> np.ndarray:
        """The vector after a recipe, which sees the numbers and not the categories."""
        if self.numeric.all():
            return change(item)
        item = item.copy()
        item[self.numeric] = change(item[self.numeric])
        return item

    def finish(self, item: np.ndarray) -> np.ndarray:
        """The vector as it is."""
        return item

    def collate(self, items: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
        """`features` (B, d) float32, and `features_mask` (B, d) bool, False where a mean stands for a missing value."""
        values = np.stack(items).astype(np.float32, copy=False)
        known = np.isfinite(values)
        return {"features": np.where(known, values, self.filling), "features_mask": known}


def scalar_features(rows: pa.Table, columns: Sequence[Column]) -> np.ndarray:
    """(m, d) float32 of scalar columns, NaN where missing."""
    values = np.full((rows.num_rows, sum(column.width for column in columns)), np.nan, np.float32)
    for column in columns:
        found = rows[column.name]
        if column.categories is None:
            values[:, column.place] = _numbers(found)
            continue
        codes = values_of(pc.index_in(_texts(found), value_set=column.categories), -1)
        known = codes >= 0
        if column.width == 1:
            values[known, column.place] = codes[known]
        else:
            spread = slice(column.place, column.place + column.width)
            values[known, spread] = codes[known, None] == np.arange(column.width)
    return values


def scalar_columns(rows: pa.Table, names: Sequence[str], one_hot: bool) -> tuple[Column, ...]:
    """What scalar columns become, as learned from the training rows: a name that none of them has counts as missing.

    Raises:
        DataError: a column holds neither numbers nor names, or too many names for categories.
    """
    found, place = [], 0
    for name in names:
        categories, kind = None, rows.schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
            if pa.types.is_nested(kind):
                raise DataError(f"the column {name!r} holds {kind}, and features are numbers or names")
            unique = pc.unique(_texts(rows[name])).drop_null()
            if len(unique) > MAX_NAMES:
                raise DataError(
                    f"the column {name!r} has {len(unique):,} different names, more than {MAX_NAMES:,}: leave it out of"
                    " the task's features"
                )
            categories = texts(sorted(unique.to_pylist()))
        width = max(1, len(categories)) if categories is not None and one_hot else 1
        found.append(Column(name, categories, place, width))
        place += width
    return tuple(found)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return values_of(column.cast(pa.float64()), np.nan).astype(np.float32)


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())
