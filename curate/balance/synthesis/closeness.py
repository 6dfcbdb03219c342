"""How near new rows are to real ones, against how near real rows are to each other: the check against copying.

A generator that learned a class, and not its rows, makes rows whose nearest real row is about as far as a real row's
own nearest. A row that is nearer than all but a small share of real rows are is taken for a copy.
"""

from __future__ import annotations

import numpy as np

from curate.balance.synthesis.frame import Values
from curate.evidence.faiss_library import faiss

MOST_ASKED = 5_000
"""Real rows of a class whose own nearest row is looked for."""
SAME = 1e-4
"""Distance up to which two rows are the same."""


class Closeness:
    """Distances of new rows to real ones.

    Columns of numbers count by their standard deviation; two different categories are as far apart as two numbers with
    a standard deviation between them, and a missing number is such a category.

    Args:
        values: the real rows.
        codes: (m,) int64 classes.
        sizes: number of values of each category column.
        quantile: share of the real rows of a class that may have a nearer row than a new one may.
    """

    def __init__(self, values: Values, codes: np.ndarray, sizes: list[int], quantile: float) -> None:
        known = np.isfinite(values.numbers)
        counts = np.maximum(known.sum(0), 1)
        filled = np.where(known, values.numbers, 0.0)
        self._mean = filled.sum(0) / counts
        variance = (np.where(known, values.numbers - self._mean, 0.0) ** 2).sum(0) / counts
        self._spread = np.where(variance > 0, np.sqrt(variance), 1.0)
        self._sizes = sizes
        real = self._placed(values)
        self._real, self._row, place = np.unique(real, axis=0, return_index=True, return_inverse=True)
        places = {int(k): np.unique(place.ravel()[codes == k]) for k in np.unique(codes)}
        self.least, self.usual = self._own(places, quantile)

    def _placed(self, values: Values) -> np.ndarray:
        """(n, d) float32 coordinates."""
        scaled = (values.numbers - self._mean) / self._spread
        gone = ~np.isfinite(values.numbers)
        parts = [np.where(gone, 0.0, scaled), gone / np.sqrt(2)]
        for place, size in enumerate(self._sizes):
            parts.append((values.codes[:, place, None] == np.arange(size)) / np.sqrt(2))
        return np.ascontiguousarray(np.concatenate(parts, axis=1), dtype=np.float32)

    def _own(self, places: dict[int, np.ndarray], quantile: float) -> tuple[dict[int, float], dict[int, float]]:
        """Class -> the distance that new rows must keep, and the median distance of a real row to its nearest other."""
        least, usual = {}, {}
        for k, own in places.items():
            if len(self._real) < 2:
                least[k] = usual[k] = 0.0
                continue
            asked = own[:: max(1, len(own) // MOST_ASKED)]
            away = _nearest(self._real[asked], self._real, 2)[0][:, 1]
            least[k], usual[k] = float(np.quantile(away, quantile)), float(np.median(away))
        return least, usual

    def nearest(self, made: Values) -> tuple[np.ndarray, np.ndarray]:
        """(n,) float32 distance of each new row to the nearest real one, and (n,) int64 which of the rows that is."""
        away, place = _nearest(self._placed(made), self._real, 1)
        return away[:, 0], self._row[place[:, 0]]

    def too_near(self, away: np.ndarray, code: int) -> np.ndarray:
        """(n,) bool: copies, by the distances of new rows of a class."""
        return (away < self.least[code]) | (away <= SAME)


def _nearest(asked: np.ndarray, found: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(q, k) distances, nearest first, and (q, k) places."""

    if not len(asked):
        return np.zeros((0, k), dtype=np.float32), np.zeros((0, k), dtype=np.int64)
    squared, place = faiss().knn(asked, found, k, metric=faiss().METRIC_L2)
    return np.sqrt(np.maximum(squared, 0)), place
