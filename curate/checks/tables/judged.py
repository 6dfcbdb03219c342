"""Checks of the scalar columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from curate.checks.judging.oddness import usual_rows
from curate.checks.tables.columns import Column, columns
from curate.step import Check
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class Judged(NamedTuple):
    """What is judged of a table.

    Attributes:
        rows: (m,) int64, the active rows.
        usual: (m,) bool, those of them that say what is usual.
        columns: their scalar columns.
    """

    rows: np.ndarray
    usual: np.ndarray
    columns: list[Column]


class ColumnsCheck(Check):
    """A check of a table with scalar columns."""

    def refuses(self, task: Task) -> str | None:
        """Judges the scalar columns of a table."""
        if not isinstance(task.features, tuple):
            return f"{self.name} judges the columns of a table, and the task has {' and '.join(task.modalities)}"
        return None

    def judged(self, evidence: Evidence) -> Judged:
        """Active rows and their scalar columns."""
        rows = np.flatnonzero(evidence.active)
        usual = usual_rows(evidence, rows)
        return Judged(rows, usual, columns(evidence.table, evidence.table.task.feature_columns, rows, usual))
