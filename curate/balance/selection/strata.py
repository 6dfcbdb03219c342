"""Strata of rows: classes, likeliest classes, the rarest label of a set, or tenths of a number."""

from __future__ import annotations

import numpy as np

from curate.table import Labels

TENTHS = 10


def strata(labels: Labels, rows: np.ndarray, likeliest: np.ndarray | None = None) -> np.ndarray:
    """(m,) int64 stratum of each of the rows.

    A row of a multilabel task counts for the rarest of its labels; a regression target is cut into tenths; a row
    without a label counts for its likeliest class, if that is given, else it is in a stratum of its own kind (-1).

    Args:
        labels: of all n rows.
        rows: (m,) int64 positions.
        likeliest: (n,) int64 class that a model gives each row, -1 for none.
    """
    if labels.values is not None:
        values = labels.values[rows]
        known = np.isfinite(values)
        found = np.full(len(rows), -1, dtype=np.int64)
        if known.any():
            edges = np.quantile(values[known], np.arange(1, TENTHS) / TENTHS)
            found[known] = np.searchsorted(edges, values[known], side="right")
        return found
    if labels.sets is not None:
        sets = labels.sets[rows]
        counts = np.where(sets, sets.sum(0)[None], np.iinfo(np.int64).max)
        return np.where(sets.any(1), counts.argmin(1), -1) if sets.shape[1] else np.full(len(rows), -1)
    codes = labels.codes[rows]
    return codes if likeliest is None else np.where(codes >= 0, codes, likeliest[rows])


def stratified(codes: np.ndarray) -> np.ndarray:
    """(m,) strata of places in a random order -> (m,) int64 places, of which every beginning has the strata's shares.

    The r-th place of a stratum of s stands at (r + 1/2) / s of the way.
    """
    order = np.argsort(codes, kind="stable")
    _, start, counts = np.unique(codes[order], return_index=True, return_counts=True)
    rank = np.arange(len(codes)) - np.repeat(start, counts)
    way = np.empty(len(codes))
    way[order] = (rank + 0.5) / np.repeat(counts, counts)
    return np.argsort(way, kind="stable")
