"""Draws dealt out to classes: to each its quota, and within a class to each line about equally often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from curate.feed.sampling.counters import key_of, mixed, subkeys
from curate.feed.sampling.drawn import Drawn
from curate.feed.sampling.members import Members
from curate.feed.sampling.permutation import permuted


@dataclass(frozen=True)
class Lines:
    """The lines that entries stand for: an entry is a line, or one of the labels of a line.

    Attributes:
        bounds: (n + 1,) entries before each line, where lines have several or none; None where entry and line are one.
        most: largest number of entries of a line.
    """

    bounds: np.ndarray | None = None
    most: int = 1

    def of(self, entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(m,) int64 lines of the entries, and which of a line's entries each is."""
        if self.bounds is None:
            return entries, np.zeros(len(entries), np.int64)
        lines = np.searchsorted(self.bounds, entries, side="right") - 1
        return lines, entries - self.bounds[lines]


@dataclass(frozen=True)
class Dealt:
    """Every class its quota of an epoch's draws, in the order of a permutation.

    The draws of a class go through its entries again and again, each time in another order, so that none is drawn more
    than once more often than another; the number of the turn tells the draws of one entry apart.

    Attributes:
        members: the entries of each of K classes, none empty.
        lines: what the entries stand for.
        draws: of an epoch.
        quotas: epoch -> (K,) int64 draws of each class; they sum to `draws`.
        seed: of the order.
        name: of the order, beside the seed.
    """

    members: Members
    lines: Lines
    draws: int
    quotas: Callable[[int], np.ndarray]
    seed: int
    name: str

    @property
    def most(self) -> int:
        """See `Order`."""
        return self.draws * self.lines.most

    def draw(self, epoch: int, numbers: np.ndarray) -> Drawn:
        """See `Order`."""
        quotas = self.quotas(epoch)
        ends = np.cumsum(quotas)
        key = key_of(self.seed, epoch, self.name)
        dealt = permuted(numbers, self.draws, key)
        classes = np.searchsorted(ends, dealt, side="right")
        turn, number = np.divmod(dealt - (ends - quotas)[classes], self.members.sizes[classes])
        keys = mixed(subkeys(key, classes) ^ turn.astype(np.uint64))
        entries = self.members.select(classes, permuted(number, self.members.sizes[classes], keys))
        lines, which = self.lines.of(entries)
        return Drawn(lines, turn * self.lines.most + which)


def even(k: int, draws: int, key: int) -> np.ndarray:
    """(K,) int64 equal shares of the draws; the key says which classes get one more."""
    quotas = np.full(k, draws // k)
    return quotas + (permuted(np.arange(k), k, key) < draws % k)
