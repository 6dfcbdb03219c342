"""How many draws shares come to, as functions of arrays and one generator."""

from __future__ import annotations

import numpy as np


def quotas(shares: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(K,) int64 draws of each class, its (K,) share of them rounded up or down; shares sum to 1."""
    turn = rng.permutation(len(shares))
    found = np.empty(len(shares), dtype=np.int64)
    found[turn] = _systematic(shares[turn], draws, rng)
    return found


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


def occurrences(order: np.ndarray) -> np.ndarray:
    """(m,) int64: how often the position at each place was drawn before that place."""
    by_position = np.argsort(order, kind="stable")
    ordered = order[by_position]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(first, len(order)))
    count = np.empty(len(order), dtype=np.int64)
    count[by_position] = np.arange(len(order)) - np.repeat(first, lengths)
    return count
