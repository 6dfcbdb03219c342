"""Issues of the series of a set, one per row: each against a bound and against what is usual in the set."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from curate.checks.judging.bounds import Bounded, at_most
from curate.wording import counted, noun

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

FIELDS = (
    "length", "channels", "infinite_fraction", "padding", "gap", "gap_place", "flat", "flat_place", "location", "scale",
    "spikes", "spike_contrasts", "spike_ranges", "spike_returns", "spike_places", "shifts", "shift_deviations",
    "shift_ranges", "shift_places", "jumps", "jump_contrasts", "jump_places",
    "bands",
)  # fmt: skip
CLASS_ROWS = 8
SAME_LENGTH = 0.5
"""Share of a set that has one length from which on it is a set of series of that length."""
CLEAR_CONTRAST = 4.0
"""Times the least contrast of a spike from which on it is one, however wide the series itself ranges."""
CLEAR_RANGES = 3.0
"""Ranges of the series that a spike of less contrast must span: signals that move much have peaks of their own."""
OWN_CONTRAST, SHIFT_RANGES = 3.0, 1.1
"""Times the least contrast of a spike, and ranges of what is before and after a shift, by which either is told within
the series alone."""
LEAST_RETURN = 0.5
"""How far a spike falls back on one side over how far it rose on the other, at least; a transient decays slowly."""


class SeriesSet:
    """Measures of the active series of a table, and what is usual among those of its training rows."""

    def __init__(self, evidence: Evidence) -> None:
        length = evidence.measure("series.length")
        self.rows = np.flatnonzero(evidence.active & (length > 0))
        self._values = {name: evidence.measure(f"series.{name}")[self.rows] for name in FIELDS}
        training = evidence.table.training[self.rows]
        self.training = training if training.any() else np.ones(len(self.rows), dtype=bool)
        labels = evidence.labels
        plain = bool(labels.names) and labels.sets is None
        self.codes = labels.codes[self.rows] if plain else np.full(len(self.rows), -1)
        self.length = self["length"].astype(np.int64) - self["padding"]

    def __len__(self) -> int:
        """Number of series."""
        return len(self.rows)

    def __getitem__(self, name: str) -> np.ndarray:
        """(m, ...) values of a field, floats as float64."""
        values = self._values[name]
        return values.astype(np.float64) if values.dtype.kind == "f" else values

    def set_fence(self, values: np.ndarray) -> float:
        """Tukey's far fence of (m,) values over all classes."""
        return _far(values[self.training & np.isfinite(values)])

    def fence(self, values: np.ndarray) -> np.ndarray:
        """(m,) values -> (m,) Tukey's far fence of the set, or of the row's class (8 rows or more) where that is more.

        It lies 3 interquartile ranges above the third quartile.
        """
        base = self.training & np.isfinite(values)
        found = np.full(len(self), _far(values[base]))
        for code in np.unique(self.codes[base & (self.codes >= 0)]):
            own = base & (self.codes == code)
            if own.sum() >= CLASS_ROWS:
                same = self.codes == code
                found[same] = np.maximum(found[same], _far(values[own]))
        return found

    def usual(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(m,) values -> (m,) median of the row's class (8 rows or more, else all), and (m,) robust deviation."""
        base = self.training & np.isfinite(values)
        if not base.any():
            return np.full(len(self), np.nan), np.zeros(len(self))
        middle, spread = np.full(len(self), np.median(values[base])), np.zeros(len(self))
        spread[:] = 1.4826 * np.median(np.abs(values[base] - middle[base]))
        for code in np.unique(self.codes[base & (self.codes >= 0)]):
            own = base & (self.codes == code)
            if own.sum() >= CLASS_ROWS:
                same = self.codes == code
                middle[same] = np.median(values[own])
                spread[same] = 1.4826 * np.median(np.abs(values[own] - middle[own]))
        return middle, spread

    def relative(self, sizes: np.ndarray, counts: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The largest size over the channels of each row, as a multiple of what is usual there.

        Usual is the median of the size, and half of that of the scale, among the rows of the class.

        Args:
            sizes: (m, channels) in the unit of the values.
            counts: (m, channels) bool, sizes that count; all if None.

        Returns:
            (m,) multiples, 0 where there is none, and (m,) channels.
        """
        found = np.zeros(sizes.shape)
        for channel in range(sizes.shape[1]):
            if np.isfinite(sizes[:, channel]).any():
                usual = self.usual(sizes[:, channel])[0] + 0.5 * self.usual(self["scale"][:, channel])[0]
                found[:, channel] = np.nan_to_num(sizes[:, channel]) / np.where(usual > 0, usual, np.inf)
        if counts is not None:
            found = np.where(counts, found, 0.0)
        return found.max(1, initial=0.0), found.argmax(1)

    def at(self, p: int, channel: np.ndarray, places: np.ndarray) -> str:
        """Words for a place in a channel: ``place 12 of 150 (channel 2)``."""
        more = f" (channel {channel[p] + 1})" if self["channels"][p] > 1 else ""
        return f"place {places[p, channel[p]]} of {self.length[p]}{more}"

    def place(self, name: str) -> Callable[[int], str]:
        """Words for the place of a mark: ``places 12-40 of 150 (channel 2)``."""
        places, several = self[f"{name}_place"], self["channels"] > 1

        def said(p: int) -> str:
            channel, first, last = places[p]
            where = f"place {first}" if first == last else f"places {first}-{last}"
            return f"{where} of {self.length[p]}" + (f" (channel {channel + 1})" if several[p] else "")

        return said


def _far(values: np.ndarray) -> float:
    if not len(values):
        return 0.0
    low, high = np.percentile(values, [25, 75])
    return float(high + 3 * (high - low))


def gap(rows: SeriesSet, most: int) -> Bounded:
    """Values that are missing in a row, more than is usual; those that pad the end do not count."""
    longest, where = rows["gap"].astype(np.float64), rows.place("gap")
    bound = np.maximum(float(most), rows.fence(longest))

    def reason(p: int) -> str:
        values = f"{counted(round(longest[p]), 'value')} {noun(round(longest[p]), 'is', 'are')}"
        return f"{values} missing or not finite in a row, {where(p)}; allowed: {bound[p]:.0f}"

    return Bounded("gap", at_most(longest / (bound + 0.5), 1.0), reason)


def irregular_step(rows: SeriesSet, share: np.ndarray, place: np.ndarray, sizes: np.ndarray) -> Bounded:
    """Steps of time that differ from the usual one of the series, in more of them than is usual in the set."""
    bound = np.maximum(0.0, np.minimum(rows.fence(share), 0.99))
    return Bounded(
        "irregular_step",
        np.where(share > bound, 0.499 * (1.0 - share) + 1e-6, 1.0),
        lambda p: (
            f"{share[p]:.1%} of the steps of time differ from the usual {sizes[p, 1]:.6g} by more than a tenth, most at"
            f" place {place[p]}: {sizes[p, 0]:.6g}; usual in the set: at most {bound[p]:.1%}"
        ),
    )


def flat_run(rows: SeriesSet, most: float, least_values: int) -> Bounded:
    """One value that is repeated for a large part of the series."""
    run, where = rows["flat"].astype(np.float64), rows.place("flat")
    share = run / np.maximum(rows.length, 1)
    share[run < least_values] = 0.0
    bound = np.maximum(most, np.minimum(rows.fence(share), 0.99))
    return Bounded(
        "flat_run",
        at_most(share / bound, 1.0),
        lambda p: f"one value {run[p]:.0f} times in a row, {where(p)} ({share[p]:.0%}); allowed: {bound[p]:.0%}",
    )


def spike(rows: SeriesSet, most: float, least_contrast: float) -> Bounded:
    """A single value far away from its neighbours, as no other series of the set or class has it.

    Far is judged by what is usual in the set, and by the range of the series itself: series that move little may stand
    beside ones that move much.
    """
    far, contrast = rows["spikes"], rows["spike_contrasts"]
    stands_out = (contrast >= CLEAR_CONTRAST * least_contrast) | (rows["spike_ranges"] >= CLEAR_RANGES)
    returns = rows["spike_returns"] >= LEAST_RETURN
    counts = (contrast >= least_contrast) & stands_out & returns
    own = np.where((contrast >= OWN_CONTRAST * least_contrast) & returns, rows["spike_ranges"], 0.0)
    return _beyond(
        rows, "spike", far, counts, most, own, most,
        lambda p, channel, where: f"{where} lies {far[p, channel]:.4g} from its neighbours",
    )  # fmt: skip


def level_shift(rows: SeriesSet, most: float, least_deviations: float) -> Bounded:
    """The level changes from one value to the next and stays, as in no other series of the set or class.

    So it does where it changes by more than the whole range of the values before, and of those after.
    """
    far = rows["shifts"]
    counts = rows["shift_deviations"] >= least_deviations
    return _beyond(
        rows, "level_shift", far, counts, most, np.where(counts, rows["shift_ranges"], 0.0), SHIFT_RANGES,
        lambda p, channel, where: f"the level jumps by {far[p, channel]:.4g} at {where} and stays",
    )  # fmt: skip


def _beyond(
    rows: SeriesSet,
    issue: str,
    sizes: np.ndarray,
    counts: np.ndarray,
    most: float,
    own: np.ndarray,
    own_most: float,
    said: Callable[[int, int, str], str],
) -> Bounded:
    """Marks whose (m, channels) sizes are more than `most` times what is usual, and than the set's far fence.

    Or whose (m, channels) sizes in ranges of their own series are more than `own_most`, and than the fence of these.
    """
    size, channel = rows.relative(sizes, counts)
    bound, places = max(most, rows.set_fence(rows.relative(sizes)[0])), rows[f"{issue.rpartition('_')[2]}_places"]
    own = np.nan_to_num(own)
    ranges, own_channel = own.max(1, initial=0.0), own.argmax(1)
    own_bound = max(own_most, rows.set_fence(ranges))
    alone = ranges / own_bound > size / bound
    channel = np.where(alone, own_channel, channel)

    def reason(p: int) -> str:
        if alone[p]:
            far = f"{ranges[p]:.1f} times the range of its other values; allowed: {own_bound:.1f} times"
        else:
            far = f"{size[p]:.1f} times what is usual; allowed: {bound:.1f} times"
        return f"{said(p, int(channel[p]), rows.at(p, channel, places))}, {far}"

    return Bounded(issue, at_most(np.maximum(size / bound, ranges / own_bound), 1.0), reason)


def wrong_length(rows: SeriesSet, deviations: float, least_share: float) -> Bounded:
    """A length that few have where most have the same one, or one far from the usual where they differ."""
    length, padding = rows.length.astype(np.float64), rows["padding"]

    def _values(p: int) -> str:
        return f"{rows.length[p]:,} values" + (f" before {padding[p]:,} missing ones at the end" if padding[p] else "")

    usual, share, common = _shares(rows, rows.length)
    if common >= SAME_LENGTH:
        score = np.where((rows.length == usual) | (share >= least_share), 1.0, 0.25)
        return Bounded(
            "wrong_length",
            score,
            lambda p: f"{_values(p)}, as {share[p]:.1%} of the set; {common:.0%} have {usual:,}",
        )
    logs = np.log(np.maximum(length, 1))
    base = logs[rows.training]
    middle = float(np.median(base)) if len(base) else 0.0
    spread = 1.4826 * float(np.median(np.abs(base - middle))) if len(base) else 0.0
    bound = max(np.log(1.5), deviations * spread)
    return Bounded(
        "wrong_length",
        at_most(np.abs(logs - middle), bound),
        lambda p: (
            f"{_values(p)}, {np.exp(abs(logs[p] - middle)):.1f} times off the median of"
            f" {np.exp(middle):,.0f}; allowed: {np.exp(bound):.1f}"
        ),
    )


def odd_channels(rows: SeriesSet, least_share: float) -> Bounded:
    """A number of channels that few others have."""
    usual, share, _ = _shares(rows, rows["channels"])
    score = np.where((rows["channels"] == usual) | (share >= least_share), 1.0, 0.25)
    return Bounded(
        "odd_channels",
        score,
        lambda p: f"{counted(int(rows['channels'][p]), 'channel')}, as {share[p]:.1%} of the set; most have {usual}",
    )


def _shares(rows: SeriesSet, values: np.ndarray) -> tuple[int, np.ndarray, float]:
    """The most common value among training rows, (m,) share of those with each row's value, and its own share."""
    if not len(rows):
        return 0, np.zeros(0), 0.0
    distinct, place = np.unique(values, return_inverse=True)
    counts = np.bincount(place[rows.training], minlength=len(distinct)) / rows.training.sum()
    return int(distinct[counts.argmax()]), counts[place], float(counts.max())
