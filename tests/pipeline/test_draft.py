"""A drafted pipeline runs as it is, whatever the rows lack."""

import numpy as np

import curate
from curate.pipeline.draft import draft


def run(table, tmp_path):
    text = draft(table, "rows.csv", tmp_path)
    return text, curate.Pipeline.from_text(text).run(table, cache=False)


def test_a_column_without_a_value_is_not_filled_and_said(tmp_path):
    rng = np.random.default_rng(0)
    a = rng.normal(size=60)
    a[::7] = np.nan
    data = {"a": a, "b": rng.normal(size=60), "d": np.full(60, np.nan), "label": ["x", "y"] * 30}
    task = curate.Task(features=("a", "b", "d"), label="label", kind="classification")
    text, curated = run(curate.load(data, task=task), tmp_path)
    assert "impute: {columns: [a, b]}" in text
    assert "# no training row has a value of d" in text
    assert np.isfinite(np.array(curated.table.column("a").to_pylist())).all()


def test_words_with_tags_are_not_moved(tmp_path):
    data = {"tokens": [["Ann", "saw", f"Bob {i}"] for i in range(40)], "tags": [["P", "O", "P"]] * 40}
    table = curate.load(data, task=curate.Task(tokens="tokens", label="tags", kind="token_classification"))
    text, curated = run(table, tmp_path)
    assert "augment" not in text
    assert curated.plan.num_rows


def test_sets_of_labels_are_judged_and_weighed(tmp_path):
    labels = [[name for name, n in (("a", 2), ("b", 3), ("c", 7)) if k % n == 0] for k in range(60)]
    texts = [f"{' '.join(row)} {k} words that say little" for k, row in enumerate(labels)]
    text, curated = run(curate.load({"text": texts, "labels": labels}), tmp_path)
    for step in ("label_errors: {fix: review}", "conflicting_labels: {fix: review}", "label_set_weights"):
        assert f"- {step}" in text
    assert len(set(curated.plan["weight"].to_pylist())) > 1
