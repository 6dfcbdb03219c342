"""Calibration: whether what a model is sure of comes true as often as it says."""

from __future__ import annotations

import numpy as np

from curate.metrics.metrics import Bin


def bin_codes(confidence: np.ndarray, bins: int, equal_mass: bool = False) -> np.ndarray:
    """(n,) int64 the bin of each confidence in [0, 1]: equally wide, or with about equally many rows each.

    Equal confidences fall into one bin. A confidence on an edge belongs to the bin above it, as in torchmetrics.
    """
    if not equal_mass:
        return np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    edges = np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1]) if len(confidence) else np.zeros(0)
    return np.searchsorted(edges, confidence, side="right")


def calibration_error(
    confidence: np.ndarray, right: np.ndarray, weights: np.ndarray, bins: int, equal_mass: bool = False
) -> float:
    """Mean absolute difference of confidence and accuracy over bins, weighted by their rows.

    Source: Naeini, Cooper, Hauskrecht 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (equal
    width); Nguyen, O'Connor 2015, "Posterior calibration and exploratory analysis" (equal mass).

    Args:
        confidence: (n,) probability of the class that is predicted.
        right: (n,) bool whether it is the class.
        weights: (n,) of the rows.
        bins: how many.
        equal_mass: bins with equally many rows in place of equally wide ones ("adaptive").
    """
    if not len(confidence):
        return float("nan")
    gaps = np.bincount(bin_codes(confidence, bins, equal_mass), weights=weights * (right - confidence))
    return float(np.abs(gaps).sum() / weights.sum())


def reliability(confidence: np.ndarray, right: np.ndarray, weights: np.ndarray, bins: int) -> tuple[Bin, ...]:
    """The bins of equal width that have rows."""
    codes = bin_codes(confidence, bins)
    rows = np.bincount(codes, minlength=bins)
    mass, sure, came = (
        np.bincount(codes, weights=w, minlength=bins) for w in (weights, weights * confidence, weights * right)
    )
    return tuple(
        Bin(b / bins, (b + 1) / bins, int(rows[b]), float(sure[b] / mass[b]), float(came[b] / mass[b]))
        for b in np.flatnonzero(rows)
    )
