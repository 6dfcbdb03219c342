"""The noise model finds planted noise, and claims little where there is none."""

import numpy as np
import pytest

from curate.evidence.channel import fit_channel
from curate.evidence.noise import estimate_noise, estimate_set_noise


def planted(n=3000, classes=5, rate=0.2, sharpness=3.0, seed=0):
    """Probabilities of the true class, true labels, and given ones of which `rate` go to the next class."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), true] += sharpness
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    given = np.where(rng.random(n) < rate, (true + 1) % classes, true)
    return p.astype(np.float32), true, given


def test_structured_noise_is_measured_and_undone():
    p, true, given = planted()
    noise = estimate_noise(p, given, np.ones(len(true), dtype=bool))
    assert noise.rate == pytest.approx(0.2, abs=0.04)
    transition = noise.joint / noise.joint.sum(0)
    assert np.diag(np.roll(transition, -1, axis=0)) == pytest.approx(0.2, abs=0.06)
    repaired = noise.posterior.argmax(1)
    assert (repaired == true).mean() > 0.95
    assert (repaired == true).mean() > (p.argmax(1) == true).mean()
    assert (repaired == true).mean() > (given == true).mean()


def test_flat_probabilities_are_sharpened():
    p, true, given = planted(rate=0.1)
    flat = p**0.4 / (p**0.4).sum(1, keepdims=True)
    assert fit_channel([flat], given).exponents[0] > 1.9
    assert estimate_noise(flat, given, np.ones(len(true), dtype=bool)).rate == pytest.approx(0.1, abs=0.04)


def test_little_is_claimed_of_clean_labels():
    p, true, _ = planted(rate=0.0)
    noise = estimate_noise(p, true, np.ones(len(true), dtype=bool))
    assert noise.rate < 0.02
    assert (noise.posterior.argmax(1) != true).mean() < 0.02


def test_rows_that_are_not_fitted_get_a_posterior_but_no_say():
    p, _, given = planted()
    fitted = np.arange(len(given)) < 1500
    changed = np.where(fitted, given, 0)
    one, other = estimate_noise(p, given, fitted), estimate_noise(p, changed, fitted)
    assert np.array_equal(one.joint, other.joint)
    assert np.isfinite(one.posterior).all()


def test_rows_without_probabilities_or_label():
    p, _, given = planted(n=200)
    p[:5], given = np.nan, given.copy()
    given[5:8] = -1
    noise = estimate_noise(p, given, np.ones(200, dtype=bool))
    assert np.isnan(noise.posterior[:5]).all()
    assert np.allclose(noise.posterior[5:8], p[5:8])
    assert np.allclose(noise.posterior[5:].sum(1), 1, atol=1e-5)


def test_a_class_nobody_was_given():
    p, _, given = planted(n=300)
    given = np.where(given == 2, 1, given)
    noise = estimate_noise(p, given, np.ones(300, dtype=bool))
    assert noise.joint[2].sum() == 0
    assert np.isfinite(noise.posterior).all()
    assert noise.joint.sum() == pytest.approx(1)


@pytest.mark.parametrize(("n", "classes"), [(0, 3), (1, 3), (3, 2), (3, 1), (0, 0), (5, 0), (12, 2)])
def test_small_sets(n, classes):
    p = np.full((n, classes), 1 / max(classes, 1), dtype=np.float32)
    codes = np.arange(n) % classes if classes else np.full(n, -1)
    noise = estimate_noise(p, codes, np.ones(n, dtype=bool))
    assert noise.joint.shape == (classes, classes)
    assert np.isfinite(noise.joint).all()
    assert np.isfinite(noise.posterior).all()
    assert 0 <= noise.rate <= 1


def test_all_labels_missing():
    noise = estimate_noise(np.full((4, 2), 0.5, np.float32), np.full(4, -1), np.ones(4, dtype=bool))
    assert noise.rate == 0
    assert np.allclose(noise.joint, np.eye(2) / 2)


def test_sets_of_labels():
    rng = np.random.default_rng(0)
    true = rng.random((2000, 3)) < 0.3
    logits = np.where(true, 2.5, -2.5) + rng.normal(size=true.shape)
    given = true ^ (rng.random(true.shape) < 0.1)
    p = (1 / (1 + np.exp(-logits))).astype(np.float32)
    noise = estimate_set_noise(p, given, np.ones(2000, dtype=bool), np.ones(2000, dtype=bool))
    assert noise.rate == pytest.approx(0.1, abs=0.03)
    assert ((noise.posterior > 0.5) == true).mean() > 0.98
    assert noise.joint.sum() == pytest.approx(1)
