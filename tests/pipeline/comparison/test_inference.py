"""Intervals, corrected p values, and how often they are right."""

import numpy as np
import pytest

from curate.pipeline.comparison.inference import difference, holm
from curate.pipeline.comparison.scores import Truth, sample_counts, score


def test_holm_is_statsmodels():
    # Worked by hand: sorted 0.01, 0.02, 0.03, 0.2 times 4, 3, 2, 1, and never falling.
    assert holm([0.03, 0.01, 0.2, 0.02]) == pytest.approx([0.06, 0.04, 0.2, 0.06])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_no_prediction_differs():
    found = difference(np.ones(3), np.ones(3), np.ones(9), np.ones(9), 0)
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_a_handful_of_rows_proves_little():
    """Three rows better and none worse: the sign test says p = 0.25, a normal interval would say 0.08."""
    m = 500
    truth = Truth("classification", "accuracy", ("a", "b"), np.zeros(m, int))
    one, other = np.zeros((1, m), int), np.zeros((1, m), int)
    other[0, :3] = 1
    counts = sample_counts(truth, 2000, np.random.default_rng(0))
    a, b = score(truth, one, counts), score(truth, other, counts)
    found = difference(a.seeds, b.seeds, a.resampled, b.resampled, 3)
    assert found.value == pytest.approx(3 / m)
    assert 0.15 < found.p < 0.35
    assert found.low < 0 < found.high


@pytest.mark.parametrize("better", [0.0, 0.04])
def test_false_verdicts_and_coverage(better):
    """200 comparisons of two arms that differ in a tenth of the rows: 95 % intervals hold the truth in about 95 %."""
    rng = np.random.default_rng(1)
    m, seeds, held, rejected = 400, 3, 0, 0
    truth = Truth("classification", "accuracy", ("a", "b"), np.zeros(m, int))
    counts = sample_counts(truth, 300, rng)
    for _ in range(200):
        base = rng.random(m) < 0.2
        flips = rng.random((seeds, m)) < 0.1
        gain = rng.random((seeds, m)) < 0.5 + better * 5  # of the rows that differ, so many are better
        one = np.where(flips, ~gain, base).astype(int)
        other = np.where(flips, gain, base).astype(int)
        a, b = score(truth, one, counts), score(truth, other, counts)
        found = difference(a.seeds, b.seeds, a.resampled, b.resampled, int((one != other).any(0).sum()))
        expected = 0.1 * (2 * (0.5 + better * 5) - 1)
        held += found.low <= expected <= found.high
        rejected += found.p < 0.05
    assert held >= 0.92 * 200
    assert rejected <= 0.08 * 200 if not better else rejected > 0.5 * 200


def test_detectable_is_what_is_found_in_four_of_five():
    rng = np.random.default_rng(2)
    m, found = 600, []
    truth = Truth("classification", "accuracy", ("a", "b"), np.zeros(m, int))
    counts = sample_counts(truth, 300, rng)

    def once(gain):
        flips, up = rng.random((1, m)) < 0.1, rng.random((1, m)) < gain
        one, other = (flips & ~up).astype(int), (flips & up).astype(int)
        a, b = score(truth, one, counts), score(truth, other, counts)
        return difference(a.seeds, b.seeds, a.resampled, b.resampled, int(flips.sum()))

    least = np.mean([once(0.5).detectable() for _ in range(20)])
    found = [once(0.5 + least / 0.2).p < 0.05 for _ in range(200)]
    assert 0.7 <= np.mean(found) <= 0.92
