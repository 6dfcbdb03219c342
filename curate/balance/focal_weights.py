"""The step that weighs rows by how hard their label is to predict."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.balance._rows import note
from curate.balance.weighing.rows import mean_one, row_weights, weighed_rows
from curate.evidence.parts.lying import by_pieces, lies_in_parts, picked
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
        p, factor = self._factors(labels, found.values, rows)
        doubted = self._doubted(labels, evidence, rows)
        weights = np.ones(len(rows))
        weights[~doubted] = mean_one(factor[~doubted], times[~doubted], self.max_weight)
        reasons = [
            f"its label is probably wrong (probability of its label {one:.3f}): no more than the mean"
            if doubt
            else f"probability of its label {one:.3f}, factor {f:.3g} (gamma {self.gamma:g})"
            for one, f, doubt in zip(p.tolist(), factor.tolist(), doubted.tolist())
        ]
        return row_weights(self.name, evidence, rows, weights, reasons, score=np.clip(p, 0, 1))

    def _factors(self, labels: Labels, values: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(m,) mean probability of what each row's label says of the classes, and (m,) float64 mean factor."""
        work = partial(_factors, self.gamma, self.min_weight)
        if labels.sets is None:
            return work(picked(values, rows, labels.codes[rows])[:, None])
        if lies_in_parts(values):
            return by_pieces(work, values, rows, labels.sets[rows])
        return work(values[rows], labels.sets[rows])

    def _doubted(self, labels: Labels, evidence: Any, rows: np.ndarray) -> np.ndarray:
        if labels.sets is not None or not self.min_posterior:
            return np.zeros(len(rows), dtype=bool)
        right = picked(evidence.noise().posterior, rows, labels.codes[rows])
        return np.isfinite(right) & (right < self.min_posterior)


def _factors(
    gamma: float, least: float, values: np.ndarray, sets: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """See `FocalWeights._factors`, of (m, 1) probabilities of the row's class, or (m, K) of the labels of a set."""
    own = np.clip(values if sets is None else np.where(sets, values, 1.0 - values), 0.0, 1.0)
    return own.mean(1), np.maximum((1.0 - own) ** gamma, least).mean(1, dtype=np.float64)
