"""target_weights: density, bins smoothed or not, against scipy, published procedures and hand-computed numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve1d, gaussian_filter1d
from scipy.stats import gaussian_kde

import curate
from curate.balance.target_weights import TargetWeights
from curate.balance.weighing.density import binned, dense_factors, densities, kernel_window, lds_factors
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings


def evidence_of(values, **columns):
    n = len(values)
    columns = {"text": [f"text {i}" for i in range(n)], "label": values, "id": [f"r{i}" for i in range(n)], **columns}
    roles = {"kind": "regression", "text": "text", "label": "label", "id": "id"}
    table = curate.load(columns, task=roles | ({"split": "split"} if "split" in columns else {}))
    return Evidence(table, EvidenceSettings(encoder="classic", workers=1))


def weights(step, evidence):
    found = step.decide(evidence.labels, evidence, np.random.default_rng(0)).table.to_pylist()
    return {line["row_id"]: float(line["after"]) for line in found}


def test_the_density_is_that_of_scipy():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 1, 300), rng.normal(6, 0.5, 40), [15.0]])
    width = 0.4
    theirs = gaussian_kde(values, bw_method=width / values.std(ddof=1))(values)
    np.testing.assert_allclose(densities(values, np.ones(len(values)), width), theirs, rtol=2e-3)
    times = rng.integers(1, 5, len(values))
    theirs = gaussian_kde(np.repeat(values, times), bw_method=width / np.repeat(values, times).std(ddof=1))(values)
    np.testing.assert_allclose(densities(values, times, width), theirs, rtol=2e-3)
    silverman = 1.06 * values.std() * len(values) ** -0.2
    np.testing.assert_allclose(densities(values, np.ones(341)), densities(values, np.ones(341), silverman))


def test_dense_weight_by_hand():
    assert dense_factors(np.array([1.0, 2.0, 5.0]), 1.0, 1e-6).tolist() == [1, 0.75, 1e-6]
    assert dense_factors(np.array([1.0, 2.0, 5.0]), 2.0, 0.1).tolist() == [1, 0.5, 0.1]
    assert dense_factors(np.array([1.0, 2.0, 5.0]), 0.0, 0.1).tolist() == [1, 1, 1]


@pytest.mark.parametrize("form", ["sqrt_inverse", "inverse"])
def test_lds_is_the_published_procedure(form):
    values = np.random.default_rng(1).gamma(2, 10, 2000)
    place, counts = binned(values, np.ones(2000, dtype=int), 50)
    # https://github.com/YyzHarry/imbalanced-regression, `_prepare_weights` and `get_lds_kernel_window`
    eased = np.sqrt(counts) if form == "sqrt_inverse" else np.clip(counts, 5, 1000)
    spike = [0.0, 0.0, 1.0, 0.0, 0.0]
    window = gaussian_filter1d(spike, sigma=2) / max(gaussian_filter1d(spike, sigma=2))
    theirs = 1 / convolve1d(np.asarray(eased, dtype=float), weights=window, mode="constant")[place]
    ours = lds_factors(counts, form, "gaussian", 5, 2.0)[place]
    if form == "inverse":  # empty bins count nothing here, and 5 there
        full = np.array([counts[max(0, p - 2) : p + 3].min() > 0 for p in place])
        np.testing.assert_allclose(ours[full], theirs[full])
    else:
        np.testing.assert_allclose(ours, theirs)
    np.testing.assert_allclose(kernel_window("triangular", 5, 1.0), [1 / 3, 2 / 3, 1, 2 / 3, 1 / 3])
    np.testing.assert_allclose(kernel_window("laplace", 3, 2.0), [np.exp(-0.5), 1, np.exp(-0.5)])


def test_bins_by_hand():
    evidence = evidence_of([0.0, 0.1, 0.2, 0.3, 0.9, 1.0])
    found = weights(TargetWeights(method="bins", bins=2), evidence)
    raw = np.array([0.5] * 4 + [1 / np.sqrt(2)] * 2)
    np.testing.assert_allclose(list(found.values()), raw / raw.mean(), rtol=1e-5)


def test_lds_smooths_the_bins_by_its_kernel_and_bins_does_not():
    evidence = evidence_of([0.0, 0.1, 0.2, 0.3, 0.9, 1.0])
    plain = list(weights(TargetWeights(method="bins", bins=2), evidence).values())
    wide = list(weights(TargetWeights(method="lds", bins=2, kernel_bins=3), evidence).values())
    none = list(weights(TargetWeights(method="lds", bins=2, kernel_bins=1), evidence).values())
    np.testing.assert_allclose(none, plain, rtol=1e-5)
    # The neighbour's draws count as well: rare and common bins come closer.
    assert 1 < max(wide) / min(wide) < max(plain) / min(plain) - 0.01


@settings(max_examples=30)
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    method=st.sampled_from(["dense_weight", "lds", "bins"]),
    most=st.sampled_from([None, 3.0]),
)
def test_the_mean_is_one_whatever_the_values(values, method, most):
    evidence = evidence_of(values)
    found = np.array(list(weights(TargetWeights(method=method, max_weight=most), evidence).values()))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert found.mean() == pytest.approx(1, rel=1e-3)
    assert most is None or found.max() <= most * (1 + 1e-5)


def test_rare_values_weigh_more_and_order_does_not_matter():
    values = np.concatenate([np.random.default_rng(0).normal(0, 1, 200), [8.0, 9.0]])
    evidence = evidence_of(values.tolist(), split=["train"] * 201 + ["test"])
    found = weights(TargetWeights(), evidence)
    assert "r201" not in found
    assert max(found, key=found.get) == "r200"
    other = Evidence(evidence.table.select(np.random.default_rng(1).permutation(202)), evidence.settings)
    again = weights(TargetWeights(), other)
    assert found == pytest.approx(again, rel=1e-5)


def test_refusals():
    for settings_, match in [
        ({"kernel_bins": 4, "method": "lds"}, "must be odd"),
        ({"bins": 5}, "bins says nothing with method: dense_weight"),
        ({"method": "bins", "sigma": 1.0}, "sigma says nothing"),
    ]:
        with pytest.raises(ConfigError, match=match):
            TargetWeights(**settings_)
    task = curate.Task(kind="classification", text="text", label="label")
    assert "regression" in TargetWeights().refuses(task)
