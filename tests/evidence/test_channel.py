"""The channel from true to given labels: pooled heads, smoothed noise, and no row that explains itself."""

import numpy as np
import pytest

from curate.evidence.channel import fit_channel
from curate.evidence.noise_matrix import NoiseMatrix, evenly, normalised


def test_a_useless_head_counts_little(predicted):
    p, _, given = predicted(2000, 5)
    noise = np.random.default_rng(1).dirichlet(np.ones(5), 2000).astype(np.float32)
    useful, useless = fit_channel([p, noise], given).exponents
    assert useful > 0.7
    assert useless < 0.25 * useful


def test_scattered_noise_is_smoothed_strongly_and_patterned_noise_hardly(predicted):
    scattered = fit_channel([predicted(3000, 10, structured=False)[0]], predicted(3000, 10, structured=False)[2]).noise
    patterned = fit_channel([predicted(3000, 10)[0]], predicted(3000, 10)[2]).noise
    assert scattered.strength >= 100
    assert patterned.strength <= 10
    assert 1 - np.trace(scattered.counts) / 3000 == pytest.approx(0.15, abs=0.02)


def test_classes_of_a_few_rows_do_not_make_up_noise():
    """40 classes of five rows without a wrong label, and probabilities that are often wrong."""
    rng = np.random.default_rng(2)
    codes = np.repeat(np.arange(40), 5)
    logits = rng.normal(size=(200, 40))
    logits[np.arange(200), codes] += 2.5
    p = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    assert (p.argmax(1) != codes).mean() > 0.2
    posterior = fit_channel([p], codes).posterior(codes, p, fitted=True)
    assert (posterior.argmax(1) != codes).mean() < 0.06


def test_a_row_does_not_count_towards_the_noise_that_explains_it():
    counts = np.array([[9.0, 1.0], [0.0, 10.0]])
    noise = NoiseMatrix(counts, evenly(2), 3.0)
    p, given = np.array([[0.5, 0.5]], dtype=np.float32), np.array([0])
    with_itself = normalised(noise.joint_with(p, given))[0]
    without = normalised(noise.joint_without(np.array([[0.0, 1.0]], dtype=np.float32), p, given))[0]
    assert without[0, 1] < with_itself[0, 1]


def test_transition_sums_to_one():
    for classes in (1, 2, 7):
        counts = np.random.default_rng(classes).random((classes, classes)) * 10
        transition = NoiseMatrix.started(counts).transition()
        if classes > 1:
            assert np.allclose(transition.sum(0), 1)
        assert (transition >= 0).all()


def test_an_even_sample_stands_for_very_many_cells(monkeypatch, predicted):
    p, _, given = predicted(6000, 5)
    whole = fit_channel([p], given)
    monkeypatch.setattr("curate.evidence.channel.MOST_CELLS", 10_000)
    part = fit_channel([p], given)
    assert part.noise.counts.sum() == pytest.approx(2000, rel=1e-3)
    assert np.abs(part.joint - whole.joint).max() < 0.02
