"""The feature columns of a table as numbers and codes of categories, and back as columns of the same types."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.table import Table

FREE_TEXT = 64
"""A text column with more different values than this, and more than half of the rows, is no category."""


@dataclass(frozen=True)
class Values:
    """Rows as arrays.

    Attributes:
        numbers: (n, p) float64, NaN where missing.
        codes: (n, q) int64 codes of categories; a missing value is a category of its own.
    """

    numbers: np.ndarray
    codes: np.ndarray

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.numbers)

    def only(self, rows: np.ndarray) -> Values:
        """Some of the rows."""
        return Values(self.numbers[rows], self.codes[rows])

    @classmethod
    def join(cls, parts: list[Values]) -> Values:
        """Several as one."""
        return cls(np.concatenate([p.numbers for p in parts]), np.concatenate([p.codes for p in parts]))


@dataclass(frozen=True)
class Frame:
    """What the columns are.

    Attributes:
        values: of all rows of the table.
        numeric: names of the scalar columns of numbers, in the order of `values.numbers`.
        types: name -> Arrow type.
        whole: name -> whether all its values are whole numbers.
        categories: name -> its values as text, None for missing; in the order of `values.codes`.
        vector: name and length of the one column of vectors, or None.
    """

    values: Values
    numeric: tuple[str, ...]
    types: dict[str, pa.DataType]
    whole: dict[str, bool]
    categories: dict[str, list[str | None]]
    vector: tuple[str, int] | None

    @property
    def sizes(self) -> list[int]:
        """Number of values of each category column."""
        return [len(values) for values in self.categories.values()]

    @classmethod
    def of(cls, table: Table, rows: np.ndarray) -> Frame:
        """The features of a table.

        Args:
            table: the table.
            rows: (m,) int64 positions of the rows to learn from, by which columns are judged.

        Raises:
            DataError: a column holds free text or something that is neither number, category nor vector.
        """
        task, n = table.task, len(table)
        if isinstance(task.features, str) and _is_list(table.column(task.features).type):
            return cls._of_vectors(table, task.features)
        numbers, codes, types, whole, categories = {}, {}, {}, {}, {}
        for name in task.feature_columns:
            column = table.column(name)
            types[name] = column.type
            found = _numbers(column)
            if found is not None:
                numbers[name] = found
                seen = found[rows][np.isfinite(found[rows])]
                whole[name] = not pa.types.is_floating(column.type) or (bool(len(seen)) and bool((seen % 1 == 0).all()))
            else:
                codes[name], categories[name] = _codes(table, name, column, rows)
        values = Values(
            np.stack(list(numbers.values()), axis=1) if numbers else np.empty((n, 0)),
            np.stack(list(codes.values()), axis=1) if codes else np.empty((n, 0), dtype=np.int64),
        )
        return cls(values, tuple(numbers), types, whole, categories, None)

    @classmethod
    def _of_vectors(cls, table: Table, name: str) -> Frame:
        from curate.evidence.encoders.columns import vectors

        found = vectors(table, name, np.arange(len(table)))
        values = Values(found, np.empty((len(found), 0), dtype=np.int64))
        return cls(values, (), {name: table.column(name).type}, {}, {}, (name, found.shape[1]))

    def columns(self, made: Values) -> dict[str, pa.Array]:
        """New rows as columns of the table's types."""
        if self.vector is not None:
            name, width = self.vector
            flat = pa.array(made.numbers.astype(np.float32).ravel())
            offsets = pa.array(np.arange(len(made) + 1, dtype=np.int32) * width)
            return {name: pa.ListArray.from_arrays(offsets, flat).cast(self.types[name])}
        columns = {}
        for place, name in enumerate(self.numeric):
            found = made.numbers[:, place]
            found = np.rint(found) if self.whole[name] else found
            columns[name] = _typed(pa.array(found, mask=np.isnan(found)), self.types[name])
        for place, (name, values) in enumerate(self.categories.items()):
            texts = pa.array([values[code] for code in made.codes[:, place]], pa.string())
            kind = self.types[name]
            columns[name] = texts.cast(kind.value_type if pa.types.is_dictionary(kind) else kind)
        return columns


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _numbers(column: pa.ChunkedArray) -> np.ndarray | None:
    """(n,) float64 with NaN where missing, None where the column holds no numbers or dates."""
    kind = column.type
    if pa.types.is_temporal(kind):
        column = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    return pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy().astype(np.float64)


def _typed(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_temporal(kind):
        return values.cast(pa.int32() if kind.bit_width == 32 else pa.int64()).cast(kind)
    return values.cast(kind, safe=not pa.types.is_floating(kind))


def _codes(table: Table, name: str, column: pa.ChunkedArray, rows: np.ndarray) -> tuple[np.ndarray, list[str | None]]:
    try:
        texts = column.cast(pa.string())
    except pa.ArrowException:
        raise DataError(
            f"synthesize: the column {name!r} holds {column.type}; numbers, categories or one column of vectors are"
            " needed"
        ) from None
    values = sorted({text for text in texts.to_pylist() if text is not None})
    if len(values) > max(FREE_TEXT, len(rows) / 2):
        raise DataError(
            f"synthesize: the column {name!r} of {table.source} holds free text ({len(values)} different values in"
            f" {len(table)} rows), of which no new values can be made; leave it out of the task's features"
        )
    codes = pc.index_in(texts, value_set=pa.array(values, pa.string()))
    found = pc.fill_null(codes, -1).to_numpy().astype(np.int64)
    known: list[str | None] = list(values)
    if (found < 0).any():
        found[found < 0] = len(known)
        known.append(None)
    return found, known
