"""The scalar columns of a table as codes of their distinct values and, where they hold numbers, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from curate.checks.tables.blank_cells import blank_cells
from curate.stand_ins import NOTHING_SAID
from curate.table import Table

NUMBER = r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*$"
MOSTLY = 0.9
"""Share of the cells of a column of text that must read as numbers before it counts as a column of numbers."""


@dataclass(frozen=True)
class Column:
    """One column of a table, for the m rows that are judged.

    Attributes:
        name: of the column.
        codes: (m,) int32 place of each cell's value among the distinct ones, -1 for a missing cell.
        values: d distinct values as text, in order; numbers as Python writes them.
        usual: (m,) bool, rows from which the usual is learned (training rows).
        is_text: whether the column's type is text.
        whole: whether its type is an integer or Boolean.
        numbers: (m,) float64, NaN where a cell is missing or no number; None for a column of text.
    """

    name: str
    codes: np.ndarray
    values: pa.Array
    usual: np.ndarray
    is_text: bool
    whole: bool
    numbers: np.ndarray | None

    @cached_property
    def counts(self) -> np.ndarray:
        """(d,) int64: rows of each value, among those from which the usual is learned."""
        codes = self.codes[self.usual & (self.codes >= 0)]
        return np.bincount(codes, minlength=len(self.values))

    @cached_property
    def totals(self) -> np.ndarray:
        """(d,) int64: rows of each value among all."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    @property
    def known(self) -> int:
        """Cells from which the usual is learned that are not missing."""
        return int(self.counts.sum())

    def value(self, code: int) -> str:
        """A value as text."""
        return self.values[int(code)].as_py()


def columns(table: Table, names: Sequence[str], rows: np.ndarray, usual: np.ndarray) -> list[Column]:
    """The columns of a table that hold scalars, for some of its rows.

    Args:
        table: the rows.
        names: of columns; those of lists, structs or bytes are passed over.
        rows: (m,) positions.
        usual: (m,) bool, rows from which the usual is learned.
    """
    found = []
    for name in names:
        column = table.column(name)
        if not (pt.is_nested(column.type) or pt.is_binary(column.type) or pt.is_large_binary(column.type)):
            found.append(_column(name, column, rows, usual))
    return found


def _column(name: str, column: pa.ChunkedArray, rows: np.ndarray, usual: np.ndarray) -> Column:
    if pt.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    array = column.combine_chunks()
    if len(rows) != len(array):
        array = array.take(pa.array(rows))
    kind = array.type
    is_text = pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind)
    missing = blank_cells(pa.chunked_array([array]), NOTHING_SAID if is_text else ())
    if is_text:
        array = array.cast(pa.large_string())
    encoded = pc.dictionary_encode(array)
    values = (
        encoded.dictionary if is_text else pc.cast(encoded.dictionary, pa.string(), safe=False).cast(pa.large_string())
    )
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    codes[missing] = -1
    order = pc.sort_indices(values).to_numpy()
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    codes[codes >= 0] = place[codes[codes >= 0]]
    values = values.take(pa.array(order))
    whole = pt.is_integer(kind) or pt.is_boolean(kind)
    numbers = _numbers(array, kind, is_text, values, codes, missing)
    return Column(name, codes, values, usual, is_text, whole, numbers)


def _numbers(
    array: pa.Array, kind: pa.DataType, is_text: bool, values: pa.Array, codes: np.ndarray, missing: np.ndarray
) -> np.ndarray | None:
    """(m,) numbers of a column, also where it is text that mostly reads as numbers; None for other columns."""
    if pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind) or pt.is_boolean(kind):
        if pt.is_boolean(kind):
            array = array.cast(pa.int8())
        numbers = pc.fill_null(pc.cast(array, pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False).copy()
        numbers[missing | ~np.isfinite(numbers)] = np.nan
        return numbers
    if not is_text or not len(values):
        return None
    reads = pc.match_substring_regex(values, NUMBER).to_numpy(zero_copy_only=False)
    there = codes >= 0
    if not there.any() or reads[codes[there]].mean() < MOSTLY:
        return None
    plain = pc.utf8_trim_whitespace(values.filter(pa.array(reads)))
    plain = pc.replace_substring_regex(plain, r"^\+", "")
    parsed = np.full(len(values), np.nan)
    parsed[reads] = pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)
    numbers = np.full(len(codes), np.nan)
    numbers[there] = parsed[codes[there]]
    return numbers
