"""What was measured of a set of recordings, what is usual in it, and scores of levels in decibels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from curate.checks.judging.bounds import usual

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

SPAN_DB = 20.0
"""Decibels from a bound to the best and to the worst score."""
CLASS_ROWS = 8
"""Recordings of a class from which on it has a usual value of its own."""


class Recordings:
    """Measures of the active recordings of a table, and what is usual among those of its training rows.

    Attributes:
        rows: (m,) int64 positions in the table.
        training: (m,) bool, rows that shape what is usual: those of training, all where there are none.
    """

    def __init__(self, evidence: Evidence, fields: Sequence[str]) -> None:
        rows = np.flatnonzero(evidence.active)
        self.rows = rows[np.isfinite(evidence.measure("audio.seconds")[rows])]
        self._evidence = evidence
        self._values = {name: evidence.measure(f"audio.{name}")[self.rows] for name in fields}
        training = evidence.table.training[self.rows]
        self.training = training if training.any() else np.ones(len(self.rows), dtype=bool)

    def __len__(self) -> int:
        """Number of recordings."""
        return len(self.rows)

    def __getitem__(self, name: str) -> np.ndarray:
        """(m, ...) values of a field of audio, floats as float64."""
        values = self._values[name]
        return values.astype(np.float64) if values.dtype.kind == "f" else values

    def usual(self, values: np.ndarray) -> float:
        """Median of (m,) values; 0 where there are none."""
        return usual(values, self._evidence, self.rows)

    def spread(self, values: np.ndarray) -> float:
        """Robust standard deviation (1.4826 times the median absolute deviation) of (m,) values."""
        return 1.4826 * self.usual(np.abs(values - self.usual(values)))

    def fence(self, values: np.ndarray) -> float:
        """Tukey's fence of (m,) values, 1.5 interquartile ranges above the third quartile; 0 where there are none."""
        base = values[self.training & np.isfinite(values)]
        if not len(base):
            return 0.0
        low, high = np.percentile(base, [25, 75])
        return float(high + 1.5 * (high - low))

    def usual_of_class(self, values: np.ndarray) -> np.ndarray:
        """(m,) median of (m,) values in the row's own class where that has 8 rows or more, else of the whole set."""
        found = np.full(len(self), self.usual(values))
        labels = self._evidence.labels
        if not labels.names or labels.sets is not None:
            return found
        codes = labels.codes[self.rows]
        base = np.flatnonzero(self.training & np.isfinite(values) & (codes >= 0))
        base = base[np.argsort(codes[base], kind="stable")]
        for own in np.split(base, np.flatnonzero(np.diff(codes[base])) + 1):
            if len(own) >= CLASS_ROWS:
                found[codes == codes[own[0]]] = np.median(values[own])
        return found

    def share_of_value(self, values: np.ndarray) -> tuple[np.ndarray, int]:
        """(m,) integers -> share of the set with each row's value, and the most common value (0 for no rows)."""
        if not len(self):
            return np.zeros(0), 0
        distinct, place = np.unique(values, return_inverse=True)
        counts = np.bincount(place[self.training], minlength=len(distinct))
        return (counts / self.training.sum())[place], int(distinct[counts.argmax()])


def above_db(value: np.ndarray, bound: float | np.ndarray) -> np.ndarray:
    """(m,) decibels -> scores: 0.5 at the bound, 1 from 20 dB above it on, 0 from 20 dB below it; NaN scores 1."""
    apart = np.asarray(value, dtype=np.float64) - bound
    return np.clip(0.5 + np.nan_to_num(apart, nan=np.inf) / (2 * SPAN_DB), 0.0, 1.0)


def below_db(value: np.ndarray, bound: float) -> np.ndarray:
    """(m,) decibels -> scores: 0.5 at the bound, 1 from 20 dB below it on, 0 from 20 dB above it; NaN scores 1."""
    return above_db(-value, -bound)


def span(stretch: np.ndarray) -> str:
    """``0.12-0.80 s``: the form in which every reason names a stretch of time."""
    return f"{stretch[0]:.2f}-{stretch[1]:.2f} s"
