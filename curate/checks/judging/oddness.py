"""How far a value is off what is usual in its set, and how rare a mark is: robust for few rows and for equal ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from curate.checks.judging.bounds import at_least, at_most

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

LEAST_ROWS = 5
"""With fewer rows nothing is rare."""
TAIL = 0.25
"""Share of the rows on each side that don't say what is usual."""
WIDER = 4.0
"""What is odd lies this many times (in the logarithm) farther off than the usual rows do."""


class Ratios(NamedTuple):
    """Values against the median of their set.

    Attributes:
        ratio: (m,) at least 1; how many times larger or smaller than `median`. NaN where the value is.
        bound: above it a ratio is odd.
        median: of the training rows.
    """

    ratio: np.ndarray
    bound: float
    median: float

    @property
    def score(self) -> np.ndarray:
        """(m,) 0.5 at the bound, 1 where the value is the median."""
        return at_most(np.maximum(self.ratio, 1.0), self.bound)


def usual_rows(evidence: Evidence, rows: np.ndarray) -> np.ndarray:
    """(m,) bool: the rows of training among `rows`, all where there are none."""
    base = evidence.table.training[rows]
    return base if base.any() else np.ones(len(rows), dtype=bool)


def ratios(value: np.ndarray, base: np.ndarray, least_bound: float) -> Ratios:
    """How many times (m,) positive values are off the median of `base`.

    The bound is `least_bound`, or more where the set itself spreads wide: four times the distance (in the logarithm)
    of its quartiles from its median.
    """
    logs = np.log(np.maximum(np.where(np.isfinite(value), value, np.nan), 1e-9))
    usual = logs[base & np.isfinite(logs)]
    if not len(usual):
        return Ratios(np.ones(len(value)), least_bound, float("nan"))
    low, median, high = np.quantile(usual, [TAIL, 0.5, 1 - TAIL])
    bound = max(least_bound, float(np.exp(WIDER * max(high - median, median - low))))
    return Ratios(np.exp(np.abs(logs - median)), bound, float(np.exp(median)))


def rarity(mark: np.ndarray, base: np.ndarray, max_share: float) -> tuple[np.ndarray, float]:
    """(m,) scores of rows by a mark, and its share among `base`: below 0.5 where the mark is borne by less than that.

    Rows without the mark score 1; all do in a set of fewer than five rows.
    """
    share = float(mark[base].mean()) if base.any() else 0.0
    if base.sum() < LEAST_ROWS:
        return np.ones(len(mark)), share
    return np.where(mark, at_least(np.full(len(mark), share), max_share), 1.0), share


def usual_of(codes: np.ndarray, base: np.ndarray) -> tuple[int, float]:
    """The most frequent of (m,) codes among `base` and its share; (-1, 0) where there are none."""
    values, counts = np.unique(codes[base], return_counts=True)
    return (int(values[counts.argmax()]), float(counts.max() / counts.sum())) if len(values) else (-1, 0.0)
