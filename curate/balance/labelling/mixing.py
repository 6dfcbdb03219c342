"""Probabilities of a teacher: checked, tempered, and mixed with the given label."""

from __future__ import annotations

import numpy as np

TOLERANCE = 0.02
FLOOR = 1e-12


def checked(values: np.ndarray) -> np.ndarray:
    """(n, K) float64 that sum to 1 per row; NaN in rows that are no probabilities (negative, not finite, other sum)."""
    values = np.asarray(values, dtype=np.float64)
    total = values.sum(1)
    with np.errstate(invalid="ignore"):
        wrong = ~np.isfinite(values).all(1) | (values < -1e-6).any(1) | ~(np.abs(total - 1) < TOLERANCE)
    found = np.clip(values, 0, None)
    found[wrong] = np.nan
    return found / np.where(wrong, 1.0, np.maximum(found.sum(1), FLOOR))[:, None]


def tempered(values: np.ndarray, temperature: float) -> np.ndarray:
    """(n, K) probabilities to the power of 1 / temperature, summing to 1 again: the softmax of logits / temperature."""
    if temperature == 1:
        return values
    logits = np.log(np.maximum(values, FLOOR)) / temperature
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def mixed(values: np.ndarray, codes: np.ndarray, alpha: float) -> np.ndarray:
    """(m, K) `alpha` of the teacher and the rest of the given label; the teacher alone where there is none (-1)."""
    known = np.flatnonzero(codes >= 0)
    result = values.copy()
    result[known] *= alpha
    result[known, codes[known]] += 1 - alpha
    return result
