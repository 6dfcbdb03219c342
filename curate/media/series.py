"""Time series columns (nested lists) -> (channels, length) arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.media.item import DecodeError


def decode(column: pa.Array | pa.ChunkedArray) -> list[np.ndarray | DecodeError]:
    """Decode every row of a column of numbers in lists (one channel), or in lists of lists (channels x length).

    Args:
        column: n rows: ``list<number>`` or ``list<list<number>>``, with lists of fixed or any size.

    Returns:
        Per row a (channels, length) float32 array, NaN where a value is null, or the error that says why there is none:
        missing, empty, or channels of different lengths.

    Raises:
        DecodeError: the column holds something else than lists of numbers.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    starts, ends, inner = _lists(array)
    missing = array.is_null().to_numpy(zero_copy_only=False).tolist()
    if _is_list(inner):
        return _decode_channels(starts, ends, inner, missing)
    values = _numbers(inner)
    return [_row(values[None, a:b], gone) for a, b, gone in zip(starts.tolist(), ends.tolist(), missing)]


def _decode_channels(
    starts: np.ndarray, ends: np.ndarray, inner: pa.Array, missing: list[bool]
) -> list[np.ndarray | DecodeError]:
    first, last, deep = _lists(inner)
    values, lengths = _numbers(deep), last - first
    rows: list[np.ndarray | DecodeError] = []
    for a, b, gone in zip(starts.tolist(), ends.tolist(), missing):
        sizes = lengths[a:b]
        if len(sizes) and (sizes != sizes[0]).any():
            rows.append(DecodeError(f"its channels differ in length: {', '.join(map(str, sizes[:8].tolist()))}"))
        elif not len(sizes) or gone:
            rows.append(_row(values[:0][None], gone))
        else:
            rows.append(_row(values[first[a] : last[b - 1]].reshape(len(sizes), -1), gone))
    return rows


def _row(values: np.ndarray, gone: bool) -> np.ndarray | DecodeError:
    if gone:
        return DecodeError("there is no series")
    return values if values.size else DecodeError("the series is empty")


def _is_list(array: pa.Array) -> bool:
    kind = array.type
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _lists(array: pa.Array) -> tuple[np.ndarray, np.ndarray, pa.Array]:
    """Where each list starts and ends (nulls are empty) in the values that they point into."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if not _is_list(array):
        raise DecodeError(f"a series must be a list of numbers, or of channels of numbers, not {array.type}")
    if pa.types.is_fixed_size_list(array.type):
        starts = (np.arange(len(array), dtype=np.int64) + array.offset) * array.type.list_size
        ends = starts + array.type.list_size
    else:
        bounds = array.offsets.to_numpy().astype(np.int64)
        starts, ends = bounds[:-1], bounds[1:]
    # A null may span values that mean nothing.
    return starts, np.where(array.is_null().to_numpy(zero_copy_only=False), starts, ends), array.values


def _numbers(array: pa.Array) -> np.ndarray:
    """(n,) float32, NaN for null."""
    kind = array.type
    if not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)
    ):
        raise DecodeError(f"a series must hold numbers, not {kind}")
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, which the measures report
        return pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float32)
