"""A permutation of n numbers that is computed at any place and stands in no memory."""

from __future__ import annotations

import numpy as np

from curate.feed.sampling.counters import mixed, subkey

ROUNDS = 10
"""Four make a permutation that looks random where halves are wide (Luby, Rackoff 1988); narrow halves need more. With
ten, where two numbers go together can't be told from random for any size above `FEW`."""
FEW = 64
"""Up to so many numbers are put in the order of random numbers of their own, which makes all orders equally likely."""


def permuted(numbers: np.ndarray, sizes: int | np.ndarray, key: int | np.ndarray) -> np.ndarray:
    """Where a permutation of ``range(size)`` sends numbers.

    A Feistel network on pairs (l, r) of numbers below about the square root of the size, added modulo these, and walked
    on where a pair stands for no number below the size. Source: Black and Rogaway 2002, "Ciphers with Arbitrary Finite
    Domains" (generalised Feistel, cycle walking).

    Args:
        numbers: (m,) int64, each at least 0 and below its size.
        sizes: of the range, at most 2^62; (m,) where each number is permuted in a range of its own.
        key: 64 bits that choose the permutation; (m,) uint64 where each number has its own.

    Returns:
        (m,) int64, each below its size. For one size and key no two are equal.
    """
    size, keys = np.asarray(sizes, np.uint64), np.asarray(key, np.uint64)
    few = size <= FEW
    if not few.any() or not len(numbers):
        return _walked(numbers, size, keys)
    if few.all():
        return _ranked(numbers, size, keys)
    result = np.empty(len(numbers), np.int64)
    for mine, method in ((few, _ranked), (~few, _walked)):
        result[mine] = method(numbers[mine], size[mine], keys[mine] if keys.ndim else keys)
    return result


def _ranked(numbers: np.ndarray, size: np.ndarray, key: np.ndarray) -> np.ndarray:
    """(m,) int64 ranks of the hashes of numbers among those of all below their size, which is at most `FEW`."""
    start, every = subkey(key, 0), np.arange(FEW, dtype=np.uint64)
    hashes = mixed(every + mixed(start)[..., None])
    # One to one for a key, so that no two hashes are equal.
    own = mixed(numbers.astype(np.uint64) + mixed(start))
    return ((hashes < own[:, None]) & (every < size[..., None])).sum(1)


def _walked(numbers: np.ndarray, size: np.ndarray, key: np.ndarray) -> np.ndarray:
    """(m,) int64 by the network."""
    left = _root(size)
    right = (size + left - np.uint64(1)) // left
    keys = [subkey(key, number) for number in range(ROUNDS)]
    value = _network(numbers.astype(np.uint64), left, right, keys)
    outside = np.flatnonzero(value >= size)
    while len(outside):
        own = [part[outside] if part.ndim else part for part in (left, right, size, *keys)]
        value[outside] = _network(value[outside], own[0], own[1], own[3:])
        outside = outside[value[outside] >= own[2]]
    return value.astype(np.int64)


def _network(value: np.ndarray, left: np.ndarray, right: np.ndarray, keys: list[np.ndarray]) -> np.ndarray:
    """One pass over (m,) uint64 values below left * right."""
    high = value // right
    low = value - high * right
    for number, key in enumerate(keys):
        if number % 2:
            low = _added(low, _hashed(high, key, right), right)
        else:
            high = _added(high, _hashed(low, key, left), left)
    return high * right + low


def _hashed(value: np.ndarray, key: np.ndarray, side: np.ndarray) -> np.ndarray:
    """(m,) uint64 below side (at most 2^32), evenly but for side / 2^32 (Lemire 2019)."""
    spread = mixed(value * np.uint64(0x9E3779B97F4A7C15) + key)
    return ((spread >> np.uint64(32)) * side) >> np.uint64(32)


def _added(one: np.ndarray, other: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Their sum modulo side: what is below side stays the smaller of the two, since it would turn below zero."""
    total = one + other
    return np.minimum(total, total - side)


def _root(size: np.ndarray) -> np.ndarray:
    """Smallest uint64 whose square is at least size."""
    root = np.ceil(np.sqrt(size.astype(np.float64))).astype(np.uint64)
    below = root - np.minimum(root, np.uint64(1))
    root = np.where(below * below >= size, below, root)
    return root + (root * root < size)
