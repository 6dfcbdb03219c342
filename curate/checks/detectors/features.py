"""Tables of numbers and categories as one matrix, and its columns on one robust scale."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from curate.table import Table

FURTHEST = 1e4
"""Robust deviations beyond which values count as equally far: their squares must fit into float32."""
SAMPLE = 100_000
"""Rows from which medians and quartiles are learned, at most."""


def feature_matrix(table: Table, counted: np.ndarray) -> np.ndarray:
    """(n, d) float32 of the task's feature columns, NaN where missing.

    A number stands as it is; a category as the logarithm of how often it occurs, but at most as the median row's does,
    so that rare ones lie apart, and a name that comes twice among names that come once does not. Vectors of another
    length than most are NaN.

    Args:
        table: the rows.
        counted: (n,) bool, rows among which categories are counted.
    """
    task = table.task
    if isinstance(task.features, str):
        return _vectors(table.column(task.features), counted)
    columns = [_scalar(table.column(name), counted) for name in task.feature_columns]
    return np.stack(columns, axis=1) if columns else np.zeros((len(table), 0), dtype=np.float32)


def _scalar(column: pa.ChunkedArray, counted: np.ndarray) -> np.ndarray:
    kind = column.type
    if pt.is_integer(kind) or pt.is_floating(kind) or pt.is_boolean(kind) or pt.is_decimal(kind):
        numbers = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy()
        return _single(numbers)
    if pt.is_temporal(kind):
        numbers = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()) if pt.is_date(kind) else column
        return _single(
            pc.fill_null(numbers.cast(pa.int64(), safe=False).cast(pa.float64(), safe=False), np.nan).to_numpy()
        )
    encoded = column.combine_chunks()
    if not pt.is_dictionary(encoded.type):
        encoded = encoded.cast(pa.string()).dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    counts = np.bincount(codes[(codes >= 0) & counted], minlength=len(encoded.dictionary))
    if not len(counts):
        return np.full(len(codes), np.nan, dtype=np.float32)
    often = np.log(np.maximum(counts, 1))[codes]
    known = (codes >= 0) & counted
    often = np.minimum(often, np.median(often[known]) if known.any() else np.inf)
    return np.where(codes >= 0, often, np.nan).astype(np.float32)


def _single(numbers: np.ndarray) -> np.ndarray:
    """float64 -> float32, infinite ones missing; what float32 can't hold is brought back to its largest number."""
    largest = float(np.finfo(np.float32).max)
    return np.where(np.isfinite(numbers), np.clip(numbers, -largest, largest), np.nan).astype(np.float32)


def _vectors(column: pa.ChunkedArray, counted: np.ndarray) -> np.ndarray:
    """(n, d) of a column of lists, d the most frequent length; a column of numbers has d = 1."""
    values = column.combine_chunks()
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if not (pt.is_list(values.type) or pt.is_large_list(values.type) or pt.is_fixed_size_list(values.type)):
        return _scalar(column, counted)[:, None]
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    width = int(np.bincount(lengths[lengths > 0]).argmax()) if (lengths > 0).any() else 0
    out = np.full((len(lengths), width), np.nan, dtype=np.float32)
    good = (lengths == width) & (lengths > 0)
    flat = pc.list_flatten(values.filter(pa.array(good)))
    numbers = pc.fill_null(flat.cast(pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False)
    out[good] = _single(numbers).reshape(-1, width) if width else 0.0
    return out


def robustly_scaled(matrix: np.ndarray, fit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns in robust deviations from their median, gaps at the median, columns that say nothing left out.

    The deviation is the distance from the 5 % to the 95 % quantile over 3.29 (1 for a normal distribution), which up to
    a twentieth of strange values on either side do not touch; the standard deviation of a column that is mostly one
    value, which would else outweigh all others.

    Args:
        matrix: (n, d) float32, NaN where missing.
        fit: (m,) int positions of the rows from which medians and deviations are learned.

    Returns:
        (n, d') float32, and (d',) int, the columns that were kept.
    """
    base = matrix[fit[np.linspace(0, len(fit) - 1, min(len(fit), SAMPLE)).astype(np.int64)]] if len(fit) else matrix[:0]
    kept, columns = [], []
    for j in range(matrix.shape[1]):
        known = base[:, j][np.isfinite(base[:, j])].astype(np.float64)
        if not len(known) or known.min() == known.max():
            continue
        low, middle, high = np.percentile(known, [5, 50, 95])
        spread, deviation = (high - low) / 3.29, float((known / np.abs(known).max()).std() * np.abs(known).max())
        spread = spread if spread > 0.1 * deviation else deviation
        column = (np.nan_to_num(matrix[:, j].astype(np.float64), nan=middle) - middle) / spread
        kept.append(np.clip(column, -FURTHEST, FURTHEST).astype(np.float32))
        columns.append(j)
    scaled = np.stack(kept, axis=1) if kept else np.zeros((len(matrix), 0), dtype=np.float32)
    return scaled, np.array(columns, dtype=np.int64)
