"""label_errors: planted flips, parity with cleanlab, kinds of tasks."""

from typing import get_args

import numpy as np
import pyarrow.parquet as pq
import pytest

from curate import registry
from curate.checks.label_errors import LabelErrors
from curate.checks.labels import confident_learning
from curate.errors import ConfigError
from curate.evidence.noise import estimate_noise
from curate.task import Task


@pytest.fixture
def flipped():
    """(given labels, true labels, probabilities) of 1,500 rows of 5 classes, 10 % flipped to the next class."""
    rng = np.random.default_rng(3)
    n, k = 1500, 5
    true = rng.integers(0, k, n)
    given = np.where(rng.random(n) < 0.1, (true + 1) % k, true)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), true] += 4
    p = np.exp(logits)
    return given, true, (p / p.sum(1, keepdims=True)).astype(np.float32)


def classes(table_of, given, **more):
    n = len(given)
    return table_of(
        {"text": [f"t{i}" for i in range(n)], "label": [f"c{g}" for g in given], **more}, text="text", label="label",
        split="split" if "split" in more else None,
    )  # fmt: skip


@pytest.mark.parametrize("filter_by", get_args(confident_learning.Filter))
def test_each_filter_names_the_rows_that_cleanlab_names(table_of, evidence_of, flipped, filter_by):
    from cleanlab.filter import find_label_issues

    given, _, p = flipped
    evidence = evidence_of(classes(table_of, given), probabilities=p)
    found = LabelErrors(method="confident_learning", filter=filter_by).find(evidence)
    expected = find_label_issues(given, confident_learning.clean(p), filter_by=filter_by, n_jobs=1)
    assert found.table["is_issue"].to_numpy(zero_copy_only=False).tolist() == expected.tolist()
    assert expected.sum() > 50
    # Where the model agrees with a label that the filter names nevertheless, no other label is suggested.
    suggested, best = found.table["suggested_label"].to_pylist(), p.argmax(1)
    assert suggested == [f"c{b}" if e and b != g else None for e, b, g in zip(expected, best, given, strict=True)]


@pytest.mark.parametrize("score", get_args(confident_learning.Score))
def test_each_score_is_cleanlabs(table_of, evidence_of, flipped, score):
    from cleanlab.rank import get_label_quality_scores

    given, _, p = flipped
    evidence = evidence_of(classes(table_of, given), probabilities=p)
    found = LabelErrors(method="confident_learning", score=score).find(evidence)
    expected = get_label_quality_scores(given, confident_learning.clean(p), method=score)
    np.testing.assert_allclose(found.table["score"].to_numpy(), np.clip(expected, 0, 1), atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"method": "noise_model"}, {"method": "confident_learning"}])
def test_planted_flips_are_found_and_the_true_label_suggested(table_of, evidence_of, flipped, settings):
    given, true, p = flipped
    posterior = estimate_noise(p, given, np.ones(len(given), dtype=bool)).posterior
    evidence = evidence_of(classes(table_of, given), probabilities=p, posterior=posterior)
    findings = LabelErrors(**settings).find(evidence)
    flagged = findings.table["is_issue"].to_numpy(zero_copy_only=False)
    wrong = given != true
    assert (flagged & wrong).sum() / wrong.sum() > 0.93
    assert (flagged & wrong).sum() / flagged.sum() > 0.93
    suggested = np.array(findings.table["suggested_label"].to_pylist(), dtype=object)
    right = suggested[flagged & wrong] == np.array([f"c{t}" for t in true], dtype=object)[flagged & wrong]
    assert right.mean() > 0.95
    facts = findings.facts["label_errors"]
    assert facts["issues"] == flagged.sum()
    assert sum(c["rows"] for c in facts["classes"].values()) == len(given)
    assert facts["confusions"][0]["rows"] >= 20


def test_flips_among_real_texts_are_found_by_given_probabilities(shared_data, table_of, evidence_of):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    train = pq.read_table(shared_data / "banking77" / "train.parquet").to_pandas()
    noise = pq.read_table(shared_data / "banking77" / "injected_noise.parquet").to_pandas()
    chosen = train["label"].isin(sorted(train["label"].unique())[:12]) & noise["label_uniform10"].isin(
        sorted(train["label"].unique())[:12]
    )
    texts, given = train["text"][chosen].tolist(), noise["label_uniform10"][chosen].to_numpy()
    wrong = given != train["label"][chosen].to_numpy()
    vectors = TfidfVectorizer(sublinear_tf=True).fit_transform(texts)
    p = cross_val_predict(LogisticRegression(C=20, max_iter=300), vectors, given, cv=4, method="predict_proba")
    table = table_of({"text": texts, "label": given.tolist()}, text="text", label="label")
    findings = LabelErrors().find(evidence_of(table, probabilities=p))
    flagged = findings.table["is_issue"].to_numpy(zero_copy_only=False)
    assert wrong.sum() >= 15
    assert (flagged & wrong).sum() / wrong.sum() >= 0.8


def test_verdicts_on_training_rows_do_not_depend_on_held_out_rows(table_of, evidence_of, flipped):
    given, _, p = flipped
    split = ["test" if i % 5 == 0 else "train" for i in range(len(given))]
    both = evidence_of(classes(table_of, given, split=split), probabilities=p)
    train = np.array([i for i, s in enumerate(split) if s == "train"])
    step = LabelErrors(method="confident_learning")
    alone = step.find(both.select(train)).table
    whole = step.find(both).table
    keep = np.isin(whole["row"].to_numpy(), train)
    assert whole.filter(keep)["is_issue"].to_pylist() == alone["is_issue"].to_pylist()
    held = whole.filter(~keep)
    assert 0.05 < np.mean(held["is_issue"].to_numpy(zero_copy_only=False)) < 0.2


@pytest.mark.parametrize("settings", [{}, {"method": "confident_learning"}])
def test_multilabel_sets_are_judged_class_by_class(table_of, evidence_of, settings):
    rng = np.random.default_rng(0)
    n, names = 400, ("a", "b", "c")
    true = rng.random((n, 3)) < 0.4
    given = true.copy()
    wrong = rng.choice(n, 30, replace=False)
    given[wrong, 0] = ~given[wrong, 0]
    p = np.clip(true * 0.9 + 0.05 + rng.normal(0, 0.03, (n, 3)), 0.01, 0.99)
    lists = [[name for name, on in zip(names, row, strict=True) if on] for row in given]
    table = table_of(
        {"text": [f"t{i}" for i in range(n)], "label": lists}, text="text", label="label", kind="multilabel",
        label_names=names,
    )  # fmt: skip
    findings = LabelErrors(**settings).find(evidence_of(table, probabilities=p))
    flagged = set(findings.flagged["row"].to_pylist())
    assert len(flagged & set(wrong.tolist())) >= 26
    assert len(flagged - set(wrong.tolist())) <= 3
    assert sum("'a'" in reason for reason in findings.flagged["reason"].to_pylist()) >= 26


@pytest.fixture
def sets(table_of, evidence_of):
    """Evidence of 300 sets of labels, one of which all rows have, and their probabilities."""
    rng = np.random.default_rng(1)
    names, given = ("a", "b", "always"), rng.random((300, 3)) < 0.4
    given[:, 2] = True
    p = np.clip(given * 0.6 + 0.2 + rng.normal(0, 0.25, (300, 3)), 0.01, 0.99)
    lists = [[name for name, on in zip(names, row, strict=True) if on] for row in given]
    table = table_of(
        {"text": [f"t{i}" for i in range(300)], "label": lists}, text="text", label="label", kind="multilabel",
        label_names=names,
    )  # fmt: skip
    return evidence_of(table, probabilities=p), given, p


def test_sets_by_confident_learning_are_cleanlabs(sets):
    from cleanlab.multilabel_classification.filter import find_label_issues
    from cleanlab.multilabel_classification.rank import get_label_quality_scores

    evidence, given, p = sets
    found = LabelErrors(method="confident_learning").find(evidence).table
    p = p.astype(evidence.probabilities().values.dtype).astype(np.float64)
    expected = get_label_quality_scores([np.flatnonzero(row).tolist() for row in given], p)
    np.testing.assert_allclose(found["score"].to_numpy(), expected, atol=1e-6)
    # A label that all rows have can't be compared.
    named = find_label_issues([np.flatnonzero(row).tolist() for row in given[:, :2]], p[:, :2].copy(), n_jobs=1)
    assert found["is_issue"].to_pylist() == named.tolist()
    assert 5 < named.sum() < 150


@pytest.mark.parametrize("least", [0.1, 0.5, 0.8])
def test_sets_by_the_noise_model_are_flagged_by_their_worst_label(sets, least):
    evidence, given, _ = sets
    found = LabelErrors(method="noise_model", min_confidence=least).find(evidence).table
    posterior = evidence.noise().posterior
    worst = np.where(given, posterior, 1 - posterior).min(1)
    np.testing.assert_allclose(found["score"].to_numpy(), worst, atol=1e-6)
    expected = (worst < 0.5) & (worst <= 1 - least)
    assert found["is_issue"].to_pylist() == expected.tolist()
    assert 0 < expected.sum() < 200


def test_numbers_far_from_their_neighbours_values_are_found(table_of, evidence_of):
    rng = np.random.default_rng(0)
    n = 300
    angle = rng.uniform(0, np.pi, n)
    vectors = np.stack([np.cos(angle), np.sin(angle)], 1)
    value = 10 * angle + rng.normal(0, 0.1, n)
    wrong = rng.choice(n, 10, replace=False)
    value[wrong] += 20
    table = table_of(
        {"text": [f"t{i}" for i in range(n)], "label": value.tolist()}, text="text", label="label", kind="regression"
    )
    findings = LabelErrors().find(evidence_of(table, vectors=vectors))
    assert set(wrong.tolist()) <= set(findings.flagged["row"].to_pylist())
    assert len(findings.flagged) <= 14
    score = findings.table["score"].to_numpy()
    assert score[wrong].max() < np.median(score)


def test_scores_of_numbers_do_not_hang_on_held_out_rows(table_of, evidence_of):
    rng = np.random.default_rng(0)
    n, held = 200, 80
    angle = rng.uniform(0, np.pi, n)
    vectors = np.stack([np.cos(angle), np.sin(angle)], 1)
    value = 10 * angle + rng.normal(0, 0.5, n)
    split = np.array(["train"] * (n - held) + ["test"] * held)

    def scores(values):
        columns = {"text": [f"t{i}" for i in range(n)], "label": values.tolist(), "split": split.tolist()}
        table = table_of(columns, text="text", label="label", split="split", kind="regression")
        return LabelErrors().find(evidence_of(table, vectors=vectors)).table["score"].to_numpy()

    spoiled = np.where(split == "test", value + 50, value)
    assert (scores(value)[: n - held] == scores(spoiled)[: n - held]).all()
    assert (scores(value)[n - held :] != scores(spoiled)[n - held :]).any()


def test_what_is_usual_of_numbers_is_learned_from_training_rows(table_of, evidence_of):
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, np.pi, 200)
    value = 10 * angle + rng.normal(0, 0.5, 200)
    value[0] += 20
    value[120:] += rng.normal(0, 500, 80)  # more held-out rows than the median would stand
    columns = {
        "text": [f"t{i}" for i in range(200)],
        "label": value.tolist(),
        "split": ["train"] * 100 + ["test"] * 100,
    }
    table = table_of(columns, text="text", label="label", split="split", kind="regression")
    found = LabelErrors().find(evidence_of(table, vectors=np.stack([np.cos(angle), np.sin(angle)], 1)))
    assert found.facts["label_errors"]["typical_residual"] < 1.5
    rows = found.flagged["row"].to_pylist()
    assert [row for row in rows if row < 120] == [0]
    assert len(rows) > 70


@pytest.mark.parametrize("labels", [[1.0, 2.0, 3.0, 90.0], [None] * 6])
def test_too_few_numbers_are_not_judged(table_of, evidence_of, labels):
    n = len(labels)
    columns = {"text": [f"t{i}" for i in range(n)], "label": np.array(labels, float).tolist()}
    table = table_of(columns, text="text", label="label", kind="regression")
    assert not len(LabelErrors().find(evidence_of(table, vectors=np.eye(n, 2) + 1)))


def test_settings_that_say_nothing_about_such_labels_are_refused():
    sets = Task(kind="multilabel", text="text", label="label", label_names=("a", "b"))
    numbers, tags = (Task(kind=kind, text="text", label="label") for kind in ("regression", "token_classification"))
    for settings, task, what in (
        ({"min_doubt": 0.9}, sets, "one rule for all their labels, which has no min_doubt"),
        ({"method": "confident_learning", "filter": "both"}, sets, "which has no filter"),
        ({"method": "neighbours", "k": 5}, numbers, "distance to predictions, which has no k"),
        ({"method": "noise_model"}, numbers, "which has no method"),
        ({"min_doubt": 0.9}, tags, "which has no min_doubt"),
    ):
        assert what in LabelErrors(**settings).refuses(task)
    for settings in ({}, {"method": "noise_model", "min_confidence": 0.7}, {"method": "confident_learning"}):
        assert LabelErrors(**settings).refuses(sets) is None
    assert LabelErrors(limit=0.5).refuses(numbers) is LabelErrors(fix="review").refuses(tags) is None


def test_settings_of_the_other_method_are_refused():
    with pytest.raises(ConfigError, match="method: confident_learning"):
        LabelErrors(method="noise_model", filter="both")
    with pytest.raises(ConfigError, match="method: noise_model or neighbours"):
        LabelErrors(method="confident_learning", min_confidence=0.9)
    with pytest.raises(ConfigError, match="method: ensemble"):
        LabelErrors(method="cleanlab", min_doubt=0.9)


@pytest.mark.parametrize("kind", ["segmentation", "detection", "unlabeled", "transcription"])
def test_other_tasks_are_refused_with_a_sentence(kind):
    assert kind in registry.step("label_errors")().refuses(Task(kind=kind, image="image"))
