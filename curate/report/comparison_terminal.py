"""A comparison of arms for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from curate.report.comparison_training import CORRECTED, DETECTABLE, SAID, Effect, TrainingComparison
from curate.report.plain import one_line

MOST_CLASSES = 8
WIDTH = 21
"""Characters of a drawn interval."""
STYLES = {"helps": "green", "hurts": "red", "could not run": "yellow", "not seen": "yellow"}


def render(found: TrainingComparison, console: Console) -> None:
    """Print a comparison; data strings are never read as markup."""
    better = "higher" if found.higher_is_better else "lower"
    style = STYLES.get(found.overall.verdict, "")
    parts: list[RenderableType] = [
        Text(one_line(found.headline()), style=f"bold {style}".strip()),
        Text(
            f"{found.test_rows:,} test rows of {one_line(found.test)}; {one_line(found.model)}; {found.seeds} seeds,"
            f" {found.steps:,} steps of {found.batch_size} rows each; {better} {found.metric_name} is better",
            style="dim",
        ),
    ]
    if found.overall.verdict == "unclear":
        least = found.least(found.overall)
        parts.append(Text(f"the smallest difference that could have been found here is about {least}", style="dim"))
    parts += [Text(), Text("What each step does (the whole pipeline against the pipeline without it)", style="bold")]
    if not found.effects:
        parts.append(Text("no step was left out", style="dim"))
    else:
        parts.append(_effects(found, found.effects))
        parts += [Text(DETECTABLE, style="dim"), Text(CORRECTED, style="dim")]
    if found.alone:
        parts += [Text(), Text("Each step alone (against the raw rows)", style="bold"), _effects(found, found.alone)]
    parts += [Text(), Text("What was trained", style="bold"), _arms(found)]
    if found.classes:
        parts += [Text(), Text(_class_title(found), style="bold"), _classes(found)]
        if len(found.classes) > MOST_CLASSES:
            parts.append(
                Text(f"and {len(found.classes) - MOST_CLASSES:,} more (--html or --json has all)", style="dim")
            )
    for effect in [*found.effects, *found.alone]:
        if effect.reason and effect.verdict in ("could not run", "not seen"):
            parts += [Text(), Text(f"{one_line(effect.name)}: {one_line(effect.reason)}", style="yellow")]
    if found.notes:
        parts += [Text(), *(Text(f"note: {one_line(note)}", style="dim") for note in found.notes)]
    console.print(Group(*parts), highlight=False)


def _class_title(found: TrainingComparison) -> str:
    what = "Parts of the range" if found.metric in ("rmse", "mae", "r2") else "Classes"
    return f"{what}: {found.class_name} on curated against raw rows, largest difference first"


def _grid(head: Sequence[tuple[str, str]]) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name, justify in head:
        grid.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    return grid


def _effects(found: TrainingComparison, effects: Sequence[Effect]) -> Grid:
    grid = _grid(
        [
            ("step", "left"),
            ("difference", "right"),
            ("95% interval", "right"),
            ("", "left"),
            ("detectable", "right"),
            ("verdict", "left"),
        ]
    )
    furthest = max((abs(x) for e in effects for x in (e.low, e.high, e.difference) if x is not None), default=0.0)
    for effect in effects:
        known = effect.difference is not None and bool(effect.disagree)
        span = found.span(effect) if known else "–"
        grid.add_row(
            Text(one_line(effect.name, 40)),
            Text(found.change(effect.difference) if known else "–"),
            Text(span),
            Text(_drawn(effect, furthest) if known else ""),
            Text(found.least(effect), style="dim"),
            Text(found.said(effect), style=STYLES.get(effect.verdict, "")),
        )
    return grid


def _drawn(effect: Effect, furthest: float) -> str:
    """The interval as a line of characters around 0."""
    middle = WIDTH // 2

    def place(value: float | None) -> int:
        share = 0.0 if not furthest or value is None else value / furthest
        return middle + round(share * middle)

    line = [" "] * WIDTH
    low, high, at = place(effect.low), place(effect.high), place(effect.difference)
    for i in range(low, high + 1):
        line[i] = "─"
    line[middle] = "┼" if low <= middle <= high else "│"
    line[at] = "●"
    return "".join(line)


def _arms(found: TrainingComparison) -> Grid:
    grid = _grid(
        [("arm", "left"), ("rows", "right"), ("draws", "right"), (found.metric_name, "right"), ("seeds", "left")]
    )
    for arm in found.arms:
        spread = ""
        if len(arm.seeds) > 1 and arm.score is not None:
            spread = f"{found.value(min(arm.seeds))} to {found.value(max(arm.seeds))}"
        grid.add_row(
            Text(one_line(arm.name, 50)),
            Text(f"{arm.rows:,}" if arm.problem is None else "–"),
            Text(f"{arm.draws:,}" if arm.problem is None else "–"),
            Text(found.value(arm.score)),
            Text(f"the same as {one_line(arm.twin, 40)}" if arm.twin else spread, style="dim"),
        )
    return grid


def _classes(found: TrainingComparison) -> Grid:
    head = [("class", "left"), ("test rows", "right"), ("raw", "right"), ("curated", "right")]
    grid = _grid([*head, ("difference", "right"), ("95% interval", "right"), ("", "left")])
    for one in found.classes[:MOST_CLASSES]:
        grid.add_row(
            Text(one_line(one.name, 40)),
            Text(f"{one.test_rows:,}"),
            Text(found.value(one.raw)),
            Text(found.value(one.curated)),
            Text(found.change(one.difference)),
            Text(found.span(one)),
            Text(SAID[one.verdict], style=STYLES.get(one.verdict, "dim")),
        )
    return grid
