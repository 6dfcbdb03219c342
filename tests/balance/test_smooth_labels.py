import numpy as np
import pytest

from curate.balance.smooth_labels import SmoothLabels, class_similarity, smoothed
from curate.errors import ConfigError


def test_uniform_is_szegedys(evidence_of, verdict_of):
    soft = verdict_of(SmoothLabels(epsilon=0.3), evidence_of([5, 4, 1])).class_soft
    np.testing.assert_allclose(soft, 0.7 * np.eye(3) + 0.1, atol=1e-6)


def test_classes_that_look_alike_share(evidence_of, verdict_of):
    means = np.array([[1.0, 0.1, 0.0], [1.0, -0.1, 0.0], [-1.0, 0.0, 0.0]])
    vectors = np.repeat(means / np.linalg.norm(means, axis=1, keepdims=True), 4, axis=0).astype(np.float32)
    evidence = evidence_of([4, 4, 4], embedding={"vectors": vectors, "valid": np.ones(12, dtype=bool)})
    soft = verdict_of(SmoothLabels(epsilon=0.2, by="class_similarity"), evidence).class_soft
    np.testing.assert_allclose(np.diag(soft), 0.8, atol=1e-6)
    assert soft[0, 1] > 0.19
    assert soft[1, 0] > 0.19
    np.testing.assert_allclose(soft[2, :2], 0.1, atol=1e-3)


def test_noise_says_who_shares_and_how_much(evidence_of, verdict_of):
    joint = np.array([[0.40, 0.09, 0.01], [0.02, 0.28, 0.0], [0.0, 0.0, 0.20]])
    evidence = evidence_of([5, 3, 2], noise={"joint": joint})
    soft = verdict_of(SmoothLabels(epsilon=0.1, by="noise"), evidence).class_soft
    np.testing.assert_allclose(soft[:2], [[0.9, 0.09, 0.01], [0.1, 0.9, 0.0]], atol=1e-6)
    estimated = verdict_of(SmoothLabels(epsilon="estimated", by="noise"), evidence).class_soft
    np.testing.assert_allclose(estimated, joint / joint.sum(1, keepdims=True), atol=1e-6)


def test_a_class_without_rows_gets_nothing_by_likeness_and_spreads_evenly():
    shares = np.exp(class_similarity(np.eye(4)[[0, 0, 1, 3]], np.array([0, 0, 1, 3]), 4))
    soft = smoothed(shares, np.full(4, 0.2))
    np.testing.assert_allclose(soft.sum(1), 1)
    assert soft[0, 2] == 0
    np.testing.assert_allclose(soft[2], [0.05, 0.05, 0.85, 0.05])


def test_wrong_settings():
    for settings in ({"epsilon": 1.0}, {"epsilon": -0.1}, {"epsilon": "estimated"}, {"temperature": 0}):
        with pytest.raises(ConfigError):
            SmoothLabels(**settings)
