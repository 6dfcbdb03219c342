import numpy as np
import pytest

from curate.balance.selection.k_centre import k_centre
from curate.balance.selection.points import Points
from curate.balance.selection.quota import Quota


def naive(x, k, first):
    chosen, far = [first], np.square(x - x[first]).sum(1)
    while len(chosen) < k:
        far[chosen] = -1
        chosen.append(int(far.argmax()))
        far = np.minimum(far, np.square(x - x[chosen[-1]]).sum(1))
    return chosen


@pytest.mark.parametrize(("n", "d", "k"), [(500, 3, 120), (3000, 16, 400), (20_000, 8, 300)])
def test_many_at_a_time_are_the_same_as_one_by_one(n, d, k):
    x = np.random.default_rng(n).normal(size=(n, d))
    points = Points(x.astype(np.float32), np.arange(n))
    found = k_centre(points, Quota(k, None, n))
    first = int(np.square(x - x.mean(0)).sum(1).argmin())
    expected = naive(x, k, first)
    # float32 distances may swap two rows that are as far as each other; the set is the same.
    assert len(set(found.tolist())) == k
    assert len(set(found.tolist()) & set(expected)) >= 0.99 * k


def test_the_radius_is_within_twice_that_of_any_choice():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(c, 0.05, (200, 2)) for c in ([0, 0], [5, 0], [0, 5], [5, 5])]).astype(np.float32)
    found = k_centre(Points(x, np.arange(800)), Quota(4, None, 800))
    assert sorted(found // 200) == [0, 1, 2, 3]


def test_rows_that_are_labelled_already_are_centres():
    x = np.array([[0, 0], [0.1, 0], [10, 0], [10.1, 0]], dtype=np.float32)
    found = k_centre(Points(x, np.arange(4)), Quota(1, None, 4), start=np.array([[10, 0]], dtype=np.float32))
    assert found.tolist() == [0]


def test_costs_are_kept():
    x = np.random.default_rng(1).normal(size=(200, 4)).astype(np.float32)
    cost = np.random.default_rng(2).integers(1, 20, 200).astype(float)
    found = k_centre(Points(x, np.arange(200)), Quota(150, cost, 200))
    assert cost[found].sum() <= 150
    assert cost[found].sum() + np.delete(cost, found).min() > 150


@pytest.mark.parametrize("k", [0, 1, 5, 9])
def test_equal_rows_and_few_rows(k):
    x = np.ones((5, 3), dtype=np.float32)
    found = k_centre(Points(x, np.arange(5)), Quota(k, None, 5))
    assert sorted(found.tolist()) == sorted(set(found.tolist()))
    assert len(found) == min(k, 5)
