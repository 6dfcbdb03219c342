"""Time series of a batch, padded, as `series` with a mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curate.arrow import values_of
from curate.errors import ConfigError, DataError


@dataclass(frozen=True)
class Series:
    """The column of time series of a task: (length,) or (channels, length) numbers per row."""

    column: str

    modality = "series"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,)

    def values(self, rows: pa.Table) -> list[pa.Scalar]:
        """The lists."""
        column = rows[self.column].combine_chunks()
        return list(column.storage if isinstance(column, pa.ExtensionArray) else column)

    def read(self, value: pa.Scalar) -> np.ndarray:
        """(length,) or (channels, length) float32, NaN where a value is missing."""
        if not value.is_valid:
            raise DataError("there is no series")
        inner = value.values
        if not (pa.types.is_list(inner.type) or pa.types.is_large_list(inner.type) or _is_fixed(inner.type)):
            return _numbers(inner)
        channels = [_numbers(channel.values) if channel.is_valid else np.empty(0, np.float32) for channel in inner]
        lengths = {len(channel) for channel in channels}
        if len(lengths) > 1:
            raise DataError(f"its channels have lengths from {min(lengths)} to {max(lengths)}; they must be equal")
        return np.stack(channels) if channels else np.empty((0, 0), np.float32)

    def augment(self, item: np.ndarray, change: Callable[[Any], Any]) -> np.ndarray:
        """The series after a recipe."""
        return change(item)

    def finish(self, item: np.ndarray) -> np.ndarray:
        """The series as it is."""
        return item

    def collate(self, items: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
        """`series` (B, T) or (B, channels, T) float32 and `series_mask` (B, T) bool.

        The mask is False behind the end and where a channel has no value; there `series` is 0.
        """
        for item, name in zip(items, names):
            if item.shape[:-1] != items[0].shape[:-1]:
                raise ConfigError(f"the series of rows {names[0]} and {name} differ in their number of channels")
        longest = max(item.shape[-1] for item in items)
        values = np.full((len(items), *items[0].shape[:-1], longest), np.nan, np.float32)
        for place, item in zip(values, items):
            place[..., : item.shape[-1]] = item
        missing = np.isnan(values)
        values[missing] = 0.0
        hidden = missing.any(axis=1) if missing.ndim == 3 else missing
        return {"series": values, "series_mask": np.logical_not(hidden)}


def _is_fixed(kind: pa.DataType) -> bool:
    return pa.types.is_fixed_size_list(kind)


def _numbers(array: pa.Array) -> np.ndarray:
    return values_of(array.cast(pa.float32(), safe=False), np.nan)
