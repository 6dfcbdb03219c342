"""What columns of times count: seconds, milliseconds, samples or frames; as is said, or by the lengths of files."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from curate.media.lengths import Length
from curate.sources.clips.times import Times, said_unit
from curate.task import Task

FITTING = 0.5
"""Share of the parts that must lie within their files for a unit to fit: of those in a finer one hardly any would."""
REACH = 0.25
"""How far into the files, on average, the last parts must reach for a unit that nobody named and is not seconds."""
SLACK, SLACK_SECONDS = 0.02, 0.5
"""Share of a file, and seconds on top, by which a part may end behind it without telling against a unit."""
CUT_SECONDS, CUT_SHARE = 0.75, 0.1
"""What files that were cut before may be longer or shorter than the part: so much, and no larger share of it."""
MOST_CUT = 0.8
"""Share of the rows from which on files count as cut before."""
FRAME_SHIFT = 0.5
"""Frames by which the times of pictures are drawn in: they stand in files rounded to a millisecond or a tick."""


@dataclass(frozen=True)
class Units:
    """A unit of times.

    Attributes:
        name: ``seconds``, ``milliseconds``, ``samples`` or ``frames``.
        each: (n,) seconds of one in each row; NaN where its file does not say.
        said: in words, with the reason where it was found.
        unknown: rows in which it can't be told how long one is.
    """

    name: str
    each: np.ndarray
    said: str
    unknown: tuple[int, ...] = ()

    def seconds(self, times: Times) -> np.ndarray:
        """(n,) places in time, NaN where there is none."""
        values = times.values
        if self.name == "frames":
            values = np.where(values > 0, values - FRAME_SHIFT, values)
        return np.where(times.clock, times.values, values * self.each)

    def spans(self, times: Times) -> np.ndarray:
        """(n,) lengths of time, NaN where there is none."""
        return np.where(times.clock, times.values, times.values * self.each)


@dataclass(frozen=True)
class Parts:
    """What is known of the parts of files that n rows are.

    Attributes:
        start: where they begin.
        end: where they end; all missing where `duration` says how long they are.
        duration: how long they are, None where there is no such column.
        known: the length of each row's file.
        files: what tells the file of each row from others.
    """

    start: Times
    end: Times
    duration: Times | None
    known: Sequence[Length | None]
    files: Sequence[Hashable]

    @cached_property
    def lengths(self) -> np.ndarray:
        """(n,) seconds of the files, NaN where they don't say."""
        return np.array([np.nan if one is None else one.seconds for one in self.known])

    def seconds(self, units: Units) -> tuple[np.ndarray, np.ndarray]:
        """(n,) starts and ends in seconds, NaN where there is none."""
        start, end = units.seconds(self.start), units.seconds(self.end)
        if self.duration is not None:
            end = np.where(np.isnan(start), 0.0, start) + units.spans(self.duration)
        return start, end

    def inside(self, units: Units) -> float:
        """Share of the parts that lie within their files; NaN where no length is known."""
        start, end = self.seconds(units)
        told = ~np.isnan(self.lengths) & ~(np.isnan(start) & np.isnan(end))
        if not told.any():
            return float("nan")
        fits = ~(start >= self.lengths) & ~(end > self.lengths * (1 + SLACK) + SLACK_SECONDS)
        return float(fits[told].mean())

    def reach(self, units: Units) -> float:
        """How far into each file, as a share of it, its last part reaches, on average; 0 where no length is known."""
        start, end = self.seconds(units)
        last = np.fmax(start, end)
        by_file: dict[object, float] = {}
        for row in np.flatnonzero(~np.isnan(last) & (self.lengths > 0)).tolist():
            share = min(1.0, float(last[row] / self.lengths[row]))
            by_file[self.files[row]] = max(by_file.get(self.files[row], 0.0), share)
        return float(np.mean(list(by_file.values()))) if by_file else 0.0

    def are_files(self, units: Units) -> bool:
        """Whether files are as long as the parts, which end behind them: they were cut before."""
        start, end = self.seconds(units)
        off = np.minimum(CUT_SECONDS, CUT_SHARE * (end - start))
        telling = ~np.isnan(self.lengths) & (end - start > 0) & (start > off)
        cut = telling & (np.abs(self.lengths - (end - start)) <= off) & (end > self.lengths)
        return bool(telling.any() and cut.sum() >= MOST_CUT * telling.sum())


def likely_units(parts: Parts, task: Task) -> list[Units]:
    """The units that may be meant, the coarsest first: one where the user or the names of the columns say it."""
    named = task.time_unit or said_unit(task.start, task.end, task.duration)
    last = parts.end if parts.duration is None else parts.duration
    numbers = np.concatenate([times.values[~np.isnan(times.values) & ~times.clock] for times in (parts.start, last)])
    if named is not None:
        return [_units(named, parts, f"in {named}")]
    if not len(numbers):
        return [_units("seconds", parts, "by the clock")]
    whole = bool((numbers == np.round(numbers)).all())
    names = ["seconds", *(["frames"] if whole and task.video else []), "milliseconds", *(["samples"] if whole else [])]
    return [_units(name, parts, f"in {name}") for name in names]


def chosen_unit(parts: Parts, likely: Sequence[Units]) -> Units:
    """The coarsest unit under which parts lie within their files; seconds where none does, or no length is known.

    What is counted in a finer unit than the one it is read in ends far behind its file; the other way round all parts
    of all files would lie in their first moments, which is not believed.
    """
    share = parts.inside(likely[0])
    if len(likely) == 1 or np.isnan(share) or share >= FITTING:
        return likely[0]
    for units in likely[1:]:
        if parts.inside(units) >= FITTING and parts.reach(units) >= REACH:
            return replace(
                units, said=f"{units.said} ({1 - share:.0%} would end behind their files in {likely[0].name})"
            )
    return likely[0]


def _units(name: str, parts: Parts, said: str) -> Units:
    start, last = parts.start, parts.end if parts.duration is None else parts.duration
    n = len(start.values)
    if name in ("seconds", "milliseconds"):
        return Units(name, np.full(n, 1.0 if name == "seconds" else 0.001), said)
    per_second = [0.0 if one is None else one.rate if name == "samples" else one.fps for one in parts.known]
    each = np.array([1 / one if one else np.nan for one in per_second])
    counted = (~np.isnan(start.values) & ~start.clock) | (~np.isnan(last.values) & ~last.clock)
    return Units(name, each, said, tuple(np.flatnonzero(np.isnan(each) & counted).tolist()))
