"""The test rows: a split of the source, or data of their own read as the source is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curate.errors import ConfigError, DataError, nearest
from curate.pipeline.transforming import described, read_like
from curate.table import HELD_OUT, Table
from curate.wording import counted, noun, of_all, some_of

MOST_LEAKED = 0.5
"""Share of the test rows that may stand in the training data."""
WORD = re.compile(r"[\w-]+")
FEW = 100
"""Below so many test rows a note says that little can be told."""


@dataclass(frozen=True)
class HeldOut:
    """Rows that nothing is learned from.

    Attributes:
        training: the rows that pipelines run on; test rows may stand among them as a held-out split.
        table: the table that holds the test rows.
        rows: (m,) int64, which rows of it are scored: readable, and with a label.
        inside: whether `table` is `training`, so that a run's transforms have reached the test rows already.
        source: where they are from, for people.
        notes: sentences about them.
    """

    training: Table
    table: Table
    rows: np.ndarray
    inside: bool
    source: str
    notes: tuple[str, ...]


def held_out(table: Table, test: Any) -> HeldOut:
    """The test rows for a table.

    Args:
        table: what the pipeline runs on.
        test: a `Table`, the name of a split, anything that `curate.load` takes; the split ``test`` if None.

    Raises:
        ConfigError: there is no test split, or most of it is what is trained on.
        DataError: the test data can't be read, or have no row with a label.
    """
    names = sorted(set(table.splits.tolist()))
    if test is None:
        if "test" not in names:
            raise ConfigError(_no_split(table, names))
        return _of_split(table, "test")
    if isinstance(test, str) and test in names and not Path(test).exists():
        return _of_split(table, test)
    return _of_data(table, test)


def _no_split(table: Table, names: list[str]) -> str:
    other = " (or --test validation to use that split)" if "validation" in names else ""
    return (
        f"{table.source}: there is no split 'test' to compare on; the rows are of the {noun(len(names), 'split')}"
        f" {', '.join(names)}. Name data that the pipeline has never seen with --test PATH{other}, or set rows aside"
        " with curate.resplit in Python"
    )


def _of_split(table: Table, name: str) -> HeldOut:
    here = table.splits == name
    if name == "train":
        raise ConfigError("the split 'train' is what the models learn from; name another one with --test")
    if name in HELD_OUT:
        return _scored(table, table, np.flatnonzero(here), True, f"the split {name!r} of {table.source}", [])
    # A split of another name is trained on by default: it has to leave the training data to be a test.
    note = f"the split {name!r} was taken out of the training data to test on"
    rest, own = table.select(np.flatnonzero(~here)), table.select(np.flatnonzero(here))
    return _scored(rest, own, np.arange(len(own)), False, f"the split {name!r} of {table.source}", [note])


def _of_data(table: Table, test: Any) -> HeldOut:
    if isinstance(test, str) and WORD.fullmatch(test) and not Path(test).exists():
        names = sorted(set(table.splits.tolist()))
        raise ConfigError(
            f"{test!r} is neither a split of {table.source} ({', '.join(names)}){nearest(test, names)} nor a file or"
            " folder"
        )
    own = read_like(test, described(table), other_labels=False)
    notes, rows = [], np.arange(len(own))
    marked = own.splits == "test"
    if marked.any() and not marked.all():
        rows = np.flatnonzero(marked)
        notes.append(f"{own.source} has several splits; only its split 'test' is scored ({len(rows):,} rows)")
    source = os.fspath(test) if isinstance(test, str | Path) else own.source
    return _scored(table, own, rows, False, source, notes)


def _scored(training: Table, table: Table, rows: np.ndarray, inside: bool, source: str, notes: list[str]) -> HeldOut:
    labels = table.labels
    readable, known = ~table.unreadable[rows], labels.known[rows]
    if broken := int((~readable).sum()):
        notes.append(f"{counted(broken, 'test row')} can't be read and {noun(broken, 'is', 'are')} not scored")
    if missing := int((readable & ~known).sum()):
        have, are = noun(missing, "has", "have"), noun(missing, "is", "are")
        notes.append(
            f"{counted(missing, 'test row')} {have} no label that the training data know, and {are} not scored"
        )
    kept = rows[readable & known]
    if not len(kept):
        raise DataError(f"{source}: no test row has a label to score predictions by{_why_none(training, table, rows)}")
    if len(kept) < FEW:
        notes.append(f"only {counted(len(kept), 'test row')}: small differences can't be told from noise with so few")
    notes += _leaks(training, table, kept)
    return HeldOut(training, table, kept, inside, source, tuple(notes))


def _why_none(training: Table, table: Table, rows: np.ndarray) -> str:
    """What may be the matter with the labels of test rows, where none is one of the training data's."""
    names = training.task.label_names
    if not len(rows) or not names:
        return ""
    return (
        f": the column {table.task.label!r} is missing, empty, or holds none of the classes of the training data, which"
        f" are {some_of(names, 10)} (written exactly so)"
    )


def _leaks(training: Table, table: Table, rows: np.ndarray) -> list[str]:
    """What of the test rows stands among the training rows, by exact content."""
    learned = training.content[training.training & ~training.unreadable]
    pair = [("a", np.uint64), ("b", np.uint64)]
    own, theirs = (np.ascontiguousarray(part).view(pair).ravel() for part in (table.content[rows], learned))
    leaked = int(np.isin(own, theirs).sum())
    if not leaked:
        return []
    stand = of_all(leaked, len(rows), "test row", "test rows", ("stands", "stand"))
    if leaked > MOST_LEAKED * len(rows):
        raise ConfigError(
            f"{stand} in the training data as well (same content): who learns wrong labels by heart would win; test on"
            " rows that the pipeline has never seen"
        )
    return [
        f"{stand} in the training data as well (same content): all scores are too good by them, and steps that drop or"
        " change their copies look worse than they are"
    ]
