"""Parts of sounds and videos that end behind their file."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow.compute as pc

from curate.findings import Findings
from curate.step import Check
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class SegmentBounds(Check):
    """Finds rows that are a part of a sound or video which ends behind its file, so that they are shorter than said.

    A part that begins behind its file, or ends before it begins, can't be had: `unreadable` finds such rows. The score
    is 0.5 for a part that is shorter and 1 for the others. Cost: none, the source has read the lengths of the files.
    """

    modalities = ("audio", "video")
    issues: ClassVar[tuple[str, ...]] = ("shortened",)

    def refuses(self, task: Task) -> str | None:
        """Refuse tasks whose rows are whole files."""
        if task.start is None and task.end is None and task.duration is None:
            return f"{self.name} judges parts of files, and the task names no columns of their times (start, end)"
        return super().refuses(task)

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row."""
        problems = evidence.table.problems
        told = problems.filter(pc.equal(problems["issue"], "segment"))
        sentences = dict(zip(told["row"].to_pylist(), told["reason"].to_pylist()))
        rows = np.flatnonzero(evidence.active)
        flagged = np.isin(rows, np.fromiter(sentences, dtype=np.int64, count=len(sentences)))
        reasons = {int(place): sentences[int(rows[place])] for place in np.flatnonzero(flagged)}
        score = np.where(flagged, 0.5, 1.0)
        return Findings.of(self.name, "shortened", rows, evidence.table.row_ids, score, flagged, reason=reasons)
