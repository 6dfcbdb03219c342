import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from curate.balance.class_weights import ClassWeights, class_weights


def test_inverse_is_scikit_learns_balanced(evidence_of, verdict_of):
    evidence = evidence_of([20, 6, 3], held_out=9, unlabeled=4)
    codes = np.repeat([0, 1, 2], [20, 6, 3])
    wanted = compute_class_weight("balanced", classes=np.arange(3), y=codes)
    np.testing.assert_allclose(verdict_of(ClassWeights(), evidence).class_weights, wanted, rtol=1e-6)


@pytest.mark.parametrize("method", ["inverse", "sqrt_inverse", "effective_number"])
def test_the_mean_over_rows_is_one_and_rare_classes_weigh_more(method):
    counts = np.array([1000, 100, 10, 1])
    weights = class_weights(counts, method)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)
    assert (np.diff(weights) > 0).all()


def test_each_methods_ratio():
    counts = np.array([100, 25])
    ratio = {m: np.divide(*class_weights(counts, m)[::-1]) for m in ("inverse", "sqrt_inverse", "median")}
    assert ratio == pytest.approx({"inverse": 4, "sqrt_inverse": 2, "median": 4})
    beta = 0.99
    wanted = (1 - beta**100) / (1 - beta**25)
    assert np.divide(*class_weights(counts, "effective_number", beta)[::-1]) == pytest.approx(wanted)
    assert class_weights(counts, "effective_number", 0.0).tolist() == [1, 1]
    assert class_weights(np.array([40, 20, 10]), "median").tolist() == [0.5, 1, 2]


def test_the_ratio_is_bounded():
    weights = class_weights(np.array([1000, 10, 1]), "inverse", max_ratio=5)
    assert weights.max() / weights.min() == pytest.approx(5)


def test_repeats_of_earlier_steps_count_as_draws(evidence_of, verdict_of):
    evidence = evidence_of([6, 2], repeats=np.array([0] * 6 + [2, 2]))
    np.testing.assert_allclose(verdict_of(ClassWeights(), evidence).class_weights, [1, 1])


def test_classes_without_rows(evidence_of, verdict_of):
    assert verdict_of(ClassWeights(), evidence_of([5, 0, 5])).class_weights.tolist() == [1, 1, 1]
    evidence = evidence_of([3, 3], active=np.zeros(6, dtype=bool))
    assert len(ClassWeights().decide(evidence.labels, evidence, np.random.default_rng(0))) == 0
