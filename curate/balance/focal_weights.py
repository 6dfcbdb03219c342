"""The step that weighs rows by how hard their label is to predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.balance._rows import note
from curate.balance.weighing.rows import mean_one, row_weights, weighed_rows
from curate.ledger import Decisions
from curate.step import Balance

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task


class FocalWeights(Balance):
    """Weighs each row by (1 - p)^gamma, p the out-of-sample probability of its label: easy rows count less.

    It is the focal loss's factor, held fixed at what a head on the embedding says, so that any loss can take it. The
    mean weight over draws is 1. Wrong labels are hard, too: rows whose label is probably wrong (`min_posterior`) get
    the mean weight and no more. In a multilabel task the factor is the mean over the labels, present or absent.
    Cost: the cross-validation, if no earlier step has done it; the estimate of label noise.
    Source: Lin et al. 2017, "Focal Loss for Dense Object Detection".
    """

    embeds: ClassVar[bool] = True

    gamma: float = Field(2.0, gt=0, le=10, description="exponent of the doubt: the higher, the less easy rows count")
    min_weight: float = Field(
        0.05, ge=0, le=1, description="least factor (1 - p)^gamma, before scaling, so that no row is lost"
    )
    max_weight: float | None = Field(
        None, ge=1, description="largest weight, after scaling; the others make up for it; no bound if left out"
    )
    min_posterior: float = Field(
        0.5,
        ge=0,
        le=1,
        description="rows whose given label is right with less than this probability get weight 1; 0 for none",
    )

    def refuses(self, task: Task) -> str | None:
        """Only classes have a probability."""
        if task.kind not in ("classification", "multilabel"):
            return f"{self.name} weighs by probabilities of classes, and this task's kind is {task.kind or 'unknown'}"
        return None

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """A weight for every row that has a probability."""
        rows, times = weighed_rows(labels, evidence)
        found = evidence.probabilities() if len(rows) else None
        if found is None or not found.valid[rows].any():
            what = "no training row has a label" if found is None else "no training row has probabilities"
            note(evidence, f"{self.name}: {what}; no row is weighed")
            return Decisions()
        known = found.valid[rows]
        rows, times = rows[known], times[known]
        own = probability_of_label(labels, found.values, rows)
        factor = np.maximum((1.0 - own) ** self.gamma, self.min_weight).mean(1, dtype=np.float64)
        doubted = self._doubted(labels, evidence, rows)
        weights = np.ones(len(rows))
        weights[~doubted] = mean_one(factor[~doubted], times[~doubted], self.max_weight)
        p = own.mean(1)
        reasons = [
            f"its label is probably wrong (probability of its label {one:.3f}): no more than the mean"
            if doubt
            else f"probability of its label {one:.3f}, factor {f:.3g} (gamma {self.gamma:g})"
            for one, f, doubt in zip(p.tolist(), factor.tolist(), doubted.tolist())
        ]
        return row_weights(self.name, evidence, rows, weights, reasons, score=np.clip(p, 0, 1))

    def _doubted(self, labels: Labels, evidence: Any, rows: np.ndarray) -> np.ndarray:
        if labels.sets is not None or not self.min_posterior:
            return np.zeros(len(rows), dtype=bool)
        right = evidence.noise().posterior[rows, labels.codes[rows]]
        return np.isfinite(right) & (right < self.min_posterior)


def probability_of_label(labels: Labels, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(m, 1) probability of each row's class, or (m, K) that each label is there or not as it is; in [0, 1]."""
    if labels.sets is None:
        own = values[rows, labels.codes[rows]][:, None]
    else:
        own = np.where(labels.sets[rows], values[rows], 1.0 - values[rows])
    return np.clip(own, 0.0, 1.0)
