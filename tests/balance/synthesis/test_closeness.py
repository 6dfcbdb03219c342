import numpy as np
import pytest

from curate.balance.synthesis.closeness import Closeness
from curate.balance.synthesis.frame import Values
from curate.balance.synthesis.redrawing import drawn

NONE = np.empty((0, 0), dtype=int)


def values(numbers, codes=None):
    numbers = np.asarray(numbers, dtype=float)
    return Values(numbers, np.zeros((len(numbers), 0), dtype=int) if codes is None else np.asarray(codes))


def test_planted_copies_are_rejected_and_counted():
    rng = np.random.default_rng(0)
    real = values(rng.normal(size=(500, 6)))
    closeness = Closeness(real, np.zeros(500, dtype=int), [], 0.05)
    calls = []

    def memoriser(count):
        """Every other row is a real one, a little blurred."""
        calls.append(count)
        found = rng.normal(size=(count, 6))
        copies = np.arange(count) % 2 == 0
        found[copies] = real.numbers[rng.integers(0, 500, copies.sum())] + rng.normal(0, 0.01, (copies.sum(), 6))
        return values(found)

    found = drawn(memoriser, closeness, 0, 400)
    assert len(found.values) == 400
    assert found.away.min() >= closeness.least[0]
    assert found.rejected >= 0.9 * sum((count + 1) // 2 for count in calls)
    assert found.rejected <= 0.65 * sum(calls)


def test_an_honest_generator_loses_few():
    rng = np.random.default_rng(1)
    real = values(rng.normal(size=(1000, 4)))
    closeness = Closeness(real, np.zeros(1000, dtype=int), [], 0.05)
    away, _ = closeness.nearest(values(rng.normal(size=(4000, 4))))
    assert closeness.too_near(away, 0).mean() == pytest.approx(0.05, abs=0.03)


def test_duplicates_among_real_rows_do_not_open_the_door():
    real = values(np.repeat(np.arange(20.0)[:, None], 5, axis=0))
    closeness = Closeness(real, np.zeros(100, dtype=int), [], 0.05)
    away, nearest = closeness.nearest(values([[3.0], [3.4], [50.0]]))
    assert closeness.too_near(away, 0).tolist() == [True, True, False]
    assert real.numbers[nearest[0], 0] == 3.0


def test_where_all_combinations_are_real_nothing_can_be_made():
    codes = np.array([[i, j] for i in range(3) for j in range(3)])
    real = values(np.zeros((9, 0)), codes)
    closeness = Closeness(real, np.zeros(9, dtype=int), [3, 3], 0.05)
    found = drawn(lambda n: values(np.zeros((n, 0)), codes[np.arange(n) % 9]), closeness, 0, 10)
    assert len(found.values) == 0
    assert found.rejected == 12 * (10 + 2 + 16)
