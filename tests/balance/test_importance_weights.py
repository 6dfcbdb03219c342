"""importance_weights: known shifts are found again, and the effective sample size is kept and told."""

import numpy as np
import pytest
from scipy.stats import norm

import curate
from curate.balance.importance_weights import ImportanceWeights
from curate.balance.weighing.rows import effective_rows, mean_one
from curate.balance.weighing.shift import (
    density_ratios,
    flattened,
    shifted_shares_by_confusion,
    shifted_shares_by_em,
)
from curate.evidence import Evidence, EvidenceSettings


def test_the_density_ratio_of_two_gaussians():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, 3000), rng.normal(0.8, 1, 1500)])
    vectors = np.stack([x, rng.normal(size=4500)], axis=1).astype(np.float32)
    ratio, auroc = density_ratios(vectors, np.arange(4500) >= 3000, np.arange(4500))
    true = norm.pdf(x, 0.8) / norm.pdf(x, 0)
    assert np.corrcoef(np.log(ratio), np.log(true))[0, 1] > 0.99
    assert np.abs(np.log(ratio) - np.log(true)).mean() < 0.15
    assert auroc == pytest.approx(norm.cdf(0.8 / np.sqrt(2)), abs=0.02)
    # The weighted training rows have the mean of the target.
    assert (ratio[:3000] * x[:3000]).sum() / ratio[:3000].sum() == pytest.approx(0.8, abs=0.1)


def test_without_shift_all_weigh_alike():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(2000, 5)).astype(np.float32)
    ratio, auroc = density_ratios(vectors, np.arange(2000) >= 1200, np.arange(2000))
    assert auroc == pytest.approx(0.5, abs=0.04)
    assert np.abs(np.log(ratio)).mean() < 0.2


def test_equal_rows_are_in_one_fold():
    rng = np.random.default_rng(2)
    unit = np.repeat(np.arange(300), 4)  # every row four times, two of them in the target
    vectors = rng.normal(size=(300, 40)).astype(np.float32)[unit]
    ratio, _ = density_ratios(vectors, np.tile([False, False, True, True], 300), unit)
    assert np.abs(np.log(ratio)).mean() < 0.05


def test_bbse_by_hand():
    # Two classes, 8 of 10 predicted right in each, 50 rows each. In the target 35 of 50 are predicted as the second:
    # 0.2 a + 0.8 b = 0.7 with a + b = 1: b = 5/6.
    codes = np.repeat([0, 1], 50)
    predicted = np.concatenate([np.repeat([0, 1], [40, 10]), np.repeat([0, 1], [10, 40])])
    there = np.repeat([0, 1], [15, 35])
    np.testing.assert_allclose(shifted_shares_by_confusion(predicted, codes, there, 2), [1 / 6, 5 / 6])
    # More of the second than any mixture could give: all of it.
    np.testing.assert_allclose(shifted_shares_by_confusion(predicted, codes, np.ones(50, dtype=int), 2), [0, 1])
    # A classifier that can't tell them apart says nothing of shares, and breaks nothing.
    found = shifted_shares_by_confusion(np.zeros(100, dtype=int), codes, np.zeros(9, dtype=int), 2)
    assert found.sum() == pytest.approx(1)


def test_em_finds_the_shares_of_the_target():
    rng = np.random.default_rng(3)
    codes = rng.choice(2, 6000, p=[0.9, 0.1])
    x = rng.normal(codes * 2.0, 1)
    likelihood = np.stack([norm.pdf(x, 0) * 0.5, norm.pdf(x, 2) * 0.5], axis=1)  # of a training set of equal shares
    values = likelihood / likelihood.sum(1, keepdims=True)
    np.testing.assert_allclose(shifted_shares_by_em(values, np.array([0.5, 0.5])), [0.9, 0.1], atol=0.015)
    three = np.concatenate([values, np.zeros((6000, 1))], axis=1)
    np.testing.assert_allclose(shifted_shares_by_em(three, np.array([0.5, 0.5, 0])), [0.9, 0.1, 0], atol=0.015)


def test_weights_are_flattened_to_an_effective_sample_size():
    weights, times = np.array([8.0, 1, 1, 1]), np.ones(4)
    assert effective_rows(weights, times) == pytest.approx(121 / 67)
    same, power = flattened(weights, times, 0.4)
    assert power == 1
    assert same is weights
    flat, power = flattened(weights, times, 0.75)
    assert 0 < power < 1
    assert effective_rows(flat, times) == pytest.approx(3, rel=1e-6)
    np.testing.assert_allclose(flat / flat[1], weights**power, rtol=1e-6)
    assert effective_rows(mean_one(weights, times), times) == pytest.approx(121 / 67)


def blobs(rng, shares, n, spread=1.0, move=0.0):
    codes = rng.choice(2, n, p=shares)
    return codes, (rng.normal(size=(n, 4)) * spread + codes[:, None] * 2.5 + move).astype(np.float32)


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """Training rows of equal shares; a target file with 80 % of the second class."""
    rng = np.random.default_rng(4)
    codes, features = blobs(rng, [0.5, 0.5], 600)
    _, there = blobs(rng, [0.2, 0.8], 500)
    folder = tmp_path_factory.mktemp("target")
    lines = ["a,b,c,d", *(",".join(f"{v:.5f}" for v in row) for row in there)]
    (folder / "target.csv").write_text("\n".join(lines) + "\n")
    columns = {name: features[:, i].tolist() for i, name in enumerate("abcd")}
    columns |= {"label": [("one", "two")[c] for c in codes], "id": [f"r{i}" for i in range(600)]}
    columns["split"] = ["train"] * 500 + ["test"] * 100
    task = {
        "kind": "classification", "features": list("abcd"), "label": "label", "id": "id", "split": "split",
        "target": str(folder / "target.csv"),
    }  # fmt: skip
    return curate.load(columns, task=task)


def evidence_of(table):
    return Evidence(table, EvidenceSettings(encoder="classic", folds=3, workers=1))


def found(step, evidence):
    assert step.refuses(evidence.table.task) is None
    lines = step.decide(evidence.labels, evidence, np.random.default_rng(0)).table.to_pylist()
    return {line["row_id"]: float(line["after"]) for line in lines}, lines


@pytest.mark.parametrize("method", ["bbse", "em"])
def test_label_shift_toward_a_file(shifted, method):
    evidence = evidence_of(shifted)
    weights, lines = found(ImportanceWeights(method=method), evidence)
    assert sorted(weights) == sorted(f"r{i}" for i in range(500))
    codes = evidence.labels.codes
    by_class = [np.mean([weights[f"r{i}"] for i in range(500) if codes[i] == k]) for k in (0, 1)]
    share = np.mean(codes[:500])
    assert by_class[1] * share == pytest.approx(0.8, abs=0.05)
    assert np.mean(list(weights.values())) == pytest.approx(1, rel=1e-4)
    size = effective_rows(np.array(list(weights.values())))
    assert f"effective sample size {size:,.0f} of 500" in lines[0]["reason"]
    assert "of the target" in lines[0]["reason"]
    assert "leave an effective sample size of" in evidence.notes[-1]


def test_covariate_shift_toward_a_file_in_any_order(shifted):
    evidence = evidence_of(shifted)
    weights, _ = found(ImportanceWeights(max_weight=3), evidence)
    codes = evidence.labels.codes
    own = np.array([weights[f"r{i}"] for i in range(500)])
    assert own.max() <= 3.0001
    assert own.mean() == pytest.approx(1, rel=1e-4)
    assert (own * codes[:500]).sum() / own.sum() == pytest.approx(0.8, abs=0.1)
    other = evidence_of(shifted.select(np.random.default_rng(0).permutation(600)))
    again, _ = found(ImportanceWeights(max_weight=3), other)
    assert again == pytest.approx(weights, rel=1e-4)


def test_a_split_as_the_target():
    rng = np.random.default_rng(5)
    codes, features = blobs(rng, [0.5, 0.5], 300)
    _, moved = blobs(rng, [0.5, 0.5], 200, move=1.0)
    columns = {
        "features": np.concatenate([features, moved]),
        "label": [("one", "two")[c] for c in codes] + ["one"] * 200,
        "split": ["train"] * 300 + ["field"] * 100 + ["test"] * 100,
        "id": [f"r{i}" for i in range(500)],
    }
    for target in ("field", "test"):
        task = {"kind": "classification", "features": "features", "label": "label", "split": "split", "id": "id"}
        evidence = evidence_of(curate.load(columns, task=task | {"target": target}))
        weights, _ = found(ImportanceWeights(min_effective_share=0.5), evidence)
        assert set(weights) >= {f"r{i}" for i in range(300)}
        assert not set(weights) & {f"r{i}" for i in (range(300, 400) if target == "field" else range(400, 500))}
        own = np.array([weights[f"r{i}"] for i in range(300)])
        assert effective_rows(np.array(list(weights.values()))) >= 0.5 * len(weights) - 1
        assert np.corrcoef(own, features.sum(1))[0, 1] > (0.3 if target == "field" else -1)


def test_too_few_rows_and_refusals(shifted):
    evidence = evidence_of(shifted.select(range(10)))
    assert found(ImportanceWeights(), evidence)[0] == {}
    assert "too few to compare" in evidence.notes[-1]
    task = shifted.task
    assert "names none" in ImportanceWeights().refuses(task.model_copy(update={"target": None}))
    regression = task.model_copy(update={"kind": "regression"})
    assert "shares of classes" in ImportanceWeights(method="em").refuses(regression)
    assert ImportanceWeights().refuses(regression) is None
