"""What an encoder is: either a measure of single rows, or a fit on the whole set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from curate.evidence.measure import Measure
from curate.table import Table

Fit = Callable[[Table, np.ndarray, np.ndarray, int], np.ndarray]
"""(table, rows in the order to take them, (n,) bool rows to learn from, seed) -> (n, d) float32, both in that order."""
Whole = Callable[[Table, np.ndarray], np.ndarray]
"""(table, positions of the rows to learn from) -> (n, d) float32 of length 1, in the order of the table."""


@dataclass(frozen=True)
class Encoder:
    """One way to turn one input role of a task into vectors.

    Attributes:
        role: ``text``, ``image``, ...
        title: for people, e.g. ``wordllama 0.4.0 (256-d)``.
        measure: for encoders that look at one row at a time; `field` of it holds the vector.
        field: name of that field.
        fit: for encoders that learn from the set.
        version: of the code behind `fit`.
        parts: columns of each part of the measure's vector; the parts are then standardised on the rows to learn from,
            and each has an equal say. Empty: the vector is taken as it is.
        whole: beside `fit`, the same where it is the only encoder: row by row into one array, which costs no more than
            to read it from the cache.
    """

    role: str
    title: str
    measure: Measure | None = None
    field: str = ""
    fit: Fit | None = None
    version: int = 1
    parts: tuple[int, ...] = ()
    whole: Whole | None = None
