"""Confident learning in passes: thresholds, counts and the joint are cleanlab's."""

import numpy as np
import pytest

from curate.evidence.confident import (
    NEAR,
    ByClass,
    calibrated,
    confident_counts,
    estimated_joint,
    guesses,
    predicted,
    rounded,
    thresholds,
)


@pytest.fixture(params=[np.float32, np.float64])
def drawn(request):
    rng = np.random.default_rng(11)
    p = rng.dirichlet(np.full(7, 0.4), 3000).astype(request.param)
    given = np.array([rng.choice(7, p=row / row.sum()) for row in p.astype(np.float64)])
    return given, p


def test_thresholds_and_joint_are_cleanlabs(drawn):
    from cleanlab.count import compute_confident_joint, estimate_joint, get_confident_thresholds

    given, p = drawn
    seen, members = predicted(p, given), ByClass.of(given, 7)
    least = thresholds(seen.own, members)
    assert np.array_equal(least + NEAR, get_confident_thresholds(given, p))
    counts = confident_counts(given, guesses(p, seen, least), 7)
    assert np.array_equal(counts, compute_confident_joint(given, p, calibrate=False))
    assert np.array_equal(calibrated(counts, given), compute_confident_joint(given, p))
    assert np.array_equal(estimated_joint(p, given), estimate_joint(given, p))


def test_a_class_that_nobody_was_given(drawn):
    from cleanlab.count import compute_confident_joint

    given, p = drawn
    given = np.where(given == 3, 4, given)
    seen = predicted(p, given)
    counts = confident_counts(given, guesses(p, seen, thresholds(seen.own, ByClass.of(given, 7))), 7)
    assert np.array_equal(counts, compute_confident_joint(given, p, calibrate=False))


def test_the_likeliest_class_and_what_the_label_has(drawn):
    given, p = drawn
    seen = predicted(p, given)
    assert np.array_equal(seen.best, p.argmax(1))
    assert np.array_equal(seen.top, p.max(1))
    assert np.array_equal(seen.own, p[np.arange(len(p)), given])


def test_rows_keep_their_rounded_sum():
    from cleanlab.internal.util import round_preserving_row_totals

    rng = np.random.default_rng(0)
    matrix = rng.random((50, 9)) * 3
    matrix *= np.round(matrix.sum(1, keepdims=True)) / matrix.sum(1, keepdims=True)
    assert np.array_equal(rounded(matrix), round_preserving_row_totals(matrix))
    assert np.array_equal(rounded(matrix).sum(1), np.round(matrix.sum(1)))
