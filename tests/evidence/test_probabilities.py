"""Probabilities are out of sample, find planted label errors on real data, and never fail on small sets."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from curate.evidence.cross_validation import CrossValidation, Recipe
from curate.evidence.encoders.text_svd import text_vectors
from curate.evidence.encoders.vectors import unit
from curate.evidence.folds import stratified_folds
from curate.evidence.heads import design, fit_linear, fit_logistic, softmax
from curate.evidence.noise import estimate_noise
from curate.evidence.probabilities import cross_validated, cross_validated_sets, cross_validated_values


def blobs(n=400, classes=4, d=12, noise=0.6, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, n)
    centres = rng.normal(size=(classes, d))
    return unit(centres[codes] + noise * rng.normal(size=(n, d))), codes


def run(vectors, codes, classes, count=5):
    folds = stratified_folds(codes, np.arange(len(codes)), count, 0)
    return cross_validated(vectors, codes, classes, folds)["rows_values"]


def test_logistic_head_agrees_with_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    vectors, codes = blobs()
    everyone = np.ones(len(codes), dtype=bool)
    inputs = design(vectors, everyone)
    targets = np.eye(4, dtype=np.float32)[codes]
    ours = softmax(inputs @ fit_logistic(inputs, targets, np.ones(400, np.float32), 0.01, iterations=300))
    theirs = LogisticRegression(C=1 / (0.01 * 400), fit_intercept=False, max_iter=2000).fit(inputs, codes)
    assert np.abs(ours - theirs.predict_proba(inputs)).max() < 0.02


def test_linear_head_agrees_with_scikit_learn():
    from sklearn.linear_model import Ridge

    vectors, _ = blobs()
    target = vectors @ np.arange(12) + 0.1 * np.random.default_rng(1).normal(size=400)
    inputs = design(vectors, np.ones(400, dtype=bool))
    ours = inputs @ fit_linear(inputs, target, np.ones(400, np.float32), np.array([0.1]))[:, 0]
    theirs = Ridge(alpha=0.1 * 400).fit(inputs[:, :-1], target).predict(inputs[:, :-1])
    assert np.abs(ours - theirs).max() < 1e-3


def test_classes_are_told_apart_and_rows_sum_to_one():
    vectors, codes = blobs()
    values = run(vectors, codes, 4)
    assert np.allclose(values.sum(1), 1, atol=1e-5)
    assert (values.argmax(1) == codes).mean() > 0.95


def test_labels_that_mean_nothing_are_not_predicted():
    vectors = unit(np.random.default_rng(0).normal(size=(600, 20)))
    codes = np.random.default_rng(1).integers(0, 2, 600)
    values = run(vectors, codes, 2)
    assert (values.argmax(1) == codes).mean() < 0.6


def test_a_rare_class_is_not_swallowed():
    vectors, codes = blobs(n=2000, classes=6, d=16, noise=0.45)
    rare = np.flatnonzero(codes == 0)[12:]
    keep = np.setdiff1d(np.arange(2000), rare)
    values = run(vectors[keep], codes[keep], 6)
    assert (values[codes[keep] == 0].argmax(1) == 0).mean() > 0.8


def test_every_row_gets_probabilities_where_a_class_has_one_row():
    vectors, codes = blobs(n=60, classes=3)
    codes = np.where(codes == 2, 1, codes)
    codes[7] = 2
    values = run(vectors, codes, 3)
    assert np.isfinite(values).all()
    assert values[7, 2] > 0.05  # its heads have not seen the class, and say so by an even share


def test_rows_outside_the_folds_get_the_mean_of_all_heads():
    vectors, codes = blobs()
    known = np.where(np.arange(400) < 300, codes, -1)
    folds = stratified_folds(known, np.arange(400), 5, 0)
    values = cross_validated(vectors, known, 4, folds)["rows_values"]
    assert (values[300:].argmax(1) == codes[300:]).mean() > 0.95


def test_a_rows_own_label_has_no_way_into_its_probabilities(monkeypatch):
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(300, 20)))
    codes = rng.integers(0, 3, 300)
    folds = stratified_folds(codes, np.arange(300), 5, 0)
    changed = codes.copy()
    inside = np.flatnonzero(folds == 2)
    changed[inside] = rng.permutation(codes[inside])

    # The recipe is a handful of numbers chosen once for all folds.
    monkeypatch.setattr(CrossValidation, "_chosen", lambda _: Recipe(0.1, 0.5, 0.25, (0.4, 0.3, 0.3)))
    everyone = np.ones(300, dtype=bool)
    one, other = (
        CrossValidation(vectors, everyone, labels, 3, folds, None).probabilities() for labels in (codes, changed)
    )
    assert np.array_equal(one[inside], other[inside])
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("n", "classes", "codes"),
    [
        (0, 3, []),
        (1, 3, [1]),
        (3, 2, [0, 1, 0]),
        (3, 1, [0, 0, 0]),
        (4, 2, [-1] * 4),
        (5, 0, [-1] * 5),
        (6, 3, [2] * 6),
    ],
)
def test_small_sets(n, classes, codes):
    vectors = unit(np.random.default_rng(0).normal(size=(n, 4))) if n else np.zeros((0, 4), np.float32)
    values = run(vectors, np.array(codes, dtype=np.int64), classes)
    assert values.shape == (n, classes)
    if classes and max(codes, default=-1) >= 0:
        assert np.allclose(values.sum(1), 1)
    else:
        assert np.isnan(values).all()


def test_constant_embedding():
    vectors = np.tile(unit(np.ones((1, 5))), (30, 1))
    values = run(vectors, np.arange(30) % 3, 3)
    assert np.allclose(values, 1 / 3, atol=0.15)


def test_sets_of_labels():
    vectors, codes = blobs(n=500, classes=4)
    sets = np.eye(4, dtype=bool)[codes] | np.eye(4, dtype=bool)[(codes + 1) % 4]
    folds = stratified_folds(codes, np.arange(500), 5, 0)
    values = cross_validated_sets(vectors, sets, np.ones(500, dtype=bool), folds)["rows_values"]
    assert ((values > 0.5) == sets).mean() > 0.95
    assert values.sum(1).mean() == pytest.approx(2, abs=0.1)


def test_values():
    vectors, _ = blobs()
    target = vectors @ np.arange(12) + 0.1 * np.random.default_rng(1).normal(size=400)
    target[3] = np.nan
    folds = stratified_folds(np.where(np.isfinite(target), 0, -1), np.arange(400), 5, 0)
    found = cross_validated_values(vectors, target, np.ones(400, dtype=bool), folds)
    rest = np.arange(400) != 3
    assert 1 - np.square(found - target)[rest].mean() / target[rest].var() > 0.9
    assert np.isfinite(found[3])


@pytest.mark.slow
@pytest.mark.parametrize(("column", "precision", "recall"), [("uniform10", 0.9, 0.85), ("near10", 0.7, 0.75)])
def test_planted_noise_in_banking77(shared_data, column, precision, recall):
    rows = pq.read_table(shared_data / "banking77" / "train.parquet").to_pandas()
    given = (
        pq.read_table(shared_data / "banking77" / "injected_noise.parquet").to_pandas()["label_" + column].to_numpy(str)
    )
    names, true = np.unique(rows["label"].to_numpy(str), return_inverse=True)
    keep = np.arange(0, len(rows), 2)
    true, codes = true[keep], np.searchsorted(names, given[keep])
    vectors = unit(text_vectors(rows["text"][keep].tolist(), np.ones(len(keep), dtype=bool), 0))
    values = run(vectors, codes, len(names))
    noise = estimate_noise(values, codes, np.ones(len(keep), dtype=bool))
    wrong = true != codes
    flagged = noise.posterior.argmax(1) != codes
    assert wrong[flagged].mean() > precision
    assert flagged[wrong].mean() > recall
