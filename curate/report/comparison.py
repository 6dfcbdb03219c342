"""The difference of two audits or of two results: the values, terminal text, JSON and a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pydantic import Field
from rich.console import Console, Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from curate.report.part import Part
from curate.report.plain import one_line, percent

MOST = 12
"""Lines of each table in the terminal."""
LEAST_SHIFT = 0.005
"""Measures that shift by less, in standard deviations, are not shown."""


class Rows(Part):
    """Rows of the two; gained and lost are null where a JSON report does not tell which rows there were."""

    first: int
    second: int
    first_kept: int | None = Field(description="rows that are drawn at least once; null for an audit, which drops none")
    second_kept: int | None = Field(description="the same of the second")
    gained: int | None
    lost: int | None


class IssueShift(Part):
    """Flagged rows of an issue; null where a side did not look for it."""

    check: str
    issue: str
    first: int | None
    second: int | None
    first_share: float | None
    second_share: float | None
    new: int
    known: int
    gone: int


class ClassShift(Part):
    """Size of a class: draws after curation in a result, rows in an audit."""

    name: str
    first: int
    second: int
    first_share: float
    second_share: float


class MeasureShift(Part):
    """A measure of the rows; `shift` is the difference of the means over the pooled standard deviation."""

    name: str
    first_mean: float
    second_mean: float
    first_median: float
    second_median: float
    shift: float


class RowChange(Part):
    """A row that both results hold and treat differently."""

    row_id: str
    what: str = Field(description="kept, dropped, relabelled, reweighted or redrawn, from the first to the second")
    first: str | None
    second: str | None


class Comparison(Part):
    """The second against the first. Counts of changed rows are null where one side is no result of a run."""

    first: str
    second: str
    rows: Rows
    kept: int | None = Field(description="rows that the first dropped and the second keeps")
    dropped: int | None = Field(description="rows that the first kept and the second drops")
    relabelled: int | None
    reweighted: int | None
    redrawn: int | None = Field(description="rows that are drawn more or less often")
    changes: list[RowChange] = Field(description="the first of these rows")
    issues: list[IssueShift]
    classes: list[ClassShift] = Field(description="largest shift first")
    measures: list[MeasureShift] = Field(description="largest shift first")

    def to_json(self) -> str:
        """As JSON."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, allow_nan=False, indent=2) + "\n"

    def headline(self) -> str:
        """What changed, in one sentence."""
        rows = self.rows
        parts = [f"{_kept(rows.first, rows.first_kept)} → {_kept(rows.second, rows.second_kept)} rows"]
        if rows.gained is not None:
            parts += [f"{rows.gained:,} gained", f"{rows.lost:,} lost"]
        for name in ("kept", "dropped", "relabelled", "reweighted", "redrawn"):
            if (count := getattr(self, name)) is not None:
                parts.append(f"{count:,} {'kept again' if name == 'kept' else name}")
        new, gone = sum(one.new for one in self.issues), sum(one.gone for one in self.issues)
        return ", ".join(parts) + f"; findings: {new:,} new, {gone:,} gone"

    def tables(self) -> Iterator[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
        """Title, head and lines of each table that has any; the last columns are numbers but in the table of rows.

        Issues are all shown; of classes and measures only those that shifted.
        """
        if self.issues:
            lines = [
                (
                    f"{one.check}.{one.issue}",
                    _count(one.first),
                    _count(one.second),
                    _difference(one.first_share, one.second_share),
                    *(f"{count:,}" for count in (one.new, one.known, one.gone)),
                )
                for one in self.issues
            ]
            yield "Issues", ("issue", "first", "second", "share", "new", "known", "gone"), lines
        if shifted := [one for one in self.classes if one.first != one.second]:
            lines = [
                (one.name, f"{one.first:,}", f"{one.second:,}", percent(one.first_share), percent(one.second_share))
                for one in shifted
            ]
            yield "Classes", ("class", "first", "second", "first share", "second share"), lines
        if moved := [one for one in self.measures if abs(one.shift) >= LEAST_SHIFT]:
            lines = [
                (one.name, f"{one.first_median:.4g}", f"{one.second_median:.4g}", f"{one.shift:+.2f}") for one in moved
            ]
            yield "Measures", ("measure", "first median", "second median", "shift of the mean in std"), lines
        if self.changes:
            lines = [(one.row_id, one.what, one.first or "–", one.second or "–") for one in self.changes]
            yield "Rows", ("row", "what", "first", "second"), lines


def _kept(rows: int, kept: int | None) -> str:
    return f"{rows:,}" if kept is None or kept == rows else f"{rows:,} ({kept:,} kept)"


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _difference(first: float | None, second: float | None) -> str:
    if first is None or second is None:
        return "–"
    return f"{100 * (second - first):+.1f} pp"


def render(comparison: Comparison, console: Console) -> None:
    """Print a comparison; data strings are never read as markup."""
    head = Text(one_line(comparison.headline()), style="bold")
    sides = Text(f"first: {one_line(comparison.first)}\nsecond: {one_line(comparison.second)}", style="dim")
    parts: list[RenderableType] = [head, sides]
    for title, names, lines in comparison.tables():
        parts += [Text(), Text(title, style="bold"), _grid(title, names, lines)]
        if len(lines) > MOST:
            parts.append(Text(f"and {len(lines) - MOST:,} more", style="dim"))
    console.print(Group(*parts), highlight=False)


def _grid(title: str, names: Sequence[str], lines: Sequence[Sequence[str]]) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, name in enumerate(names):
        grid.add_column(name, justify="left" if place == 0 or title == "Rows" else "right", overflow="fold")
    for line in lines[:MOST]:
        grid.add_row(*(Text(one_line(cell, 60)) for cell in line))
    return grid
