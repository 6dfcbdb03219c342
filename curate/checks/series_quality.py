"""Time series with gaps, irregular steps, flat runs, spikes, level shifts, changes of unit, or of a wrong length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.judging.bounds import Bounded, findings
from curate.checks.series import events
from curate.checks.series import issues as among
from curate.checks.series.points import PointSeries
from curate.checks.series.timed import TimedCheck
from curate.checks.series.times import irregular_steps, times_column
from curate.checks.series.unit_jumps import unit_jump
from curate.evidence.measures.series_marks import CHANNELS
from curate.findings import Findings
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

ISSUES_OF_POINTS = ("gap", "irregular_step", "flat_run", "spike", "level_shift", "unit_jump")


class SeriesQuality(TimedCheck):
    """Finds gaps, irregular steps, flat runs, spikes, level shifts, changes of unit and wrong lengths in time series.

    Where rows are series, a row is flagged, and the reason names the places. Where rows are the points of one long
    series (a table with a column of times), the points are flagged. Apart from what is never right (values that are not
    finite, times that go back), a mark must also stand apart from what is usual in the set, or in the series. Scores
    are 0.5 at an issue's bound and fall towards 0 beyond it; an issue whose setting is null is not looked for.
    Cost: 0.4 ms for each channel of a short series, 40 ms for 100,000 values.
    """

    issues: ClassVar[tuple[str, ...]] = (
        "not_finite", "gap", "irregular_step", "flat_run", "spike", "level_shift", "unit_jump", "wrong_length",
        "odd_channels",
    )  # fmt: skip

    max_gap: int | None = Field(0, ge=0, description="gap: most values or points missing in a row; null for off")
    irregular_steps: bool = Field(
        True, description="irregular_step: whether times that repeat, go back or leave the usual step are looked for"
    )
    max_flat_fraction: float | None = Field(
        0.1,
        gt=0,
        le=1,
        description="flat_run: most of a series of a set that one repeated value may take; null for off",
    )
    min_flat_values: int = Field(5, ge=2, description="flat_run: fewer equal values than this are never an issue")
    min_flat_points: int = Field(16, ge=2, description="flat_run: the same for the points of a long series")
    max_spike: float | None = Field(
        4.0,
        gt=0,
        description="spike: distance from the neighbours over the usual largest one of the set (and half a deviation),"
        " or over the range of the series itself; in a long series, in its robust deviations; null for off",
    )
    min_spike_contrast: float = Field(
        2.5,
        ge=1,
        description="spike: and so many times as far as nearly all other values of the series; in a set also 4 times"
        " that, or 3 times the range of the series",
    )
    max_shift: float | None = Field(
        1.5,
        gt=0,
        description="level_shift: jump over the usual largest one of the set (and half a deviation), or more"
        " than all of the range before and after; in a long series, in its robust deviations; null for off",
    )
    min_shift_deviations: float = Field(
        3.0, ge=0, description="level_shift: and in robust deviations of the values on both sides"
    )
    min_unit_factor: float | None = Field(
        4.5,
        gt=1,
        description="unit_jump: times larger or smaller than the rest, than before, or (of 3 channels or more)"
        " than series that are like it in form; null for off",
    )
    min_length_share: float | None = Field(
        0.15, ge=0, le=1, description="wrong_length, odd_channels: share of the set that has the same; null for off"
    )
    max_length_deviations: float = Field(
        5.0, gt=0, description="wrong_length where lengths differ: robust deviations of the logarithm of the length"
    )
    time: str | None = Field(
        None,
        description="column of times: one for each row where rows are points, a list for each where they are series;"
        " found by its name if left out",
    )

    def needs(self, task: Task) -> tuple[str, ...]:
        """Length and marks of damage of series."""
        return tuple(f"series.{name}" for name in among.FIELDS) if "series" in task.modalities else ()

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row and issue; none where the rows of a table are no points of a series."""
        if evidence.table.task.series is None:
            found = self.points(evidence)
            return self._points(evidence, found) if found else Findings.none()
        rows = among.SeriesSet(evidence)
        column = times_column(evidence.table, self.time) if self.irregular_steps else None
        issues = self._set(rows)
        if column is not None:
            issues.append(among.irregular_step(rows, *irregular_steps(evidence.table, rows.rows, column)))
        found = findings(self.name, evidence, rows.rows, issues)
        beyond = int((rows["channels"] > CHANNELS).sum())
        facts = {"rows_with_channels_beyond_the_first_16": beyond} if beyond else {}
        return Findings(found.table, {self.name: {**found.facts[self.name], **facts}})

    def _set(self, rows: among.SeriesSet) -> list[Bounded]:
        infinite = rows["infinite_fraction"]
        issues = [
            Bounded(
                "not_finite",
                np.where(infinite > 0, 0.0, 1.0),
                lambda p: f"{infinite[p]:.2%} of its values are infinite",
            )
        ]
        if self.max_gap is not None:
            issues.append(among.gap(rows, self.max_gap))
        if self.max_flat_fraction is not None:
            issues.append(among.flat_run(rows, self.max_flat_fraction, self.min_flat_values))
        if self.max_spike is not None:
            issues.append(among.spike(rows, self.max_spike, self.min_spike_contrast))
        if self.max_shift is not None:
            issues.append(among.level_shift(rows, self.max_shift, self.min_shift_deviations))
        if self.min_unit_factor is not None:
            issues.append(unit_jump(rows, self.min_unit_factor))
        if self.min_length_share is not None:
            issues.append(among.wrong_length(rows, self.max_length_deviations, self.min_length_share))
            issues.append(among.odd_channels(rows, self.min_length_share))
        return issues

    def events(self, series: PointSeries) -> Iterator[events.Event]:
        """What is wrong with the points of a long series."""
        if self.max_gap is not None:
            yield from events.gaps(series, self.max_gap)
        if self.irregular_steps:
            yield from events.irregular_steps(series)
        if self.max_flat_fraction is not None:
            yield from events.flat_runs(series, self.min_flat_points)
        if self.max_spike is not None:
            yield from events.spikes(series, self.max_spike, self.min_spike_contrast)
        if self.max_shift is not None:
            yield from events.level_shifts(series, self.min_shift_deviations, self.max_shift)
        if self.min_unit_factor is not None:
            yield from events.unit_jumps(series, self.min_unit_factor)

    def _points(self, evidence: Evidence, found: list[PointSeries]) -> Findings:
        n = len(evidence.table)
        excess = {issue: np.zeros(n) for issue in ISSUES_OF_POINTS}
        said: dict[str, dict[int, str]] = {issue: {} for issue in ISSUES_OF_POINTS}
        judged = np.zeros(n, dtype=bool)
        for series in found:
            judged[series.rows] = True
            for event in self.events(series):
                for row in series.rows[event.places].tolist():
                    if event.excess > excess[event.issue][row]:
                        excess[event.issue][row], said[event.issue][row] = event.excess, event.reason
        rows = np.flatnonzero(judged)
        issues = [
            Bounded(issue, _score(excess[issue][rows]), lambda p, said=said[issue]: said[int(rows[p])])
            for issue in ISSUES_OF_POINTS
        ]
        lines = findings(self.name, evidence, rows, issues)
        return Findings(lines.table, {self.name: {**lines.facts[self.name], "series": len(found)}})


def _score(excess: np.ndarray) -> np.ndarray:
    """(m,) how far beyond the bound, 0 for no event -> scores: 1 for none, below 0.5 for any, towards 0 far beyond."""
    return np.where(excess > 0, 0.499 / np.maximum(excess, 1.0), 1.0)
