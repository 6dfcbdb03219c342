"""The conditions that every fix has: which issues, and how bad."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.step import Fix
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


def taken_lines(flagged: pa.Table, taken: np.ndarray) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Row ids, reasons, (t,) scores and (t,) positions in the table of the lines that a fix took."""
    lines = flagged.filter(pa.array(taken))
    return (
        lines["row_id"].to_pylist(),
        lines["reason"].to_pylist(),
        lines["score"].to_numpy(),
        lines["row"].to_numpy(),
    )
