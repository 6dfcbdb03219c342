"""Whether a difference of two arms can be told from noise: standard errors, intervals, corrected p values, verdicts.

Two things are drawn: the test rows, and the seeds of the training. All arms have the same rows and seeds, so the noise
of a difference is that of paired differences. What the rows contribute is the spread of the difference, averaged over
seeds, over bootstrap samples of the rows (Efron 1979); what the seeds contribute is their spread over the root of their
number. The two add up, with degrees of freedom after Satterthwaite 1946. The rows have as many of them as there are
rows on which two arms disagree, less one: where only a handful of predictions differ, the spread of that handful is all
that is known, and a normal interval would be far too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
POWER = 0.8


@dataclass(frozen=True)
class Difference:
    """A paired difference of two arms in a metric.

    Attributes:
        value: mean over seeds.
        low: of the 95 % interval.
        high: of the interval.
        p: two-sided, before any correction; 1 where nothing differs.
        error: standard error.
        freedom: degrees of freedom.
        disagree: test rows on which predictions differ for some seed.
    """

    value: float
    low: float
    high: float
    p: float
    error: float
    freedom: float
    disagree: int

    def detectable(self, tests: int = 1) -> float:
        """The smallest true difference that is found in 80 % of all repetitions, when so many tests share the 5 %."""
        from scipy.stats import t

        return float((t.isf((1 - LEVEL) / 2 / tests, self.freedom) + t.ppf(POWER, self.freedom)) * self.error)


def difference(
    seeds: np.ndarray, other_seeds: np.ndarray, resampled: np.ndarray, other_resampled: np.ndarray, disagree: int
) -> Difference:
    """The difference of one arm from another.

    Args:
        seeds: (S,) metric of each seed.
        other_seeds: (S,) of the other arm, the same seeds.
        resampled: (B,) metric on bootstrap samples of the test rows, mean over seeds.
        other_resampled: (B,) of the other arm, the same samples.
        disagree: rows on which their predictions differ for some seed.
    """
    from scipy.stats import t

    each = seeds - other_seeds
    value = float(each.mean())
    if not disagree:
        return Difference(value, value, value, 1.0, 0.0, 1.0, 0)
    drawn = resampled - other_resampled
    drawn = drawn[np.isfinite(drawn)]
    of_rows = float(drawn.var(ddof=1)) if len(drawn) > 1 else float("inf")
    of_seeds = float(each.var(ddof=1)) / len(each) if len(each) > 1 else 0.0
    variance = of_rows + of_seeds
    if variance <= 0:  # the rows that differ make no difference to the metric
        return Difference(value, value, value, 1.0 if value == 0 else 0.0, 0.0, 1.0, disagree)
    below = of_rows**2 / max(1, disagree - 1) + (of_seeds**2 / (len(each) - 1) if len(each) > 1 else 0.0)
    freedom = max(1.0, variance**2 / below) if below > 0 else 1.0
    error = float(np.sqrt(variance))
    half = float(t.isf((1 - LEVEL) / 2, freedom)) * error
    p = float(2 * t.sf(abs(value) / error, freedom))
    return Difference(value, value - half, value + half, p, error, freedom, disagree)


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p values of a family of tests: at 5 %, the chance of any false verdict is at most 5 %.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    order = np.argsort(p, kind="stable")
    raised = np.asarray(p, dtype=np.float64)[order] * (len(p) - np.arange(len(p)))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return adjusted.tolist()
