"""Measures of feature rows: how much of them is missing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.measure import Measure


class FeaturesStatistics(Measure):
    """missing_fraction: share of a row's cells, or of its vector's numbers, that are null or NaN."""

    name = "features.statistics"
    modality = "features"
    fields = {"features.missing_fraction": ("float32", ())}

    def measure(self, items: pa.Table) -> dict[str, np.ndarray]:
        """Values of n rows."""
        shares = [_missing(column.combine_chunks()) for column in items.columns]
        return {"features.missing_fraction": np.mean(shares, axis=0)}


def _missing(column: pa.Array) -> np.ndarray:
    """(n,) share of each cell that is missing: 0 or 1 for scalars."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False).astype(np.float64)
    null = column.is_null().to_numpy(zero_copy_only=False)
    parents = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    gone = pc.is_null(pc.list_flatten(column), nan_is_null=True).to_numpy(zero_copy_only=False)
    lengths = np.bincount(parents, minlength=len(column))
    missing = np.bincount(parents, weights=gone, minlength=len(column))
    return np.where(null | (lengths == 0), 1.0, missing / np.maximum(lengths, 1))
