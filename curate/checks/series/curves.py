"""Whether the rows of a table are points of series, whose values say little of a point without those around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curate.checks.series.points import point_series

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


def is_one_curve(evidence: Evidence) -> bool:
    """Whether each row is a time and one value: a value's rank among all others says little of it."""
    series = point_series(evidence.table, evidence.active)
    return bool(series) and all(len(one.channels) == 1 for one in series)


def are_points(evidence: Evidence) -> bool:
    """Whether rows are points of series, with one value or several: those that follow each other are alike."""
    return bool(point_series(evidence.table, evidence.active))
