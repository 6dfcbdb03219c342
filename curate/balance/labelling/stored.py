"""A teacher's probabilities that are there already: in a column of the data, or in a file by row id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, DataError, nearest
from curate.evidence.encoders.columns import vectors
from curate.table import Table

SUFFIXES = (".parquet", ".npz", ".npy")


def from_column(table: Table, name: str, classes: tuple[str, ...]) -> np.ndarray:
    """(n, K) float64 of a column with K numbers per row. Raises DataError if there is none like that."""
    if name not in table.dataset.column_names:
        known = table.dataset.column_names
        raise DataError(f"teacher_labels: {table.source} has no column {name!r}{nearest(name, known)}")
    return vectors(table, name, np.arange(len(table)), width=len(classes))


def from_file(table: Table, path: Path, classes: tuple[str, ...], max_bytes: int) -> tuple[np.ndarray, str]:
    """(n, K) float64, NaN in rows that the file does not speak of, and a note on those (empty if there is none).

    Args:
        table: the rows.
        path: Parquet with a column ``row_id`` and either a column per class or one column ``probabilities`` of lists;
            .npz with the arrays ``row_ids`` (text) and ``probabilities``; or .npy with one line per row of the source.
        classes: the K classes.
        max_bytes: largest file that is read.

    Raises:
        DataError: the file can't be read, or holds something else.
    """
    if not path.is_file():
        raise DataError(f"teacher_labels: {path}: there is no such file")
    if path.stat().st_size > max_bytes:
        raise DataError(f"teacher_labels: {path} has {path.stat().st_size:,} bytes, at most {max_bytes:,} are read")
    read = {".parquet": _parquet, ".npz": _npz, ".npy": _npy}[path.suffix.lower()]
    try:
        ids, values = read(path, table, classes)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DataError(f"teacher_labels: {path} can't be read: {error}") from error
    if values.ndim != 2 or values.shape[1] != len(classes) or values.dtype.kind not in "fiu":
        raise DataError(
            f"teacher_labels: {path} holds an array {values.shape} of {values.dtype}; expected {len(classes)} numbers"
            f" per row, one per class: {', '.join(classes)}"
        )
    return _placed(table, ids, values, path)


def _placed(table: Table, ids: np.ndarray | None, values: np.ndarray, path: Path) -> tuple[np.ndarray, str]:
    n = len(table)
    if ids is None:
        if len(values) != n:
            raise DataError(
                f"teacher_labels: {path} has {len(values)} lines for {n} rows; a file without row ids needs one line"
                " per row, in the order of the source"
            )
        return values.astype(np.float64), ""
    if len(np.unique(ids)) != len(ids):
        raise DataError(f"teacher_labels: {path} names some row ids twice")
    place = {str(row_id): i for i, row_id in enumerate(table.row_ids)}
    rows = np.array([place.get(str(row_id), -1) for row_id in ids], dtype=np.int64)
    if n and len(ids) and (rows < 0).all():
        raise DataError(
            f"teacher_labels: {path} names none of the rows: it has the id {str(ids[0])!r}, the data"
            f" {str(table.row_ids[0])!r}"
        )
    result = np.full((n, values.shape[1]), np.nan)
    result[rows[rows >= 0]] = values[rows >= 0]
    unknown = int((rows < 0).sum())
    return result, f"{path.name} names {unknown} row ids that are not in the data" if unknown else ""


def _parquet(path: Path, table: Table, classes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    import pyarrow.parquet as pq

    found = pq.read_table(path)
    names = found.column_names
    if "row_id" not in names:
        raise ValueError(f"there is no column 'row_id'; it has {', '.join(names)}")
    ids = np.array(found["row_id"].cast(pa.string()).to_pylist(), dtype=np.dtypes.StringDType())
    if "probabilities" in names:
        column = found["probabilities"].combine_chunks()
        lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
        if not (lengths == len(classes)).all():
            raise ValueError(f"its lists don't all have {len(classes)} numbers, one per class")
        flat = pc.list_flatten(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
        return ids, flat.reshape(-1, len(classes))
    missing = [name for name in classes if name not in names]
    if missing:
        raise ValueError(f"there is no column for the class {missing[0]!r}{nearest(missing[0], names)}")
    columns = [found[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in classes]
    return ids, np.stack(columns, axis=1)


def _npz(path: Path, table: Table, classes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        ids, values = file["row_ids"], file["probabilities"]
    if ids.dtype.kind not in "US" or len(ids) != len(values):
        raise ValueError(f"row_ids must be {len(values)} texts, found {len(ids)} of {ids.dtype}")
    return ids.astype(np.str_).astype(np.dtypes.StringDType()), values


def _npy(path: Path, table: Table, classes: tuple[str, ...]) -> tuple[None, Any]:
    return None, np.load(path, allow_pickle=False)


def check_suffix(path: str) -> None:
    """Raises ConfigError for a file of another kind; pickles and checkpoints are never opened."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise ConfigError(f"a file of probabilities ends in {', '.join(SUFFIXES)}, found {path!r}")
