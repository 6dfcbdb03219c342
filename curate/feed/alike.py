"""Lines of a plan that can stand for one another: of one split, with one label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrow import values_of
from curate.randomness import generator

REPLACEMENTS = 10
"""So many other rows are tried in the place of one that can't be read."""
FIRST_REPLACEMENT = 1 << 30
"""Occurrence of the first of them: far from those that a sampler counts, so that it is augmented anew."""


@dataclass(frozen=True)
class Alike:
    """Positions of a plan in groups.

    Attributes:
        group: (n,) group of each position.
        order: (n,) positions, group by group.
        edges: where each group begins in `order`, and its end behind.
    """

    group: np.ndarray
    order: np.ndarray
    edges: np.ndarray

    @classmethod
    def of(cls, plan: pa.Table) -> Alike:
        """The groups of a plan: split and label; numbers count as one label."""
        group = _codes(plan["label"])
        if "split" in plan.column_names:
            split = _codes(plan["split"].cast(pa.string()))
            group = np.unique(np.stack([group, split]), axis=1, return_inverse=True)[1].reshape(-1)
        order = np.argsort(group, kind="stable")
        return cls(group, order, np.searchsorted(group[order], np.arange(group.max(initial=-1) + 2)))

    def instead(self, position: int, attempt: int, seed: int, epoch: int, row_id: str, copy: int) -> int:
        """A position like this one, which follows from the arguments alone; the attempts may name one twice."""
        first, end = self.edges[self.group[position] : self.group[position] + 2]
        rng = generator(seed, epoch, row_id, f"replace.{attempt}", copy)
        return int(self.order[rng.integers(first, end)])


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    """(n,) int64: equal for equal values; for numbers all the same."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_floating(kind) or pa.types.is_null(kind):
        return np.zeros(len(column), np.int64)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        names: Any = ["\0".join(sorted(value)) if value else None for value in column.to_pylist()]
        column = pa.chunked_array([pa.array(names, pa.string())])
    encoded = pc.dictionary_encode(column.combine_chunks().cast(pa.string()))
    return values_of(encoded.indices, -1).astype(np.int64) + 1
