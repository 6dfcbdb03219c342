"""How a weight follows from a number of draws."""

from __future__ import annotations

from typing import Literal

import numpy as np

Form = Literal["inverse", "sqrt_inverse", "effective_number"]


def effective_number(n: np.ndarray, beta: float) -> np.ndarray:
    """(K,) effective numbers (1 - beta^n)/(1 - beta) of (K,) counts above 0. Source: Cui et al. 2019."""
    if beta <= 0:
        return np.ones(len(n))
    # By expm1: beta^n is rounded to 1 for a beta within 1e-16 of 1.
    return -np.expm1(n * np.log(beta)) / (1.0 - beta)


def by_form(counts: np.ndarray, form: Form, beta: float) -> np.ndarray:
    """(K,) float64 weights, up to a factor, of (K,) counts above 0."""
    n = counts.astype(np.float64)
    if form == "inverse":
        return 1.0 / n
    return 1.0 / np.sqrt(n) if form == "sqrt_inverse" else 1.0 / effective_number(n, beta)
