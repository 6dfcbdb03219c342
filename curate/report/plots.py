"""Metrics as pictures: the numbers behind curves, reliability, confusions and bars; `plots.html.j2` draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curate.metrics import Bin, Curve, Metrics, Slice

MOST_BARS = 40
"""Classes or slices with a bar: with more, the worst."""
MOST_NAMED = 24
"""Classes up to which a confusion matrix names and counts each; above, it is a picture, with the worst pairs told."""
MOST_DRAWN = 150
"""Classes of a picture of a confusion matrix: with more, those that are confused most."""
MOST_PAIRS = 12
SHADES = 9
COLOURS = 10
HEADLINES = {
    "classification": ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "ece"),
    "multilabel": ("subset_accuracy", "f1_micro", "f1_macro", "mean_average_precision", "ece"),
    "regression": ("mae", "rmse", "r2", "spearman"),
}


SPOKEN = {
    "roc_auc": "ROC AUC",
    "ece": "calibration error",
    "f1_macro": "F1, macro",
    "f1_micro": "F1, micro",
    "r2": "R²",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
}
"""Metrics whose names are no words."""


@dataclass(frozen=True)
class Line:
    """A line in a box of 100 x 100, the origin at the lower left: its path, its colour, and what the legend says."""

    name: str
    path: str
    colour: int
    note: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Plot:
    """Lines over two axes; `diagonal` draws what guessing, or perfect calibration, would give."""

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    ticks_x: tuple[str, str] = ("0", "1")
    ticks_y: tuple[str, str] = ("0", "1")
    diagonal: bool = False
    columns: tuple[tuple[float, float, float], ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Bar:
    """A value in [0, 1] as a bar, with its interval, all in percent; `value` is None where it is unknown."""

    name: str
    rows: int
    value: float | None
    length: float
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True)
class Bars:
    """Bars, worst first; `left_out` are better than those."""

    title: str
    bars: tuple[Bar, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Cell:
    """A cell of a confusion matrix: share of the row's weight in percent, shade from 0 (none) to `SHADES`."""

    predicted: str
    text: str
    share: float
    shade: int
    right: bool


@dataclass(frozen=True)
class Matrix:
    """Labels (rows) against predictions (columns); as `dots` (x, y, shade, right) where there are many classes."""

    names: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Cell, ...]], ...]
    dots: tuple[tuple[int, int, int, bool], ...]
    pairs: tuple[tuple[str, str, str], ...]
    left_out: int


@dataclass(frozen=True)
class Pictures:
    """All pictures of some metrics; what there is not is None or empty."""

    kind: str
    rows: int
    headlines: tuple[tuple[str, str, str], ...]
    roc: Plot | None
    precision_recall: Plot | None
    reliability: Plot | None
    matrix: Matrix | None
    classes: Bars | None
    slices: Bars | None
    table: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]


def pictures(metrics: Metrics) -> Pictures:
    """The pictures of metrics."""
    rows = tuple((name, *_with_interval(metrics, name)) for name in metrics.values)
    found = {name: (value, interval) for name, value, interval in rows}
    headlines = tuple((str(SPOKEN.get(n, n)), *found[n]) for n in HEADLINES.get(metrics.kind, ()) if n in found)
    return Pictures(
        kind=metrics.kind,
        rows=metrics.rows,
        headlines=headlines,
        roc=_curves("ROC", "false positive rate", "true positive rate", metrics.roc, diagonal=True),
        precision_recall=_curves("Precision and recall", "recall", "precision", metrics.precision_recall),
        reliability=_reliability(metrics.reliability, metrics.values.get("ece")),
        matrix=matrix(metrics),
        classes=class_bars(metrics, "f1"),
        slices=slice_bars(metrics.slices),
        table=rows,
        notes=metrics.notes,
    )


def number(value: float | None) -> str:
    """A metric for people; a dash where it is unknown."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.4g}" if abs(value) >= 10 else f"{value:.3f}"


def _with_interval(metrics: Metrics, name: str) -> tuple[str, str]:
    bounds = metrics.intervals.get(name)
    return number(metrics.values[name]), "" if bounds is None else f"{number(bounds[0])} to {number(bounds[1])}"


def path(x: Sequence[float], y: Sequence[float]) -> str:
    """The path of points in [0, 1] x [0, 1]; it is interrupted where one is not finite."""
    parts, pen = [], "M"
    for one, other in zip(x, y):
        if not (math.isfinite(one) and math.isfinite(other)):
            pen = "M"
            continue
        parts.append(f"{pen}{100 * min(max(one, 0), 1):.1f} {100 - 100 * min(max(other, 0), 1):.1f}")
        pen = "L"
    return "".join(parts)


def _curves(title: str, x: str, y: str, found: Sequence[Curve], diagonal: bool = False) -> Plot | None:
    if not found:
        return None
    # The mean of all classes, which comes last, is drawn strongly and named first.
    mean = len(found) > 1
    lines = [
        Line(one.name, path(one.x, one.y), place % COLOURS, number(one.area), mean and one is found[-1])
        for place, one in enumerate(found)
    ]
    return Plot(title, x, y, tuple(lines[-1:] + lines[:-1] if mean else lines), diagonal=diagonal)


def _reliability(bins: Sequence[Bin], error: float | None) -> Plot | None:
    if not bins:
        return None
    most = max(one.rows for one in bins)
    columns = tuple((100 * one.low, 100 * (one.high - one.low), 25 * math.sqrt(one.rows / most)) for one in bins)
    line = path([one.confidence for one in bins], [one.accuracy for one in bins])
    caption = "Columns: rows by confidence (square root). Below the diagonal the model is surer than it is right."
    note = "" if error is None else f"ECE {number(error)}"
    return Plot(
        "Reliability", "confidence", "accuracy", (Line("predictions", line, 0, note, True),),
        diagonal=True, columns=columns, caption=caption,
    )  # fmt: skip


def _bar(name: str, rows: int, value: float, bounds: tuple[float, float] | None) -> Bar:
    known = math.isfinite(value)
    low, high = (None, None) if bounds is None else (100 * bounds[0], 100 * bounds[1])
    return Bar(name, rows, value if known else None, 100 * value if known else 0.0, low, high, number(value))


def class_bars(metrics: Metrics, name: str) -> Bars | None:
    """A metric of every class, the worst first; those where it is unknown come first of all."""
    if not metrics.classes:
        return None
    bars = [_bar(one.name, one.rows, one.values[name], one.intervals.get(name)) for one in metrics.classes]
    return _worst(f"{name.upper() if len(name) < 4 else name} by class", bars)


def slice_bars(slices: Sequence[Slice]) -> Bars | None:
    """The accuracy of every slice, the worst first; nothing for numbers, which have no share."""
    name = next((n for n in ("accuracy", "subset_accuracy") if slices and n in slices[0].values), None)
    if name is None:
        return None
    bars = [_bar(f"{one.column} = {one.value}", one.rows, one.values[name], one.intervals.get(name)) for one in slices]
    return _worst("Accuracy by slice", bars)


def _worst(title: str, bars: Sequence[Bar]) -> Bars:
    ordered = sorted(bars, key=lambda one: -1.0 if one.value is None else one.value)
    return Bars(title, tuple(ordered[:MOST_BARS]), max(0, len(ordered) - MOST_BARS))


def matrix(metrics: Metrics) -> Matrix | None:
    """The confusion matrix, by shares of each label's rows."""
    if not metrics.confusion:
        return None
    names, counts = [one.name for one in metrics.classes], metrics.confusion
    pairs = [(v, names[i], names[j]) for i, line in enumerate(counts) for j, v in enumerate(line) if i != j and v > 0]
    pairs.sort(key=lambda one: -one[0])
    told = tuple((given, said, f"{value:,.4g}") for value, given, said in pairs[:MOST_PAIRS])
    order = _shown(counts)
    if len(order) <= MOST_NAMED:
        lines = tuple((names[i], tuple(_cell(counts[i], i, j, names[j]) for j in order)) for i in order)
        return Matrix(tuple(names[i] for i in order), lines, (), told, len(names) - len(order))
    dots = []
    for y, i in enumerate(order):
        for x, j in enumerate(order):
            if counts[i][j] > 0:
                dots.append((x, y, _cell(counts[i], i, j, "").shade, i == j))
    return Matrix(tuple(names[i] for i in order), (), tuple(dots), told, len(names) - len(order))


def _shown(counts: Sequence[Sequence[float]]) -> list[int]:
    """The classes that are drawn, in their order."""
    k = len(counts)
    if k <= MOST_DRAWN:
        return list(range(k))
    wrong = [sum(counts[i]) + sum(line[i] for line in counts) - 2 * counts[i][i] for i in range(k)]
    return sorted(sorted(range(k), key=lambda i: -wrong[i])[:MOST_DRAWN])


def _cell(line: Sequence[float], i: int, j: int, name: str) -> Cell:
    total = sum(line)
    share = line[j] / total if total else 0.0
    shade = max(1, math.ceil(SHADES * math.sqrt(share))) if line[j] > 0 else 0
    return Cell(name, f"{line[j]:,.4g}" if line[j] else "", 100 * share, min(shade, SHADES), i == j)


def history(lines: Mapping[str, Sequence[float]], title: str = "Loss by epoch") -> Plot | None:
    """Values by epoch, such as the losses in training and on held-out rows; None where no epoch has any."""
    finite = [value for line in lines.values() for value in line if math.isfinite(value)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    width, most = (high - low) or 1.0, max(len(line) for line in lines.values())
    drawn = tuple(
        Line(
            name,
            path([e / max(1, most - 1) for e in range(len(line))], [(v - low) / width for v in line]),
            place % COLOURS,
            number(line[-1]) if len(line) else "",
        )
        for place, (name, line) in enumerate(lines.items())
    )
    return Plot(title, "epoch", "", drawn, ("1", str(most)), (number(low), number(high)))
