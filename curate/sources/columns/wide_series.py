"""Tables whose columns are the points of one series in each row, which are read as columns of their own."""

from __future__ import annotations

import re

import numpy as np

from curate.sources.columns.column_types import is_number
from curate.sources.raw import Raw
from curate.task import Task

LEAST_COLUMNS = 20
SAMPLE = 1000
LEAST_CORRELATION = 0.8
"""Median correlation of columns that follow each other, from which on they are points of a curve."""
_NUMBERED = re.compile(r"^(?P<stem>.*?)(?P<number>\d+)$")


def wide_series(raw: Raw, task: Task, given: Task) -> list[str]:
    """A sentence where numbered columns of a table follow each other as the points of a curve do."""
    if given.features is not None or not isinstance(task.features, tuple) or len(task.features) < LEAST_COLUMNS:
        return []
    names = _longest_run(task.features)
    if len(names) < LEAST_COLUMNS or not all(is_number(raw.columns[name].type) for name in names):
        return []
    head = raw.columns.select(names).slice(0, SAMPLE)
    values = np.stack([column.to_numpy().astype(np.float64) for column in head.columns])
    values = values[:, np.isfinite(values).all(0)]
    if values.shape[1] < 3 or _following(values) < LEAST_CORRELATION:
        return []
    return [
        f"{names[0]!r} to {names[-1]!r} follow each other as the points of a curve do, and are judged as columns: for"
        " what is known of series, write the values of a row as one list (JSON lines, Parquet, NPZ, .ts) and name it"
        " (--series COLUMN)"
    ]


def _longest_run(names: tuple[str, ...]) -> list[str]:
    """The columns with one stem and numbers that count up, in their order."""
    longest: list[str] = []
    run: list[str] = []
    before: tuple[str, int] | None = None
    for name in names:
        match = _NUMBERED.match(name)
        here = (match["stem"], int(match["number"])) if match else None
        run = [*run, name] if here and before and here == (before[0], before[1] + 1) else [name] if here else []
        before = here
        longest = max(longest, run, key=len)
    return longest


def _following(values: np.ndarray) -> float:
    """Median correlation of each row of (columns, n) values with the next; constant columns are left out."""
    centred = values - values.mean(1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1)
    known = (norms[:-1] > 0) & (norms[1:] > 0)
    products = (centred[:-1] * centred[1:]).sum(1)[known] / (norms[:-1] * norms[1:])[known]
    return float(np.median(products)) if len(products) else 0.0
