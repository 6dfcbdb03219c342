"""The ridge is chosen by the cross-entropy of held-out targets, which may be soft."""

import numpy as np
import pytest

from curate.evidence.heads import design
from curate.evidence.ridge import RIDGES, best_ridge


def two_classes(n=400, d=40, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, n)
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    vectors[:, 0] += 4 * codes
    inputs = design(vectors, np.ones(n, dtype=bool))
    return inputs, np.eye(2, dtype=np.float32)[codes], np.ones(n, dtype=bool), np.arange(n) % 5


@pytest.mark.parametrize("epsilon", [0.02, 0.05, 0.1])
def test_smoothed_labels_are_not_met_by_the_head_that_says_least(epsilon):
    inputs, targets, learn, folds = two_classes()
    hard = best_ridge(inputs, targets, learn, folds, "softmax")
    soft = best_ridge(inputs, targets * (1 - epsilon) + epsilon / 2, learn, folds, "softmax")
    assert hard < RIDGES[0]
    assert soft < RIDGES[0]
    assert abs(RIDGES.index(soft) - RIDGES.index(hard)) <= 2


def test_soft_sets_of_labels_are_not_met_by_the_head_that_says_most():
    inputs, targets, learn, folds = two_classes()
    soft = best_ridge(inputs, targets * 0.96 + 0.02, learn, folds, "sigmoid")
    assert soft < RIDGES[0]
