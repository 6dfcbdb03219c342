"""Findings: what checks say about rows, one table for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("row_id", pa.string()),
        ("check", pa.string()),
        ("issue", pa.string()),
        ("score", pa.float32()),
        ("is_issue", pa.bool_()),
        ("suggested_label", pa.string()),
        ("group", pa.int64()),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class Findings:
    """Findings of one check or of many.

    Attributes:
        table: `SCHEMA`; one line per row and issue that a check applies to, flagged or not. `score` is in [0, 1]
            (0 worst, as in cleanlab); `reason` is empty where nothing is wrong.
        facts: check -> what it learned about the set as a whole (JSON values), e.g. the estimated noise rate.
    """

    table: pa.Table
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        check: str,
        issue: str,
        rows: np.ndarray,
        row_ids: np.ndarray,
        score: np.ndarray,
        is_issue: np.ndarray,
        suggested_label: Sequence[str | None] | None = None,
        group: np.ndarray | None = None,
        reason: Sequence[str] | Mapping[int, str] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Findings:
        """Findings of one issue of one check.

        Args:
            check: name of the check.
            issue: kind within the check.
            rows: (m,) int, positions in the table that the check applies to.
            row_ids: (n,) ids of the whole table; indexed by `rows` here.
            score: (m,) float in [0, 1], 0 worst.
            is_issue: (m,) bool.
            suggested_label: m names or None.
            group: (m,) int, rows that belong together; -1 for none.
            reason: m sentences, or a mapping from place in `rows` (0..m-1) to sentence for the flagged ones alone.
            facts: what the check learned about the set.
        """
        rows = np.asarray(rows, dtype=np.int64)
        m = len(rows)
        score = np.asarray(score, dtype=np.float32)
        if m and not (np.isfinite(score).all() and score.min() >= 0 and score.max() <= 1):
            raise ValueError(f"{check}/{issue}: scores must be finite and in [0, 1]")
        if reason is None:
            reasons: Any = pa.repeat(pa.scalar(""), m)
        elif isinstance(reason, Mapping):
            texts = [""] * m
            for place, text in reason.items():
                texts[place] = text
            reasons = pa.array(texts, pa.string())
        else:
            reasons = pa.array(reason, pa.string())
        if suggested_label is None:
            suggested: Any = pa.nulls(m, pa.string())
        else:
            suggested = pa.array(suggested_label, pa.string())
        groups = pa.nulls(m, pa.int64()) if group is None else pa.array(group, pa.int64(), mask=np.asarray(group) < 0)
        table = pa.table(
            [
                pa.array(rows),
                pa.array(row_ids[rows], pa.string()),
                pa.repeat(pa.scalar(check), m),
                pa.repeat(pa.scalar(issue), m),
                pa.array(score),
                pa.array(np.asarray(is_issue, dtype=bool)),
                suggested,
                groups,
                reasons,
            ],
            schema=SCHEMA,
        )
        return cls(table, {check: dict(facts)} if facts else {})

    @classmethod
    def join(cls, parts: Sequence[Findings]) -> Findings:
        """The findings of several checks as one, in the given order."""
        facts: dict[str, dict[str, Any]] = {}
        for part in parts:
            for check, learned in part.facts.items():
                facts.setdefault(check, {}).update(learned)
        return cls(pa.concat_tables([SCHEMA.empty_table(), *(part.table for part in parts)]), facts)

    @classmethod
    def none(cls) -> Findings:
        """No findings."""
        return cls(SCHEMA.empty_table())

    def __len__(self) -> int:
        """Number of lines, flagged or not."""
        return self.table.num_rows

    def renamed(self, check: str, name: str) -> Findings:
        """The findings of a check under another name, that of its second or third turn in a pipeline."""
        if check == name:
            return self
        place = self.table.schema.get_field_index("check")
        names = pc.if_else(pc.equal(self.table["check"], check), name, self.table["check"])
        facts = {name if k == check else k: v for k, v in self.facts.items()}
        return Findings(self.table.set_column(place, SCHEMA.field("check"), names), facts)

    @property
    def flagged(self) -> pa.Table:
        """The lines that are issues."""
        return self.table.filter(self.table["is_issue"])

    def only(self, check: str | None = None, issue: str | None = None) -> Findings:
        """The findings of one check, or of one issue of it."""
        table = self.table
        if check is not None:
            table = table.filter(pc.equal(table["check"], check))
        if issue is not None:
            table = table.filter(pc.equal(table["issue"], issue))
        facts = self.facts if check is None else {k: v for k, v in self.facts.items() if k == check}
        return Findings(table, facts)

    @property
    def summary(self) -> dict[str, dict[str, dict[str, Any]]]:
        """check -> issue -> ``{"rows", "issues", "share"}``: rows judged, rows flagged, and their ratio."""
        grouped = self.table.group_by(["check", "issue"], use_threads=False).aggregate(
            [("is_issue", "count"), ("is_issue", "sum")]
        )
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for line in grouped.to_pylist():
            rows, issues = line["is_issue_count"], line["is_issue_sum"] or 0
            found.setdefault(line["check"], {})[line["issue"]] = {
                "rows": rows,
                "issues": issues,
                "share": issues / rows if rows else 0.0,
            }
        return found
