"""Curves are scikit-learn's, of each class against the rest; what labels become before anything is measured."""

import numpy as np
import pytest
import sklearn.metrics as sk

from curate.metrics import evaluate
from curate.task import Task


def _rows(n=90, classes=3):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, classes, n)
    chances = rng.dirichlet(np.ones(classes), n)
    chances[np.arange(n), labels] += 0.4
    return labels, chances / chances.sum(1, keepdims=True), rng.uniform(0.5, 2, n)


def test_curves_of_each_class_against_the_rest():
    labels, chances, weights = _rows()
    found = evaluate(labels, chances, names=("a", "b", "c"), weights=weights, resamples=0)
    assert [curve.name for curve in found.roc] == ["a", "b", "c", "macro average"]
    for code in range(3):
        x, y, _ = sk.roc_curve(labels == code, chances[:, code], sample_weight=weights)
        assert (found.roc[code].x, found.roc[code].y) == (pytest.approx(x, abs=1e-5), pytest.approx(y, abs=1e-5))
        precision, recall, _ = sk.precision_recall_curve(labels == code, chances[:, code], sample_weight=weights)
        assert found.precision_recall[code].x == pytest.approx(recall[::-1], abs=1e-5)
        assert found.precision_recall[code].y == pytest.approx(precision[::-1], abs=1e-5)


def test_of_two_classes_the_second_says_it_all():
    labels, chances, _ = _rows(classes=2)
    assert [curve.name for curve in evaluate(labels, chances, names=("no", "yes"), resamples=0).roc] == ["yes"]


def test_of_two_labels_both_are_drawn():
    rng = np.random.default_rng(0)
    truth, chances = rng.integers(0, 2, (60, 2)), rng.uniform(size=(60, 2))
    found = evaluate(truth, chances, "multilabel", names=("x", "y"), resamples=0)
    assert [curve.name for curve in found.roc] == ["x", "y", "macro average"]


def test_probabilities_are_brought_to_a_sum_of_1():
    labels, chances, _ = _rows()
    found = evaluate(labels, chances * 1.005, resamples=0)
    assert found["nll"] == pytest.approx(sk.log_loss(labels, chances))


def test_nothing_to_measure():
    found = evaluate(np.full(4, -1), np.full((4, 2), 0.5), names=("a", "b"))
    assert (found.rows, found.left_out, found.values) == (0, 4, {})


def test_names_that_are_given_go_before_those_of_the_task():
    labels, chances, _ = _rows()
    task = Task(kind="classification", label="y", label_names=("a", "b", "c"))
    assert [one.name for one in evaluate(labels, chances, task, resamples=0).classes] == ["a", "b", "c"]
    named = evaluate(labels, chances, task, names=("u", "v", "w"), resamples=0)
    assert [one.name for one in named.classes] == ["u", "v", "w"]


def test_numbers_as_a_column():
    values = np.arange(12.0)
    flat = evaluate(values, values + 1, "regression", resamples=0)
    assert evaluate(values[:, None], values + 1, "regression", resamples=0).values == flat.values
    assert flat["mae"] == 1
