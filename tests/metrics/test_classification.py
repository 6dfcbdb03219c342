"""Metrics of classes equal those of scikit-learn and torchmetrics, and say what they can't know."""

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from curate.errors import ConfigError, DataError
from curate.metrics import evaluate, lower_is_better

NAMES = tuple("abcde")


@pytest.fixture(scope="module")
def predicted_rows():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 400)
    logits = rng.normal(size=(400, 5))
    logits[np.arange(400), labels] += 1.5
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return labels, probabilities, rng.uniform(0.2, 3, 400)


def test_tensors_with_a_gradient_and_of_half_precision():
    probabilities = torch.tensor([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    labels, weights = torch.tensor([0, 1, 1]), torch.ones(3, requires_grad=True)
    expected = evaluate(labels.numpy(), probabilities.numpy(), resamples=0).values
    for given in (probabilities.clone().requires_grad_(), probabilities.bfloat16(), probabilities.half()):
        found = evaluate(labels, given, weights=weights, resamples=0).values
        assert found == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("weighted", [False, True])
def test_equal_to_scikit_learn(predicted_rows, weighted):
    labels, probabilities, weights = predicted_rows
    weights = weights if weighted else None
    found = evaluate(labels, probabilities, names=NAMES, weights=weights, resamples=0)
    guess, own = probabilities.argmax(1), {"sample_weight": weights}
    expected = {
        "accuracy": sk.accuracy_score(labels, guess, **own),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, guess, **own),
        "mcc": sk.matthews_corrcoef(labels, guess, **own),
        "kappa": sk.cohen_kappa_score(labels, guess, **own),
        "nll": sk.log_loss(labels, probabilities, **own),
        "brier": sk.brier_score_loss(labels, probabilities, labels=range(5), scale_by_half=False, **own),
        "top_2_accuracy": sk.top_k_accuracy_score(labels, probabilities, k=2, **own),
        "top_3_accuracy": sk.top_k_accuracy_score(labels, probabilities, k=3, **own),
        "roc_auc": sk.roc_auc_score(labels, probabilities, multi_class="ovr", **own),
        "average_precision": sk.average_precision_score(labels, probabilities, **own),
    }
    for average in ("macro", "micro", "weighted"):
        expected[f"precision_{average}"] = sk.precision_score(labels, guess, average=average, **own)
        expected[f"recall_{average}"] = sk.recall_score(labels, guess, average=average, **own)
        expected[f"f1_{average}"] = sk.f1_score(labels, guess, average=average, **own)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-10)
    assert found["roc_auc_weighted"] == pytest.approx(
        sk.roc_auc_score(labels, probabilities, multi_class="ovr", average="weighted", **own)
    )
    assert np.allclose(found.confusion, sk.confusion_matrix(labels, guess, **own))
    for name, scores in zip(("precision", "recall", "f1"), sk.precision_recall_fscore_support(labels, guess, **own)):
        assert [found[f"{name}[{one}]"] for one in NAMES] == pytest.approx(scores)


@pytest.mark.parametrize("bins", [5, 15])
def test_calibration_error_of_torchmetrics(predicted_rows, bins):
    labels, probabilities, _ = predicted_rows
    expected = multiclass_calibration_error(
        torch.tensor(probabilities), torch.tensor(labels), num_classes=5, n_bins=bins, norm="l1"
    )
    assert evaluate(labels, probabilities, bins=bins, resamples=0)["ece"] == pytest.approx(float(expected), abs=1e-6)


def test_adaptive_calibration_error_by_hand():
    # Two bins of two rows: 0.55, 0.6 with one hit, 0.8, 0.9 with two.
    sure = np.array([0.55, 0.6, 0.8, 0.9])
    found = evaluate([0, 1, 0, 0], np.stack([sure, 1 - sure], axis=1), bins=2, resamples=0)
    assert found["ece_adaptive"] == pytest.approx(0.5 * abs(0.5 - 0.575) + 0.5 * abs(1 - 0.85))
    # Bins of equal width hold all four: confidence and accuracy are compared as a whole.
    assert found["ece"] == pytest.approx(abs(0.75 - 0.7125))
    assert [(one.rows, one.accuracy) for one in found.reliability] == [(4, 0.75)]


def test_a_class_without_rows_is_unknown_and_said_so():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.1, 0.7], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1]])
    found = evaluate(labels, probabilities, names=("cat", "dog", "eel"))
    assert np.isnan([found["recall[eel]"], found["f1[eel]"], found["roc_auc[eel]"]]).all()
    assert found["precision[eel]"] == 0  # it was predicted once, wrongly
    assert found["recall_macro"] == pytest.approx((0.5 + 1) / 2)
    assert found["f1_macro"] == pytest.approx(
        sk.f1_score(labels, probabilities.argmax(1), labels=[0, 1], average="macro")
    )
    assert any("'eel'" in note and "no rows" in note for note in found.notes)
    assert found.to_dict()["classes"][2]["values"]["recall"] is None


def test_a_class_that_is_never_predicted_has_no_precision():
    found = evaluate(["a", "a", "b"], ["a", "a", "a"])
    assert np.isnan(found["precision[b]"])
    assert found["recall[b]"] == 0
    assert found["f1[b]"] == 0
    assert found["precision_macro"] == pytest.approx(2 / 3)
    assert any("'b'" in note and "no predictions" in note for note in found.notes)
    assert np.isnan(found["mcc"])


def test_two_classes_by_the_probability_of_the_second(predicted_rows):
    rng = np.random.default_rng(1)
    labels, chance = rng.integers(0, 2, 100), rng.random(100)
    found = evaluate(labels, chance, names=("no", "yes"))
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(labels, chance))
    assert found["average_precision[yes]"] == pytest.approx(sk.average_precision_score(labels, chance))
    assert [curve.name for curve in found.roc] == ["yes"]


def test_rows_without_label_are_left_out_and_counted():
    found = evaluate(np.array([0, -100, 1, -1]), np.array([0, 0, 1, 1]))
    assert (found.rows, found.left_out, found["accuracy"]) == (2, 2, 1.0)
    found = evaluate(["a", None, "b"], ["a", "a", "a"])
    assert (found.rows, found.left_out, found["accuracy"]) == (2, 1, 0.5)
    nothing = evaluate(np.array([-1, -1]), np.array([0, 1]))
    assert nothing.values == {}
    assert "no row has a label" in nothing.notes[0]


@pytest.mark.parametrize(
    ("labels", "predictions", "kind", "says", "error"),
    [
        ([0, 1], [[0.2, 0.9], [0.5, 0.5]], "classification", "row 0 has probabilities that sum to 1.1", DataError),
        ([0, 1], [[0.5, 0.5], [3.0, -2.0]], "classification", "row 1 has predictions that are no probab", DataError),
        ([0, 1], [[0.5, 0.5], [np.nan, 0.5]], "classification", "row 1", DataError),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "classification", "row 1 has the class 2", DataError),
        ([0, 1], [0], "classification", "2 labels, but 1 predictions", ConfigError),
        ([0.5, 1.0], [0, 1], "classification", "whole numbers or names", ConfigError),
        ([0, 1], [0, -1], "classification", "row 1 has no prediction", DataError),
        ([0, 1], [0, 1], "detection", "no metrics for a detection task", ConfigError),
        ([0.1, 0.2], [0.1, np.inf], "regression", "row 1 has the prediction inf", DataError),
    ],
)
def test_wrong_input_is_refused(labels, predictions, kind, says, error):
    with pytest.raises(error, match=says):
        evaluate(np.array(labels), np.array(predictions), kind)


def test_unknown_metrics_and_names():
    found = evaluate(["a", "b"], ["a", "a"])
    with pytest.raises(ConfigError, match="did you mean 'accuracy'"):
        found["acuracy"]
    with pytest.raises(DataError, match="did you mean 'cat'"):
        evaluate(["cat", "cta"], ["cat", "cat"], names=("cat", "dog"))
    assert lower_is_better("nll")
    assert lower_is_better("absolute_error_q90")
    assert not lower_is_better("f1_macro")


def test_half_precision_probabilities_are_taken_as_they_were_meant():
    half = torch.softmax(torch.randn(50, 20, generator=torch.manual_seed(0)), 1).bfloat16().float().numpy()
    found = evaluate(np.zeros(50, int), half, resamples=0)
    assert found["nll"] > 0


def test_slices_of_numbers_that_read_alike_are_kept_apart():
    labels, dates = np.zeros(400, int), np.arange(20230000, 20230400)
    found = evaluate(labels, labels, slices={"date": dates, "day": dates // 200 + 0.0}, resamples=0)
    assert [one.rows for one in found.slices if one.column == "date"] == [100] * 4
    assert sorted(one.rows for one in found.slices if one.column == "day") == [200, 200]


def test_a_console_shows_a_line():
    found = evaluate([0, 1, 1], np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), names=["a", "b"])
    assert repr(found).startswith("<Metrics of 3 rows: accuracy 0.6667, balanced_accuracy 0.75, ")
    assert repr(found).endswith(" more; print() shows all>")
    assert repr(evaluate([-1], [[0.5, 0.5]])) == "<Metrics of 0 rows: nothing to measure; print() shows all>"
