"""What a head learns from an arm: the draws of its plan with their targets and weights, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from curate.feed.targets import Targets
from curate.pipeline.curated import Curated


@dataclass(frozen=True)
class Lesson:
    """Draws of a plan that a head can learn from.

    Attributes:
        lines: the plan's lines behind them, for the sampler.
        rows: (m,) int64, position of each in the embedding.
        versions: (e, m) int64, position of what each shows in an epoch, counted round: its augmented draws.
        targets: (m, K) float32: soft labels; for sets of classes numbers in [0, 1]; for regression (m, 1) values.
        weights: (m,) float32 row weights times class weights.
        positive: (K,) float32 factors of the positive term, for sets of classes; all 1 otherwise.
    """

    lines: pa.Table
    rows: np.ndarray
    versions: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    positive: np.ndarray

    @classmethod
    def of(cls, result: Curated, lines: pa.Table, valid: np.ndarray) -> Lesson:
        """The lines with a label whose row has a vector.

        Args:
            result: of an arm.
            lines: of its plan.
            valid: (n,) bool, rows with a vector.
        """
        task, names = result.table.task, tuple(result.table.task.label_names)
        weighted = result.pipeline.feed.sampler != "weighted"  # there, weights count in the drawing
        arrays = Targets.of(task.kind, names, lines, weighted).arrays(lines)
        rows, factors = lines["row"].to_numpy(), np.asarray(result.class_weights, np.float32)
        weights, positive = arrays["weights"], np.ones(max(len(names), 1), np.float32)
        if task.kind == "regression":
            targets = arrays["labels"][:, None]
            known = np.isfinite(targets).all(1)
        else:
            targets = arrays["soft_labels"]
            if task.kind == "classification":
                known = targets.sum(1) > 0
                if len(factors):
                    hard = arrays["labels"]
                    weights = weights * np.where(hard >= 0, factors[np.maximum(hard, 0)], targets @ factors)
            else:
                known = (arrays["labels"] >= 0).all(1)
                positive = factors if len(factors) else positive
        kept = np.flatnonzero(known & valid[rows])
        return cls(
            lines.take(pa.array(kept)),
            rows[kept],
            rows[kept][None],
            targets[kept].astype(np.float32),
            weights[kept].astype(np.float32),
            positive,
        )

    def showing(self, place: np.ndarray, offset: int) -> Lesson:
        """The same lesson with augmented draws.

        Args:
            place: (e, m) int64 which draw each line shows in an epoch, -1 for the row itself.
            offset: where the draws begin in the embedding.
        """
        return replace(self, versions=np.where(place >= 0, place + offset, self.rows[None]))

    def __len__(self) -> int:
        """Number of draws in an epoch."""
        return len(self.rows)
