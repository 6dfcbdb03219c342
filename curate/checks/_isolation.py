"""Tables of numbers and categories as one matrix, and how easily a random tree isolates each of its rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from curate.table import Table

TREES = 200


def feature_matrix(table: Table, counted: np.ndarray) -> np.ndarray:
    """(n, d) float32 of the task's feature columns, NaN where missing.

    A number stands as it is; a category as the logarithm of how often it occurs, so that rare ones lie apart. Vectors
    of another length than most are NaN.

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
        return np.where(np.isfinite(numbers), numbers, np.nan).astype(np.float32)
    if pt.is_temporal(kind):
        numbers = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()) if pt.is_date(kind) else column
        return (
            pc.fill_null(numbers.cast(pa.int64(), safe=False).cast(pa.float64()), np.nan).to_numpy().astype(np.float32)
        )
    encoded = column.combine_chunks()
    if not pt.is_dictionary(encoded.type):
        encoded = encoded.cast(pa.string()).dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    counts = np.bincount(codes[(codes >= 0) & counted], minlength=len(encoded.dictionary))
    if not len(counts):
        return np.full(len(codes), np.nan, dtype=np.float32)
    return np.where(codes >= 0, np.log(np.maximum(counts, 1))[codes], np.nan).astype(np.float32)


def _vectors(column: pa.ChunkedArray, counted: np.ndarray) -> np.ndarray:
    """(n, d) of a column of lists, d the most frequent length; a column of numbers has d = 1."""
    values = column.combine_chunks()
    if not (pt.is_list(values.type) or pt.is_large_list(values.type) or pt.is_fixed_size_list(values.type)):
        return _scalar(column, counted)[:, None]
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    width = int(np.bincount(lengths[lengths > 0]).argmax()) if (lengths > 0).any() else 0
    out = np.full((len(lengths), width), np.nan, dtype=np.float32)
    good = (lengths == width) & (lengths > 0)
    flat = pc.list_flatten(values.filter(pa.array(good)))
    numbers = pc.fill_null(flat.cast(pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False)
    out[good] = numbers.reshape(-1, width) if width else 0.0
    return np.where(np.isfinite(out), out, np.nan)


def isolation(matrix: np.ndarray, fit: np.ndarray, seed: int) -> np.ndarray:
    """How isolated each row is (Liu, Ting, Zhou, Isolation Forest, 2008; scikit-learn's).

    Args:
        matrix: (n, d), NaN where missing (filled by the column's median).
        fit: (m,) int positions of the rows that the trees are grown from, in an order of their own.
        seed: of the trees.

    Returns:
        (n,) float64, larger for rows that stand apart; NaN in rows without any value.
    """
    from sklearn.ensemble import IsolationForest

    missing = np.isnan(matrix)
    usable = ~missing[fit].all(0) if len(fit) else np.zeros(matrix.shape[1], dtype=bool)
    out = np.full(len(matrix), np.nan)
    if not usable.any() or len(fit) < 2:
        return out
    matrix, missing = matrix[:, usable], missing[:, usable]
    filled = np.where(missing, np.nanmedian(matrix[fit], axis=0), matrix)
    forest = IsolationForest(n_estimators=TREES, random_state=seed % 2**32).fit(filled[fit])
    rows = np.flatnonzero(~missing.all(1))
    out[rows] = -forest.score_samples(filled[rows])
    return out
