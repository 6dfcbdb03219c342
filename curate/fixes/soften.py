"""Give rows a soft label: the estimated probabilities of their true class."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from curate.evidence.evidence import Evidence
from curate.fixes._conditions import entries, meets, needs_classes
from curate.fixes._confidence import posterior
from curate.ledger import Decisions, sparse
from curate.step import Fix
from curate.task import Task


class Soften(Fix):
    """Replaces the label of flagged rows by the posterior of their true class under the estimated label noise."""

    def refuses(self, task: Task) -> str | None:
        """Only a class label can be replaced."""
        return needs_classes(self.name, task)

    def decide(self, step: str, flagged: pa.Table, evidence: Evidence) -> tuple[Decisions, np.ndarray]:
        """A soft label for every line that meets the conditions and whose row has a posterior."""
        taken = meets(self, flagged)
        mass = posterior(evidence) if taken.any() else None
        if mass is None:
            taken[:] = False
        else:
            taken &= np.isfinite(mass[flagged["row"].to_numpy()]).all(1)
        rows = flagged["row"].to_numpy()[taken].tolist()
        after = [] if mass is None else [sparse(mass[row], evidence.labels.names) for row in rows]
        return entries(step, "soften", flagged, taken, evidence.labels, after), taken
