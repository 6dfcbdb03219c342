"""Metrics of numbers equal those of scikit-learn and SciPy."""

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy.stats import spearmanr

from curate.metrics import evaluate
from curate.metrics.ranked import areas, quantile, spearman


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(5)
    labels = rng.normal(50, 10, 250)
    return labels, np.round(labels + rng.normal(0, 4, 250)), rng.integers(1, 4, 250).astype(float)


def test_equal_to_scikit_learn_and_scipy(rows):
    labels, guess, weights = rows
    found = evaluate(labels, guess, "regression", quantiles=(0.5, 0.9), resamples=0)
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(labels, guess))
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(labels, guess))
    assert found["median_ae"] == pytest.approx(sk.median_absolute_error(labels, guess))
    assert found["r2"] == pytest.approx(sk.r2_score(labels, guess))
    assert found["max_error"] == pytest.approx(sk.max_error(labels, guess))
    assert found["spearman"] == pytest.approx(spearmanr(labels, guess).statistic)
    errors = np.abs(labels - guess)
    assert found["absolute_error_q90"] == pytest.approx(np.quantile(errors, 0.9, method="averaged_inverted_cdf"))
    assert found["absolute_error_q50"] == pytest.approx(found["median_ae"])
    weighted = evaluate(labels, guess, "regression", weights=weights, resamples=0)
    assert weighted["r2"] == pytest.approx(sk.r2_score(labels, guess, sample_weight=weights))


def test_whole_weights_are_repeated_rows(rows):
    labels, guess, weights = rows
    times = weights.astype(int)
    repeated = evaluate(np.repeat(labels, times), np.repeat(guess, times), "regression", resamples=0)
    weighted = evaluate(labels, guess, "regression", weights=weights, resamples=0)
    for name in ("mae", "rmse", "r2", "spearman", "absolute_error_q90", "median_ae"):
        assert weighted[name] == pytest.approx(repeated[name]), name


def test_ranked_metrics_for_many_weightings_at_once(rows):
    labels, guess, _ = rows
    rng = np.random.default_rng(0)
    counts = rng.multinomial(250, np.full(250, 1 / 250), size=6).astype(float)
    positive, scores = labels > 50, np.round(guess / 4)
    for number, drawn in enumerate(counts):
        rows_drawn = np.repeat(np.arange(250), drawn.astype(int))
        expected = (
            spearmanr(labels[rows_drawn], guess[rows_drawn]).statistic,
            np.quantile(labels[rows_drawn], 0.7, method="averaged_inverted_cdf"),
            sk.roc_auc_score(positive[rows_drawn], scores[rows_drawn]),
            sk.average_precision_score(positive[rows_drawn], scores[rows_drawn]),
        )
        own = counts[number : number + 1]
        found = (
            spearman(labels, guess, own)[0],
            quantile(labels, own, 0.7)[0],
            *(values[0] for values in areas(scores, positive, own.T)),
        )
        assert found == pytest.approx(expected, abs=1e-10)


def test_constant_labels_have_no_r2_and_no_correlation():
    found = evaluate([2.0, 2.0, np.nan], [1.0, 3.0, 0.0], "regression")
    assert (found.rows, found.left_out) == (2, 1)
    assert np.isnan(found["r2"])
    assert np.isnan(found["spearman"])
    assert found["mae"] == 1
