"""Columns whose categories have an order of their own: kept as the order of the classes, and else told of."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.labels.labels import meant
from curate.task import Task

SHOWN = 5


def category_orders(columns: pa.Table) -> dict[str, tuple[str, ...]]:
    """Column -> those of its categories that rows have, in their order, as labels would name them."""
    found = {}
    for name, column in zip(columns.column_names, columns.columns):
        kind = column.type
        if not pa.types.is_dictionary(kind) or not kind.ordered:
            continue
        texts = pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)
        if not (texts or pa.types.is_integer(kind.value_type)):
            continue
        whole = column.unify_dictionaries()
        if not whole.num_chunks:
            continue
        used = pc.unique(pa.chunked_array([chunk.indices for chunk in whole.chunks])).drop_null()
        categories = whole.chunk(0).dictionary.take(used.take(pc.sort_indices(used)))
        names = meant(categories.cast(pa.string()).to_pylist())
        found[name] = tuple(dict.fromkeys(one for one in names if one is not None))
    return found


def unused_orders(orders: Mapping[str, tuple[str, ...]], task: Task) -> list[str]:
    """Sentences about features whose categories have an order, which features don't keep."""
    notes = []
    for name in task.feature_columns:
        if name in orders:
            shown = " < ".join(orders[name][:SHOWN]) + (" < ..." if len(orders[name]) > SHOWN else "")
            notes.append(
                f"the categories of {name!r} have an order ({shown}), which names among the features do not keep: give"
                " numbers where it matters"
            )
    return notes
