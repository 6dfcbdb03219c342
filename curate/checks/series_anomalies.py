"""Points and windows of time series that are unlike the rest: within one long series, or among the series of a set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.series.among import Among, compare_rows
from curate.checks.series.long import Scored, Stretch, score_series
from curate.checks.series.points import PointSeries
from curate.checks.series.rows import decoded
from curate.checks.series.timed import TimedCheck
from curate.findings import Findings
from curate.randomness import digest
from curate.task import Task
from curate.wording import some_of

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

FEW_ROWS = 8
"""Below so many series of a kind, each is compared with itself."""
MOST_LISTED = 100
PLACES_NAMED = 10


class SeriesAnomalies(TimedCheck):
    """Finds windows and single points of time series that are unlike all others.

    Where rows are the points of one long series (a table with a column of times, as in a CSV of ``timestamp,value``),
    the points that are odd are flagged, and the facts list the odd windows. Where rows are series, the row is flagged
    and the reason names the places. A window counts by its distance from the three nearest windows elsewhere,
    for two lengths of windows (the period and twice that; an eighth and a fourth of the length for a set), a point by
    its distance from the median of the nine around it. Scores are 0.5 at the threshold and fall towards 0 beyond it.
    Cost: 0.1 s for 10,000 points; 0.1 to 1 ms for each series of a set of short ones.
    Source: time series discords (Keogh, Lin, Fu, HOT SAX, 2005); bound of 3.5 robust deviations (Iglewicz, Hoaglin,
    1993).
    """

    default: ClassVar[bool] = True
    issues: ClassVar[tuple[str, ...]] = ("window_anomaly", "point_anomaly")

    threshold: float = Field(3.5, gt=0, description="window_anomaly: robust deviations from which a window is odd")
    row_threshold: float = Field(
        5.0,
        gt=0,
        description="window_anomaly of a set: robust deviations from which the oddest window of a series is odd",
    )
    point_threshold: float = Field(
        8.0, gt=0, description="point_anomaly: deviations from the points around, in usual ones, from which one is odd"
    )
    window: int | None = Field(
        None, ge=4, description="places in a window; the period of the series (24 to 96) if left out"
    )
    max_share: float = Field(0.05, ge=0, le=1, description="flag at most this share of the points or series")

    def needs(self, task: Task) -> tuple[str, ...]:
        """Length and channels of series."""
        return ("series.length", "series.channels") if "series" in task.modalities else ()

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row and issue; none where the rows of a table are no points of a series."""
        if evidence.table.task.series is not None:
            return self._set(evidence)
        found = self.points(evidence)
        return self._points(evidence, found) if found else Findings.none()

    def _points(self, evidence: Evidence, found: list[PointSeries]) -> Findings:
        n = len(evidence.table)
        deviation, point = np.full(n, np.nan), np.full(n, np.nan)
        odd, centre = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        windows: dict[int, str] = {}
        points: dict[int, str] = {}
        listed: list[dict[str, Any]] = []
        facts: dict[str, Any] = {"series": len(found), "points": int(sum(len(s.rows) for s in found))}
        for series in found:
            scored = score_series(series.values, self.threshold, self.window)
            deviation[series.rows], point[series.rows] = scored.deviations, scored.points
            for stretch in _allowed(scored, self.max_share):
                own = series.rows[stretch.first : stretch.last + 1]
                odd[own], centre[series.rows[stretch.place]] = True, True
                listed.append(_listed(series, stretch))
                windows |= dict.fromkeys(own.tolist(), self._window_reason(series, stretch, scored.window))
            for place in _odd_points(scored.points, self.point_threshold, self.max_share):
                points[int(series.rows[place])] = self._point_reason(series, place, scored.points[place])
        facts |= {"windows": len(listed), "oddest": sorted(listed, key=lambda w: -w["deviation"])[:MOST_LISTED]}
        facts |= {"period": scored.period, "window": scored.window} if len(found) == 1 else {}
        rows = np.flatnonzero(np.isfinite(deviation))
        ids = evidence.table.row_ids
        score = deviation_score(deviation[rows], self.threshold)
        score = np.where(odd[rows], np.minimum(score, 0.499), np.maximum(score, 0.5))
        # The point where a window differs most stands for it: so the worst rows are of several windows, not of one.
        score = np.where(odd[rows] & ~centre[rows], (score + 0.499) / 2, score)
        said = {place: windows[row] for place, row in enumerate(rows.tolist()) if odd[row]}
        lines = Findings.of(self.name, "window_anomaly", rows, ids, score, odd[rows], reason=said, facts=facts)
        score = deviation_score(point[rows], self.point_threshold)
        flagged = np.array([row in points for row in rows.tolist()], dtype=bool)
        score = np.where(flagged, np.minimum(score, 0.499), np.maximum(score, 0.5))
        said = {place: points[row] for place, row in enumerate(rows.tolist()) if row in points}
        return Findings.join([lines, Findings.of(self.name, "point_anomaly", rows, ids, score, flagged, reason=said)])

    def _window_reason(self, series: PointSeries, stretch: Stretch, window: int) -> str:
        count = stretch.last - stretch.first + 1
        return (
            f"{series.when(stretch.first)} to {series.when(stretch.last)} ({count} points) is unlike the rest:"
            f" {stretch.deviation:.1f} robust deviations beyond the usual distance between windows of"
            f" {series.lasting(window * series.step)} (from {self.threshold:g} on is odd); most at"
            f" {series.when(stretch.place)}: {series.channels[stretch.channel]} is {stretch.value:.6g} where the most"
            f" similar windows have {stretch.expected:.6g}"
        )

    def _point_reason(self, series: PointSeries, place: int, deviation: float) -> str:
        around = series.values[:, max(0, place - 4) : place + 5]
        middle = np.nanmedian(around, axis=1)
        channel = int(np.nan_to_num(np.abs(series.values[:, place] - middle)).argmax())
        return (
            f"{series.channels[channel]} is {series.values[channel, place]:.6g} at {series.when(place)}, where the"
            f" median around is {middle[channel]:.6g}: {deviation:.1f} usual deviations (from"
            f" {self.point_threshold:g} on is odd)"
        )

    def _set(self, evidence: Evidence) -> Findings:
        table, length = evidence.table, evidence.measure("series.length")
        channels = evidence.measure("series.channels")
        rows = np.flatnonzero(evidence.active & (length > 0))
        key = np.array([digest(row_id) for row_id in table.row_ids[rows].tolist()], dtype=object)
        deviation, said = np.zeros(len(rows)), {}
        for count in np.unique(channels[rows]):
            own = np.flatnonzero(channels[rows] == count)
            usual = int(np.median(length[rows[own]]))
            if len(own) < FEW_ROWS:
                for place in own:
                    deviation[place], said[int(place)] = self._alone(evidence, rows[place])
                continue
            order = np.argsort(key[own], kind="stable")
            found = compare_rows(table, rows[own], order, usual, self.window, evidence.labels)
            deviation[own] = found.deviations
            said |= {int(place): self._row_reason(found, at, int(length[rows[place]])) for at, place in enumerate(own)}
        flagged = deviation > self.row_threshold
        order = np.lexsort([key, -deviation])
        for part in (table.training[rows], ~table.training[rows]):
            flagged[order[part[order]][int(np.ceil(self.max_share * part.sum())) :]] = False
        score = deviation_score(deviation, self.row_threshold)
        score = np.where(flagged, np.minimum(score, 0.499), np.maximum(score, 0.5))
        reasons = {int(place): said[int(place)] for place in np.flatnonzero(flagged)}
        facts = {"rows": len(rows), "flagged": int(flagged.sum())}
        return Findings.of(
            self.name, "window_anomaly", rows, table.row_ids, score, flagged, reason=reasons, facts=facts
        )

    def _alone(self, evidence: Evidence, row: int) -> tuple[float, str]:
        """A row among too few: its own windows against each other."""
        [(_, [values])] = decoded(evidence.table, np.array([row]), 1)
        values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
        scored = score_series(values, self.threshold, self.window)
        if not scored.stretches:
            return float(scored.deviations.max(initial=0.0)), ""
        worst = scored.stretches[0]
        in_time = sorted(scored.stretches, key=lambda s: s.first)
        places = some_of(in_time, PLACES_NAMED, lambda s: f"{s.first}-{s.last}")
        return worst.deviation, (
            f"places {places} of {values.shape[1]} are unlike the rest of the series: up to"
            f" {worst.deviation:.1f} robust deviations (from {self.threshold:g} on is odd), most in channel"
            f" {worst.channel + 1}, {worst.value:.6g} where the most similar windows have {worst.expected:.6g}"
        )

    def _row_reason(self, found: Among, at: int, length: int) -> str:
        first, last = found.stretch[at]
        return (
            f"places {first}-{last} of {length} (channel {found.channel[at] + 1}) are unlike the windows of the other"
            f" series: {found.deviations[at]:.1f} robust deviations beyond the usual distance (from"
            f" {self.row_threshold:g} on is odd)"
        )


def _listed(series: PointSeries, stretch: Stretch) -> dict[str, Any]:
    """A window for the facts: its first and last time and row, and how odd it is."""
    return {
        "from": series.when(stretch.first),
        "to": series.when(stretch.last),
        "first_row": int(series.rows[stretch.first]),
        "last_row": int(series.rows[stretch.last]),
        "deviation": round(stretch.deviation, 2),
        "channel": series.channels[stretch.channel],
    }


def deviation_score(deviation: np.ndarray, threshold: float) -> np.ndarray:
    """(m,) deviations -> scores: near 1 for usual ones, 0.5 at the threshold t, 0.5 (t / d)^3 beyond it."""
    below = 1.0 / (1.0 + np.exp(np.minimum(deviation - threshold, 0.0)))
    return np.where(deviation <= threshold, below, 0.5 * (threshold / np.maximum(deviation, threshold)) ** 3)


def _allowed(scored: Scored, share: float) -> list[Stretch]:
    """The oddest windows that together hold at most a share of all points, and at least one window."""
    left, found = share * len(scored.deviations), []
    for stretch in scored.stretches:
        left -= stretch.last - stretch.first + 1
        if left < 0 and found:
            break
        found.append(stretch)
    return found if share > 0 else []


def _odd_points(points: np.ndarray, threshold: float, share: float) -> list[int]:
    """Places of the oddest points beyond the threshold, at most a share of all."""
    odd = np.flatnonzero(points > threshold)
    odd = odd[np.argsort(-points[odd], kind="stable")][: int(np.ceil(share * len(points)))]
    return sorted(odd.tolist())
