"""From what value on an anomaly score is unusual: a tail fitted to the body of the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEWEST = 8
"""Scores from which one can say what is usual."""
CENSORED = 0.9
"""Quantile beyond which scores count by their number alone: up to a tenth of strange rows don't shape what is usual."""
POINTS = 512
SHAPES = np.linspace(0.4, 2.0, 33)
SHAPE_PRIOR = (1.2, 0.3)
"""Mean and deviation of what is believed of the tail's shape before any score is seen; it matters with few rows."""


@dataclass(frozen=True)
class Tail:
    """What is usual among scores: their ranks up to the median, a Weibull tail beyond it.

    The tail exp(-(excess / scale)^shape) is fitted by maximum likelihood to the scores between median and 90 %
    quantile, those above counting as censored there. A shape of 2 falls off as a normal distribution does, 1 as an
    exponential one, and less as the logarithms of heavy tails do; it never ends, so no row is impossible. Scale and
    shape are fitted and not known, which makes far scores likelier: (1 + z / m)^-m in place of exp(-z), as in the
    predictive distribution of exponential excesses; with few rows this is much, with a thousand hardly anything.
    Source: Lawless, Statistical models and methods for lifetime data, 2nd edition, 2003, chapter 5 (censored fits).

    Attributes:
        quantiles: (q,) ascending scores at evenly spaced ranks.
        above: share of the scores above the median.
        scale: of the tail, in the unit of the scores; 0 where there is nothing to say what is usual.
        shape: of the tail.
        support: m, what the fit rests on: a third of the scores that it was fitted to, for it has two parameters.
    """

    quantiles: np.ndarray
    above: float
    scale: float
    shape: float
    support: float = np.inf

    @property
    def middle(self) -> float:
        """The median."""
        return float(self.quantiles[len(self.quantiles) // 2]) if len(self.quantiles) else 0.0

    def surprise(self, scores: np.ndarray) -> np.ndarray:
        """(n,) scores -> (n,) -log10 of the probability that a usual row has such a score or a larger one.

        NaN stays NaN; 0 throughout where there is no tail.
        """
        scores = np.asarray(scores, dtype=np.float64)
        if not self.scale:
            return np.where(np.isfinite(scores), 0.0, np.nan)
        z = (np.maximum(scores - self.middle, 0.0) / self.scale) ** self.shape
        beyond = (z if np.isinf(self.support) else self.support * np.log1p(z / self.support)) / np.log(10)
        ranks = np.linspace(0.0, 1.0 - self.above, len(self.quantiles) // 2 + 1)
        body = -np.log10(1.0 - np.interp(scores, self.quantiles[: len(ranks)], ranks))
        return np.where(scores > self.middle, beyond - np.log10(self.above), np.where(np.isnan(scores), np.nan, body))

    def limit(self, surprise: float) -> float:
        """The score from which the surprise is at least this."""
        logarithm = max(0.0, (surprise + float(np.log10(self.above))) * float(np.log(10)))
        z = logarithm if np.isinf(self.support) else self.support * np.expm1(logarithm / self.support)
        return self.middle + self.scale * z ** (1 / self.shape if self.shape else 1.0)


def fit_tail(scores: np.ndarray) -> Tail:
    """What is usual among these (n,) scores, larger ones being stranger; NaN is left out."""
    scores = np.asarray(scores, dtype=np.float64)
    scores = np.sort(scores[np.isfinite(scores)])
    nothing = Tail(np.zeros(0), 0.5, 0.0, 0.0)
    if len(scores) < FEWEST:
        return nothing
    quantiles = scores[np.linspace(0, len(scores) - 1, 2 * (min(len(scores), POINTS) // 2) + 1).astype(np.int64)]
    middle = quantiles[len(quantiles) // 2]
    excess = scores[scores > middle] - middle
    if len(excess) < 3:
        return nothing
    censor = np.quantile(scores, CENSORED) - middle
    seen = excess[excess <= censor]
    if len(seen) < 3:  # most scores are the median: there is no body to learn from but the tail itself
        censor = float(np.median(excess))
        seen = excess[excess <= censor]
    size = float(np.minimum(excess, censor).mean())
    if not np.isfinite(size) or size <= 1e-5 * max(1.0, abs(float(middle))):  # no more than rounding
        return nothing
    scale, shape = _weibull(seen / size, censor / size, len(excess) - len(seen))
    return Tail(quantiles, len(excess) / len(scores), scale * size, shape, len(seen) / 3)


def _weibull(seen: np.ndarray, censor: float, beyond: int) -> tuple[float, float]:
    """Scale and shape of the Weibull tail most likely to give `seen`, and `beyond` values above `censor`.

    For each shape the best scale has a closed form: scale^shape = (sum of x^shape, censored ones too) / number seen.
    """
    points = np.quantile(seen, (np.arange(min(len(seen), POINTS)) + 0.5) / min(len(seen), POINTS))
    points = np.maximum(points, 1e-6)
    each = len(seen) / len(points)
    power = each * np.exp(SHAPES[:, None] * np.log(points)[None]).sum(1) + beyond * censor**SHAPES
    scales = (power / len(seen)) ** (1 / SHAPES)
    logs = each * np.log(points).sum()
    likelihood = len(seen) * (np.log(SHAPES) - SHAPES * np.log(scales)) + (SHAPES - 1) * logs - len(seen)
    likelihood -= 0.5 * ((SHAPES - SHAPE_PRIOR[0]) / SHAPE_PRIOR[1]) ** 2
    best = int(likelihood.argmax())
    return float(scales[best]), float(SHAPES[best])
