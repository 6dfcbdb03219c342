"""How good predictions are: one value with metrics, intervals, classes, slices and curves, for any kind of labels.

`evaluate` measures the predictions of a model; `resampled` gives the same metrics on bootstrap samples of the rows,
paired between models by the seed.
"""

from curate.metrics.evaluating import evaluate, resampled
from curate.metrics.metrics import Bin, ClassMetrics, Curve, Metrics, Slice, lower_is_better

__all__ = ["Bin", "ClassMetrics", "Curve", "Metrics", "Slice", "evaluate", "lower_is_better", "resampled"]
