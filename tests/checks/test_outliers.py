"""outliers: planted strangers, overall, within a class, and in tables."""

import re

import numpy as np
import pyarrow.parquet as pq
import pytest

import curate
from curate.checks.detectors.features import feature_matrix
from curate.checks.label_errors import LabelErrors
from curate.checks.near_duplicates import NearDuplicates
from curate.checks.outliers import Outliers
from curate.evidence import Evidence


def rows_of(findings):
    return set(findings.flagged["row"].to_pylist())


@pytest.fixture
def clustered(table_of, evidence_of):
    """300 rows in three classes, five strangers to all, five that stand in another class's cluster."""
    rng = np.random.default_rng(0)
    centres = np.eye(8)[:3]
    codes = np.arange(300) % 3
    vectors = centres[codes] + 0.1 * rng.normal(size=(300, 8))
    vectors[:5] = np.eye(8)[3:8] + 0.1 * rng.normal(size=(5, 8))
    vectors[5:10] = centres[(codes[5:10] + 1) % 3] + 0.1 * rng.normal(size=(5, 8))
    columns = {"text": [f"t{i}" for i in range(300)], "label": [f"c{c}" for c in codes]}
    return evidence_of(table_of(columns, text="text", label="label"), vectors=vectors)


def test_strangers_to_all_and_strangers_to_their_class_are_found(clustered):
    findings = Outliers().find(clustered)
    assert set(range(10)) <= rows_of(findings)
    assert len(rows_of(findings)) <= 16
    reasons = dict(zip(findings.flagged["row"].to_pylist(), findings.flagged["reason"].to_pylist(), strict=True))
    assert all("compared with the class" in reasons[row] for row in range(5, 10))
    score, flagged = findings.table["score"].to_numpy(), findings.table["is_issue"].to_numpy(zero_copy_only=False)
    assert score[flagged].max() < 0.5 <= score[~flagged].min()


def test_without_classes_only_strangers_to_all_are_found(clustered):
    found = rows_of(Outliers(per_class=False).find(clustered))
    assert set(range(5)) <= found
    assert not found & set(range(5, 10))


def test_max_share_keeps_the_most_remote(clustered):
    findings = Outliers(max_share=0.01).find(clustered)
    assert len(rows_of(findings)) == 3
    score = findings.table["score"].to_numpy()
    assert set(np.argsort(score)[:3].tolist()) == rows_of(findings)
    assert not rows_of(Outliers(max_share=0).find(clustered))


def test_fewer_false_alarms_flag_fewer(clustered):
    few, many = (rows_of(Outliers(false_alarms=a).find(clustered)) for a in (1e-4, 0.05))
    assert few < many


@pytest.mark.parametrize(("name", "least"), [("38_thyroid", 0.94), ("31_satimage-2", 0.97), ("6_cardio", 0.85)])
def test_anomalies_of_real_tables_rank_first(shared_data, table_of, evidence_of, name, least):
    from sklearn.metrics import roc_auc_score

    from curate.evidence.encoders.features import feature_vectors

    data = np.load(shared_data / "adbench_tabular" / f"{name}.npz")
    rng = np.random.default_rng(0)
    rows = np.sort(rng.permutation(len(data["X"]))[:2000])
    values, anomaly = data["X"][rows].astype(np.float64), data["y"][rows]
    table = table_of(
        {f"x{j}": values[:, j] for j in range(values.shape[1])}, features=[f"x{j}" for j in range(values.shape[1])]
    )
    vectors = feature_vectors(values, np.ones(len(values), dtype=bool))
    findings = Outliers().find(evidence_of(table, vectors=vectors))
    assert roc_auc_score(anomaly, 1 - findings.table["score"].to_numpy()) >= least


def test_categories_that_are_rare_stand_apart(table_of, evidence_of):
    rng = np.random.default_rng(0)
    n = 300
    columns = {f"c{j}": rng.choice(["a", "b", "c"], n).tolist() for j in range(4)} | {"x": rng.normal(size=n).tolist()}
    for j in range(4):
        columns[f"c{j}"][7] = f"strange{j}"
    table = table_of(columns, features=list(columns))
    findings = Outliers().find(evidence_of(table, vectors=rng.normal(size=(n, 5))))
    assert findings.table["score"].to_numpy().argmin() == 7
    assert (
        "occurs 1 time"
        in dict(zip(findings.flagged["row"].to_pylist(), findings.flagged["reason"].to_pylist(), strict=True))[7]
    )


def test_held_out_rows_neither_take_places_nor_count_categories(clustered, table_of, evidence_of):
    table = clustered.table
    split = ["test" if i < 5 else "train" for i in range(len(table))]
    columns = {"text": table.dataset["text"][:], "label": table.dataset["label"][:], "split": split}
    held = evidence_of(table_of(columns, text="text", label="label", split="split"), vectors=clustered._vectors)
    # Five of the ten strangers stand in the test split; a share of 2 % still leaves five training rows their place.
    assert rows_of(Outliers(max_share=0.02).find(held)) >= set(range(5, 10))
    rare = {"kind": ["a"] * 8 + ["b"] * 2, "split": ["train"] * 8 + ["test"] * 2}
    rare = table_of(rare, features=("kind",), split="split", kind="unlabeled")
    assert feature_matrix(rare, rare.training)[:, 0].tolist() == pytest.approx([np.log(8)] * 8 + [0.0] * 2)


def test_numbers_that_are_points_of_one_curve_are_left_to_series_anomalies():
    times = [str(t) for t in np.datetime64("2024-01-01T00:00:00") + np.arange(300) * np.timedelta64(300, "s")]
    columns = {"unique_id": ["a"] * 300, "ds": times, "y": np.random.default_rng(0).normal(size=300)}
    one = Evidence(curate.load(columns))
    assert one.table.task.kind == "regression"
    for check in (LabelErrors(), NearDuplicates()):
        found = check.find(one)
        assert len(found) == 0
        assert "its rows are points" in found.facts[check.name]["sentence"]
    assert len(NearDuplicates(min_similarity=0.9).find(one)) == 300
    rows = {**columns, "temperature": np.random.default_rng(1).normal(size=300)}
    assert len(LabelErrors().find(Evidence(curate.load(rows, label="y")))) == 300


def test_the_points_of_one_curve_are_left_to_series_anomalies(table_of, evidence_of):
    rng = np.random.default_rng(0)
    times = [str(t) for t in np.datetime64("2024-01-01T00:00:00") + np.arange(500) * np.timedelta64(300, "s")]
    columns = {"timestamp": times, "value": rng.lognormal(size=500), "other": rng.normal(size=500)}
    one = evidence_of(table_of({k: columns[k] for k in ("timestamp", "value")}, features=["timestamp", "value"]))
    found = Outliers().find(one)
    assert len(found) == 0
    assert "series_anomalies" in found.facts["outliers"]["sentence"]
    assert len(Outliers(method="knn").find(one)) == 500
    assert len(Outliers().find(evidence_of(table_of(columns, features=list(columns))))) == 500


@pytest.mark.parametrize("n", [40, 120])
def test_small_clean_sets_give_few_false_alarms_and_no_bold_claims(n):
    from sklearn.datasets import load_iris, load_wine

    wine, iris = load_wine(return_X_y=True)[0], load_iris(return_X_y=True)[0]
    alarms, rows = 0, 0
    for seed in range(2):
        rng = np.random.default_rng(seed)
        sets = [rng.normal(size=(n, 6)), wine[rng.permutation(len(wine))[:n]], iris[rng.permutation(len(iris))[:n]]]
        for values in sets:
            alarms += len(_judged(values).flagged)
            rows += n
    assert alarms <= 0.02 * rows
    values[0] += 8 * values.std(0)
    [reason] = [line["reason"] for line in _judged(values).flagged.to_pylist() if line["row"] == 0]
    often = int(re.search(r"as strange as (?:less than )?1 in ([\d,]+) usual rows", reason)[1].replace(",", ""))
    assert often <= 10 * n


def test_small_clean_sets_of_real_embeddings_give_few_false_alarms(shared_data):
    texts = pq.read_table(shared_data / "banking77" / "train.parquet")["text"].to_pylist()
    flagged, sizes = 0, (40, 110)
    for seed, n in enumerate(sizes):
        chosen = np.random.default_rng(seed).permutation(len(texts))[:n]
        table = curate.load({"text": [texts[row] for row in chosen]}, task=curate.Task(text="text", kind="unlabeled"))
        flagged += len(Outliers().find(Evidence(table)).flagged)
    assert flagged <= 0.02 * sum(sizes)


def _judged(values):
    columns = {f"c{place}": column.tolist() for place, column in enumerate(values.T)}
    return Outliers().find(Evidence(curate.load(columns, task=curate.Task(features=list(columns), kind="unlabeled"))))


def test_names_that_come_twice_among_names_that_come_once_are_no_outliers(table_of, evidence_of):
    rng = np.random.default_rng(0)
    n = 300
    names = [f"name {k}" for k in range(n)]
    names[10], names[20], names[30] = names[11], names[21], names[31]
    columns = {"name": names, "x": rng.normal(size=n).tolist(), "y": rng.normal(size=n).tolist()}
    table = table_of(columns, features=list(columns))
    flagged = Outliers().find(evidence_of(table, vectors=rng.normal(size=(n, 5)))).flagged
    assert not set(flagged["row"].to_pylist()) & {10, 11, 20, 21, 30, 31}
