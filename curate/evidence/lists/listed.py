"""What a list of the nearest holds, and which lists go on from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

SPARE = 16
"""Entries of a list beyond those asked for: as many of it may go before it has to be searched anew."""
MOST_NEW = 0.3
"""Share of the candidates that may be new, or gone, where lists are brought up to date."""
NAMES = ("candidates", "rows", "near", "value", "bound")


@dataclass(frozen=True)
class Lists:
    """For each row the candidates nearest to it, best first.

    Attributes:
        candidates: (g,) uint64 ascending hashes.
        rows: (q,) uint64 ascending hashes.
        near: (q, k) int16 or int32 places among the candidates, -1 for none.
        value: (q, k) float32 similarities, in any measure.
        bound: (q,) float32, no candidate who is not in the list has more.
    """

    candidates: np.ndarray
    rows: np.ndarray
    near: np.ndarray
    value: np.ndarray
    bound: np.ndarray

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray] | None, k: int) -> Lists | None:
        """Lists of k candidates from arrays by the names of the attributes; None where they are no such lists."""
        if arrays is None or set(arrays) != set(NAMES):
            return None
        found = cls(**arrays)
        shape = (len(found.rows), k)
        fit = found.near.shape == found.value.shape == shape and found.bound.shape == shape[:1]
        return found if fit and found.near.max(initial=-1) < len(found.candidates) else None

    def best(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """(q, k) places and (q, k) values of the first k of each list, none that ties with the next."""
        near, value = self.near[:, :k], self.value[:, :k]
        if self.near.shape[1] <= k:
            return near, value
        there = (near >= 0) & ((self.near[:, k] < 0)[:, None] | (value > self.value[:, k, None]))
        return np.where(there, near, near.dtype.type(-1)), np.where(there, value, np.float32(0))

    def arrays(self) -> dict[str, np.ndarray]:
        """What `of` makes lists from."""
        return {name: getattr(self, name) for name in NAMES}

    def changed(self, candidates: np.ndarray, rows: np.ndarray) -> float:
        """Share of candidates, or of rows if that is larger, that these lists don't know, or that are gone."""
        shares = [
            1 - len(np.intersect1d(own, other, assume_unique=True)) / max(len(own), len(other), 1)
            for own, other in ((self.candidates, candidates), (self.rows, rows))
        ]
        return max(shares)
