"""Weights of rows: which rows are weighed, how they are brought to a mean of 1, and how they enter the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from curate.balance._rows import eligible, repeats
from curate.ledger import Decisions
from curate.table import Labels

TINY = 1e-200
"""Weights that together are less beside a largest of 1 are none."""


def weighed_rows(labels: Labels, evidence: Any) -> tuple[np.ndarray, np.ndarray]:
    """(m,) positions of the active training rows with a label, and (m,) how often each is drawn."""
    rows = eligible(labels, evidence)
    return rows, 1 + repeats(evidence)[rows]


def mean_one(weights: np.ndarray, times: np.ndarray, most: float | None = None) -> np.ndarray:
    """(m,) weights in proportion to those given, with a mean of 1 over draws and none above `most`.

    What a bound cuts off is given to the others in proportion, so that the mean stays 1 and the learning rate need not
    change. Where not even weights of `most` for all that are above 0 give a mean of 1, the mean is lower.

    Args:
        weights: (m,) finite, at least 0.
        times: (m,) draws of each.
        most: largest weight; None for no bound.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if not weights.any():
        return np.ones(len(weights))
    weights = weights / weights.max()
    total = float((weights * times).sum())
    scale, bounded = times.sum() / total, np.zeros(len(weights), dtype=bool)
    while most is not None:
        over = ~bounded & (scale * weights > most * (1 + 1e-12))
        if not over.any():
            break
        bounded |= over
        rest = float((weights * times)[~bounded].sum())
        scale = (times.sum() - most * times[bounded].sum()) / rest if rest > TINY else 0.0
    return np.where(bounded, most or 0.0, scale * weights)


def effective_rows(weights: np.ndarray, times: np.ndarray | None = None) -> float:
    """Kish's effective sample size: (sum w)^2 / sum w^2; of equal weights it is their number. Source: Kish, 1965."""
    times = np.ones(len(weights)) if times is None else times
    squares = float((weights**2 * times).sum())
    return float((weights * times).sum()) ** 2 / squares if squares else 0.0


def row_weights(
    step: str,
    evidence: Any,
    rows: np.ndarray,
    weights: np.ndarray,
    reasons: Sequence[str],
    score: np.ndarray | None = None,
) -> Decisions:
    """One ``weight`` entry per row, in the order of the rows."""
    after = [f"{weight:.6g}" for weight in weights.tolist()]
    return Decisions.of(step, "weight", evidence.table.row_ids[rows], reasons, score=score, after=after)
