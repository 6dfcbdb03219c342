"""Leave rows out."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa

from curate.evidence.evidence import Evidence
from curate.fixes._conditions import entries, meets
from curate.ledger import Decisions
from curate.step import Fix


class Drop(Fix):
    """Takes flagged rows out of training."""

    takes_all: ClassVar[bool] = True

    def decide(self, step: str, flagged: pa.Table, evidence: Evidence) -> tuple[Decisions, np.ndarray]:
        """A drop for every line that meets the conditions."""
        taken = meets(self, flagged)
        return entries(step, "drop", flagged, taken, evidence.labels), taken
