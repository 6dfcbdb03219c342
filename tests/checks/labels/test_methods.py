"""The methods of label_errors: the ensemble's calibrated flags, cleanlab's scores, neighbours, training dynamics."""

import re

import numpy as np
import pytest

import curate
from curate.checks.label_errors import LabelErrors
from curate.checks.labels import confident_learning, ensemble
from curate.evidence.evidence import Evidence
from curate.evidence.noise import estimate_noise
from curate.task import Task


def judged(table_of, evidence_of, p, given, **settings):
    columns = {"text": [f"t{i}" for i in range(len(given))], "label": [f"c{g:02d}" for g in given]}
    names = tuple(f"c{k:02d}" for k in range(p.shape[1]))
    table = table_of(columns, text="text", label="label", kind="classification", label_names=names)
    posterior = estimate_noise(p, given, np.ones(len(given), dtype=bool)).posterior
    return LabelErrors(**settings).find(evidence_of(table, probabilities=p, posterior=posterior))


def flags(findings):
    return findings.table["is_issue"].to_numpy(zero_copy_only=False)


def test_the_interval_holds_the_planted_noise_rate(predicted):
    """Of 30 sets of all sorts, with planted rates from 2 to 35 %."""
    held, off, wide = [], [], []
    for seed in range(10):
        for n, classes, sharpness in ((300, 3, 3.0), (1000, 6, 4.0), (800, 20, 5.0)):
            rate = (0.02, 0.05, 0.1, 0.2, 0.35)[seed % 5]
            p, true, given = predicted(n, classes, rate, seed, sharpness, structured=bool(seed % 2))
            posterior = estimate_noise(p, given, np.ones(n, dtype=bool)).posterior
            found = ensemble.noise_rate(given, p, ensemble.Views.of(given, p, posterior))
            actual = (true != given).mean()
            held.append(found.low <= actual <= found.high)
            off.append(abs(found.rate - actual))
            wide.append(found.high - found.low)
    assert np.mean(held) >= 0.9
    assert np.mean(off) < 0.02
    assert np.mean(wide) < 0.08


def test_as_many_rows_are_flagged_as_labels_are_wrong(table_of, evidence_of, predicted):
    p, true, given = predicted(3000, 10, 0.12, 0)
    findings = judged(table_of, evidence_of, p, given)
    facts, wrong = findings.facts["label_errors"], true != given
    assert flags(findings).sum() == pytest.approx(wrong.sum(), rel=0.15)
    assert (flags(findings) & wrong).sum() / wrong.sum() > 0.9
    assert "thin_classes" not in facts
    low, high = facts["noise_rate_interval"]
    assert low <= wrong.mean() <= high
    assert low <= facts["estimated_noise_rate"] <= high


def test_a_reason_is_one_clear_sentence_that_does_not_contradict_the_flag(table_of, evidence_of, predicted):
    p, _, given = predicted(3000, 10, 0.1, 3, 1.5)
    posterior = estimate_noise(p, given, np.ones(len(given), dtype=bool)).posterior
    lines = judged(table_of, evidence_of, p, given).flagged.to_pylist()
    right = [posterior[line["row"], given[line["row"]]] >= 0.5 for line in lines]
    assert 0 < sum(right) < len(lines)
    for line, likely in zip(lines, right, strict=True):
        assert ("likelier right than wrong" in line["reason"]) == likely
        assert re.search(r"doubt 0\.\d\d, flagged from 0\.\d\d on$", line["reason"])
        assert len(line["reason"]) < (330 if likely else 140)


@pytest.mark.parametrize("sharpness", [2.0, 4.0])
def test_clean_labels_are_left_alone(table_of, evidence_of, sharpness, predicted):
    p, true, _ = predicted(3000, 8, 0.0, 1, sharpness)
    findings = judged(table_of, evidence_of, p, true)
    assert flags(findings).mean() <= 0.02
    assert findings.facts["label_errors"]["noise_rate_interval"][0] < 0.005


def test_classes_of_a_few_rows_are_flagged_sparingly(table_of, evidence_of):
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(50), 5)
    logits = rng.normal(size=(250, 50))
    logits[np.arange(250), codes] += 2.5
    p = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    findings = judged(table_of, evidence_of, p, codes)
    by_filter = judged(table_of, evidence_of, p, codes, method="confident_learning")
    assert flags(findings).mean() <= 0.03
    assert flags(by_filter).mean() > 0.1
    assert findings.facts["label_errors"]["thin_classes"] == {"classes": 50, "rows_below": 10}


def test_min_doubt_takes_the_place_of_the_estimate(table_of, evidence_of, predicted):
    p, _, given = predicted(1000, 5, 0.1, 4)
    findings = judged(table_of, evidence_of, p, given, min_doubt=0.9)
    score = findings.table["score"].to_numpy()
    assert np.array_equal(flags(findings), score <= np.float32(0.1))
    # What is flagged for its own doubt is not said to be flagged for a number.
    every = judged(table_of, evidence_of, p, given, min_doubt=0.0)
    assert flags(every).all()
    assert not any("as many are flagged" in reason for reason in every.flagged["reason"].to_pylist())
    assert 0 < flags(findings).sum() < flags(judged(table_of, evidence_of, p, given, min_doubt=0.5)).sum()


def test_the_ensemble_ranks_no_worse_than_its_parts_on_any_noise(table_of, evidence_of, predicted):
    from sklearn.metrics import average_precision_score

    for structured in (True, False):
        p, true, given = predicted(3000, 10, 0.15, 5, 2.5, structured)
        wrong = true != given
        found = {
            method: average_precision_score(
                wrong, -judged(table_of, evidence_of, p, given, method=method).table["score"].to_numpy()
            )
            for method in ("ensemble", "noise_model", "cleanlab")
        }
        assert found["ensemble"] >= max(found.values()) - 0.01


@pytest.mark.parametrize("adjust", [False, True])
@pytest.mark.parametrize("score", ["self_confidence", "normalized_margin"])
def test_cleanlab_scores_and_counts(table_of, evidence_of, score, adjust, predicted):
    from cleanlab.count import num_label_issues
    from cleanlab.rank import get_label_quality_scores

    p, _, given = predicted(1500, 5, 0.1, 6)
    findings = judged(table_of, evidence_of, p, given, method="cleanlab", score=score, adjust=adjust)
    p = confident_learning.clean(p)
    expected = get_label_quality_scores(given, p, method=score, adjust_pred_probs=adjust)
    np.testing.assert_allclose(findings.table["score"].to_numpy(), expected, atol=1e-6)
    assert flags(findings).sum() == num_label_issues(given, p)
    assert expected[flags(findings)].max() <= expected[~flags(findings)].min()


@pytest.fixture(scope="module")
def blobs():
    """(vectors, true codes, given codes, row ids): 400 rows of 4 classes, 10 % of the labels wrong."""
    rng = np.random.default_rng(7)
    true = rng.integers(0, 4, 400)
    vectors = (rng.normal(size=(4, 8))[true] + 0.35 * rng.normal(size=(400, 8))).astype(np.float32)
    given = np.where(rng.random(400) < 0.1, (true + 1) % 4, true)
    return vectors, true, given, np.array([f"r{i:03d}" for i in range(400)])


def found_in(blobs, order, cache=None, **settings):
    vectors, _, given, ids = blobs
    task = Task(kind="classification", features="features", label="label", id="id")
    columns = {"features": list(vectors[order]), "label": [f"c{g}" for g in given[order]], "id": ids[order].tolist()}
    evidence = Evidence(curate.load(columns, task), cache=cache)
    return LabelErrors(**settings).find(evidence), evidence


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"method": "noise_model"},
        {"method": "cleanlab", "score": "normalized_margin"},
        {"method": "neighbours", "k": 12},
        {"method": "training_dynamics"},
        {"method": "training_dynamics", "held_out": False},
    ],
)
def test_every_method_finds_planted_errors_in_any_order_of_rows(blobs, settings):
    _, true, given, _ = blobs
    order = np.random.default_rng(8).permutation(400)
    findings, _ = found_in(blobs, np.arange(400), **settings)
    again, _ = found_in(blobs, order, **settings)
    flagged, wrong = flags(findings), true != given
    assert (flagged & wrong).sum() / wrong.sum() > 0.9
    assert (flagged & wrong).sum() / flagged.sum() > 0.7
    suggested = np.array(findings.table["suggested_label"].to_pylist(), dtype=object)[flagged & wrong]
    assert (suggested == np.array([f"c{t}" for t in true], dtype=object)[flagged & wrong]).mean() > 0.9
    lines, others = (
        sorted(found.table.drop_columns(["row"]).to_pylist(), key=lambda line: line["row_id"])
        for found in (findings, again)
    )
    assert lines == others
    assert all("flagged" in line["reason"] for line in findings.flagged.to_pylist())


def test_dynamics_are_kept_in_the_cache(blobs, tmp_path):
    settings = {"method": "training_dynamics"}
    first, evidence = found_in(blobs, np.arange(400), tmp_path, **settings)
    second, later = found_in(blobs, np.arange(400), tmp_path, **settings)
    assert first.table.equals(second.table)
    assert not evidence.facts()["estimates"]["dynamics"]["from_cache"]
    assert later.facts()["estimates"]["dynamics"]["from_cache"]


def test_one_label_methods_refuse_sets_of_labels():
    task = Task(kind="multilabel", text="text", label="label", label_names=("a", "b"))
    assert LabelErrors().refuses(task) is None
    assert "multilabel" in str(LabelErrors(method="neighbours").refuses(task))


@pytest.mark.parametrize("seed", range(4))
def test_labels_that_cannot_be_learned_are_not_called_wrong(seed):
    rng = np.random.default_rng(seed)
    n, k = ((60, 2), (240, 6), (500, 3), (40, 4))[seed]
    columns = {"x": list(rng.normal(size=(n, 6)).astype(np.float32)), "label": [f"c{c}" for c in rng.integers(0, k, n)]}
    evidence = Evidence(curate.load(columns, features="x", label="label"))
    found = LabelErrors().find(evidence)
    assert not found.flagged.num_rows
    assert not evidence.noise().informed
    assert "estimated_noise_rate" not in found.facts["label_errors"]
    assert any("no better than chance" in note for note in evidence.notes)


def test_a_confident_guess_where_labels_cannot_be_learned_flags_nothing():
    rng = np.random.default_rng(0)
    given, right = rng.integers(0, 2, 80), 0.5 + 0.01 * rng.normal(size=80)
    right[7] = 1e-6
    columns = {"x": list(rng.normal(size=(80, 4)).astype(np.float32)), "label": [f"c{c}" for c in given]}
    guesses = {"p": [[p, 1 - p] if c == 0 else [1 - p, p] for c, p in zip(given, right)]}
    evidence = Evidence(curate.load(columns | guesses, features="x", label="label", probabilities="p"))
    found = LabelErrors().find(evidence)
    assert not evidence.noise().informed
    assert not found.flagged.num_rows


@pytest.mark.parametrize(("n", "wrong"), [(60, [0]), (150, [0, 10]), (600, [0, 10, 20, 33])])
def test_rare_wrong_labels_in_plain_classes_are_found_and_mended(n, wrong):
    codes = np.arange(n) % 3
    x = (4 * np.eye(6)[codes] + np.random.default_rng(0).normal(0, 0.3, (n, 6))).astype(np.float32)
    given = codes.copy()
    given[wrong] = (given[wrong] + 1) % 3
    table = curate.load({"x": list(x), "label": ["abc"[c] for c in given]}, features="x", label="label")
    evidence = Evidence(table)
    assert LabelErrors().find(evidence).flagged["row"].to_pylist() == wrong
    assert (evidence.noise().posterior[wrong, codes[wrong]] > 0.9).all()
