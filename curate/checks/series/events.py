"""What is wrong with the points of one long series: each function says which points, how badly, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from curate.checks.series.points import PointSeries
from curate.checks.series.season import period
from curate.checks.series.units import explain
from curate.evidence.measures.series_marks import from_neighbours, jump_ratios, robust_scale, runs, steps
from curate.wording import counted, noun

SIDES = (24, 400)
USUAL_SIDE = 48
SCALE_POINTS = 96
MOST_IRREGULAR = 0.2
LONGER_THAN_USUAL = 4.0
BEYOND_USUAL = 3.0
SUDDEN_POINTS = 2
NEAR = 3


class Event(NamedTuple):
    """Points with one issue.

    Attributes:
        issue: its name.
        places: (k,) int64 points of the series.
        excess: how far it is beyond the bound, 1 at the bound.
        reason: a sentence.
    """

    issue: str
    places: np.ndarray
    excess: float
    reason: str


def gaps(series: PointSeries, most: int) -> Iterator[Event]:
    """Runs of missing values, and missing points: more than `most` of them in a row."""
    missing = ~np.isfinite(series.values)
    for channel, name in enumerate(series.channels):
        starts, ends = runs(missing[channel])
        for start, end in zip(starts.tolist(), ends.tolist()):
            if end - start > most:
                reason = f"{name} is missing {counted(end - start, 'time')} in a row, {_span(series, start, end - 1)}"
                yield Event("gap", np.arange(start, end), (end - start) / (most + 0.5), f"{reason}; allowed: {most}")
    ahead = np.diff(series.seconds)
    lost = np.round(np.nan_to_num(ahead) / series.step) - 1
    for at in np.flatnonzero(lost > most).tolist():
        points = f"{counted(round(lost[at]), 'point')} {noun(round(lost[at]), 'is', 'are')} missing before it"
        reason = (
            f"{points}: {series.lasting(ahead[at])} since {series.when(at)}, where the usual step is"
            f" {series.lasting(series.step)}; allowed: {most}"
        )
        yield Event("gap", np.array([at + 1]), lost[at] / (most + 0.5), reason)


def irregular_steps(series: PointSeries) -> Iterator[Event]:
    """Times that repeat, go back, or lie off the usual grid; none where a fifth of them does."""
    ahead = np.diff(series.seconds)
    with np.errstate(invalid="ignore"):
        whole = np.maximum(np.round(ahead / series.step), 1)
        off = np.isfinite(ahead) & (np.abs(ahead - whole * series.step) > 0.1 * series.step)
    for at in np.flatnonzero(~np.isfinite(series.seconds)).tolist():
        yield Event("irregular_step", np.array([at]), 4.0, "its time is missing or can't be read")
    if off.sum() > MOST_IRREGULAR * max(len(ahead), 1):
        return
    for at in np.flatnonzero(off).tolist():
        if ahead[at] == 0:
            said, excess = f"its time repeats that of the point before, {series.when(at)}", 4.0
        elif ahead[at] < 0:
            said, excess = f"its time lies {series.lasting(-ahead[at])} before that of the point before", 8.0
        else:
            said, excess = f"it comes {series.lasting(ahead[at])} after the point before", 2.0
        yield Event(
            "irregular_step", np.array([at + 1]), excess, f"{said}; the usual step is {series.lasting(series.step)}"
        )


def flat_runs(series: PointSeries, least: int) -> Iterator[Event]:
    """One value repeated at least `least` times, and far more often than is usual in the channel."""
    for channel, name in zip(series.values, series.channels):
        starts, ends = runs(np.append(channel[1:] == channel[:-1], False))
        lengths = ends - starts + 1
        if not len(lengths):
            continue
        # Values that hardly ever change (a switch, a counter) repeat by nature.
        usual = np.percentile(np.concatenate([lengths, np.ones(max(0, len(channel) - int(lengths.sum())))]), 99)
        if np.sum(lengths[lengths >= least]) > 0.5 * len(channel) and len(lengths) > 1:
            continue
        bound = max(float(least), LONGER_THAN_USUAL * usual if len(lengths) > 3 else 0.0)
        for start, length in zip(starts[lengths > bound].tolist(), lengths[lengths > bound].tolist()):
            reason = (
                f"{name} is {channel[start]:.6g} {length:,} times in a row, {_span(series, start, start + length - 1)};"
                f" allowed: {bound:.0f}"
            )
            yield Event("flat_run", np.arange(start, start + length), length / bound, reason)


def spikes(series: PointSeries, least_deviations: float, least_contrast: float) -> Iterator[Event]:
    """One or two values far from their neighbours, and far beyond what nearly all points show."""
    for channel, name in zip(series.values, series.channels):
        known = np.flatnonzero(np.isfinite(channel))
        values = channel[known]
        scale = local_scale(values)
        if len(values) < 32 or scale <= 0:
            continue
        apart = from_neighbours(values)
        usual = max(1.5 * float(np.percentile(apart, 95)), 0.02 * scale)
        for at in np.flatnonzero((apart > least_deviations * scale) & (apart > least_contrast * usual)).tolist():
            reason = (
                f"{name} is {values[at]:.6g}, {apart[at] / scale:.1f} deviations from the points around it and"
                f" {apart[at] / usual:.1f} times as far as nearly all others; allowed: {least_contrast:g} times"
            )
            yield Event("spike", known[at : at + 1], apart[at] / usual / least_contrast, reason)


def local_scale(values: np.ndarray) -> float:
    """Median over blocks of 96 of the robust deviation of (n,) values: no shift, jump or spike changes it."""
    blocks = np.array_split(values, max(1, len(values) // SCALE_POINTS))
    scale = float(np.median([robust_scale(block) for block in blocks]))
    return scale or robust_scale(values)


def level_shifts(series: PointSeries, least_deviations: float, least_ratio: float) -> Iterator[Event]:
    """The level changes from one point to the next and stays, more than it ever does else."""
    for channel, name, known, values, side in _channels(series):
        step, within = steps(values, side)
        usual = float(np.median(within))  # unlike the deviation of all values, a shift does not change it
        size = step / np.maximum(within, 0.25 * usual + 1e-12)
        bound = max(least_deviations, BEYOND_USUAL * float(np.percentile(size, 99)))
        for at in _tops(np.where(step >= least_ratio * usual, size, 0.0), bound, side):
            before, after = np.median(values[at : at + side]), np.median(values[at + side : at + 2 * side])
            reason = (
                f"{name} jumps from around {before:.6g} to around {after:.6g} and stays: {size[at]:.1f} deviations;"
                f" allowed: {bound:.1f}"
            )
            yield Event("level_shift", known[at + side : at + side + 1], size[at] / bound, reason)
        del channel


def unit_jumps(series: PointSeries, least_factor: float) -> Iterator[Event]:
    """Stretches that are so much larger or smaller than what is around them as another unit makes them."""
    for _, name, known, values, side in _channels(series):
        ratio = jump_ratios(values, side)
        bound = max(np.log10(least_factor), 2 * float(np.percentile(np.abs(ratio), 90)))
        sudden = _sudden(values, side, least_factor)
        tops = sorted(_tops(np.where(sudden, np.abs(ratio), 0.0), bound, side))
        tops = [min(max(_steepest(values, top + side) - side, 0), len(ratio) - 1) for top in tops]
        while tops:
            first = tops.pop(0)
            until = tops.pop(0) if tops and np.sign(ratio[tops[0]]) != np.sign(ratio[first]) else None
            start, end = first + side, len(values) if until is None else until + side
            if until is None and end - start > len(values) / 2:  # most of the series lies after it: the start is odd
                start, end = 0, first + side
                factor = 10 ** -ratio[first]
            else:
                factor = 10 ** ratio[first]
            reason = f"{name} is {explain(factor)}, {_span(series, int(known[start]), int(known[end - 1]))}"
            yield Event(
                "unit_jump", known[start:end], abs(ratio[first]) / bound, f"{reason}; allowed: {10**bound:.3g} times"
            )


def _channels(series: PointSeries) -> Iterator[tuple[np.ndarray, str, np.ndarray, np.ndarray, int]]:
    """Channel, name, places and values of what is known, and how many points make a level (a whole period)."""
    for channel, name in zip(series.values, series.channels):
        known = np.flatnonzero(np.isfinite(channel))
        values = channel[known]
        if robust_scale(values) <= 0:
            continue
        side = int(np.clip(period(values) or USUAL_SIDE, *SIDES))
        side = min(side, len(values) // 8) | 1
        if side >= 4:
            yield channel, name, known, values, side


def _sudden(values: np.ndarray, side: int, factor: float) -> np.ndarray:
    """(n - 2 side + 1,) bool: the magnitude changes by nearly the factor from two values to the next two."""
    n = len(values) - 2 * side + 1
    magnitude = np.abs(values)
    places = np.arange(side, side + n)
    before = np.maximum(magnitude[places - 1], magnitude[places - SUDDEN_POINTS])
    after = np.maximum(magnitude[places], magnitude[np.minimum(places + 1, len(values) - 1)])
    low, high = np.minimum(before, after), np.maximum(before, after)
    return high > 0.6 * factor * low


def _steepest(values: np.ndarray, at: int) -> int:
    """The place near `at` before which the magnitude changes most."""
    near = np.arange(max(1, at - NEAR), min(len(values), at + NEAR + 1))
    logs = np.log(np.maximum(np.abs(values), 1e-30))
    return int(near[np.abs(logs[near] - logs[near - 1]).argmax()])


def _tops(size: np.ndarray, bound: float, side: int) -> list[int]:
    """Places beyond the bound, the largest first, none nearer than `side` to a larger one."""
    found: list[int] = []
    for at in np.flatnonzero(size > bound)[np.argsort(-size[size > bound], kind="stable")].tolist():
        if all(abs(at - other) >= side for other in found):
            found.append(at)
    return found


def _span(series: PointSeries, first: int, last: int) -> str:
    return f"from {series.when(first)} to {series.when(last)}" if last > first else f"at {series.when(first)}"
