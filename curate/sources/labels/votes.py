"""Columns with the labels of several annotators: brought into shape, and the consensus where no column is the label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError
from curate.sources.columns.column_types import is_list
from curate.sources.labels.labels import normalise, ordered
from curate.sources.raw import Raw
from curate.task import Task

CONSENSUS = "consensus"
"""Name of the column that is made where the task has annotators and no label."""


def with_votes(raw: Raw, given: Task) -> tuple[Raw, Task]:
    """The annotators' columns as text, and the majority of their votes as the label if the task names none.

    Ties go to the class that all annotators together chose most often.

    Raises:
        ConfigError: a column is not there, holds lists, or there is one annotator only.
    """
    if not given.annotators:
        return raw, given
    missing = [name for name in given.annotators if name not in raw.columns.column_names]
    if missing:
        raise ConfigError(f"{raw.source}: annotators names the column {missing[0]!r}, which is not there")
    if len(given.annotators) == 1:
        raise ConfigError(
            f"{raw.source}: annotators wants two or more columns of labels, found {given.annotators[0]!r}"
        )
    for name in given.annotators:
        column = raw.columns[name]
        if is_list(column.type):
            raise ConfigError(f"{raw.source}: the annotator's column {name!r} holds lists; one label per row is wanted")
        shaped = normalise(column, kind="classification", label=name)
        raw = replace(raw.with_column(name, shaped.column), remarks=[*raw.remarks, *shaped.remarks])
    if given.label is None or (given.label == CONSENSUS and CONSENSUS not in raw.columns.column_names):
        names = given.label_names or vote_names(raw, given)
        raw = raw.with_column(CONSENSUS, _majority(raw, given, names))
        note = f"the label is the majority of the {len(given.annotators)} annotators' votes (column {CONSENSUS!r})"
        raw = replace(raw, notes=(*raw.notes, note))
        given = given.model_copy(update={"label": CONSENSUS, "kind": given.kind or "classification"})
    return raw, given


def vote_names(raw: Raw, task: Task) -> tuple[str, ...]:
    """Every class that an annotator chose, in order."""
    found = {name for column in task.annotators for name in pc.unique(raw.columns[column]).drop_null().to_pylist()}
    return ordered(sorted(found), task.label_names, task.annotators[0])


def _majority(raw: Raw, task: Task, names: tuple[str, ...]) -> pa.ChunkedArray:
    values = pa.array(names, pa.string())
    counts = np.zeros((len(raw), len(names)), dtype=np.int64)
    for column in task.annotators:
        codes = pc.fill_null(pc.index_in(raw.columns[column].cast(pa.string()), value_set=values), -1).to_numpy()
        voted = np.flatnonzero(codes >= 0)
        counts[voted, codes[voted]] += 1
    if not len(names):
        return pa.chunked_array([pa.nulls(len(raw), pa.string())])
    often = counts.sum(0)
    rank = np.argsort(np.argsort(-often, kind="stable"), kind="stable")  # 0 for the class chosen most often
    best = (counts * (len(names) + 1) - rank).argmax(1)
    return pa.chunked_array([values.take(pa.array(best, mask=counts.sum(1) == 0))])
