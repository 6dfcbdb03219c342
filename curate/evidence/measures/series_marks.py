"""Marks of damage in a time series: gaps, flat runs, spikes, level shifts and jumps of scale, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from curate.evidence.measure import Measure

CHANNELS = 16
SIDES = 8
LEAST_SIDE = 5
BANDS = 5
MOST_SIDE = 49
OF_CHANNELS = (
    "location", "scale", "spikes", "spike_contrasts", "spike_ranges", "spike_returns", "shifts", "shift_deviations",
    "shift_ranges", "jumps", "jump_contrasts",
)  # fmt: skip
PLACES = ("spike_places", "shift_places", "jump_places")


class SeriesMarks(Measure):
    """Gaps and flat runs of a series over all of its channels; spikes, level shifts and jumps of scale per channel.

    padding: places at the end where every channel is NaN, as shorter series are stored among longer ones. gap:
    values in a row that are not finite, but for those; flat: equal values in a row; each with its place: channel,
    first and last position (-1 where there is none). The rest is of the first 16 channels, NaN (-1) beyond.
    location, scale: median and interquartile range over 1.349 (standard deviation where that is 0). spikes: how far
    the value that is farthest from the median of the five around it is from that; spike_contrasts: the same over
    what 98 % of the other values reach; spike_ranges: over the range of the other values, 1st to 99th percentile;
    spike_returns: the smaller over the larger of its distances from the values before and after it. shifts: how far
    the median of an eighth of the length (5 to 49 values) jumps from one value to the next; shift_deviations: the
    same in robust deviations within both sides, shift_ranges: over the larger range (1st to 99th percentile) of all
    values before and after. jumps: logarithm (base 10) of the ratio of median magnitudes (of values without their sign)
    after and before a place; jump_contrasts: that of what three in four magnitudes of the larger side reach over what
    nearly all (95 %) of the smaller side stay below, over the whole series. bands: share of the power of the finite
    values, their mean aside, in 5 bands of frequency that widen by the same factor.
    """

    name = "series.marks"
    modality = "series"
    parameters = {"sides": [SIDES, LEAST_SIDE, MOST_SIDE]}
    libraries = ("scipy",)
    fields = {
        "series.padding": ("int32", ()),
        "series.gap": ("int32", ()),
        "series.gap_place": ("int32", (3,)),
        "series.flat": ("int32", ()),
        "series.flat_place": ("int32", (3,)),
        **{f"series.{name}": ("float32", (CHANNELS,)) for name in OF_CHANNELS},
        **{f"series.{name}": ("int32", (CHANNELS,)) for name in PLACES},
        "series.bands": ("float32", (CHANNELS, BANDS)),
    }

    def measure(self, items: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Values of n series."""
        rows = [_row(item.astype(np.float64)) for item in items]
        return {field: np.array([row[field.partition(".")[2]] for row in rows]) for field in self.fields}


def _row(item: np.ndarray) -> dict[str, Any]:
    known = np.flatnonzero(~np.isnan(item).all(0))
    row: dict[str, Any] = {"padding": item.shape[1] - int(known[-1]) - 1 if len(known) else 0}
    item = item[:, : item.shape[1] - row["padding"]]
    finite = np.isfinite(item)
    row["gap"], row["gap_place"] = _longest(~finite)
    repeated, (channel, first, last) = _longest([_repeats(values) for values in item])
    row["flat"] = repeated + 1 if repeated else 0  # n repeats make n + 1 equal values
    row["flat_place"] = (channel, first, last + 1 if repeated else -1)
    row |= {name: np.full(CHANNELS, np.nan) for name in OF_CHANNELS}
    row |= {name: np.full(CHANNELS, -1) for name in PLACES}
    row["bands"] = np.full((CHANNELS, BANDS), np.nan)
    for number, channel in enumerate(item[:CHANNELS]):
        known = np.flatnonzero(finite[number])
        values = channel[known]
        if not len(values):
            continue
        scale = robust_scale(values)
        found = (spike(values, scale), shift(values, scale), jump(values))
        row["location"][number], row["scale"][number] = np.median(values), scale
        row["bands"][number] = power_shares(values)
        for mark, value in zip(("spikes", "spike_contrasts", "spike_ranges", "spike_returns"), found[0]):
            row[mark][number] = value
        for mark, value in zip(("shifts", "shift_deviations", "shift_ranges"), found[1]):
            row[mark][number] = value
        row["jumps"][number], row["jump_contrasts"][number], _ = found[2]
        for name, (*_, at) in zip(PLACES, found):
            row[name][number] = known[at] if at >= 0 else -1
    return row


def robust_scale(values: np.ndarray) -> float:
    """Interquartile range over 1.349 of (n,) finite values, the standard deviation where that is (nearly) 0."""
    if not len(values):
        return 0.0
    low, high = np.percentile(values, [25, 75])
    deviation = float(values.std())
    scale = float(high - low) / 1.349
    return scale if scale > 0.05 * deviation else deviation


def power_shares(values: np.ndarray) -> np.ndarray:
    """(BANDS,) shares of the power of (n,) finite values in bands of frequency; 0 where nothing varies."""
    top = float(np.abs(values).max())
    power = np.abs(np.fft.rfft((values - values.mean()) / (top or 1.0)))[1:] ** 2
    total = float(power.sum())
    if total <= 0:
        return np.zeros(BANDS)
    edges = np.geomspace(1, len(power) + 1, BANDS + 1)
    band = np.clip(np.searchsorted(edges, np.arange(1, len(power) + 1), side="right") - 1, 0, BANDS - 1)
    return np.bincount(band, power, BANDS) / total


def runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends (exclusive) of the runs of True in an (n,) mask."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).view(np.int8)))
    return edges[::2], edges[1::2]


def _repeats(channel: np.ndarray) -> np.ndarray:
    """(n,) bool: the next value is the same."""
    return np.append(channel[1:] == channel[:-1], False)


def _longest(masks: Sequence[np.ndarray] | np.ndarray) -> tuple[int, tuple[int, int, int]]:
    best, place = 0, (-1, -1, -1)
    for number, mask in enumerate(masks):
        starts, ends = runs(mask)
        if len(starts):
            longest = int((ends - starts).argmax())
            length = int(ends[longest] - starts[longest])
            if length > best:
                best, place = length, (number, int(starts[longest]), int(ends[longest]) - 1)
    return best, place


def from_neighbours(values: np.ndarray) -> np.ndarray:
    """(n,) finite values -> distance from the median of the five around each; 0 where there are fewer than five."""
    from scipy.ndimage import median_filter

    if len(values) < 5:
        return np.zeros(len(values))
    return np.abs(values - median_filter(values, 5, mode="nearest"))


def spike(values: np.ndarray, scale: float) -> tuple[float, float, float, float, int]:
    """The worst spike of (n,) values: distance from the neighbours, contrast, ranges, return, and its place."""
    apart = from_neighbours(values)
    if scale <= 0 or len(values) < 8:
        return 0.0, 0.0, 0.0, 0.0, -1
    at = int(apart.argmax())
    near = np.arange(max(0, at - 2), min(len(apart), at + 3))
    usual = max(float(np.percentile(np.delete(apart, near), 98)), 0.02 * scale)
    low, high = np.percentile(np.delete(values, near), [1, 99])
    beside = [abs(values[at] - values[k]) for k in (at - 1, at + 1) if 0 <= k < len(values)]
    size = float(apart[at])
    return size, size / usual, size / max(float(high - low), 0.02 * scale), min(beside) / max(max(beside), 1e-300), at


def around(values: np.ndarray, side: int, percent: float) -> tuple[np.ndarray, np.ndarray]:
    """That percentile of the `side` (odd) values before, and from there on, at each inner place of (n,) values.

    The (n - 2 side + 1,) places start at `side`.
    """
    from scipy.ndimage import percentile_filter

    rolling = percentile_filter(values, percent, size=side, mode="nearest")
    half, places = side // 2, len(values) - 2 * side + 1
    return rolling[half : half + places], rolling[half + side : half + side + places]


def odd_side(count: int) -> int:
    """How many values of a series of that many make a level: an eighth of them, 5 to 49."""
    return int(np.clip(count // SIDES, LEAST_SIDE, MOST_SIDE)) | 1


def shift(values: np.ndarray, scale: float) -> tuple[float, float, float, int]:
    """The worst sudden change of level of (n,) values: size, also in deviations and in ranges, and place."""
    side = odd_side(len(values))
    if scale <= 0 or len(values) < 3 * side:
        return 0.0, 0.0, 0.0, -1
    step, within = steps(values, side)
    best = int(step.argmax())
    size = float(step[best])
    ranges = [float(np.ptp(np.percentile(part, [1, 99]))) for part in (values[: best + side], values[best + side :])]
    return size, size / max(within[best], 0.05 * scale), size / max(*ranges, 0.05 * scale), best + side


def steps(values: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Sudden change of level at each inner place of (n,) values, and the larger robust deviation of the two sides."""
    low, high = around(values, side, 50)
    places = np.arange(side, side + len(low))
    moved, sudden = high - low, values[places] - values[places - 1]
    step = np.where(np.sign(moved) == np.sign(sudden), np.minimum(np.abs(moved), np.abs(sudden)), 0.0)
    upper, lower = around(values, side, 75), around(values, side, 25)
    return step, np.maximum(upper[0] - lower[0], upper[1] - lower[1]) / 1.349


def jump(values: np.ndarray) -> tuple[float, float, int]:
    """Logarithm (base 10) of the ratio of magnitudes after and before, contrast, and the place where it is largest."""
    side = odd_side(len(values))
    if len(values) < 2 * side:
        return 0.0, 0.0, -1
    ratio = jump_ratios(values, side)
    best = int(np.abs(ratio).argmax())
    if not ratio[best]:
        return 0.0, 0.0, -1
    magnitude = np.abs(values)
    at = _steepest(magnitude, best + side, side, ratio[best] > 0)
    small, large = (magnitude[:at], magnitude[at:])[:: 1 if ratio[best] > 0 else -1]
    reached, most = float(np.percentile(large, 25)), float(np.percentile(small, 95))
    contrast = float(np.log10(reached / most)) if min(reached, most) > 0 else 0.0
    return float(ratio[best]), contrast, at


def _steepest(magnitude: np.ndarray, near: int, side: int, rises: bool) -> int:
    """The place within `side` of another from which on three magnitudes differ most from the three before it."""
    places = np.arange(max(near - side, 3), min(near + side, len(magnitude) - 3) + 1)
    if not len(places):
        return near
    before = np.max([magnitude[places - k] for k in (1, 2, 3)], axis=0)
    after = np.max([magnitude[places + k] for k in (0, 1, 2)], axis=0)
    ratio = (after + 1e-300) / (before + 1e-300)
    return int(places[(ratio if rises else 1 / ratio).argmax()])


def jump_ratios(values: np.ndarray, side: int) -> np.ndarray:
    """(n - 2 side + 1,) logarithm (base 10) of the median magnitude after over before each place; 0 if unknown."""
    low, high = around(np.abs(values), side, 50)
    # Where many values of a side are (nearly) 0, as where a sensor is stuck there, the median is no magnitude.
    least_low, least_high = around(np.abs(values), side, 25)
    good = (least_low > 0.05 * low) & (least_high > 0.05 * high) & (low > 0) & (high > 0)
    return np.where(good, np.log10(np.where(good, high, 1.0) / np.where(good, low, 1.0)), 0.0)
