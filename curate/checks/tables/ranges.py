"""Numbers outside the plausible range of their column, by how its tails thin out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from curate.checks.tables.columns import Column

LEAST_CELLS = 40
HEAVIEST = 1.0
"""Largest tail index that is fitted; that of a Cauchy distribution."""
APART = 5.0
LARGEST = 1e150
"""Numbers beyond are left out of what is usual: squares and differences of them overflow."""
_EXCEEDED = np.array([0.25, 0.1, 0.025])


class Range(NamedTuple):
    """The plausible range of a column, and what it was made from."""

    low: float
    high: float
    median: float


def plausible_range(values: np.ndarray, expected: float, whole: bool = False) -> Range | None:
    """The range that a column of so many values leaves less than `expected` times, by how its tails thin out.

    Each tail is followed from its quarter, tenth and fortieth beyond the data, as a generalised Pareto tail
    (exponential or heavier), so that a skewed or heavy-tailed column has a wide range on that side. Values of one tail
    alone decide about it: what is planted in it must not be more than a fortieth of the column.

    Args:
        values: (n,) finite numbers.
        expected: how many values of a sound column may lie beyond.
        whole: integers or Booleans.

    Returns:
        None for few values, few distinct ones, or where half of them are one value.
    """
    n = len(values)
    if n < LEAST_CELLS:
        return None
    ordered = np.sort(values)
    q = np.quantile(ordered, [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
    distinct = 1 + int((np.diff(ordered) > 0).sum())
    if distinct < 8 or q[4] <= q[2]:
        return None
    step = (q[4] - q[2]) / 20
    if whole:
        step = max(step, 1.0)
    chance = expected / n
    high = _reach(q[4], q[5], q[6], step, chance)
    low = -_reach(-q[2], -q[1], -q[0], step, chance)
    return Range(low, high, float(q[3]))


def _reach(quarter: float, tenth: float, fortieth: float, step: float, chance: float) -> float:
    """The value that is exceeded with that chance, from those exceeded with 0.25, 0.1 and 0.025."""
    inner, outer = max(tenth - quarter, step), max(fortieth - tenth, step)
    steps = np.log(_EXCEEDED[0] / _EXCEEDED[1]), np.log(_EXCEEDED[1] / _EXCEEDED[2])
    shape = 0.0
    if outer / inner > steps[1] / steps[0]:
        low, high = 0.0, HEAVIEST
        for _ in range(40):
            shape = (low + high) / 2
            ratio = (_grown(_EXCEEDED[0] / _EXCEEDED[2], shape) - _grown(_EXCEEDED[0] / _EXCEEDED[1], shape)) / _grown(
                _EXCEEDED[0] / _EXCEEDED[1], shape
            )
            low, high = (shape, high) if ratio < outer / inner else (low, shape)
    scale = max(
        inner / _grown(_EXCEEDED[0] / _EXCEEDED[1], shape),
        (inner + outer) / _grown(_EXCEEDED[0] / _EXCEEDED[2], shape),
    )
    return quarter + scale * _grown(_EXCEEDED[0] / chance, shape)


def _grown(ratio: float, shape: float) -> float:
    return float(np.log(ratio)) if shape < 1e-6 else float((ratio**shape - 1) / shape)


def out_of_range(column: Column, expected: float) -> tuple[np.ndarray, Range | None]:
    """Places of the cells outside the plausible range, and the range.

    A value beyond where the tails reach must also stand apart: be farther from the middle than all that lies within, by
    a tenth of that distance at least; a tail that goes on without a gap is a tail. And whatever the tails, a value is
    out of range that is farther from all others than five times their range.

    Args:
        column: of numbers.
        expected: how many values of a sound column may be flagged.
    """
    nowhere = np.zeros(0, dtype=np.int64)
    if column.numbers is None:
        return nowhere, None
    learned = column.numbers[column.usual & (np.abs(column.numbers) < LARGEST)]
    if len(learned) < LEAST_CELLS or _are_codes(learned):
        return nowhere, None
    number = np.where(np.isfinite(column.numbers), column.numbers, np.median(learned))
    apart = _apart(learned)
    low, high = apart.low, apart.high
    span = plausible_range(learned, expected, column.whole)
    if span is not None:
        within = number[(number >= span.low) & (number <= span.high)]
        low = max(low, min(span.low, span.median - 1.1 * (span.median - within.min())))
        high = min(high, max(span.high, span.median + 1.1 * (within.max() - span.median)))
    found = np.flatnonzero((number < low) | (number > high))
    return found, Range(low, high, apart.median)


def _apart(values: np.ndarray) -> Range:
    """The range without what lies behind a gap of five times the range of all before it; else infinite."""
    ordered = np.sort(values)
    quantiles = np.quantile(ordered, [0.025, 0.5, 0.975])
    bounds = []
    for sign, start, base in ((1.0, quantiles[2], quantiles[0]), (-1.0, quantiles[0], quantiles[2])):
        side = ordered if sign > 0 else ordered[::-1]
        tail = np.append(start, side[sign * (side - start) > 0])
        width = np.maximum(np.abs(tail[:-1] - base), 1e-12 * max(abs(base), 1e-300))
        gaps = np.flatnonzero((np.abs(np.diff(tail)) > APART * width) & (np.abs(tail[:-1] - base) > 0))
        bounds.append(float(tail[gaps[0]] + sign * APART * width[gaps[0]]) if len(gaps) else sign * np.inf)
    return Range(bounds[1], bounds[0], float(quantiles[1]))


def _are_codes(values: np.ndarray) -> bool:
    """Whether whole numbers are codes (zip codes, telephone numbers): of one width of 5 or more, and repeated."""
    if not len(values) or (values != np.floor(values)).any() or values.min() < 1:
        return False
    digits = np.floor(np.log10(values)) + 1
    width = np.median(digits)
    return bool(width >= 5 and (digits == width).mean() >= 0.98 and len(np.unique(values)) <= 0.5 * len(values))
