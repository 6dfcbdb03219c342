"""The report as terminal text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from curate.report.advice import ABOUT_CLASSES, touched
from curate.report.augmentation import Augmentation
from curate.report.model import Check, Document, Issue, Row
from curate.report.plain import one_line, percent
from curate.wording import counted

if TYPE_CHECKING:
    from curate.report.report import Report

WORST = 3
"""Rows shown of an issue."""
MOST_ISSUES = 4
"""Issues of which rows are shown."""
MOST_LINES = 12
"""Issues that the table lists one by one; past that, those with nothing found share a line."""
MOST_OPERATIONS = 20
"""Operations of augment steps that are listed."""
LEVELS = {"fine": ("✓", "bold green"), "part": ("○", "bold"), "look": ("●", "bold yellow"), "act": ("▲", "bold red")}


def render(report: Report, console: Console) -> None:
    """Print a report. Data strings are never read as markup, and their control characters show as escapes."""
    document = report.document(2 * WORST)
    parts: list[RenderableType] = [_headline(document), _inferred(document), *_judged(document)]
    if document.checks:
        parts += [Text(), _issues(document)]
    parts += _worst(document)
    if document.first:
        parts += [Text(), Text("What to do first", style="bold"), *_first(document)]
    if document.accounts is not None:
        parts += [Text(), Text("Where the rows went", style="bold"), _accounts(document)]
    if document.decisions:
        parts += [Text(), Text("Decisions", style="bold"), _decisions(document)]
    if document.augmentation is not None:
        parts += [Text(), Text("Augmentation", style="bold"), *_augmentation(document.augmentation)]
    if document.notes:
        parts += [Text(), *(_hanging("· ", one_line(note), "dim") for note in document.notes)]
    console.print(Group(*parts), highlight=False)


def _headline(document: Document) -> Text:
    mark, style = LEVELS[document.outcome.shown]
    return Text.assemble((f"{mark} ", style), (one_line(document.outcome.sentence), "bold"))


def _judged(document: Document) -> list[RenderableType]:
    """Checks that could not run, gates, and how it stands against an earlier audit."""
    parts: list[RenderableType] = [
        _hanging("✗ ", f"not all was judged: {one_line(check)} could not run: {one_line(why)}", "red")
        for check, why in document.skipped.items()
    ]
    for gate in document.gates:
        parts.append(
            _hanging("✗ " if gate.failed else "✓ ", one_line(gate.sentence), "red" if gate.failed else "green")
        )
    if document.baseline is not None:
        parts.append(_hanging("· ", one_line(document.baseline.sentence), "dim"))
    return parts


def _inferred(document: Document) -> Text:
    task, text = document.task, Text(style="dim")
    roles = [
        f"{role} = {one_line(named, 40) if isinstance(named, str) else counted(len(named), 'column')}"
        for role, named in task.roles.items()
    ]
    rows, classes = document.rows, task.classes
    parts = [one_line(document.source), f"{counted(rows, 'row')}", task.kind or "no task"]
    parts += [counted(classes, "class", "classes")] if classes else []
    if len(document.splits) > 1:
        parts.append(", ".join(f"{one_line(name, 20)} {rows:,}" for name, rows in document.splits.items()))
    text.append(" · ".join(parts + roles))
    encoder = [f"\nencoder {one_line(document.encoder)}"] if document.encoder else []
    seconds = [f"{document.seconds:.1f} s"] if document.seconds is not None else []
    return text.append(" · ".join(encoder + seconds) if encoder else "".join(f"\n{s}" for s in seconds))


def _grid(*columns: tuple[str, str]) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name, justify in columns:
        grid.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    return grid


def _issues(document: Document) -> Group:
    names = ("check", "left"), ("issue", "left"), ("rows judged", "right"), ("issues", "right"), ("share", "right")
    grid = _grid(*names)
    brief = sum(len(check.issues) for check in document.checks.values()) > MOST_LINES
    for name, check in document.checks.items():
        shown = one_line(name)
        for issue, counts in check.issues.items():
            if brief and _is_quiet(counts):
                continue
            style = "bold" if counts.issues else "dim"
            cells = [shown, one_line(issue), f"{counts.rows:,}", f"{counts.issues:,}", percent(counts.share)]
            grid.add_row(*(Text(cell, style=style) for cell in cells))
            shown = ""
    rest = [_hanging("nothing found: ", "; ".join(_quiet(document)), "dim")] if brief else []
    return Group(*([grid] if grid.row_count else []), *rest)


def _is_quiet(issue: Issue) -> bool:
    return issue.rows > 0 and not issue.issues


def _quiet(document: Document) -> list[str]:
    """Checks that found nothing, or ``check (issue, issue)`` for those that found nothing of some kinds."""
    found = []
    for name, check in document.checks.items():
        quiet = [one_line(issue) for issue, counts in check.issues.items() if _is_quiet(counts)]
        if quiet:
            found.append(one_line(name) + (f" ({', '.join(quiet)})" if len(check.issues) > 1 else ""))
    return found


def _worst(document: Document) -> list[RenderableType]:
    """The worst rows of the issues that matter most: those named under 'what to do first', in that order."""
    parts: list[RenderableType] = []
    order = [advice.check for advice in document.first]
    order += [name for name in document.checks if name not in order]
    order = [name for name in dict.fromkeys(order) if name not in ABOUT_CLASSES]
    left = MOST_ISSUES
    for name in order:
        for issue, counts in _flagged(document.checks.get(name)):
            if not left:
                return parts
            left -= 1
            parts += [Text(), Text(f"{one_line(name)} / {one_line(issue)}: worst rows", style="bold")]
            for row in sorted((row for row in counts.worst if row.flagged), key=lambda row: row.score)[:WORST]:
                parts += _row(row)
    return parts


def _flagged(check: Check | None) -> list[tuple[str, Issue]]:
    return [] if check is None else [(name, issue) for name, issue in check.issues.items() if issue.issues]


def _row(row: Row) -> list[RenderableType]:
    head = Text(f"{row.score:.2f} ", style="yellow")
    head.append(one_line(row.row_id, 40), style="cyan")
    if row.given is not None or row.suggested is not None:
        head.append(f"  {one_line(row.given or 'no label', 40)}")
        if row.suggested is not None and row.suggested != row.given:
            head.append(f" → {one_line(row.suggested, 40)}", style="green")
    if row.preview:
        head.append(f"  {one_line(row.preview, 100)}", style="dim")
    said = [one_line(row.reason)] if row.reason else []
    said += [one_line(sentence) for sentence in row.decided]
    return [Padding(head, (0, 0, 0, 2)), *(Padding(Text(line), (0, 0, 0, 7)) for line in said)]


def _first(document: Document) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for place, advice in enumerate(document.first, 1):
        parts.append(
            Padding(
                Text(f"{place}. {one_line(advice.title)} ({touched(advice)})"),
                (0, 0, 0, 2),
            )
        )
        if advice.yaml:
            parts.append(Padding(Text(one_line(advice.yaml), style="green"), (0, 0, 0, 5)))
    return parts


def _grew(document: Document) -> bool:
    """Whether rows were cut into others, or made."""
    return any(line.added for line in document.accounts or [])


def _accounts(document: Document) -> Grid:
    columns = [
        name for name in ("read", "added", "kept", "dropped", "unreadable") if name != "added" or _grew(document)
    ]
    grid = _grid(("split", "left"), *((name, "right") for name in columns))
    for line in document.accounts or []:
        numbers = [getattr(line, name) for name in columns]
        grid.add_row(Text(one_line(line.split)), *(Text(f"{number:,}") for number in numbers))
    return grid


def _decisions(document: Document) -> Grid:
    grid = _grid(("step", "left"), ("action", "left"), ("entries", "right"))
    for step, actions in (document.decisions or {}).items():
        shown = one_line(step)
        for action, entries in actions.items():
            grid.add_row(Text(shown), Text(one_line(action)), Text(f"{entries:,}"))
            shown = ""
    return grid


def _augmentation(found: Augmentation) -> list[RenderableType]:
    """Operations as they are written: what they leave unchanged, and how often they leave the class."""
    safety = {(line.step, line.modality, line.operation): line for line in found.label_safety if line.strength == 1.0}
    grid = _grid(
        ("operation", "left"), ("unchanged", "right"), ("leaves its class", "right"), ("95 % interval", "right")
    )
    for one in found.operations[:MOST_OPERATIONS]:
        line = safety.get((one.step, one.modality, one.operation))
        share, between = (None, "") if line is None else (line.share, f"{percent(line.low)} – {percent(line.high)}")
        grid.add_row(
            Text(one_line(one.operation, 40)),
            Text("–" if one.unchanged_share is None else percent(one.unchanged_share)),
            Text("–" if share is None else percent(share), style="bold red" if line in found.flipping else ""),
            Text("" if share is None else between),
        )
    left = len(found.operations) - MOST_OPERATIONS
    parts: list[RenderableType] = [grid]
    if left > 0:
        parts.append(_hanging("", f"and {left} more operations, in the JSON and HTML reports", "dim"))
    rows = len({row.row for row in found.sheet})
    if rows:
        parts.append(_hanging("· ", f"{rows} training rows and their draws are on the page (--html FILE)", "dim"))
    return parts + [_hanging("· ", one_line(note), "dim") for note in found.notes]


def _hanging(mark: str, text: str, style: str) -> Grid:
    grid = Grid.grid()
    grid.add_row(Text(mark, style=style), Text(text, style=style))
    return grid
