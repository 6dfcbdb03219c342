"""Report: what the checks found, and what was decided, for people and for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curate.errors import ConfigError, nearest
from curate.findings import Findings
from curate.ledger import Decisions, Verdict
from curate.report.compose import compose
from curate.report.material import Material
from curate.report.model import Baseline, Document, GateOutcome
from curate.report.sheet import Augmented
from curate.report.views import Views
from curate.report.worst import worst_lines
from curate.storage import write_text
from curate.table import Table
from curate.wording import counted

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Report:
    """What was found in a table and, after a run, what was decided about it.

    Attributes:
        material: everything that the report is made from.
    """

    material: Material

    def __init__(
        self,
        table: Table,
        findings: Findings,
        *,
        notes: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
        seconds: float | None = None,
        decisions: Decisions | None = None,
        verdict: Verdict | None = None,
        plan: pa.Table | None = None,
        accounts: Sequence[Mapping[str, Any]] | None = None,
        pipeline: str | None = None,
        skipped: Mapping[str, str] | None = None,
        views: Views | None = None,
        augmented: Augmented | None = None,
        every_check: bool = False,
    ) -> None:
        """See `curate.report.material.Material` for what each argument is."""
        material = Material(
            table,
            findings,
            notes=tuple(notes),
            facts=facts or {},
            seconds=seconds,
            decisions=decisions,
            verdict=verdict,
            plan=plan,
            accounts=accounts,
            pipeline=pipeline,
            skipped=skipped or {},
            views=views or Views(),
            augmented=augmented,
            every_check=every_check,
        )
        object.__setattr__(self, "material", material)

    def judged(self, gates: Sequence[GateOutcome] = (), baseline: Baseline | None = None) -> Report:
        """The same report with what became of thresholds, and how it stands against an earlier audit."""
        report = object.__new__(Report)
        object.__setattr__(report, "material", replace(self.material, gates=tuple(gates), baseline=baseline))
        return report

    @property
    def skipped(self) -> Mapping[str, str]:
        """check -> why it could not run; the report is incomplete where there are any."""
        return self.material.skipped

    @property
    def findings(self) -> pa.Table:
        """Every finding, flagged or not (`curate.findings.SCHEMA`)."""
        return self.material.findings.table

    @property
    def found(self) -> Findings:
        """The findings as the checks gave them, with what they learned about the set as a whole."""
        return self.material.findings

    @property
    def summary(self) -> dict[str, dict[str, dict[str, Any]]]:
        """check -> issue -> ``{"rows", "issues", "share"}``."""
        return self.material.findings.summary

    def worst(self, check: str, issue: str | None = None, n: int = 20) -> pa.Table:
        """The `n` flagged findings of a check with the lowest scores, worst first.

        Raises:
            ConfigError: no such check, or issue of it, was judged.
        """
        if n < 0:
            raise ConfigError(f"worst(n={n}): the number of rows can't be negative")
        summary = self.summary
        if check not in summary:
            known = ", ".join(summary) or "none"
            raise ConfigError(f"the report has no check {check!r}{nearest(check, summary)}; it has: {known}")
        if issue is not None and issue not in summary[check]:
            known = ", ".join(summary[check])
            hint = nearest(issue, summary[check])
            raise ConfigError(f"the check {check!r} has no issue {issue!r}{hint}; it has: {known}")
        return worst_lines(self.material.findings.only(check, issue).table, n)

    def document(self, rows_per_issue: int = 20) -> Document:
        """The report as a document, with the `rows_per_issue` worst rows of each issue."""
        if rows_per_issue < 0:
            raise ConfigError(f"rows_per_issue={rows_per_issue}: the number of rows can't be negative")
        return compose(self.material, rows_per_issue)

    def to_json(self, path: str | os.PathLike[str] | None = None, *, rows_per_issue: int = 20) -> str:
        """The report as JSON, valid against `curate.report.schema`; also written to `path` if one is given.

        Raises:
            StorageError: the file can't be written.
        """
        body = self.document(rows_per_issue).model_dump(mode="json")
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
        return _given(text, path)

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        rows_per_issue: int = 24,
        max_bytes: int = 3_000_000,
        findings_path: str | None = None,
    ) -> None:
        """Write the report as one page that needs no network.

        Args:
            path: the file to write.
            rows_per_issue: how many of the worst rows each issue shows.
            max_bytes: how much media (encoded thumbnails, clips) the page may hold; rows past it are shown without.
            findings_path: where all findings are kept, for the sentence that says how many rows are not shown.

        Raises:
            StorageError: the file can't be written.
        """
        from curate.report.html import page

        write_text(Path(path), page(self.material, self.document(rows_per_issue), max_bytes, findings_path))

    def to_jsonl(self, path: str | os.PathLike[str] | None = None) -> str:
        """Every flagged finding as one JSON object a line, with label, split, file and line of its row."""
        from curate.report.formats.lines import json_lines

        return _given("".join(f"{line}\n" for line in json_lines(self.material)), path)

    def to_junit(self, path: str | os.PathLike[str] | None = None) -> str:
        """JUnit XML; a case fails where a gate failed (see `judged`)."""
        from curate.report.formats.junit import junit

        return _given(junit(self.document()), path)

    def to_github(self, path: str | os.PathLike[str] | None = None) -> str:
        """Workflow commands of GitHub Actions: annotations at the files and lines of what was found."""
        from curate.report.formats.github import commands

        return _given("".join(f"{line}\n" for line in commands(self.material)), path)

    def to_markdown(self, path: str | os.PathLike[str] | None = None) -> str:
        """Markdown: a dataset card's YAML and its section about the quality of the data."""
        from curate.report.formats.markdown import markdown

        return _given(markdown(self.document(0)), path)

    def to_croissant(self, path: str | os.PathLike[str] | None = None) -> str:
        """Croissant 1.1 metadata (JSON-LD) of the data; files are read for their checksums."""
        from curate.report.formats.croissant import croissant

        made = croissant(self.material, self.document(0))
        return _given(json.dumps(made, ensure_ascii=False, allow_nan=False, indent=2) + "\n", path)

    def to_pandas(self) -> pd.DataFrame:
        """The findings as a DataFrame whose columns stay Arrow-backed."""
        import pandas as pd

        return self.findings.to_pandas(types_mapper=pd.ArrowDtype)

    def __str__(self) -> str:
        """The report as short text, 80 columns wide."""
        from rich.console import Console

        from curate.report.terminal import render

        out = StringIO()
        render(self, Console(file=out, width=80, color_system=None, force_terminal=False, legacy_windows=False))
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())

    def __repr__(self) -> str:
        """One line: rows, checks, flagged lines."""
        issues = sum(counts["issues"] for issues in self.summary.values() for counts in issues.values())
        return f"Report({counted(len(self.material.table), 'row')}, checks={len(self.summary)}, findings={issues})"


def _given(text: str, path: str | os.PathLike[str] | None) -> str:
    """The text, also written to `path` if one is given."""
    if path is not None:
        write_text(Path(path), text)
    return text
