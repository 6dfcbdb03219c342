"""What a worker made of some rows in the measuring pass."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from curate.evidence.decoding import Broken
from curate.evidence.narrowing import Values
from curate.evidence.parts.writing import Parted


@dataclass
class Outcome:
    """What a worker made of a chunk.

    Attributes:
        rows: how many the chunk had.
        measured: (place of the measure, rows, values) of each batch, without the rows on which the measure failed.
        failed: per measure row -> why it failed.
        broken: rows without an item.
        parted: what of it lies in parts of the cache, beside `measured`.
        whole: why wide values are in `measured` where they were to lie in parts.
    """

    rows: int
    measured: list[tuple[int, np.ndarray, Values]] = field(default_factory=list)
    failed: list[tuple[int, dict[int, str]]] = field(default_factory=list)
    broken: Broken = field(default_factory=Broken)
    parted: list[Parted] = field(default_factory=list)
    whole: str = ""

    def all_rows(self) -> np.ndarray:
        """(m,) positions of the rows that it speaks of."""
        reasons = [self.broken.unread, self.broken.undecodable, *(why for _, why in self.failed)]
        there = [rows for _, rows, _ in self.measured] + [one.rows for one in self.parted]
        return np.unique(np.concatenate([*there, *(np.array([*why], np.int64) for why in reasons)]).astype(np.int64))
