"""Checks of series: one per row, or one whose points are the rows of a table with a column of times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from curate.checks.series.points import PointSeries, may_hold_points, point_series
from curate.errors import nearest
from curate.step import Check
from curate.task import Task
from curate.wording import some_of

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

SHOWN = 8
"""Columns that a message names before it only hints at more."""


class TimedCheck(Check):
    """A check with the settings that say where the times of points stand."""

    time: str | None = Field(
        None, description="column of times of a table whose rows are points; found by its name if left out"
    )
    by: str | None = Field(
        None, description="column that tells several series of such a table apart; found if left out"
    )

    def refuses(self, task: Task) -> str | None:
        """It wants series, or a table with a column of times."""
        if task.series is not None or may_hold_points(task, self.time):
            return None
        if self.time is not None and isinstance(task.features, tuple):
            there = some_of(task.features, SHOWN, repr)
            hint = nearest(self.time, task.features)
            return f"{self.name}.time: {self.time!r} is none of the task's features{hint}; they are {there}"
        return (
            f"{self.name} works on series, or on tables with a column of times, and the task has"
            f" {' and '.join(task.modalities)}"
        )

    def points(self, evidence: Evidence) -> list[PointSeries]:
        """The series whose points are the active rows; none where rows are no points."""
        return point_series(evidence.table, evidence.active, self.time, self.by)
