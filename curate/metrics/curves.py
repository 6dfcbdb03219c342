"""ROC and precision-recall curves, by scikit-learn, thinned for pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from curate.metrics.classification import class_areas
from curate.metrics.given import Given
from curate.metrics.metrics import Curve

MOST_CURVES = 12
"""Classes with a curve of their own: with more, those with the smallest areas."""
MOST_POINTS = 120


def curves(given: Given) -> tuple[tuple[Curve, ...], tuple[Curve, ...]]:
    """ROC curves and precision-recall curves of each class against the rest; nothing without probabilities.

    Of two classes only that of the second, which says it all. Where there are several classes, a last curve is the mean
    of all of them.
    """
    from sklearn import metrics

    chances = given.probabilities
    if chances is None or len(given.names) < 2:
        return (), ()
    areas, precisions = class_areas(given)
    known = np.flatnonzero(np.isfinite(areas))
    if given.kind == "classification" and len(given.names) == 2:
        known = known[known == 1]
    roc, recall = [], []
    grid = np.linspace(0, 1, MOST_POINTS)
    means = np.zeros((2, MOST_POINTS))
    shown = set(known[np.argsort(areas[known], kind="stable")][:MOST_CURVES].tolist())
    for code in known.tolist():
        positive = given.labels[:, code] if given.labels.ndim == 2 else given.labels == code
        own: Any = {"sample_weight": given.weights}
        x, y, _ = metrics.roc_curve(positive, chances[:, code], **own)
        precision, found, _ = metrics.precision_recall_curve(positive, chances[:, code], **own)
        means += np.interp(grid, x, y), np.interp(grid, found[::-1], precision[::-1])
        if code in shown:
            roc.append(_curve(given.names[code], x, y, areas[code]))
            recall.append(_curve(given.names[code], found[::-1], precision[::-1], precisions[code]))
    if len(known) > 1:
        means /= len(known)
        roc.append(_curve("macro average", grid, means[0], areas[known].mean()))
        recall.append(_curve("macro average", grid, means[1], precisions[known].mean()))
    return tuple(roc), tuple(recall)


def _curve(name: str, x: np.ndarray, y: np.ndarray, area: float) -> Curve:
    """Thinned to points about equally far along the curve."""
    if len(x) > MOST_POINTS:
        along = np.concatenate([[0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
        places = np.searchsorted(along, np.linspace(0, along[-1], MOST_POINTS))
        keep = np.unique(np.concatenate([[0, len(x) - 1], np.minimum(places, len(x) - 1)]))
        x, y = x[keep], y[keep]
    return Curve(name, tuple(np.round(x, 5).tolist()), tuple(np.round(y, 5).tolist()), float(area))
