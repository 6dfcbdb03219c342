"""Draws in proportion to weights, of any number of lines, without a table as long as the plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.errors import ConfigError
from curate.feed.sampling.counters import key_of, uniforms
from curate.feed.sampling.drawn import Drawn
from curate.feed.sampling.permutation import permuted

BLOCK = 64
"""Lines whose weights are added up beforehand; within a block they are added when a draw falls into it."""
_STRIDE = 1 << 14


@dataclass(frozen=True)
class Weighted:
    """As many draws as lines, each line in proportion to its weight.

    The sum of the weights is cut into n equal parts and one point drawn in each (stratified sampling: Kitagawa 1996,
    "Monte Carlo Filter and Smoother"), and the parts come in the order of a permutation. A line's expected number of
    draws is n w / sum w, as with independent draws, but its actual number is less than 2 off, and equal weights draw
    every line once. As the points of a line are next to each other, so are the numbers of its draws before the
    permutation, which gives how often it was drawn before.

    Attributes:
        weights: (n,) floats, finite and at least 0, not all 0; may be mapped from a file.
        below: (blocks + 1,) float64 sums of the weights of all blocks before each.
        seed: of the order.
    """

    weights: np.ndarray
    below: np.ndarray
    seed: int

    @classmethod
    def of(cls, weights: np.ndarray, seed: int) -> Weighted:
        """For (n,) weights. Raises ConfigError where they can't be."""
        n = len(weights)
        blocks = -(-n // BLOCK)
        sums = np.zeros(blocks)
        for start in range(0, n // BLOCK, _STRIDE):
            part = weights[start * BLOCK : min(n // BLOCK, start + _STRIDE) * BLOCK].reshape(-1, BLOCK)
            part.sum(1, dtype=np.float64, out=sums[start : start + len(part)])
            if not part.min() >= 0:
                _refuse(weights)
        rest = weights[n // BLOCK * BLOCK :]
        if len(rest):
            sums[-1] = rest.sum(dtype=np.float64)
        total = sums.sum()
        if not np.isfinite(total) or (len(rest) and not rest.min() >= 0):
            _refuse(weights)
        if n and not total > 0:
            raise ConfigError("all weights are 0: nothing could be drawn")
        return cls(weights, np.concatenate([[0.0], np.cumsum(sums)]), seed)

    @property
    def most(self) -> int:
        """See `Order`."""
        return len(self.weights)

    def draw(self, epoch: int, numbers: np.ndarray) -> Drawn:
        """See `Order`."""
        key = key_of(self.seed, epoch, "weighted")
        part = permuted(numbers, len(self.weights), key)
        point = self._points(part, key)
        block = np.minimum(np.searchsorted(self.below, point, side="right") - 1, len(self.below) - 2)
        line = block[:, None] * BLOCK + np.arange(BLOCK)
        inside = line < len(self.weights)
        weights = np.where(inside, self.weights[np.where(inside, line, 0)], 0.0).astype(np.float64)
        ends = self.below[block][:, None] + np.cumsum(weights, axis=1)
        # Rounding may let the last end of a block fall short of where the next begins: its last line with a weight.
        last = BLOCK - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)
        place = np.minimum((ends <= point[:, None]).sum(1), last)
        begin = np.where(place > 0, np.take_along_axis(ends, np.maximum(place - 1, 0)[:, None], 1)[:, 0], 0.0)
        begin = np.where(place > 0, begin, self.below[block])
        return Drawn(block * BLOCK + place, part - self._first(begin, part, key))

    def _points(self, part: np.ndarray, key: int) -> np.ndarray:
        """(m,) float64: the point of each part of the sum of weights."""
        total = self.below[-1]
        return np.minimum((part + uniforms(key, part)) * (total / len(self.weights)), np.nextafter(total, 0))

    def _first(self, begin: np.ndarray, part: np.ndarray, key: int) -> np.ndarray:
        """(m,) int64: the first part whose point is not below the begin of a line, which is `part` or before it."""
        first = np.minimum((begin * (len(self.weights) / self.below[-1])).astype(np.int64), part)
        # The part that the line begins in may have its point before the line; rounding may miss that part by one.
        first = np.maximum(first - 1, 0)
        for _ in range(2):
            first = np.where((first < part) & (self._points(first, key) < begin), first + 1, first)
        return first


def _refuse(weights: np.ndarray) -> None:
    """Raise ConfigError that names the first weight that can't be."""
    for start in range(0, len(weights), _STRIDE * BLOCK):
        part = weights[start : start + _STRIDE * BLOCK]
        bad = np.flatnonzero(~(np.isfinite(part) & (part >= 0)))
        if len(bad):
            raise ConfigError(f"weights must be finite and at least 0; position {start + bad[0]} has {part[bad[0]]}")
    raise ConfigError("the weights add up to more than a float can hold; scale them down")
