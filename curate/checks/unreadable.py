"""Rows that can't be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from curate.findings import Findings
from curate.step import Check

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class Unreadable(Check):
    """Finds rows that the source could not read or whose media can't be decoded.

    The score is 0 for a row that can't be read and 1 for the others. Such rows are never trained on, whatever the
    fix; with `limit` a fix turns too many of them into an error. Cost: one decoding of every media file, shared with
    all other measures.
    """

    issues: ClassVar[tuple[str, ...]] = ("unreadable",)
    idle_fixes: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("soften", "weight"), "rows that can't be read are never trained on; use drop or review"
    )

    def find(self, evidence: Evidence) -> Findings:
        """One line per row that is active or broken; broken rows are flagged with what went wrong."""
        broken = evidence.broken
        bad = np.zeros(len(evidence.table), dtype=bool)
        bad[np.fromiter(broken, dtype=np.int64, count=len(broken))] = True
        rows = np.flatnonzero(evidence.active | bad)
        flagged = bad[rows]
        reasons = {int(place): _sentence(broken[int(rows[place])]) for place in np.flatnonzero(flagged)}
        return Findings.of(
            self.name,
            "unreadable",
            rows,
            evidence.table.row_ids,
            np.where(flagged, 0.0, 1.0),
            flagged,
            reason=reasons,
            facts={"unreadable": int(flagged.sum()), "rows": len(rows)},
        )


def _sentence(reason: str) -> str:
    return reason or "the row can't be read, and the source did not say why"
