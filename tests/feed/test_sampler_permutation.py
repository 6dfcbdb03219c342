"""Permutations by counter: one to one, uniform over positions and pairs, and each place by itself."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from curate.feed.sampling.counters import subkeys, uniforms
from curate.feed.sampling.permutation import permuted

ALPHA = 1e-4


def p_value(counts, expected):
    return chi2.sf(((counts - expected) ** 2 / expected).sum(), len(counts) - 1)


@given(size=st.integers(1, 3000), key=st.integers(0, 2**64 - 1))
def test_one_to_one(size, key):
    assert sorted(permuted(np.arange(size), size, key).tolist()) == list(range(size))


@pytest.mark.parametrize("size", [10**8, 10**9, 2**40 + 3, 2**61])
def test_large_ranges_stay_inside_and_meet_no_place_twice(size):
    places = np.random.default_rng(0).integers(0, size, 50_000)
    places = np.unique(np.concatenate([places, np.arange(20_000), size - 1 - np.arange(20_000)]))
    found = permuted(places, size, 7)
    assert found.min() >= 0
    assert found.max() < size
    assert len(np.unique(found)) == len(places)
    assert p_value(np.bincount(found // (size // 100 + 1), minlength=100), len(found) / 100) > ALPHA


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6])
def test_all_orders_of_few_are_equally_likely(size):
    keys = subkeys(1, np.arange(30_000))
    columns = [permuted(np.full(len(keys), place), size, keys) for place in range(size)]
    codes = sum(column * size**place for place, column in enumerate(columns))
    _, counts = np.unique(codes, return_counts=True)
    assert len(counts) == math.factorial(size)
    assert p_value(counts, len(keys) / math.factorial(size)) > ALPHA


@pytest.mark.parametrize("size", [9, 16, 64, 65, 72, 81, 100])
@pytest.mark.parametrize("apart", [1, 8])
def test_positions_and_pairs_are_uniform(size, apart):
    keys = subkeys(2, np.arange(60_000))
    one, other = (permuted(np.full(len(keys), place), size, keys) for place in (0, apart))
    assert p_value(np.bincount(one, minlength=size), len(keys) / size) > ALPHA
    pairs = np.bincount(one * size + other, minlength=size * size).reshape(size, size)
    assert pairs.trace() == 0
    assert p_value(pairs[~np.eye(size, dtype=bool)], len(keys) / (size * (size - 1))) > ALPHA


def test_neighbours_of_a_long_order_are_strangers():
    n = 1_000_000
    order = permuted(np.arange(n), n, 3)
    steps = (np.diff(order) % n) * 50 // n
    assert p_value(np.bincount(steps, minlength=50), (n - 1) / 50) > ALPHA
    epochs = permuted(np.arange(n), n, 4)
    assert abs(np.corrcoef(order, epochs)[0, 1]) < 5 / math.sqrt(n)
    assert 0 <= (order == epochs).sum() < 10


def test_each_number_in_a_range_and_with_a_key_of_its_own():
    rng = np.random.default_rng(0)
    sizes, keys = rng.integers(1, 500, 2000), subkeys(9, np.arange(2000))
    numbers = (rng.random(2000) * sizes).astype(int)
    together = permuted(numbers, sizes, keys)
    alone = [int(permuted(numbers[i : i + 1], int(sizes[i]), int(keys[i]))[0]) for i in range(0, 2000, 37)]
    assert together[::37].tolist() == alone
    assert len(permuted(np.zeros(0, int), 10, 1)) == 0


def test_uniforms_are_uniform_and_follow_the_counter():
    found = uniforms(5, np.arange(100_000))
    assert (found >= 0).all()
    assert (found < 1).all()
    assert p_value(np.bincount((found * 200).astype(int), minlength=200), 500) > ALPHA
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.02
    assert uniforms(5, np.array([777]))[0] == found[777]
