"""Metrics of sets of labels equal scikit-learn's."""

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
from torchmetrics.functional.classification import binary_calibration_error

from curate.errors import ConfigError, DataError
from curate.metrics import evaluate


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    labels = rng.random((300, 6)) < np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    logits = rng.normal(size=(300, 6)) + 1.5 * labels - 0.5
    return labels, 1 / (1 + np.exp(-logits)), rng.uniform(0.2, 2, 300)


@pytest.mark.parametrize("weighted", [False, True])
def test_equal_to_scikit_learn(rows, weighted):
    labels, chances, weights = rows
    weights = weights if weighted else None
    found = evaluate(labels, chances, "multilabel", weights=weights, resamples=0)
    guess, own = chances >= 0.5, {"sample_weight": weights}
    expected = {
        "subset_accuracy": sk.accuracy_score(labels, guess, **own),
        "hamming_loss": sk.hamming_loss(labels, guess, **own),
        "mean_average_precision": sk.average_precision_score(labels, chances, **own),
        "roc_auc": sk.roc_auc_score(labels, chances, **own),
        "ranking_average_precision": sk.label_ranking_average_precision_score(labels, chances, **own),
        "ranking_loss": sk.label_ranking_loss(labels, chances, **own),
        "coverage_error": sk.coverage_error(labels, chances, **own),
    }
    for average in ("macro", "micro", "weighted", "samples"):
        given = {"average": average, "zero_division": np.nan} | own
        expected[f"precision_{average}"] = sk.precision_score(labels, guess, **given)
        expected[f"recall_{average}"] = sk.recall_score(labels, guess, **given)
        expected[f"f1_{average}"] = sk.f1_score(labels, guess, **given)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-10)
    assert [one.values["f1"] for one in found.classes] == pytest.approx(sk.f1_score(labels, guess, average=None, **own))


def test_calibration_is_that_of_every_label_of_every_row(rows):
    labels, chances, _ = rows
    expected = binary_calibration_error(torch.tensor(chances.ravel()), torch.tensor(labels.ravel()), n_bins=15)
    found = evaluate(labels, chances, "multilabel", resamples=0)
    # torchmetrics measures the confidence in the positive label, too.
    assert found["ece"] == pytest.approx(float(expected), abs=1e-6)
    assert sum(one.rows for one in found.reliability) == 1800


def test_missing_rows_and_a_threshold(rows):
    labels, chances, _ = rows
    numbers = labels.astype(np.float32)
    numbers[:7] = -100
    found = evaluate(numbers, chances, "multilabel", threshold=0.3, resamples=0)
    assert (found.rows, found.left_out) == (293, 7)
    assert found["recall_micro"] == pytest.approx(sk.recall_score(labels[7:], chances[7:] >= 0.3, average="micro"))


def test_wrong_sets_are_refused(rows):
    labels, chances, _ = rows
    with pytest.raises(ConfigError, match="must be \\(rows, labels\\)"):
        evaluate(labels[:, 0], chances, "multilabel")
    with pytest.raises(DataError, match="row 0 has others than 0 and 1"):
        evaluate(labels * 0.3 + 0.2, chances, "multilabel")


def test_without_probabilities_there_are_no_rankings(rows):
    labels, chances, _ = rows
    found = evaluate(labels, chances > 0.5, "multilabel", resamples=0)
    assert "roc_auc" not in found.values
    assert found.roc == ()
    assert found["f1_micro"] == pytest.approx(sk.f1_score(labels, chances > 0.5, average="micro"))


def test_sets_of_a_single_class_are_measured_as_that_class():
    rng = np.random.default_rng(0)
    truth, chances = rng.random((40, 1)) < 0.4, rng.random((40, 1)).astype(np.float32)
    found = evaluate(truth, chances, "multilabel", names=["red"])
    own, guess = truth[:, 0], chances[:, 0] >= 0.5
    for average in ("macro", "micro", "weighted"):
        assert found.values[f"f1_{average}"] == pytest.approx(sk.f1_score(own, guess))
        assert found.values[f"recall_{average}"] == pytest.approx(sk.recall_score(own, guess))
    assert found.values["recall_samples"] == pytest.approx(guess[own].mean())
    assert found.values["subset_accuracy"] == pytest.approx((own == guess).mean())
    low, high = found.intervals["f1_macro"]
    assert low < found.values["f1_macro"] < high
    assert evaluate(truth[:1], chances[:1], "multilabel", names=["red"]).rows == 1


def test_a_kind_without_metrics_is_not_taken_for_a_typing_error():
    with pytest.raises(ConfigError, match="no metrics for a token_classification task; for classification"):
        evaluate([0], [0], "token_classification")
    with pytest.raises(ConfigError, match="did you mean 'multilabel'"):
        evaluate([0], [0], "multilabels")
