"""Training dynamics: wrong labels have low margins, and threshold samples say how low."""

import numpy as np
import pytest

from curate.evidence.dynamics import training_dynamics
from curate.evidence.encoders.vectors import unit
from curate.evidence.folds import stratified_folds


def blobs(n=600, classes=4, d=12, noise=0.5, rate=0.1, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, n)
    vectors = unit(rng.normal(size=(classes, d))[true] + noise * rng.normal(size=(n, d)))
    given = np.where(rng.random(n) < rate, (true + 1) % classes, true)
    return vectors, true, given


def run(vectors, codes, classes, held_out, known=None, seed=0):
    known = codes >= 0 if known is None else known
    folds = stratified_folds(np.where(known, codes, -1), np.arange(len(codes)), 5, 0)
    return training_dynamics(vectors, codes, known, classes, folds, held_out, seed)


@pytest.mark.parametrize("held_out", [True, False])
def test_wrong_labels_have_the_lowest_margins(held_out):
    from sklearn.metrics import average_precision_score

    vectors, true, given = blobs()
    found = run(vectors, given, 4, held_out)
    wrong = given != true
    assert average_precision_score(wrong, -found.margin) > 0.9
    below = found.margin <= (min(found.threshold, 0) if held_out else found.threshold)
    assert (below & wrong).sum() / wrong.sum() > 0.9
    assert (found.best == true).mean() > 0.93


def test_same_seed_same_margins():
    vectors, _, given = blobs(n=200)
    one, same, other = (run(vectors, given, 4, True, seed=seed).margin for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_rows_that_are_not_learned_from_are_judged_by_all_heads():
    vectors, true, given = blobs(n=500)
    known = np.arange(500) < 400
    spoiled = np.where(known, given, (given + 1) % 4)
    one, other = (run(vectors, codes, 4, False, known=known) for codes in (given, spoiled))
    assert np.array_equal(one.margin[known], other.margin[known])
    assert (one.best[~known] == true[~known]).mean() > 0.9
    assert np.isfinite(other.margin).all()


def test_nothing_to_learn():
    vectors = unit(np.random.default_rng(0).normal(size=(6, 3)))
    vectors[0] = np.nan
    for codes in ([-1] * 6, [2] * 6):
        found = run(vectors, np.array(codes), 3, True)
        assert np.isnan(found.margin).all()
        assert (found.best == -1).all()
    found = run(vectors, np.array([0, 0, 1, 1, 2, -1]), 3, True)
    assert np.isnan(found.margin[[0, 5]]).all()
