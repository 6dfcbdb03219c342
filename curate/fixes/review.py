"""Set rows aside for a person to look at."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa

from curate.evidence.evidence import Evidence
from curate.fixes._conditions import entries, meets
from curate.ledger import Decisions
from curate.step import Fix


class Review(Fix):
    """Puts flagged rows on the list for review; they stay in training as they are."""

    takes_all: ClassVar[bool] = True

    def decide(self, step: str, flagged: pa.Table, evidence: Evidence) -> tuple[Decisions, np.ndarray]:
        """A review entry for every line that meets the conditions."""
        taken = meets(self, flagged)
        return entries(step, "review", flagged, taken, evidence.labels), taken
