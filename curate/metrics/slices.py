"""Metrics of slices: the rows that share a value of a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from curate.arrow import distinct
from curate.errors import ConfigError
from curate.metrics.bootstrap import counts, intervals, wilson
from curate.metrics.given import Given
from curate.metrics.metrics import Slice
from curate.metrics.sums import Sums
from curate.wording import some_of

FEW_VALUES = 12
"""A column of more numbers than these is cut into quarters."""
MISSING = "(none)"
SHARES = ("accuracy", "subset_accuracy")
"""Metrics that are a share of rows, whose interval is Wilson's."""


def groups(column: str, values: Sequence[Any] | np.ndarray) -> dict[str, np.ndarray]:
    """Value, or range of numbers, as text -> (m,) positions; missing values have a slice of their own.

    Raises:
        ConfigError: a column of other than numbers and texts.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ConfigError(f"slices: the column {column!r} must have one value per row, not the shape {array.shape}")
    if array.dtype.kind == "f" or (array.dtype.kind in "iu" and len(np.unique(array)) > FEW_VALUES):
        return _numbers(array.astype(np.float64))
    texts = [MISSING if one is None or one != one else str(one) for one in array.tolist()]
    names, codes = distinct(np.array(texts, dtype=np.dtypes.StringDType()))
    return {str(name): np.flatnonzero(codes == code) for code, name in enumerate(names)}


def _numbers(values: np.ndarray) -> dict[str, np.ndarray]:
    known = np.isfinite(values)
    found: dict[str, np.ndarray] = {}
    distinct = np.unique(values[known])
    if len(distinct) <= FEW_VALUES:
        texts = _told_apart([(value,) for value in distinct.tolist()], 6)
        found = {text: np.flatnonzero(values == value) for text, value in zip(texts, distinct)}
    else:
        edges = np.unique(np.quantile(values[known], [0, 0.25, 0.5, 0.75, 1]))
        codes = np.searchsorted(edges[1:-1], values, side="right")
        for code, text in enumerate(_told_apart(list(pairwise(edges.tolist())), 4)):
            found[text] = np.flatnonzero(known & (codes == code))
    if not known.all():
        found[MISSING] = np.flatnonzero(~known)
    return found


def _told_apart(numbers: Sequence[tuple[float, ...]], digits: int) -> list[str]:
    """Numbers, or ranges, as texts with as many digits, or more where two would read the same."""
    while True:
        texts = [" to ".join(f"{one:.{digits}g}" for one in each) for each in numbers]
        if digits >= 17 or len(set(texts)) == len(texts):
            return texts
        digits += 1


def measure(
    given: Given, sums: Sums, columns: Mapping[str, Any], most: int, resamples: int, seed: int, level: float
) -> tuple[tuple[Slice, ...], list[str]]:
    """Slices of all columns, smallest first, and notes on what was left out.

    Raises:
        ConfigError: a column has another number of rows.
    """
    found: list[tuple[str, str, np.ndarray]] = []
    notes = []
    place = np.full(given.total, -1)
    place[given.rows] = np.arange(len(given))
    for column, values in columns.items():
        if len(values) != given.total:
            raise ConfigError(f"slices: the column {column!r} has {len(values)} values for {given.total} rows")
        rows = {value: place[positions] for value, positions in groups(column, values).items()}
        rows = {value: places[places >= 0] for value, places in rows.items()}
        empty = [value for value, places in rows.items() if not len(places)]
        if empty:
            notes.append(f"slices: no row with a label has {column} {some_of(empty, said=repr)}")
        kept = sorted((value for value in rows if len(rows[value])), key=lambda value: -len(rows[value]))
        if len(kept) > most:
            notes.append(
                f"slices: {column} has {len(kept)} values, of which the {most} with the most rows are measured"
            )
        found += [(column, value, rows[value]) for value in kept[:most]]
    found.sort(key=lambda one: len(one[2]))
    return tuple(_measured(given, sums, found, resamples, seed, level)), notes


def _measured(
    given: Given, sums: Sums, found: list[tuple[str, str, np.ndarray]], resamples: int, seed: int, level: float
) -> list[Slice]:
    totals = np.stack([np.asarray(sums.matrix[rows].sum(0)).ravel() for _, _, rows in found]) if found else None
    if totals is None:
        return []
    values = sums.values(totals)
    samples: list[list[np.ndarray]] = [[] for _ in found]
    if resamples:
        for drawn in counts(len(given), resamples, seed):
            for own, (_, _, rows) in zip(samples, found):
                own.append(np.asarray((sums.matrix[rows].T @ drawn[:, rows].T).T))
    slices = []
    for number, (column, value, rows) in enumerate(found):
        mine = {name: float(each[number]) for name, each in values.items()}
        bounds = _bounds(sums, samples[number], level)
        for name in SHARES:
            if name in mine:
                bounds[name] = wilson(mine[name], given.weights[rows], level)
        slices.append(Slice(column, value, len(rows), mine, bounds))
    return slices


def _bounds(sums: Sums, samples: list[np.ndarray], level: float) -> dict[str, tuple[float, float]]:
    if not samples:
        return {}
    totals = np.concatenate(samples)
    # Samples in which the slice has no row say nothing.
    return intervals(sums.values(totals[totals[:, 0] > 0]), level)
