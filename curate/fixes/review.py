"""Set rows aside for a person to look at."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from curate.evidence.evidence import Evidence
from curate.fixes._conditions import meets, taken_lines
from curate.ledger import Decisions
from curate.step import Fix


class Review(Fix):
    """Puts flagged rows on the list for review; they stay in training as they are."""

    def decide(self, step: str, flagged: pa.Table, evidence: Evidence) -> tuple[Decisions, np.ndarray]:
        """A review entry for every line that meets the conditions."""
        taken = meets(self, flagged)
        row_ids, reasons, scores, rows = taken_lines(flagged, taken)
        before = [evidence.labels.name(row) for row in rows.tolist()]
        return Decisions.of(step, "review", row_ids, reasons, score=scores, before=before), taken
