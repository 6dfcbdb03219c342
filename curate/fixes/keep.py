"""Keep rows as they are, and say so."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa

from curate.evidence.evidence import Evidence
from curate.fixes._conditions import entries, meets
from curate.ledger import Decisions
from curate.step import Fix


class Keep(Fix):
    """Leaves flagged rows as they are and records that they were seen, so that no later fix of the chain takes them."""

    takes_all: ClassVar[bool] = True

    def decide(self, step: str, flagged: pa.Table, evidence: Evidence) -> tuple[Decisions, np.ndarray]:
        """A keep entry for every line that meets the conditions."""
        taken = meets(self, flagged)
        return entries(step, "keep", flagged, taken), taken
