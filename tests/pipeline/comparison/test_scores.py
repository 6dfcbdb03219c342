"""Metrics on weighted samples are scikit-learn's on the repeated rows."""

import numpy as np
import pytest
from sklearn import metrics

from curate.pipeline.comparison.scores import Truth, parts_of, sample_counts, score

NAMES = ("a", "b", "c")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def repeated(counts, *arrays):
    return [np.repeat(array, counts.astype(int), axis=0) for array in arrays]


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "balanced_accuracy"])
def test_classes(metric, rng):
    codes, said = rng.integers(0, 3, 200), rng.integers(0, 3, (2, 200))
    truth = Truth("classification", metric, NAMES, codes)
    counts = sample_counts(truth, 5, rng)
    found = score(truth, said, counts)
    judge = {
        "accuracy": metrics.accuracy_score,
        "f1_macro": lambda t, p: metrics.f1_score(t, p, average="macro"),
        "balanced_accuracy": metrics.balanced_accuracy_score,
    }[metric]
    assert found.seeds == pytest.approx([judge(codes, one) for one in said])
    for sample, value in zip(counts, found.resampled):
        assert value == pytest.approx(np.mean([judge(*repeated(sample, codes, one)) for one in said]))
    each = metrics.f1_score(codes, said[0], average=None)
    assert found.classes[0] == pytest.approx(each)


def test_a_row_without_a_prediction_is_wrong(rng):
    truth = Truth("classification", "accuracy", NAMES, np.array([0, 1, 2, 2]))
    found = score(truth, np.array([[0, -1, 2, -1]]), sample_counts(truth, 3, rng))
    assert found.seeds.tolist() == [0.5]


def test_a_class_without_test_rows_counts_for_nothing(rng):
    truth = Truth("classification", "f1_macro", NAMES, np.array([0, 1, 0, 1]))
    found = score(truth, np.array([[0, 1, 2, 1]]), sample_counts(truth, 3, rng))
    assert np.isnan(found.classes[0, 2])
    assert found.seeds[0] == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("metric", ["mean_average_precision", "f1_macro", "f1_micro"])
def test_sets(metric, rng):
    sets = (rng.random((120, 3)) < 0.4).astype(np.float32)
    said = np.round(rng.random((1, 120, 3)), 1).astype(np.float32)  # with ties
    truth = Truth("multilabel", metric, NAMES, np.full(120, -1), sets=sets)
    counts = sample_counts(truth, 4, rng)
    found = score(truth, said, counts)

    def judge(t, p):
        if metric == "mean_average_precision":
            return metrics.average_precision_score(t, p, average="macro")
        return metrics.f1_score(t, p >= 0.5, average=metric.removeprefix("f1_"))

    assert found.seeds[0] == pytest.approx(judge(sets, said[0]), rel=1e-5)
    for sample, value in zip(counts, found.resampled):
        assert value == pytest.approx(judge(*repeated(sample, sets, said[0])), rel=1e-5)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_numbers(metric, rng):
    values = rng.normal(3, 2, 150)
    said = (values + rng.normal(0, 1, (2, 150))).astype(np.float64)
    names, codes = parts_of(values)
    truth = Truth("regression", metric, names, codes, values=values)
    counts = sample_counts(truth, 4, rng)
    found = score(truth, said, counts)
    judge = {
        "rmse": metrics.root_mean_squared_error,
        "mae": metrics.mean_absolute_error,
        "r2": metrics.r2_score,
    }[metric]
    assert found.seeds == pytest.approx([judge(values, one) for one in said])
    for sample, value in zip(counts, found.resampled):
        assert value == pytest.approx(np.mean([judge(*repeated(sample, values, one)) for one in said]), rel=1e-5)
    assert len(names) == 5
    assert np.bincount(codes).tolist() == [30] * 5
    assert truth.higher_is_better == (metric == "r2")


def test_groups_are_drawn_whole(rng):
    truth = Truth("classification", "accuracy", NAMES, np.zeros(30, int), groups=np.repeat(np.arange(10), 3))
    counts = sample_counts(truth, 20, rng).reshape(20, 10, 3)
    assert (counts == counts[:, :, :1]).all()
    assert (counts[:, :, 0].sum(1) == 10).all()
