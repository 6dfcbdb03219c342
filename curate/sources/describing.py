"""What was found and inferred, in lines for people."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from curate.arrow import distinct
from curate.table import Table
from curate.task import MODALITIES
from curate.wording import counted, some_of

SHOWN_NAMES = 8
SHOWN_NOTES = 20


def describe(table: Table) -> list[str]:
    """Rows and splits, roles of the columns, classes, and what the reader could not take as it stands."""
    task = table.task
    lines = [f"source: {table.source}", _rows(table)]
    for role in MODALITIES:
        value = getattr(task, role)
        if isinstance(value, str):
            lines.append(f"{role}: column {value!r}")
        elif value:
            lines.append(f"{role}: {counted(len(value), 'column')} ({some_of(value, SHOWN_NAMES)})")
    for role in ("mask", "boxes", "transcript", "group", "split", "id", "embedding", "probabilities"):
        if value := getattr(task, role):
            lines.append(f"{role}: column {value!r}")
    lines.append(_label(table))
    counts = table.problems.group_by("issue").aggregate([("row", "count_distinct")]).to_pylist()
    for line in sorted(counts, key=lambda item: item["issue"]):
        first = table.problems.filter(pc.equal(table.problems["issue"], line["issue"]))["reason"][0].as_py()
        lines.append(f"{line['issue']}: {counted(line['row_count_distinct'], 'row')}, first: {first}")
    lines += [f"note: {note}" for note in table.notes[:SHOWN_NOTES]]
    if len(table.notes) > SHOWN_NOTES:
        lines.append(f"note: and {len(table.notes) - SHOWN_NOTES} more")
    return lines


def _rows(table: Table) -> str:
    if table.task.split is None:
        return f"rows: {len(table)}"
    names, codes = distinct(table.splits)
    counts = np.bincount(codes)
    return f"rows: {len(table)} (" + ", ".join(f"{name} {count}" for name, count in zip(names, counts)) + ")"


def _label(table: Table) -> str:
    task, labels = table.task, table.labels
    if task.label is None:
        return f"label: none ({task.kind})"
    missing = int((~labels.known).sum()) if task.kind in ("classification", "multilabel", "regression") else 0
    without = f", {counted(missing, 'row')} without one" if missing else ""
    if task.kind == "regression":
        known = (labels.values if labels.values is not None else np.empty(0))[labels.known]
        span = f" from {known.min():g} to {known.max():g}" if len(known) else ""
        return f"label: column {task.label!r}, regression{span}{without}"
    classes = f"{counted(len(task.label_names), 'class', 'classes')} ({some_of(task.label_names, SHOWN_NAMES)})"
    return f"label: column {task.label!r}, {task.kind}, {classes}{without}"
