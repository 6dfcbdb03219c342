"""What a method sees of the rows: their own columns, or the embedding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.balance.resampling import matrix
from curate.balance.resampling.methods import METHODS, selecting
from curate.errors import ConfigError, DataError
from curate.evidence.exact_search import Chosen
from curate.evidence.parts.left import ArrayWriter, left_rows
from curate.evidence.parts.lying import lies_in_parts
from curate.wording import counted, noun

if TYPE_CHECKING:
    from curate.balance.resample import Resample
    from curate.task import Task

FAR_APART = 100.0
"""Columns whose spreads differ by more are worth a note: the nearest row is then the nearest in one column."""


@dataclass(frozen=True)
class Seen:
    """Rows as a method sees them.

    Attributes:
        rows: (m,) positions in the table.
        values: (m, d) matrix, standardised where that was asked for. An embedding that other machines measured is
            left where it lies (`Chosen`), and a large matrix lies where they map it (`left_rows`).
        inputs: the columns as they are; None for the embedding.
        mean: (d,) of what was standardised, else None.
        spread: (d,) likewise.
    """

    rows: np.ndarray
    values: Any
    inputs: matrix.Inputs | None = None
    mean: np.ndarray | None = None
    spread: np.ndarray | None = None

    @property
    def own(self) -> matrix.Inputs:
        """The columns as they are. Raises TypeError for the embedding, which nothing can be written back from."""
        if self.inputs is None:
            raise TypeError("the embedding has no columns")
        return self.inputs

    def restored(self, values: np.ndarray) -> np.ndarray:
        """New rows in the units of the columns."""
        if self.mean is None or self.spread is None:
            return values
        return (values * self.spread + self.mean).astype(self.own.values.dtype)


def space(step: Resample, task: Task, table: Any) -> str:
    """``features`` or ``embedding``: what a method that selects rows compares."""
    if step.space != "auto":
        return step.space
    own = set(task.modalities) <= {"features", "series"} and task.embedding is None
    return "features" if own and "category" not in matrix.kinds(table) else "embedding"


def look(step: Resample, evidence: Any, rows: np.ndarray, *, making: bool, writer: ArrayWriter | None = None) -> Seen:
    """The rows as the step's method sees them.

    Args:
        step: the step.
        evidence: the evidence.
        rows: (m,) positions, in the order that the method shall see.
        making: whether new rows are to be made of them.
        writer: leaves a large matrix where machines of the engine map it.

    Raises:
        ConfigError: the method can't make rows of these columns.
        DataError: values are missing.
    """
    table = evidence.table
    if not making and space(step, table.task, table) == "embedding":
        found = evidence.embedding()
        valid = found.valid[rows]
        if not valid.all():
            blind = int((~valid).sum())
            rows_have = f"{counted(blind, 'row')} {noun(blind, 'has', 'have')}"
            tell(
                evidence,
                f"resample: {rows_have} no embedding to be compared by, and {noun(blind, 'is', 'are')} left alone",
            )
        rows = rows[valid]
        return Seen(rows, Chosen(found.vectors, rows) if lies_in_parts(found.vectors) else found.vectors[rows])
    if making:
        _refuse_columns(step, table)
    elif "category" in matrix.kinds(table):
        raise ConfigError(
            f"resample: {step.method} compares numbers, and there are columns of categories"
            f" ({matrix.of_kind(table, 'category')}); take `space: embedding`, which encodes them"
        )
    inputs = matrix.read(table, rows, room=step.method == "svm_smote")
    if step.scale == "standard":
        mean, spread = matrix.middles_and_spreads(inputs)
        values = inputs.values if inputs.values.flags.writeable else inputs.values.copy()
        # In place: nobody needs them as they were, and another matrix would be as large.
        values -= mean.astype(values.dtype)
        values /= spread.astype(values.dtype)
    else:
        _note_spreads(evidence, inputs)
        mean, spread, values = None, None, inputs.values
    values = left_rows(values, writer)
    return Seen(rows, values, replace(inputs, values=values), mean, spread)


def _refuse_columns(step: Resample, table: Any) -> None:
    kinds, wanted = matrix.kinds(table), METHODS[step.method].inputs
    if wanted in ("numbers", "none", "any") and "category" in kinds:
        instead = "smotenc" if kinds - {"category"} else "smoten"
        raise ConfigError(
            f"resample: {step.method} makes rows of numbers, and the table has columns of categories"
            f" ({matrix.of_kind(table, 'category')}); take {instead}, or a method that selects rows"
            f" ({', '.join(selecting()[:3])} ...)"
        )
    if step.method == "smotenc" and (kinds == {"category"} or "category" not in kinds):
        why = "only categories: take smoten" if "category" in kinds else "only numbers: take smote"
        raise ConfigError(f"resample: smotenc is for numbers beside categories, and the table has {why}")
    if step.method == "smoten" and kinds != {"category"}:
        raise ConfigError(
            f"resample: smoten is for categories alone, and the table has numbers, too: take"
            f" {'smotenc' if 'category' in kinds else 'smote'}"
        )


def _note_spreads(evidence: Any, inputs: matrix.Inputs) -> None:
    if inputs.values.shape[1] < 2 or {c.kind for c in inputs.columns} == {"series"}:
        return
    sample = inputs.values[:: max(1, len(inputs.values) // 10_000)]
    spread = np.where(inputs.categorical, np.nan, sample.std(axis=0, dtype=np.float64)) if len(sample) else np.zeros(0)
    some = np.flatnonzero(spread > 0)
    if len(some) < 2:
        return
    low, high = some[spread[some].argmin()], some[spread[some].argmax()]
    if spread[high] > FAR_APART * spread[low]:
        names = matrix.names_of(inputs, [int(high), int(low)])
        tell(
            evidence,
            f"resample: the spread of {names[0]!r} is {spread[high] / spread[low]:,.0f} times that of {names[1]!r}, so"
            f" {names[0]!r} alone decides which rows are near; say `scale: standard` to make columns comparable",
        )


def tell(evidence: Any, sentence: str) -> None:
    """Add a sentence to the notes of the run."""
    notes = getattr(evidence, "notes", None)
    if notes is not None and sentence not in notes:
        notes.append(sentence)


def refuse(sentence: str) -> DataError:
    """An error about rows that a method can't work with."""
    return DataError(f"resample: {sentence}")
