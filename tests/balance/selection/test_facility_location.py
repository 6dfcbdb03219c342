import numpy as np
import pytest

from curate.balance.selection import facility_location as module
from curate.balance.selection.facility_location import facility_location
from curate.balance.selection.points import Points
from curate.balance.selection.quota import Quota


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def covered(x, chosen):
    return np.maximum(x @ x[chosen].T, 0).max(1).sum()


def naive(x, k):
    likeness, best, chosen = np.maximum(x @ x.T, 0), np.zeros(len(x)), []
    for _ in range(k):
        worth = np.maximum(likeness - best, 0).sum(1)
        worth[chosen] = -1
        chosen.append(int(worth.argmax()))
        best = np.maximum(best, likeness[chosen[-1]])
    return chosen


def test_lazy_greedy_is_greedy():
    for seed in range(5):
        x = unit(np.random.default_rng(seed).normal(size=(300, 6)))
        found = facility_location(Points(x, np.arange(300)), Quota(40, None, 300))
        expected = naive(x.astype(np.float64), 40)
        assert len(set(found.tolist()) & set(expected)) >= 38
        assert covered(x, found) >= 0.999 * covered(x, expected)


@pytest.mark.parametrize("k", [30, 200])
def test_parts_cover_nearly_as_much_as_the_whole(monkeypatch, k):
    x = unit(np.random.default_rng(0).normal(size=(2000, 8)))
    whole = facility_location(Points(x, np.arange(2000)), Quota(k, None, 2000))
    monkeypatch.setattr(module, "PART", 256)
    parts = facility_location(Points(x, np.arange(2000)), Quota(k, None, 2000))
    assert len(set(parts.tolist())) == k
    assert covered(x, parts) >= 0.97 * covered(x, whole)
    random = [covered(x, np.random.default_rng(i).permutation(2000)[:k]) for i in range(10)]
    assert covered(x, parts) > max(random)


def test_costs_are_kept_and_count():
    x = unit(np.random.default_rng(0).normal(size=(200, 4)))
    cost = np.where(np.arange(200) < 100, 10.0, 1.0)
    found = facility_location(Points(x, np.arange(200)), Quota(50, cost, 200))
    assert cost[found].sum() <= 50
    assert (found >= 100).mean() > 0.8


def test_all_may_be_chosen():
    x = unit(np.ones((7, 3)))
    assert sorted(facility_location(Points(x, np.arange(7)), Quota(20, None, 7)).tolist()) == list(range(7))
