"""Drawing rows of a class until enough are no copies of real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from curate.balance.synthesis.closeness import Closeness
from curate.balance.synthesis.frame import Values

SPARE = 16
"""Rows that are drawn beyond what is missing, and a quarter of it, for those that are rejected."""
Draw = Callable[[int], Values]
ROUNDS = 12
"""Times that what is missing is drawn anew before fewer rows are made."""


@dataclass(frozen=True)
class Drawn:
    """Rows of one class.

    Attributes:
        values: the accepted ones.
        away: (n,) float32 distance of each to the nearest real row.
        nearest: (n,) int64 which of the real rows that is.
        rejected: how many were drawn that were too near.
    """

    values: Values
    away: np.ndarray
    nearest: np.ndarray
    rejected: int


def drawn(draw: Draw, closeness: Closeness, code: int, count: int) -> Drawn:
    """As many rows of a class as are wanted, or as can be had, none nearer to a real row than allowed."""
    kept: list[Values] = []
    away: list[np.ndarray] = []
    nearest: list[np.ndarray] = []
    missing, rejected = count, 0
    for _ in range(ROUNDS):
        made = draw(missing + missing // 4 + SPARE)
        distance, real = closeness.nearest(made)
        fine = np.flatnonzero(~closeness.too_near(distance, code))
        rejected += len(made) - len(fine)
        fine = fine[:missing]
        kept.append(made.only(fine))
        away.append(distance[fine])
        nearest.append(real[fine])
        missing -= len(fine)
        if not missing:
            break
    return Drawn(Values.join(kept), np.concatenate(away), np.concatenate(nearest), rejected)
