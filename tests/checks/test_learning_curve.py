"""learning_curve: says that more rows help where they do, and what they bring."""

import numpy as np
import pytest

import curate
from curate.checks.learning_curve import LearningCurve
from curate.checks.sets import accuracy_curve
from curate.checks.sets.accuracy_curve import DIMENSIONS, Measured, extrapolated
from curate.evidence import Evidence, EvidenceSettings


def evidence(values, label):
    table = curate.load({"vector": values.astype(np.float32), "label": list(label)}, features="vector", label="label")
    return Evidence(table, EvidenceSettings(encoder="classic", workers=1))


def hard(n, seed=0, classes=8, d=60):
    """Classes whose means must be learned from many rows."""
    rng = np.random.default_rng(seed)
    means = np.random.default_rng(99).normal(size=(classes, d)) * 0.45
    codes = rng.integers(0, classes, n)
    return evidence(means[codes] + rng.normal(size=(n, d)), [f"c{c}" for c in codes])


def facts(found):
    return found.facts["learning_curve"]


def test_the_gain_of_twice_the_rows_comes_true():
    gains = []
    for seed in range(3):
        now, then = facts(LearningCurve().find(hard(250, seed))), facts(LearningCurve().find(hard(500, seed)))
        gains.append((now["gain_of_twice_the_rows"], then["curve"][-1]["accuracy"] - now["curve"][-1]["accuracy"]))
        assert now["gain_low"] <= now["gain_of_twice_the_rows"] <= now["gain_high"]
        assert now["answer"].startswith("More rows would help")
    foretold, true = np.mean(gains, axis=0)
    assert true > 0.02
    assert foretold == pytest.approx(true, abs=0.03)


def test_accuracy_rises_with_the_rows():
    accuracy = [line["accuracy"] for line in facts(LearningCurve().find(hard(800)))["curve"]]
    assert accuracy == sorted(accuracy)


def test_classes_that_are_told_apart_at_once_gain_nothing():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 600)
    found = LearningCurve().find(evidence(8 * np.eye(5)[codes] + rng.normal(size=(600, 5)), [f"c{c}" for c in codes]))
    assert facts(found)["gain_of_twice_the_rows"] <= 0.002
    assert "hardly help" in facts(found)["answer"]
    assert not len(found.flagged)


def test_the_class_that_lacks_rows_gains_most():
    rng = np.random.default_rng(1)
    codes = rng.choice(4, 900, p=[0.32, 0.32, 0.32, 0.04])
    values = 0.6 * np.random.default_rng(2).normal(size=(4, 30))[codes] + rng.normal(size=(900, 30))
    found = facts(LearningCurve().find(evidence(values, [f"c{c}" for c in codes])))
    assert found["most_gaining_classes"][0]["class"] == "c3"


def test_a_power_law_is_carried_on():
    rows = np.array([100.0, 200, 400, 800])
    error = 0.05 + 0.4 * (rows / 100) ** -0.5
    hits = np.tile(((1 - error) * 10_000)[None, :, None], (5, 1, 1))
    curve = extrapolated(Measured(rows, hits, np.full((5, 1), 10_000.0)), 0)
    assert curve.gain == pytest.approx(0.4 * (8**-0.5 - 16**-0.5), abs=0.003)


@pytest.mark.parametrize("n", [1, 3, 60])
def test_few_rows_say_so(n):
    assert "Too few" in facts(LearningCurve().find(hard(n)))["answer"]


def test_one_class_says_so():
    found = LearningCurve().find(evidence(np.random.default_rng(0).normal(size=(200, 4)), ["a"] * 200))
    assert "Too few" in facts(found)["answer"]


def test_the_main_directions_of_fewer_rows_than_numbers_come_from_the_products_of_rows(monkeypatch):
    taken_apart = []
    eigh = np.linalg.eigh

    def counting(matrix):
        taken_apart.append(matrix.shape)
        return eigh(matrix)

    monkeypatch.setattr(np.linalg, "eigh", counting)
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(280, 400)) * np.exp(rng.normal(size=400))).astype(np.float32)
    few = accuracy_curve._reduced(vectors)
    monkeypatch.setattr(accuracy_curve, "DIMENSIONS", 400)
    whole = accuracy_curve._reduced(vectors)
    assert taken_apart == [(280, 280)]
    assert few.shape == (280, DIMENSIONS + 1)
    here, there = (part[:, :-1] / np.linalg.norm(part[:, :-1]) for part in (few, whole))
    np.testing.assert_allclose(here @ here.T, there @ there.T, atol=1e-4)
