"""Samplers equal imbalanced-learn's, row by row, on the same rows in the same order and for the same seed."""

import json

import numpy as np
import pytest
from imblearn import combine, over_sampling, under_sampling
from sklearn.linear_model import LogisticRegression

from curate.balance.resample import Resample

SELECTING = [
    ("random_over", {}, over_sampling.RandomOverSampler, {}),
    ("random_over", {"to": "minority"}, over_sampling.RandomOverSampler, {"sampling_strategy": "minority"}),
    ("random_over", {"to": {"b": 50}}, over_sampling.RandomOverSampler, {"sampling_strategy": {1: 50}}),
    ("random_under", {}, under_sampling.RandomUnderSampler, {}),
    ("random_under", {"to": "all", "replacement": True}, under_sampling.RandomUnderSampler,
     {"sampling_strategy": "all", "replacement": True}),
    ("random_under", {"to": "majority"}, under_sampling.RandomUnderSampler, {"sampling_strategy": "majority"}),
    ("near_miss", {}, under_sampling.NearMiss, {}),
    ("near_miss", {"version": 2, "k": 4}, under_sampling.NearMiss, {"version": 2, "n_neighbors": 4}),
    ("near_miss", {"version": 3, "n_neighbors_ver3": 4, "to": {"a": 10}}, under_sampling.NearMiss,
     {"version": 3, "n_neighbors_ver3": 4, "sampling_strategy": {0: 10}}),
    ("tomek_links", {}, under_sampling.TomekLinks, {}),
    ("tomek_links", {"to": "all"}, under_sampling.TomekLinks, {"sampling_strategy": "all"}),
    ("edited_nearest_neighbours", {}, under_sampling.EditedNearestNeighbours, {}),
    ("edited_nearest_neighbours", {"k": 5, "kind_sel": "mode", "to": ["b"]}, under_sampling.EditedNearestNeighbours,
     {"n_neighbors": 5, "kind_sel": "mode", "sampling_strategy": [1]}),
    ("repeated_edited_nearest_neighbours", {"kind_sel": "mode", "max_iter": 5},
     under_sampling.RepeatedEditedNearestNeighbours, {"kind_sel": "mode", "max_iter": 5}),
    ("all_knn", {}, under_sampling.AllKNN, {}),
    ("all_knn", {"allow_minority": True}, under_sampling.AllKNN, {"allow_minority": True}),
    ("condensed_nearest_neighbour", {}, under_sampling.CondensedNearestNeighbour, {}),
    ("one_sided_selection", {"n_seeds": 5}, under_sampling.OneSidedSelection, {"n_seeds_S": 5}),
    ("neighbourhood_cleaning_rule", {"threshold_cleaning": 0.1}, under_sampling.NeighbourhoodCleaningRule,
     {"threshold_cleaning": 0.1}),
    ("instance_hardness_threshold", {"cv": 3}, under_sampling.InstanceHardnessThreshold, {"cv": 3}),
    ("instance_hardness_threshold", {"cv": 3, "estimator": "logistic"}, under_sampling.InstanceHardnessThreshold,
     {"cv": 3, "estimator": LogisticRegression(max_iter=1000, random_state=7)}),
]  # fmt: skip
MAKING = [
    ("smote", {}, over_sampling.SMOTE, {}),
    ("smote", {"k": 3, "to": {"c": 60}}, over_sampling.SMOTE, {"k_neighbors": 3, "sampling_strategy": {2: 60}}),
    ("borderline_smote", {}, over_sampling.BorderlineSMOTE, {}),
    ("borderline_smote", {"borderline": 2, "m": 6}, over_sampling.BorderlineSMOTE,
     {"kind": "borderline-2", "m_neighbors": 6}),
    ("svm_smote", {"out_step": 0.3}, over_sampling.SVMSMOTE, {"out_step": 0.3}),
    ("kmeans_smote", {"clusters": 3, "cluster_balance_threshold": 0.05}, over_sampling.KMeansSMOTE,
     {"kmeans_estimator": 3, "cluster_balance_threshold": 0.05}),
    ("adasyn", {}, over_sampling.ADASYN, {}),
    ("random_over", {"shrinkage": 0.5}, over_sampling.RandomOverSampler, {"shrinkage": 0.5}),
]  # fmt: skip


def given(evidence, canonical):
    rows = canonical(evidence)
    values = np.stack(evidence.table.column("features").to_pylist()).astype(np.float32)
    return rows, values[rows], evidence.labels.codes[rows]


def library(sampler, settings, seed=7):
    takes = {"random_state": seed} if "random_state" in sampler().get_params() else {}
    return sampler(**takes, **settings)


@pytest.mark.parametrize(("method", "settings", "sampler", "theirs"), SELECTING)
def test_the_same_rows_are_selected(planted, canonical, decided, times, method, settings, sampler, theirs):
    evidence = planted(held_out=20, unlabeled=5)
    rows, values, codes = given(evidence, canonical)
    peer = library(sampler, theirs)
    peer.fit_resample(values, codes)
    decisions, made = decided(Resample(method=method, seed=7, **settings), evidence)

    assert made is None
    expected = np.bincount(peer.sample_indices_, minlength=len(rows))
    np.testing.assert_array_equal(times(decisions, evidence.table.row_ids[rows]), expected)
    assert (expected != 1).any()


@pytest.mark.parametrize(("method", "settings", "sampler", "theirs"), MAKING)
def test_the_same_rows_are_made(planted, canonical, decided, method, settings, sampler, theirs):
    evidence = planted(held_out=20, unlabeled=5)
    rows, values, codes = given(evidence, canonical)
    new_values, new_codes = library(sampler, theirs).fit_resample(values, codes)
    decisions, made = decided(Resample(method=method, seed=7, **settings), evidence)

    ours = np.stack(made["features"].to_pylist()).astype(np.float32)
    np.testing.assert_array_equal(ours, new_values[len(rows) :].astype(np.float32))
    assert made["label"].to_pylist() == ["abc"[code] for code in new_codes[len(rows) :]]
    assert len(decisions) == len(made)


@pytest.mark.parametrize("method", ["smote", "borderline_smote", "svm_smote", "kmeans_smote", "adasyn"])
def test_a_new_row_lies_where_its_entry_says(planted, decided, method):
    evidence = planted()
    place = {row_id: i for i, row_id in enumerate(evidence.table.row_ids.tolist())}
    values = np.stack(evidence.table.column("features").to_pylist())
    settings = {"borderline": 2} if method == "borderline_smote" else {}
    settings |= {"cluster_balance_threshold": 0.05} if method == "kmeans_smote" else {}
    decisions, made = decided(Resample(method=method, **settings), evidence)
    for entry, row, label in zip(decisions.table.to_pylist(), made["features"].to_pylist(), made["label"].to_pylist()):
        how = json.loads(entry["after"])
        first, second = (place[name] for name in how["from"])
        assert entry["before"] == how["from"][0]
        assert evidence.labels.name(first) == label
        np.testing.assert_allclose(row, values[first] + how["share"] * (values[second] - values[first]), atol=2e-3)


@pytest.mark.parametrize(
    ("method", "settings", "sampler", "smote"),
    [("smote_enn", {"kind_sel": "mode"}, combine.SMOTEENN, None), ("smote_tomek", {}, combine.SMOTETomek, None)],
)
def test_combined_methods_leave_the_same_rows(planted, canonical, decided, times, method, settings, sampler, smote):
    evidence = planted()
    rows, values, codes = given(evidence, canonical)
    theirs = (
        {"enn": under_sampling.EditedNearestNeighbours(sampling_strategy="all", kind_sel="mode")} if settings else {}
    )
    new_values, _ = sampler(random_state=7, **theirs).fit_resample(values, codes)
    decisions, made = decided(Resample(method=method, seed=7, **settings), evidence)

    kept = times(decisions_of_rows(decisions), evidence.table.row_ids[rows])
    ours = np.concatenate([values[kept == 1], np.stack(made["features"].to_pylist()).astype(np.float32)])
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], new_values[np.lexsort(new_values.T)])


def decisions_of_rows(decisions):
    from curate.ledger import Decisions

    return Decisions(decisions.table.filter(np.asarray(decisions.table["action"]) != "synthesize"))


@pytest.mark.parametrize("voting", ["soft", "hard"])
def test_cluster_centroids(planted, canonical, decided, times, voting):
    evidence = planted()
    rows, values, codes = given(evidence, canonical)
    new_values, new_codes = under_sampling.ClusterCentroids(random_state=7, voting=voting).fit_resample(values, codes)
    decisions, made = decided(Resample(method="cluster_centroids", voting=voting, seed=7), evidence)
    kept = times(decisions_of_rows(decisions), evidence.table.row_ids[rows])
    if voting == "soft":
        assert kept[codes == 2].all()
        assert not kept[codes != 2].any()
        ours = np.stack(made["features"].to_pylist())
        np.testing.assert_allclose(ours, new_values[new_codes != 2], rtol=1e-5, atol=1e-6)
    else:
        assert made is None
        ours = np.repeat(values, kept, axis=0)
        np.testing.assert_array_equal(ours[np.lexsort(ours.T)], new_values[np.lexsort(new_values.T)])


def test_smotenc_with_numbers_and_categories(evidence_of, canonical, decided):
    rng = np.random.default_rng(0)
    labels = ["a"] * 60 + ["b"] * 20 + ["c"] * 9
    columns = {
        "size": rng.normal(size=89),
        "colour": rng.choice(["red", "green", "blue"], 89).tolist(),
        "weight": rng.normal(5, 2, size=89),
        "sold": (rng.random(89) < 0.3).tolist(),
        "label": labels,
    }
    names = ("size", "colour", "weight", "sold")
    evidence = evidence_of(columns, features=names, label_names=("a", "b", "c"))
    rows = canonical(evidence)
    matrix = np.array([columns[name] for name in names], dtype=object).T[rows]
    peer = over_sampling.SMOTENC(categorical_features=[1, 3], random_state=7)
    new_values, new_codes = peer.fit_resample(matrix, evidence.labels.codes[rows])
    _, made = decided(Resample(method="smotenc", seed=7), evidence)

    new_values = new_values[len(rows) :]
    for place, name in enumerate(names):
        expected = new_values[:, place].tolist()
        if name in ("size", "weight"):
            np.testing.assert_allclose(made[name].to_pylist(), expected, rtol=1e-12)
        else:
            assert made[name].to_pylist() == expected
    assert made["label"].to_pylist() == ["abc"[code] for code in new_codes[len(rows) :]]


def test_smoten_with_categories_alone(evidence_of, canonical, decided):
    rng = np.random.default_rng(0)
    columns = {name: rng.choice(["v", "w", "x", "y"], 70).tolist() for name in ("one", "two", "three")}
    columns |= {"label": ["a"] * 50 + ["b"] * 20, "id": [f"r{i}" for i in range(70)]}
    evidence = evidence_of(columns, features=("one", "two", "three"), label_names=("a", "b"), id="id")
    rows = canonical(evidence)
    matrix = np.array([columns[name] for name in ("one", "two", "three")], dtype=object).T[rows]
    new_values, _ = over_sampling.SMOTEN(random_state=7).fit_resample(matrix, evidence.labels.codes[rows])
    _, made = decided(Resample(method="smoten", seed=7), evidence)
    ours = np.array([made[name].to_pylist() for name in ("one", "two", "three")]).T
    np.testing.assert_array_equal(ours, new_values[len(rows) :].astype(str))


def test_the_embedding_of_texts_is_compared(evidence_of, canonical, decided, times):
    rng = np.random.default_rng(0)
    words = np.array(["red", "green", "blue", "cat", "dog", "bird", "sun", "moon", "star", "tree"])
    texts = [" ".join(rng.choice(words[i % 2 * 3 : i % 2 * 3 + 7], 6)) for i in range(90)]
    labels = ["a" if i % 2 else ("b" if i % 4 else "a") for i in range(90)]
    evidence = evidence_of({"text": texts, "label": labels}, text="text", label_names=("a", "b"))
    rows = canonical(evidence)
    peer = under_sampling.EditedNearestNeighbours(kind_sel="mode")
    peer.fit_resample(evidence.embedding().vectors[rows], evidence.labels.codes[rows])
    decisions, _ = decided(Resample(method="enn", kind_sel="mode"), evidence)
    expected = np.bincount(peer.sample_indices_, minlength=90)
    np.testing.assert_array_equal(times(decisions, evidence.table.row_ids[rows]), expected)
    assert 0 < (expected == 0).sum() < 60
