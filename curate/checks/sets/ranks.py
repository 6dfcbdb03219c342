"""Ranks with ties, without `scipy.stats`, which takes longer to import than most checks take."""

from __future__ import annotations

import numpy as np


def average_ranks(values: np.ndarray) -> np.ndarray:
    """(n,) numbers without NaN -> (n,) float64 ranks from 1; equal numbers share the mean of theirs."""
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    begins = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1])) if len(values) else order
    ends = np.append(begins[1:], len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(0.5 * (begins + ends + 1), ends - begins) if len(values) else 0
    return ranks
