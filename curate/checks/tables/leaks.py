"""How much of the label one column alone foretells."""

from __future__ import annotations

import numpy as np

from curate.checks.sets.ranks import average_ranks
from curate.checks.tables.columns import Column

LEAST_ROWS = 50
MOST_BINS, LEAST_IN_BIN = 64, 20


def foretells(column: Column, codes: np.ndarray, values: np.ndarray | None, usual: np.ndarray) -> float | None:
    """Share of what is left to guess of the label that a column explains, each row foretold by the other rows.

    For classes it is how many more rows are right than by the commonest class, over those that this leaves wrong, where
    a row is foretold by the commonest class of the others with its value (numbers in up to 64 bins of equal counts);
    for numbers the squared rank correlation.

    Args:
        column: of the table.
        codes: (m,) classes, -1 where the label is missing.
        values: (m,) target values for regression, else None.
        usual: (m,) bool, rows that are looked at.

    Returns:
        None where it can't be said: few rows, one class, a column of ids.
    """
    if values is not None:
        return _rank(column, values, usual)
    rows = np.flatnonzero(usual & (codes >= 0))
    if len(rows) < LEAST_ROWS or len(np.unique(codes[rows])) < 2:
        return None
    held = column.codes[rows].astype(np.int64) + 1  # what is missing is a value, too: it can give the label away
    numbers = None if column.numbers is None else column.numbers[rows]
    bins = max(4, min(MOST_BINS, len(rows) // LEAST_IN_BIN))
    if numbers is not None and len(np.unique(held)) > bins:
        finite = np.isfinite(numbers)
        edges = np.unique(np.quantile(numbers[finite], np.linspace(0, 1, bins + 1)[1:-1])) if finite.any() else [0.0]
        held = np.where(finite, 1 + np.searchsorted(edges, np.nan_to_num(numbers), side="right"), 0)
    if len(np.unique(held)) > 0.5 * len(rows):
        return None
    return _lambda(held, codes[rows].astype(np.int64))


def _lambda(held: np.ndarray, label: np.ndarray) -> float:
    """Goodman and Kruskal's lambda, leave-one-out."""
    width = int(label.max()) + 1
    key, count = np.unique(held * width + label, return_counts=True)
    value = key // width
    order = np.lexsort((-count, value))
    first = np.append(True, value[order][1:] != value[order][:-1])
    group = np.cumsum(first) - 1
    most = count[order][first]
    second = np.zeros(len(most), dtype=np.int64)
    after = np.flatnonzero(~first & np.append(False, first[:-1]))
    second[group[after]] = count[order][after]
    right = int(most[most - 1 > second].sum())
    guess = int(np.bincount(label).max())
    return (right - guess) / max(len(label) - guess, 1)


def _rank(column: Column, values: np.ndarray, usual: np.ndarray) -> float | None:
    if column.numbers is None:
        return None
    both = usual & np.isfinite(values) & np.isfinite(column.numbers)
    if both.sum() < LEAST_ROWS:
        return None
    a, b = average_ranks(column.numbers[both]), average_ranks(values[both])
    if a.std() == 0 or b.std() == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1] ** 2)
