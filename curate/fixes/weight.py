"""Let doubtful rows count less."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from curate.evidence.evidence import Evidence
from curate.fixes._conditions import entries, meets
from curate.ledger import Decisions
from curate.step import Fix


class Weight(Fix):
    """Multiplies the weight of flagged rows by a factor in [0, 1]: their score, or one number for all."""

    takes_all: ClassVar[bool] = True

    factor: float | None = Field(
        None, ge=0, le=1, description="factor of a row's weight; the finding's score if left out"
    )
    min_weight: float = Field(0.1, ge=0, le=1, description="smallest factor that a score is turned into")

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Weight:
        if self.factor is not None and "min_weight" in self.changed():
            raise ValueError("min_weight bounds the factors that come from scores; with factor it does nothing")
        return self

    def decide(self, step: str, flagged: pa.Table, evidence: Evidence) -> tuple[Decisions, np.ndarray]:
        """A weight for every line that meets the conditions."""
        taken = meets(self, flagged)
        scores = flagged["score"].to_numpy()[taken]
        factors = np.maximum(scores, self.min_weight) if self.factor is None else np.full(len(scores), self.factor)
        after = [f"{factor:.4g}" for factor in factors.tolist()]
        return entries(step, "weight", flagged, taken, after=after), taken
