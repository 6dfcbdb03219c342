"""Workflow commands of GitHub Actions: annotations at the file and line of what was found.

Source: GitHub Docs, Workflow commands for GitHub Actions.
"""

from __future__ import annotations

from collections.abc import Iterator

from curate.report.formats.lines import described, flagged
from curate.report.material import Material
from curate.report.plain import printable
from curate.wording import noun

MOST = 50
"""Annotations of rows; GitHub shows ten errors and ten warnings of a step, and fifty of a job."""


def commands(material: Material) -> Iterator[str]:
    """Failed gates and checks that could not run as errors, the worst rows as warnings, the rest counted in a notice.

    Rows that a failed gate speaks of come first, as errors; the others take turns by issue, worst first.
    """
    failed = [gate for gate in material.gates if gate.failed]
    for gate in failed:
        yield command("error", gate.sentence, title="curate gate")
    for check, why in material.skipped.items():
        yield command("error", f"{check} could not run: {why}", title="curate: not judged")
    lines = list(described(material, flagged(material).slice(0, 100_000)))
    turn: dict[tuple[str, str], int] = {}
    order = []
    for place, line in enumerate(lines):
        issue = (line["check"], line["issue"])
        turn[issue] = turn.get(issue, 0) + 1
        guilty = any(
            gate.check in (None, line["check"])
            and gate.issue in (None, line["issue"])
            and gate.split in (None, line["split"])
            for gate in failed
        )
        order.append((not guilty, turn[issue], place))
    for is_warning, _, place in sorted(order)[:MOST]:
        line = lines[place]
        said = line["reason"] or "flagged"
        if line["suggested_label"] is not None:
            said += f" (label {line['label']!r}, suggested {line['suggested_label']!r})"
        yield command(
            "warning" if is_warning else "error",
            f"row {line['row_id']}: {said}",
            title=f"{line['check']}/{line['issue']}",
            file=line["file"],
            line=line["line"],
        )
    left = len(material.findings.flagged) - min(len(lines), MOST)
    if left > 0:
        more = noun(left, "more finding is", "more findings are")
        yield command("notice", f"{left:,} {more} not annotated", title="curate")


def command(level: str, message: str, *, title: str, file: str | None = None, line: int | None = None) -> str:
    """One workflow command; nothing in its parts can end it or begin another one."""
    parts = {"file": file, "line": None if file is None or line is None else str(line), "title": title}
    properties = ",".join(f"{name}={_property(value)}" for name, value in parts.items() if value)
    return f"::{level} {properties}::{_data(message)}"


def _data(text: str) -> str:
    # Line breaks before `printable`, which would show a lone carriage return as an escape of ours.
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return printable(text)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
