"""Points of a long series, one per row of a table, shown within the curve around them."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from curate.checks.series.points import PointSeries, may_hold_points, point_series
from curate.errors import CurateError
from curate.report.previews.item import Preview
from curate.report.previews.series import series_preview
from curate.table import Table

BEFORE = 60
"""Points of the curve on each side of the one that is shown."""


class Curves:
    """The series whose points are the rows of a table, found when the first row is asked for."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def around(self, row: int) -> list[Preview]:
        """The curve around a row with the row's point marked; nothing where rows are no points of a series."""
        for series in self._series:
            place = int(np.searchsorted(series.rows, row))
            if place < len(series.rows) and series.rows[place] == row:
                first = max(0, place - BEFORE)
                window = series.values[:, first : place + BEFORE + 1]
                return [series_preview(window, f"place {place - first}")]
        return []

    @cached_property
    def _series(self) -> list[PointSeries]:
        table = self._table
        if not isinstance(table.task.features, tuple) or not may_hold_points(table.task, None):
            return []
        try:
            return point_series(table, ~table.unreadable)
        except CurateError:  # said by the checks that judge series
            return []
