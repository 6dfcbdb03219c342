"""The numbers behind the charts of the page; the templates draw them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from curate.report.augmentation import LEAVES, LabelSafety
from curate.report.model import ClassCount, Confusion, Histogram, Measured

MOST_CLASSES = 24
MOST_CONFUSED = 12
SHADES = 9


@dataclass(frozen=True)
class Bar:
    """A class: counts, and the lengths of its bars in percent of the longest."""

    name: str
    rows: int
    after: int | None
    length: float
    after_length: float


@dataclass(frozen=True)
class Balance:
    """Bars of the classes, largest first; where there are many, those in the middle are only counted."""

    head: list[Bar]
    tail: list[Bar]
    between: int


def balance(classes: Sequence[ClassCount]) -> Balance:
    """Bars of the largest and the smallest classes."""
    longest = max((max(one.rows, one.after or 0) for one in classes), default=0) or 1
    ordered = sorted(classes, key=lambda one: -one.rows)
    bars = [
        Bar(one.name, one.rows, one.after, 100 * one.rows / longest, 100 * (one.after or 0) / longest)
        for one in ordered
    ]
    if len(bars) <= MOST_CLASSES:
        return Balance(bars, [], 0)
    half = MOST_CLASSES // 2
    return Balance(bars[:half], bars[-half:], len(bars) - 2 * half)


@dataclass(frozen=True)
class Heat:
    """A cell of the heat map: rows, and a shade from 0 (none) to `SHADES`."""

    suggested: str
    rows: int
    shade: int


@dataclass(frozen=True)
class HeatMap:
    """Given labels (rows) against suggested ones (columns); `left_out` counts rows in pairs of other classes."""

    names: list[str]
    lines: list[tuple[str, list[Heat]]]
    left_out: int


def heat_map(pairs: Sequence[Confusion]) -> HeatMap | None:
    """The classes of the most frequent pairs, against each other; None where no label is suggested."""
    if not pairs:
        return None
    names: list[str] = []
    for pair in pairs:
        # By pairs and not by classes: where there are many classes, the worst ones seldom meet each other.
        new = [name for name in (pair.given, pair.suggested) if name not in names]
        if len(names) + len(new) <= MOST_CONFUSED:
            names += new
    names.sort()
    count = {(pair.given, pair.suggested): pair.rows for pair in pairs}
    most = max((count.get((a, b), 0) for a in names for b in names), default=0)
    lines = [(given, [_cell(given, suggested, count, most) for suggested in names]) for given in names]
    shown = sum(cell.rows for _, cells in lines for cell in cells)
    return HeatMap(names, lines, sum(pair.rows for pair in pairs) - shown)


def _cell(given: str, suggested: str, count: dict[tuple[str, str], int], most: int) -> Heat:
    rows = count.get((given, suggested), 0)
    return Heat(suggested, rows, math.ceil(SHADES * math.sqrt(rows / most)) if rows else 0)


@dataclass(frozen=True)
class Column:
    """A bin of a histogram in a box of 100 x 40: left edge, width, and the heights of all and of the flagged."""

    left: float
    width: float
    judged: float
    flagged: float


def columns(bins: Histogram) -> list[Column]:
    """Heights by the square root of the counts, so that a few flags stay visible beside many fine rows."""
    most = math.sqrt(max(bins.judged, default=0)) or 1.0
    width = 100 / len(bins.judged)

    def height(count: int) -> float:
        return max(1.0, 40 * math.sqrt(count) / most) if count else 0.0

    return [
        Column(i * width, width * 0.86, height(judged), height(flagged))
        for i, (judged, flagged) in enumerate(zip(bins.judged, bins.flagged))
    ]


def spread(values: np.ndarray, bins: int = 40) -> tuple[Histogram, float, float] | None:
    """(n,) numeric labels -> histogram, lowest and highest; None where there are none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    counts, edges = np.histogram(known, bins=bins)
    return Histogram(judged=counts.tolist(), flagged=[0] * bins), float(edges[0]), float(edges[-1])


_UNITS = {
    "db": "dB",
    "hz": "Hz",
    "seconds": "s",
    "px": "px",
    "bits": "bit",
    "fps": "fps",
    "fraction": "%",
    "share": "%",
}


@dataclass(frozen=True)
class Line:
    """A bound in a histogram: place in percent of the width (None beyond its edges), and what it says."""

    left: float | None
    text: str


@dataclass(frozen=True)
class Chart:
    """The histogram of a measure."""

    name: str
    columns: list[Column]
    lines: list[Line]
    low: str
    median: str
    high: str
    rows: int
    flagged: int


@dataclass(frozen=True)
class Interval:
    """A line of label safety: places in percent; `over` if the whole interval lies at `LEAVES` or above.

    `first` is set where a line is the first of its operation.
    """

    line: LabelSafety
    left: float
    width: float
    at: float
    over: bool
    first: bool


def safety(found: Sequence[LabelSafety]) -> list[Interval]:
    """Lines of label safety, operation by operation in the order of the steps, as written first."""
    order = {key: place for place, key in enumerate(dict.fromkeys(map(_operation, found)))}
    lines, last = [], None
    for one in sorted(found, key=lambda one: (order[_operation(one)], -one.strength)):
        width = max(100 * (one.high - one.low), 0.5)
        lines.append(
            Interval(one, 100 * one.low, width, 99 * (one.share or 0), one.low >= LEAVES, _operation(one) != last)
        )
        last = _operation(one)
    return lines


def _operation(line: LabelSafety) -> tuple[str, str, str]:
    return line.step, line.modality, line.operation


def measures(found: Mapping[str, Measured]) -> tuple[list[Chart], list[Chart]]:
    """Charts of the measures that a bound judges, those with flagged rows first, and of the others."""
    charts = {name: _chart(name, one) for name, one in found.items()}
    judged = sorted((name for name in charts if found[name].bounds), key=lambda name: -charts[name].flagged)
    return [charts[name] for name in judged], [charts[name] for name in charts if name not in judged]


def _chart(name: str, one: Measured) -> Chart:
    width = one.high - one.low
    lines = []
    for bound in one.bounds:
        left = 100 * (bound.value - one.low) / width if one.low <= bound.value <= one.high else None
        what = (bound.issue or bound.check).replace("_", " ")
        lines.append(Line(left, f"{what}: {bound.setting} {_in_unit(bound.value, name)}"))
    low, median, high = (_in_unit(value, name) for value in (one.low, one.quantiles[3], one.high))
    bins = Histogram(judged=one.counts, flagged=one.flagged)
    return Chart(name, columns(bins), lines, low, median, high, one.rows, sum(one.flagged))


def _in_unit(value: float, name: str) -> str:
    unit = _UNITS.get(name.rpartition("_")[2], "")
    if unit == "%":
        return f"{100 * value:.3g} %"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{text} {unit}".strip()
