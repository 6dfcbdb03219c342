"""What to tell of labels that are likely meant otherwise than they were read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.raw import Raw
from curate.task import Task

MANY_LABELS = 20
"""With fewer labelled rows, classes of one or two rows are no sign of a wrong column."""
SEPARATORS = ("|", ";", ",")


def label_hints(raw: Raw, task: Task, given: Task) -> list[str]:
    """Sentences about labels.

    Args:
        raw: the rows, labels in shape.
        task: as it was inferred.
        given: what the user said.
    """
    if task.kind == "unlabeled" and given.kind is None and isinstance(task.features, tuple):
        return ["no column was taken as the label: if one is, name it (--label COLUMN, or task: {label: COLUMN})"]
    if task.kind != "classification" or task.label is None or task.label in raw.class_names:
        return []
    sets = _as_sets(task.label_names) if given.kind is None else None
    return [sets] if sets else _hardly(raw, task)


def _as_sets(names: tuple[str, ...]) -> str | None:
    """Class names that are lists of labels, which repeat from list to list."""
    for separator in SEPARATORS:
        lists = [name for name in names if separator in name]
        parts = Counter(part.strip() for name in names for part in name.split(separator))
        again = sum(count > 1 for count in parts.values())
        if len(lists) >= max(2, len(names) / 3) and len(parts) < len(names) and again >= 0.8 * len(parts):
            return (
                f"{len(lists)} of the {len(names)} classes look like sets of {len(parts)} labels, such as {lists[0]!r}:"
                " if they are, say so (--kind multilabel, or task: {kind: multilabel})"
            )
    return None


def _hardly(raw: Raw, task: Task) -> list[str]:
    """A column in which nearly every value is another one is an id or a number, not a class."""
    if task.kind != "classification" or task.label is None or task.label in raw.class_names:
        return []
    known = len(raw.columns[task.label]) - raw.columns[task.label].null_count
    classes = len(task.label_names)
    if classes == 1:
        return [
            f"every label is {task.label_names[0]!r}: what compares classes (label errors, imbalance, learning curve)"
            " can say nothing of one; give data with several, or kind: unlabeled"
        ]
    if known < MANY_LABELS or classes <= known / 2:
        return []
    return [
        f"the label column {task.label!r} has {classes:,} different values in {known:,} rows: hardly classes. Name"
        " another column as the label, or kind: regression if they are numbers"
    ]


def zero_or_one(column: pa.ChunkedArray) -> bool:
    """Whether a column holds nothing but 0 and 1, or true and false."""
    if pa.types.is_boolean(column.type):
        return True
    if not pa.types.is_integer(column.type):
        return False
    return set(pc.unique(column.drop_null()).to_pylist()) <= {0, 1}


def one_hot(columns: Sequence[str]) -> str:
    """What to do with such columns where each is a label that a row has or has not."""
    both = "|".join(columns[:2])
    return f"; if each says whether a row has that label, make one column of their names ({both!r}; kind: multilabel)"
