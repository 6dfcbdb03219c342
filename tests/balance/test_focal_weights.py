"""focal_weights: the focal factor of out-of-sample probabilities, but not of labels that are probably wrong."""

import numpy as np
import pytest

from curate.balance.focal_weights import FocalWeights


def given(evidence_of, p, posterior=None, **more):
    p = np.array(p, dtype=np.float32)
    values = np.stack([p, 1 - p], axis=1)
    values[len(p) // 2 :] = values[len(p) // 2 :, ::-1]
    right = np.array(p if posterior is None else posterior, dtype=np.float32)
    beliefs = np.stack([right, 1 - right], axis=1)
    beliefs[len(p) // 2 :] = beliefs[len(p) // 2 :, ::-1]
    return evidence_of(
        [len(p) // 2] * 2,
        probabilities={"values": values, "valid": np.isfinite(p)},
        noise={"posterior": beliefs},
        **more,
    )


def test_by_hand(evidence_of, verdict_of):
    evidence = given(evidence_of, [0.9, 0.5, 0.8, 0.5], posterior=[1, 1, 1, 1])
    raw = np.array([0.01, 0.25, 0.04, 0.25])
    found = verdict_of(FocalWeights(gamma=2, min_weight=0), evidence).weight
    np.testing.assert_allclose(found, raw / raw.mean(), rtol=1e-5)
    raw = np.array([0.1, 0.5, 0.2, 0.5])
    found = verdict_of(FocalWeights(gamma=1, min_weight=0), evidence).weight
    np.testing.assert_allclose(found, raw / raw.mean(), rtol=1e-5)
    found = verdict_of(FocalWeights(gamma=2, min_weight=0.1), evidence).weight
    np.testing.assert_allclose(found, np.array([0.1, 0.25, 0.1, 0.25]) / 0.175, rtol=1e-5)


def test_labels_that_are_probably_wrong_get_the_mean(evidence_of, verdict_of):
    evidence = given(evidence_of, [0.9, 0.6, 0.1, 0.7], posterior=[0.99, 0.9, 0.05, 0.9])
    found = verdict_of(FocalWeights(min_weight=0), evidence).weight
    raw = np.array([0.01, 0.16, 0.09])
    np.testing.assert_allclose(found, np.insert(raw / raw.mean(), 2, 1.0), rtol=1e-5)
    assert found.mean() == pytest.approx(1, rel=1e-5)
    trusting = verdict_of(FocalWeights(min_weight=0, min_posterior=0), evidence).weight
    assert trusting.argmax() == 2


def test_draws_count_and_rows_without_a_probability_keep_their_weight(evidence_of, verdict_of):
    evidence = given(evidence_of, [0.9, 0.5, np.nan, 0.5], posterior=[1] * 4, repeats=np.array([3, 0, 0, 0]))
    found = verdict_of(FocalWeights(min_weight=0), evidence).weight
    assert found[2] == 1
    assert (found[[0, 1, 3]] * [4, 1, 1]).sum() / 6 == pytest.approx(1, rel=1e-5)
