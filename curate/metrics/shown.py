"""Metrics as tables for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from curate.metrics.metrics import Interval, Metrics
from curate.wording import counted

MOST_LINES = 20
HEADLINES = {
    "classification": ("accuracy", "f1_macro"),
    "multilabel": ("subset_accuracy", "f1_macro"),
    "regression": ("mae", "rmse"),
}
"""Metrics that slices show."""


def show(metrics: Metrics, console: Console | None = None) -> None:
    """Print metrics, the classes (those with the lowest F1 first) and the slices (smallest first)."""
    console = console or Console()
    left_out = f", {metrics.left_out:,} without a label left out" if metrics.left_out else ""
    console.print(Text(f"{counted(metrics.rows, 'row')}{left_out}", style="bold"))
    overall = _grid("metric", "value", f"{metrics.level:.0%} interval")
    for name, value in metrics.values.items():
        overall.add_row(Text(name), _number(value), _interval(metrics.intervals.get(name)))
    console.print(overall)
    if metrics.classes:
        names = [name for name in ("precision", "recall", "f1", "roc_auc") if name in metrics.classes[0].values]
        grid = _grid("class", "rows", "predicted", *names)
        worst = sorted(metrics.classes, key=lambda one: (one.values["f1"] != one.values["f1"], one.values["f1"]))
        for one in worst[:MOST_LINES]:
            cells = [_number(one.values[name]) for name in names]
            grid.add_row(_text(one.name), f"{one.rows:,}", f"{one.predicted:,}", *cells)
        _print(console, grid, len(worst))
    if metrics.slices:
        names = [name for name in HEADLINES[metrics.kind] if name in metrics.slices[0].values]
        grid = _grid("slice", "rows", *(part for name in names for part in (name, "interval")))
        for one in metrics.slices[:MOST_LINES]:
            cells = [c for name in names for c in (_number(one.values[name]), _interval(one.intervals.get(name)))]
            grid.add_row(_text(f"{one.column} = {one.value}"), f"{one.rows:,}", *cells)
        _print(console, grid, len(metrics.slices))
    for note in metrics.notes:
        console.print(_text(note, 0), style="dim")


def _print(console: Console, grid: Grid, lines: int) -> None:
    console.print()
    console.print(grid)
    if lines > MOST_LINES:
        console.print(Text(f"and {lines - MOST_LINES:,} more", style="dim"))


def _grid(first: str, *others: str) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column(first, overflow="fold")
    for name in others:
        grid.add_column(name, justify="right")
    return grid


def _text(text: str, longest: int = 60) -> Text:
    """Data strings on one line, with no character that would steer the terminal."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return Text(line if not longest or len(line) <= longest else line[: longest - 1] + "…")


def _number(value: float) -> str:
    return "–" if value != value else f"{value:,.4g}" if abs(value) >= 10 else f"{value:.3f}"


def _interval(bounds: Interval | None) -> str:
    return "" if bounds is None else f"{_number(bounds[0])} to {_number(bounds[1])}"
