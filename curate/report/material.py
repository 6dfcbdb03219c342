"""What a report is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from curate.findings import Findings
from curate.ledger import Decisions, Verdict
from curate.report.model import Baseline, GateOutcome
from curate.report.sheet import Augmented
from curate.report.views import Views
from curate.table import Table


@dataclass(frozen=True, eq=False)
class Material:
    """What a report is made from; everything past `findings` is None or empty in a plain audit.

    Attributes:
        table: the rows that were judged.
        findings: what the checks said.
        notes: sentences for people, e.g. which encoder was taken.
        facts: what was computed, and how (JSON values).
        seconds: how long it took.
        decisions: the ledger of the run.
        verdict: what the ledger amounts to, in the order of the table.
        plan: the draws (`curate.plan.schema`).
        accounts: per split ``{"split", "read", "kept", "dropped", "unreadable"}``.
        pipeline: the pipeline that ran, as YAML text.
        skipped: check -> why it could not run.
        gates: thresholds and what became of them.
        baseline: the findings against those of an earlier audit.
        views: small pictures of the evidence.
        augmented: what augment steps make of the rows, None where no pipeline was named.
        every_check: whether every check was to run that does by default for such a task.
    """

    table: Table
    findings: Findings
    notes: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    decisions: Decisions | None = None
    verdict: Verdict | None = None
    plan: pa.Table | None = None
    accounts: Sequence[Mapping[str, Any]] | None = None
    pipeline: str | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    gates: Sequence[GateOutcome] = ()
    baseline: Baseline | None = None
    views: Views = field(default_factory=Views)
    augmented: Augmented | None = None
    every_check: bool = False
