"""Which cells of a column are missing: null, NaN or infinite, blank text, or a placeholder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt


def blank_cells(column: pa.ChunkedArray, placeholders: Sequence[str] = ()) -> np.ndarray:
    """(n,) bool: scalars that are null, NaN or infinite, text of blanks alone, or one of the placeholders."""
    parts = [_blank_chunk(chunk, placeholders) for chunk in column.chunks]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)


def blank_share(column: pa.ChunkedArray, placeholders: Sequence[str] = ()) -> np.ndarray:
    """(n,) float64: share of each row's values that are missing; 1 for a null or empty vector, 0 or 1 for a scalar."""
    kind = column.type
    if not (pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)):
        return blank_cells(column, placeholders).astype(np.float64)
    parts = [_share_chunk(chunk, placeholders) for chunk in column.chunks]
    return np.concatenate(parts) if parts else np.zeros(0)


def _share_chunk(chunk: pa.Array, placeholders: Sequence[str]) -> np.ndarray:
    """Share of missing values per list, over any depth of lists."""
    n = len(chunk)
    parent, values = np.arange(n), chunk
    while pt.is_list(values.type) or pt.is_large_list(values.type) or pt.is_fixed_size_list(values.type):
        parent = parent[pc.list_parent_indices(values).to_numpy(zero_copy_only=False).astype(np.int64)]
        values = pc.list_flatten(values)
    bad = np.bincount(parent, weights=_blank_chunk(values, placeholders), minlength=n)
    total = np.bincount(parent, minlength=n)
    return np.where(total > 0, bad / np.maximum(total, 1), 1.0)


def _blank_chunk(chunk: pa.Array, placeholders: Sequence[str]) -> np.ndarray:
    if pt.is_dictionary(chunk.type):
        chunk = chunk.cast(chunk.type.value_type)
    missing = chunk.is_null().to_numpy(zero_copy_only=False).copy()
    if pt.is_floating(chunk.type):
        missing |= ~np.isfinite(chunk.cast(pa.float64()).to_numpy(zero_copy_only=False))
    if pt.is_string(chunk.type) or pt.is_large_string(chunk.type) or pt.is_string_view(chunk.type):
        text = pc.utf8_lower(pc.utf8_trim_whitespace(chunk.cast(pa.large_string())))
        known = pa.array(["", *(p.strip().lower() for p in placeholders)], pa.large_string())
        missing |= pc.is_in(text, value_set=known).to_numpy(zero_copy_only=False)
    elif pt.is_integer(chunk.type) or pt.is_floating(chunk.type):
        numbers = [number for p in placeholders if (number := _number(p)) is not None]
        if numbers:
            known = pa.array(numbers, pa.float64())
            missing |= pc.is_in(chunk.cast(pa.float64(), safe=False), value_set=known).to_numpy(zero_copy_only=False)
    return missing


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
