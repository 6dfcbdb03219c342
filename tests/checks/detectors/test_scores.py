"""Anomaly scores: equal to the libraries' where they should be, and calibrated."""

import numpy as np
import pytest

from curate.checks.detectors import covariance, scores
from curate.checks.detectors.features import robustly_scaled
from curate.checks.detectors.space import Space, euclidean_neighbours
from curate.checks.detectors.tails import fit_tail


def space_of(values, fit=None, k=10):
    values = np.asarray(values, dtype=np.float32)
    return Space(values, np.ones(len(values), bool) if fit is None else fit, 0, k)


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 5)).astype(np.float32)
    values[:, 2] = np.round(values[:, 2])  # ties
    values[:, 3] = np.exp(values[:, 3])  # skewed to the right
    values[:, 4] = -np.exp(values[:, 4])
    values[390:] = values[:10]  # equal rows
    return values


def test_ecod_gives_the_scores_of_pyod(points):
    ecod = pytest.importorskip("pyod.models.ecod")
    theirs = ecod.ECOD().fit(points.astype(np.float64)).decision_scores_
    np.testing.assert_allclose(scores.ecod(space_of(points)), theirs, rtol=1e-6)


def test_neighbours_are_those_of_scikit_learn(points):
    from sklearn.neighbors import NearestNeighbors

    distance, _ = NearestNeighbors(n_neighbors=8).fit(points).kneighbors()
    found = euclidean_neighbours(points, np.arange(len(points)), 8)
    np.testing.assert_allclose(found[1], distance, atol=2e-3)
    assert (found[0] != np.arange(len(points))[:, None]).all()


def test_lof_ranks_as_scikit_learn_does():
    from scipy.stats import spearmanr
    from sklearn.neighbors import LocalOutlierFactor

    values = np.random.default_rng(1).normal(size=(500, 4)).astype(np.float32)
    theirs = -LocalOutlierFactor(n_neighbors=20).fit(values).negative_outlier_factor_
    ours = np.exp(scores.lof(space_of(values, k=20)))
    assert spearmanr(ours, theirs).statistic > 0.95
    top = set(np.argsort(-theirs)[:10].tolist())
    assert len(top & set(np.argsort(-ours)[:10].tolist())) >= 9


def test_isolation_forest_is_that_of_scikit_learn(points):
    from sklearn.ensemble import IsolationForest

    theirs = -IsolationForest(n_estimators=scores.TREES, random_state=0).fit(points).score_samples(points)
    np.testing.assert_allclose(scores.isolation_forest(space_of(points)), theirs, rtol=1e-6)


@pytest.mark.parametrize("name", ["knn", "lof", "mahalanobis", "isolation_forest", "ecod"])
def test_rows_that_were_not_learned_from_are_no_further_than_those_that_were(name):
    values = np.random.default_rng(2).normal(size=(600, 40))
    fit = np.arange(600) < 300
    found = getattr(scores, name)(space_of(values, fit))
    tail = fit_tail(found[fit])
    assert (tail.surprise(found[~fit]) > 2).mean() <= 0.04  # 0.01 foretold; 300 rows


def test_mahalanobis_is_not_drawn_towards_a_tenth_of_strange_rows():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(500, 6))
    values[:50] += 6
    found = scores.mahalanobis(space_of(values))
    assert found[:50].min() > np.quantile(found[50:], 0.99)


@pytest.mark.parametrize("draw", ["normal", "exponential", "lognormal"])
def test_tails_foretell_how_many_usual_rows_lie_beyond(draw):
    rng = np.random.default_rng(4)
    values = getattr(rng, draw)(size=20_000)
    values = np.log(values) if draw == "lognormal" else values
    tail = fit_tail(values)
    share = (tail.surprise(values) > 2).mean()
    assert 0.002 <= share <= 0.015  # 0.01 foretold; it errs towards fewer
    assert tail.surprise(np.array([tail.limit(2.0)]))[0] == pytest.approx(2.0)
    assert (np.diff(tail.surprise(np.sort(values))) >= -1e-12).all()


def test_tails_of_few_or_tied_scores_call_nothing_unusual():
    for values in ([], [1.0], [2.0] * 50, [0.0, 1.0, 2.0]):
        assert not fit_tail(np.array(values)).surprise(np.array([0.0, 1e9])).any()
    assert np.isnan(fit_tail(np.arange(50.0)).surprise(np.array([np.nan]))[0])


def test_columns_are_scaled_by_training_rows_and_constant_ones_left_out():
    matrix = np.array([[1, 5, np.nan, 0], [2, 5, np.nan, 0], [3, 5, np.nan, 1e30], [1e9, 5, 1.0, np.nan]], np.float32)
    scaled, columns = robustly_scaled(matrix, np.arange(3))
    assert columns.tolist() == [0, 3]
    assert np.isfinite(scaled).all()
    assert scaled[1, 0] == 0
    assert scaled[3, 0] == 1e4


def test_the_covariance_of_fewer_rows_than_columns_is_that_of_scikit_learn_without_being_laid_out(monkeypatch):
    rng = np.random.default_rng(5)
    points = rng.normal(size=(60, covariance.WIDE + 60)) * np.exp(rng.normal(size=covariance.WIDE + 60))
    points -= points.mean(0)
    few = covariance.Covariance.learned(points)
    assert few.inverse is None
    assert few.directions.shape[1] <= 60
    monkeypatch.setattr(covariance, "WIDE", 10_000)
    laid_out = covariance.Covariance.learned(points)
    assert few.shrinkage == pytest.approx(laid_out.shrinkage, rel=1e-9)
    asked = np.concatenate([points[:5], 3 * rng.normal(size=(5, points.shape[1]))])
    np.testing.assert_allclose(few.squared(asked), laid_out.squared(asked), rtol=1e-8)


@pytest.mark.parametrize("values", [np.zeros((60, 200)), np.repeat(np.eye(2, 200), 30, axis=0)])
def test_mahalanobis_of_many_columns_that_hardly_vary_is_finite(values):
    assert np.isfinite(scores.mahalanobis(space_of(values))).all()
