import numpy as np
import pytest

from curate.balance.labelling.thresholds import (
    Judged,
    at_most,
    calibrated,
    error_of_rows,
    flexible,
    upper_bound,
)


def drawn(rng, n, skill=12.0, classes=4):
    """A model whose classes differ in how well they are told: what it says, and whether it is right."""
    predicted = rng.integers(0, classes, n)
    confidence = rng.beta(skill, 1, n)
    honest = confidence ** (1 + predicted)  # the higher the class, the more the model overrates itself
    return Judged(predicted, confidence, rng.random(n) < honest)


def test_the_bound_is_that_of_the_binomial():
    assert upper_bound(0, 45, 0.1) == pytest.approx(1 - 0.1 ** (1 / 45))
    assert upper_bound(0, 0) == upper_bound(3, 3) == 1.0


@pytest.mark.parametrize("max_error", [0.02, 0.05, 0.1])
def test_the_promise_holds_on_new_rows(max_error):
    broken = accepted = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = calibrated(drawn(rng, 4000), 4, max_error)
        new = drawn(rng, 20_000)
        passed = new.accepted(found.least)
        accepted += bool(passed.any())
        broken += bool(passed.any()) and (~new.right[passed]).mean() > max_error
    assert broken <= 4, f"{broken} of 40 draws break the promise"
    assert accepted >= (35 if max_error >= 0.05 else 0)


def test_a_class_that_overrates_itself_has_a_higher_threshold():
    found = calibrated(drawn(np.random.default_rng(0), 5000), 4, 0.1)
    assert np.isfinite(found.least[:2]).all()
    assert (np.diff(found.least) > 0).all()
    assert found.bound <= 0.1


def test_too_few_rows_promise_nothing():
    judged = Judged(np.zeros(8, dtype=int), np.full(8, 0.99), np.ones(8, dtype=bool))
    assert np.isinf(calibrated(judged, 2, 0.05).least).all()
    assert np.isinf(calibrated(judged.only(np.zeros(8, dtype=bool)), 2, 0.05).least).all()


def test_thresholds_are_the_lowest_that_hold():
    judged = Judged(np.zeros(100, dtype=int), np.linspace(1, 0, 100), np.arange(100) < 80)
    [least] = at_most(judged, 1, 0.1)
    passed = judged.accepted(np.array([least]))
    assert 85 <= passed.sum() <= 92


def test_flexible_thresholds_are_lower_where_fewer_are_sure():
    predicted = np.repeat([0, 1], [100, 100])
    confidence = np.concatenate([np.full(100, 0.99), np.linspace(0.5, 1, 100)])
    least = flexible(predicted, confidence, 2, 0.95)
    assert least[0] == pytest.approx(0.95)
    assert 0.5 <= least[1] < 0.2 * 0.95 + 0.5


def test_the_error_of_a_row_falls_with_confidence():
    judged = drawn(np.random.default_rng(1), 20_000, skill=2.0, classes=1)
    found = error_of_rows(judged, np.array([0.2, 0.6, 0.9, 0.99]))
    assert (np.diff(found) <= 0).all()
    np.testing.assert_allclose(found[1:3], [0.4, 0.1], atol=0.07)
