"""Columns that are called ids and name no rows, since their values repeat or are missing."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.columns.role_names import ID_NAMES
from curate.task import Task
from curate.wording import of_all


def repeated_ids(columns: pa.Table, task: Task) -> list[str]:
    """Sentences about such columns, where the task has no id and leaves them without a role of their own."""
    if task.id is not None:
        return []
    taken = {getattr(task, role) for role in ("label", "group", "split", "text", "transcript", *task.modalities)}
    notes = []
    for name in columns.column_names:
        kind = columns.schema.field(name).type
        whole = pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if not whole or name in taken or name.strip().lower().replace(" ", "_") not in ID_NAMES:
            continue
        if fault := _fault(columns[name]):
            fed = "; it is one of the features, too" if name in task.feature_columns else ""
            notes.append(
                f"the column {name!r} names no rows, as {fault}: row ids follow from the content instead{fed}. Say"
                f" task: {{group: {name}}} if rows of one value belong together; else correct it"
            )
    return notes


def _fault(column: pa.ChunkedArray) -> str | None:
    counts = pc.value_counts(column.drop_null())
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        first = twice[0].as_py()
        more = f" ({len(twice):,} of {len(counts):,} values repeat)" if len(counts) > 1 else ""
        return f"{first['values']!r} stands in {first['counts']:,} rows{more}"
    if column.null_count:
        return f"{of_all(column.null_count, len(column), 'row', 'rows', ('has', 'have'))} no value there"
    return None
