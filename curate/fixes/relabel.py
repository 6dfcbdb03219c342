"""Give rows the label that the check suggests."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from curate.evidence.evidence import Evidence
from curate.fixes._conditions import entries, meets, needs_classes
from curate.fixes._confidence import suggestion_confidence
from curate.ledger import Decisions
from curate.step import Fix
from curate.task import Task


class Relabel(Fix):
    """Replaces the label of flagged rows by the suggested one where the suggestion is sure enough."""

    needs_suggestion: ClassVar[bool] = True

    min_confidence: float = Field(
        0.5, ge=0, le=1, description="smallest probability of the suggested label at which it is taken"
    )

    def refuses(self, task: Task) -> str | None:
        """Only a class label can be replaced."""
        return needs_classes(self.name, task)

    def decide(self, step: str, flagged: pa.Table, evidence: Evidence) -> tuple[Decisions, np.ndarray]:
        """A relabel for every line that meets the conditions and suggests another label of the task."""
        codes = {name: code for code, name in enumerate(evidence.labels.names)}
        suggestions = flagged["suggested_label"].to_pylist()
        suggested = np.array([codes.get(name, -1) for name in suggestions], dtype=np.int64)
        own = evidence.labels.codes[flagged["row"].to_numpy()]
        sure = suggestion_confidence(step, flagged, suggested, evidence) >= self.min_confidence - 1e-6
        taken = meets(self, flagged) & (suggested >= 0) & (suggested != own) & sure
        after = [evidence.labels.names[code] for code in suggested[taken].tolist()]
        return entries(step, "relabel", flagged, taken, evidence.labels, after), taken
