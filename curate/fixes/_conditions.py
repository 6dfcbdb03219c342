"""What every fix has: conditions (which issues, and how bad), and entries about the lines that it took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.ledger import Decisions
from curate.step import Fix
from curate.table import Labels
from curate.task import Task


def needs_classes(name: str, task: Task) -> str | None:
    """Why a fix that gives class labels can do nothing for a task, None if it can."""
    if task.kind == "classification":
        return None
    kind = task.kind or "undefined"
    return f"the fix {name} gives labels of classes, and the task is {kind}: use drop, weight or review"


def meets(fix: Fix, flagged: pa.Table) -> np.ndarray:
    """(m,) bool: lines of findings whose issue is one of the fix's and whose score is at most its `max_score`."""
    mask = flagged["score"].to_numpy() <= np.float32(fix.max_score)
    if fix.issue:
        mask &= pc.is_in(flagged["issue"], value_set=pa.array(fix.issue, pa.string())).to_numpy()
    return mask


def entries(
    step: str,
    action: str,
    flagged: pa.Table,
    taken: np.ndarray,
    labels: Labels | None = None,
    after: Sequence[str] | None = None,
) -> Decisions:
    """The decisions about the lines that a fix took, with the reasons and scores of these.

    Args:
        step: name of the check.
        action: of all of them.
        flagged: m lines of findings.
        taken: (m,) bool.
        labels: whose values stand before; None for actions that don't speak of them.
        after: for each line that was taken.
    """
    lines = flagged.filter(pa.array(taken))
    before = None if labels is None else [labels.name(row) for row in lines["row"].to_pylist()]
    row_ids, reasons = lines["row_id"].to_pylist(), lines["reason"].to_pylist()
    return Decisions.of(step, action, row_ids, reasons, score=lines["score"].to_numpy(), before=before, after=after)
