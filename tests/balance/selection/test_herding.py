import numpy as np

from curate.balance.selection import herding as module
from curate.balance.selection.herding import herding
from curate.balance.selection.points import Points
from curate.balance.selection.quota import Quota


def test_the_mean_follows_at_every_length():
    rng = np.random.default_rng(0)
    x = rng.gamma(2.0, 1.0, size=(4000, 10)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    found = herding(Points(x, np.arange(4000)), Quota(200, None, 4000))
    for k in (10, 50, 200):
        gap = np.linalg.norm(x[found[:k]].mean(0) - x.mean(0))
        by_chance = np.median([np.linalg.norm(x[rng.permutation(4000)[:k]].mean(0) - x.mean(0)) for _ in range(50)])
        assert gap < by_chance / 3


def test_it_is_the_greedy_choice_by_the_distance_of_the_means():
    x = np.random.default_rng(3).normal(size=(120, 4)).astype(np.float32)
    found, chosen = herding(Points(x, np.arange(120)), Quota(15, None, 120)), []
    for _ in range(15):
        gaps = [
            np.inf if i in chosen else np.linalg.norm(x[[*chosen, i]].mean(0, dtype=float) - x.mean(0, dtype=float))
            for i in range(120)
        ]
        chosen.append(int(np.argmin(gaps)))
    assert found.tolist() == chosen


def test_parts_follow_the_mean_of_the_whole(monkeypatch):
    x = np.random.default_rng(0).normal(1, 1, size=(1000, 6)).astype(np.float32)
    monkeypatch.setattr(module, "PART", 128)
    found = herding(Points(x, np.arange(1000)), Quota(80, None, 1000))
    assert len(set(found.tolist())) == 80
    assert np.linalg.norm(x[found].mean(0) - x.mean(0)) < 0.1
