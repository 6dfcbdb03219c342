"""Columns of numbers beside the input of rows without a label: one of them may be the target."""

from __future__ import annotations

import shlex

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.raw import Raw
from curate.task import Task
from curate.wording import some_of

OF_THE_FILE = (
    "width", "height", "depth", "size", "bytes", "file_size", "filesize", "duration", "length", "seconds", "frames",
    "num_frames", "fps", "rate", "sampling_rate", "sample_rate", "channels", "index", "timestamp", "year",
)  # fmt: skip
"""Names of numbers that say how a file was made, and are seldom what is asked of it."""


def possible_targets(raw: Raw, task: Task) -> list[str]:
    """A sentence that names the columns of numbers without a role, and how to say that one is the target."""
    roles: set[str] = set()
    for value in task.model_dump(exclude_defaults=True).values():
        roles.update((value,) if isinstance(value, str) else value if isinstance(value, tuple) else ())
    found = [name for name in raw.columns.column_names if name not in roles and _may_be_target(name, raw.columns[name])]
    if not found:
        return []
    named, name = some_of(found, 3, repr, " or "), shlex.quote(found[0])
    return [
        f"no column was taken as the label: if {named} is the target, name it (--label {name}, or task: {{label:"
        f" {found[0]}}})"
    ]


def _may_be_target(name: str, column: pa.ChunkedArray) -> bool:
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return False
    if name.strip().lower().replace(" ", "_") in OF_THE_FILE or column.null_count > len(column) / 2:
        return False
    ends = pc.min_max(column).as_py()
    if ends["min"] is None or ends["min"] == ends["max"]:
        return False
    rows = len(column)
    counts_rows = pa.types.is_integer(kind) and not column.null_count and ends["max"] - ends["min"] == rows - 1
    return not (counts_rows and pc.count_distinct(column).as_py() == rows)
