"""The order in which an epoch draws positions of a plan, as functions of arrays and one generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AliasTable:
    """Constant-time draws with replacement, each position in proportion to its weight.

    Position k is drawn by taking a uniform cell and staying in it with probability ``stay[cell]``, else going to
    ``other[cell]`` (Walker 1977; built by sweeping, after Hübschle-Schneider and Sanders 2019, "Parallel Weighted
    Random Sampling", here with prefix sums in place of the loop).

    Attributes:
        stay: (n,) float64 in [0, 1].
        other: (n,) int64.
    """

    stay: np.ndarray
    other: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray) -> AliasTable:
        """The table of (n,) finite weights >= 0, not all 0."""
        share = weights.astype(np.float64) * (len(weights) / weights.sum(dtype=np.float64))
        light, heavy = np.flatnonzero(share < 1.0), np.flatnonzero(share >= 1.0)
        stay, other = share.copy(), np.arange(len(share))
        if not len(heavy):
            return cls(np.ones(len(share)), other)
        lacking = np.concatenate([[0.0], np.cumsum(1.0 - share[light])])
        spare = np.cumsum(share[heavy] - 1.0)
        giver = np.searchsorted(spare, lacking[:-1], side="right")
        other[light] = heavy[np.minimum(giver, len(heavy) - 1)]
        # A heavy cell gives until it has given more than it can spare; the next heavy one fills it up again.
        given = lacking[np.minimum(np.searchsorted(lacking, spare, side="left"), len(lacking) - 1)]
        stay[heavy] = np.clip(1.0 - np.maximum(given - spare, 0.0), 0.0, 1.0)
        other[heavy[:-1]] = heavy[1:]
        stay[heavy[-1]] = 1.0
        return cls(stay, other)

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """(size,) int64 positions."""
        cell = rng.integers(len(self.stay), size=size)
        return np.where(rng.random(size) < self.stay[cell], cell, self.other[cell])


def shuffled(n: int, rng: np.random.Generator) -> np.ndarray:
    """A permutation of n positions, int32 where that is enough."""
    order = np.arange(n, dtype=np.int32 if n < 2**31 else np.int64)
    rng.shuffle(order)
    return order


def balanced(classes: Sequence[np.ndarray], draws: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of which every class has the same number (or one more, if `draws` does not divide evenly).

    Within a class no position is drawn more than once more often than another.

    Args:
        classes: for each of K classes its (m_k,) positions, none empty.
        draws: how many positions are drawn in all.
        rng: says which classes have one more, which positions are drawn, and in which order.

    Returns:
        (draws,) int64.
    """
    quota = np.full(len(classes), draws // len(classes))
    quota[rng.permutation(len(classes))[: draws % len(classes)]] += 1
    return _dealt(classes, quota, rng)


def by_shares(classes: Sequence[np.ndarray], shares: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of which each class has its share of the draws, give or take one draw.

    Args:
        classes: for each of K classes its (m_k,) positions, none empty.
        shares: (K,) that sum to 1.
        draws: how many positions are drawn in all.
        rng: says which classes have one more, which positions are drawn, and in which order.

    Returns:
        (draws,) int64.
    """
    turn = rng.permutation(len(classes))
    quota = np.empty(len(classes), dtype=np.int64)
    quota[turn] = _systematic(shares[turn], draws, rng)
    return _dealt(classes, quota, rng)


def in_proportion(shares: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(draws,) int64 positions, each drawn ``shares * draws`` times, give or take one; (n,) shares sum to 1."""
    turn = rng.permutation(len(shares))
    order = np.repeat(turn, _systematic(shares[turn], draws, rng))
    rng.shuffle(order)
    return order


def _systematic(shares: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) int64 that sum to `draws`, each its share rounded up or down, its share on average (Kitagawa 1996)."""
    total = np.cumsum(shares)
    edges = np.floor(total * (draws / total[-1]) + rng.random()).astype(np.int64)
    edges[-1] = draws
    return np.diff(np.minimum(edges, draws), prepend=0)


def _dealt(classes: Sequence[np.ndarray], quota: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """So many positions of each class, each about equally often, in random order."""
    parts = []
    for positions, wanted in zip(classes, quota, strict=True):
        times, rest = divmod(int(wanted), len(positions))
        parts += [np.tile(positions, times), rng.permutation(positions)[:rest]]
    order = np.concatenate(parts).astype(np.int64)
    rng.shuffle(order)
    return order


def occurrences(order: np.ndarray) -> np.ndarray:
    """(m,) int64: how often the position at each place was drawn before that place."""
    by_position = np.argsort(order, kind="stable")
    ordered = order[by_position]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(first, len(order)))
    count = np.empty(len(order), dtype=np.int64)
    count[by_position] = np.arange(len(order)) - np.repeat(first, lengths)
    return count
