"""Orders in which every line of the plan is drawn once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.feed.sampling.counters import key_of
from curate.feed.sampling.drawn import Drawn
from curate.feed.sampling.permutation import permuted


@dataclass(frozen=True)
class Sequential:
    """As planned."""

    most = 1

    def draw(self, epoch: int, numbers: np.ndarray) -> Drawn:
        """See `Order`."""
        return Drawn(numbers.astype(np.int64), np.zeros(len(numbers), np.int64))


@dataclass(frozen=True)
class Shuffled:
    """A permutation of n lines for every epoch."""

    n: int
    seed: int

    most = 1

    def draw(self, epoch: int, numbers: np.ndarray) -> Drawn:
        """See `Order`."""
        positions = permuted(numbers, self.n, key_of(self.seed, epoch, "shuffled"))
        return Drawn(positions, np.zeros(len(numbers), np.int64))
