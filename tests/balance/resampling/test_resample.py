"""What a user of `resample` sees: planted imbalance gone, and a sentence for everything that can't be done."""

import json

import numpy as np
import pytest

import curate
from curate.balance.resample import Resample
from curate.balance.resampling.methods import METHODS
from curate.errors import ConfigError, DataError

SELECT = [name for name, m in METHODS.items() if not m.makes and m.task == "classification"]
MAKE = ["smote", "borderline_smote", "svm_smote", "kmeans_smote", "adasyn", "smote_enn", "smote_tomek"]
SETTINGS = {"kmeans_smote": {"cluster_balance_threshold": 0.05}, "smote_enn": {"kind_sel": "mode"}}
SETTINGS["instance_hardness_threshold"] = {"estimator": "logistic"}


def draws(evidence, decisions, made, names="abc"):
    """Draws of each class after the step."""
    table, labels = evidence.table, evidence.labels
    code = dict(zip(table.row_ids.tolist(), labels.codes.tolist()))
    count = np.bincount(labels.codes[evidence.active & table.training & labels.known], minlength=len(names))
    for entry in decisions.table.to_pylist():
        if entry["action"] == "drop":
            count[code[entry["row_id"]]] -= 1
        elif entry["action"] == "repeat":
            count[code[entry["row_id"]]] += int(entry["after"])
    for label in made["label"].to_pylist() if made is not None else ():
        count[names.index(label)] += 1
    return count.tolist()


@pytest.mark.parametrize("counts", [(80, 12), (60, 30, 9)])
@pytest.mark.parametrize("method", [*SELECT, *MAKE])
def test_every_method_on_a_planted_imbalance(planted, decided, method, counts):
    evidence = planted(counts, held_out=30, unlabeled=6)
    decisions, made = decided(Resample(method=method, **SETTINGS.get(method, {})), evidence)
    table = evidence.table
    allowed = set(table.row_ids[table.training & table.labels.known].tolist())
    touched = [e["row_id"] for e in decisions.table.to_pylist() if e["action"] != "synthesize"]
    assert set(touched) <= allowed
    assert len(set(touched)) == len(touched)
    assert all(e["reason"].startswith(method) for e in decisions.table.to_pylist())
    after = draws(evidence, decisions, made, "abc"[: len(counts)])
    assert max(after) / max(min(counts), min(after)) < max(counts) / min(counts)
    if method in ("random_over", "smote"):
        assert after == [max(counts)] * len(counts)
    if method in ("random_under", "near_miss", "cluster_centroids"):
        assert after == [min(counts)] * len(counts)


@pytest.mark.parametrize("method", ["random_over", "random_under", "smote", "tomek_links", "adasyn", "smote_enn"])
def test_the_order_of_rows_changes_nothing(planted, decided, method):
    from curate.evidence import Evidence, EvidenceSettings

    evidence = planted(held_out=10)
    turned = evidence.table.select(np.random.default_rng(1).permutation(len(evidence.table)))
    other = Evidence(turned, EvidenceSettings(encoder="classic"))
    step = Resample(method=method)
    (here, made), (there, made_too) = decided(step, evidence), decided(step, other)
    assert here.table.equals(there.table)
    assert made is None or made.equals(made_too)


def test_new_rows_become_training_rows_of_a_run(planted):
    evidence = planted((60, 20, 5), held_out=20)
    pipeline = curate.Pipeline(steps=[Resample(method="smote", k=3)], seed=3)
    curated = pipeline.run(evidence.table, cache=False)
    plan = curated.plan.to_pydict()
    origin = np.array([str(o) for o in plan["origin"]])
    assert (origin == "synthetic").sum() == 40 + 55
    again = pipeline.run(evidence.table, cache=False)
    assert again.plan.equals(curated.plan)
    assert not set(np.array(plan["split"])[origin == "synthetic"]) - {"train"}


def test_two_steps_in_a_row_do_not_clash(planted):
    evidence = planted((60, 20, 5))
    steps = [Resample(method="smote", to={"c": 20}, seed=1), Resample(method="smote", seed=1)]
    plan = curate.Pipeline(steps=steps).run(evidence.table, cache=False).plan
    assert plan.num_rows == 180


def test_fewer_than_two_classes_is_nothing_to_balance(planted, decided):
    evidence = planted((20,))
    for method in ("random_over", "smote", "tomek_links", "smote_enn"):
        decisions, made = decided(Resample(method=method), evidence)
        assert (len(decisions), made) == (0, None)
    assert "have 1 class;" in evidence.notes[0]


@pytest.mark.parametrize("few", [1, 2, 3])
@pytest.mark.parametrize("method", ["smote", "borderline_smote", "smote_tomek"])
def test_a_class_with_hardly_a_row_has_fewer_neighbours(planted, decided, method, few):
    evidence = planted((40, 20, few))
    decisions, made = decided(Resample(method=method), evidence)
    after = draws(evidence, decisions, made)
    note = " ".join(evidence.notes)
    if few == 1:
        assert after[2] == 1
        assert "class 'c' has 1 row, it can't be mixed with another" in note
    else:
        assert f"class 'c' has {few} rows, so {method} looks at {few - 1} neighbours" in note
    assert after[1] > 30 or method == "borderline_smote"
    decisions, made = decided(Resample(method=method, few="leave"), evidence)
    assert draws(evidence, decisions, made)[2] == few
    with pytest.raises(DataError, match=rf"class 'c' has {few} rows?, .*needs 6"):
        decided(Resample(method=method, few="refuse"), evidence)


def test_cleaning_never_takes_the_last_row_of_a_class(evidence_of, decided):
    values = np.array([[float(i)] for i in range(30)], dtype=np.float32)
    labels = ["b" if i in (7, 15, 23) else "a" for i in range(30)]
    evidence = evidence_of({"features": values, "label": labels}, features="features", label_names=("a", "b"))
    decisions, _ = decided(Resample(method="enn", to="all"), evidence)
    assert not set(decisions.table["row_id"].to_pylist()) & set(evidence.table.row_ids[[7, 15, 23]].tolist())
    assert "drop every row of 1 class: 'b' (3 rows)" in evidence.notes[-1]
    with pytest.raises(DataError, match="every row of 1 class"):
        decided(Resample(method="enn", to="all", few="refuse"), evidence)


def test_copies_of_a_row_are_capped(planted, decided):
    evidence = planted((50, 10))
    decisions, _ = decided(Resample(max_copies=3), evidence)
    copies = [int(e["after"]) for e in decisions.table.to_pylist()]
    assert (max(copies), sum(copies)) == (3, 30)
    assert "stays 10 draws below" in evidence.notes[-1]
    decisions, _ = decided(Resample(max_copies=4), evidence)
    assert sum(int(e["after"]) for e in decisions.table.to_pylist()) == 40


def test_earlier_repeats_count_as_draws(planted, decided):
    evidence = planted((50, 10))
    evidence.repeats = np.where(np.arange(60) >= 50, 2, 0)
    decisions, _ = decided(Resample(), evidence)
    assert sum(int(e["after"]) for e in decisions.table.to_pylist()) == 50 - 30
    with pytest.raises(DataError, match="before the steps that repeat rows"):
        decided(Resample(method="random_under"), evidence)


def test_whole_numbers_dates_and_categories_stay_what_they_are(evidence_of, decided):
    import datetime

    import pyarrow as pa

    rng = np.random.default_rng(0)
    start = datetime.date(2020, 1, 1)
    columns = {
        "age": pa.array(rng.integers(18, 90, 50), pa.int16()),
        "born": pa.array([start + datetime.timedelta(days=int(d)) for d in rng.integers(0, 900, 50)]),
        "height": pa.array(rng.normal(1.7, 0.1, 50)),
        "town": pa.array([None if i % 9 == 0 else t for i, t in enumerate(rng.choice(["x", "y"], 50))]),
        "label": pa.array([i % 5 == 0 for i in range(50)]),
        "remark": pa.array([f"free {i}" for i in range(50)]),
        "clinic": pa.array([f"clinic {i % 4}" for i in range(50)]),
    }
    features = ("age", "born", "height", "town")
    evidence = evidence_of(columns, features=features, label_names=("false", "true"), group="clinic")
    decisions, made = decided(Resample(method="smotenc"), evidence)
    table, m = evidence.table, made.num_rows
    assert m == 30
    for name in (*features, "label", "clinic"):
        assert made[name].type == table.column(name).type, name
    assert set(made["town"].to_pylist()) <= {None, "x", "y"}
    assert set(made["label"].cast("string").to_pylist()) == {"true"}
    ages = made["age"].to_numpy()
    assert 18 <= ages.min() <= ages.max() < 90
    place = {row_id: i for i, row_id in enumerate(table.row_ids.tolist())}
    clinics = table.column("clinic").to_pylist()
    parents = [place[e["before"]] for e in decisions.table.to_pylist()]
    assert made["clinic"].to_pylist() == [clinics[parent] for parent in parents]
    assert "rounded to whole units: age, born" in decisions.table["reason"][0].as_py()


def test_series_are_made_as_series(evidence_of, decided):
    rng = np.random.default_rng(0)
    labels = ["a"] * 30 + ["b"] * 8
    series = [rng.normal(size=(2, 12)).tolist() for _ in labels]
    evidence = evidence_of({"series": series, "label": labels}, series="series", label_names=("a", "b"))
    _, made = decided(Resample(method="smote", k=3), evidence)
    shapes = {np.shape(row) for row in made["series"].to_pylist()}
    assert (made.num_rows, shapes) == (22, {(2, 12)})
    series[4] = series[4][:1]
    evidence = evidence_of({"series": series, "label": labels}, series="series", label_names=("a", "b"))
    with pytest.raises(DataError, match="most rows have"):
        decided(Resample(method="borderline_smote"), evidence)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_numbers_are_refused_by_name(evidence_of, decided, bad):
    size = np.arange(40.0)
    size[33] = bad
    columns = {
        "size": size,
        "weight": np.arange(40.0),
        "label": ["a"] * 30 + ["b"] * 10,
        "id": [f"r{i}" for i in range(40)],
    }
    evidence = evidence_of(columns, features=("size", "weight"), label_names=("a", "b"), id="id")
    with pytest.raises(DataError, match=r"column 'size' has missing or infinite values in 1 of .* r33.*impute"):
        decided(Resample(method="smote"), evidence)
    with pytest.raises(DataError, match="column 'size'"):
        decided(Resample(method="tomek_links"), evidence)
    decided(Resample(method="tomek_links", space="embedding"), evidence)
    decisions, _ = decided(Resample(method="random_over"), evidence)
    assert sum(int(e["after"]) for e in decisions.table.to_pylist()) == 20


def test_columns_decide_which_smote_fits(evidence_of, decided):
    columns = {"size": np.arange(40.0), "town": ["x", "y"] * 20, "label": ["a"] * 30 + ["b"] * 10}
    both = evidence_of(columns, features=("size", "town"), label_names=("a", "b"))
    with pytest.raises(ConfigError, match=r"columns of categories \('town'\); take smotenc"):
        decided(Resample(method="smote"), both)
    with pytest.raises(ConfigError, match="take smotenc"):
        decided(Resample(method="smoten"), both)
    with pytest.raises(ConfigError, match="space: embedding"):
        decided(Resample(method="tomek_links", space="features"), both)
    numbers = evidence_of(columns, features=("size",), label_names=("a", "b"))
    with pytest.raises(ConfigError, match="take smote"):
        decided(Resample(method="smotenc"), numbers)
    text = [f"word {i} of many" for i in range(400)]
    free = evidence_of(
        {"note": text, "size": np.arange(400.0), "label": ["a"] * 250 + ["b"] * 150},
        features=("note", "size"), label_names=("a", "b"),
    )  # fmt: skip
    with pytest.raises(DataError, match="column 'note' holds free text"):
        decided(Resample(method="smotenc", to="all", few="leave"), free)


def test_scales_that_differ_are_noted_and_can_be_evened(evidence_of, decided, canonical):
    from imblearn.under_sampling import TomekLinks

    rng = np.random.default_rng(0)
    columns = {"age": rng.normal(40, 10, 80), "income": rng.normal(4e4, 2e4, 80), "label": ["a"] * 50 + ["b"] * 30}
    evidence = evidence_of(columns, features=("age", "income"), label_names=("a", "b"))
    decided(Resample(method="tomek_links"), evidence)
    assert "'income' is" in evidence.notes[-1]
    assert "scale: standard" in evidence.notes[-1]
    decisions, _ = decided(Resample(method="tomek_links", scale="standard"), evidence)
    rows = canonical(evidence)
    values = np.array([columns["age"], columns["income"]]).T[rows]
    peer = TomekLinks()
    peer.fit_resample((values - values.mean(0)) / values.std(0), evidence.labels.codes[rows])
    kept = set(evidence.table.row_ids[rows[peer.sample_indices_]].tolist())
    assert set(evidence.table.row_ids.tolist()) - kept == set(decisions.table["row_id"].to_pylist())
    _, made = decided(Resample(method="smote", scale="standard"), evidence)
    assert 1e3 < made["income"].to_numpy().mean() < 1e5


@pytest.mark.parametrize("role", ["text", "image", "audio", "video"])
def test_rows_are_not_made_of_raw_media(role):
    task = curate.Task(kind="classification", label="label", **{role: role})
    for method in MAKE:
        assert "`oversample` and let `augment`" in Resample(method=method).refuses(task)
    for method in SELECT:
        assert Resample(method=method).refuses(task) is None
    assert role in Resample(method="cluster_centroids", voting="soft").refuses(task)


@pytest.mark.parametrize("kind", ["multilabel", "regression", "detection", "unlabeled"])
def test_methods_are_for_their_kind_of_task(kind):
    task = curate.Task(kind=kind, features="features", label="label")
    for name, method in METHODS.items():
        said = Resample(method=name).refuses(task)
        assert (said is None) == (method.task == kind), name
        assert said is None or f"this task's kind is {kind}" in said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"method": "smot"}, "did you mean 'smote'"),
        ({"to": "minorty"}, "did you mean 'minority'"),
        ({"to": True}, "a target is"),
        ({"method": "tomek_links", "k": 3}, "tomek_links has no use for 'k'"),
        ({"method": "smote", "max_copies": 3}, "it takes k"),
        ({"method": "near_miss", "n_neighbors_ver3": 3}, "version: 3"),
        ({"method": "random_under", "max_ratio": 3}, "adds no rows"),
        ({"method": "mlsmote", "to": "median"}, "finds its own target"),
        ({"method": "random_over", "shrinkage": 1, "max_copies": 3}, "makes new rows"),
        ({"to": 1.5}, "to"),
    ],
)
def test_settings_that_do_nothing_are_refused(given, says):
    with pytest.raises(ConfigError, match=says):
        Resample(**given)


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("SMOTENC", "smotenc"),
        ("smote_nc", "smotenc"),
        ("RandomOverSampler", "random_over"),
        ("SMOTETomek", "smote_tomek"),
        ("AllKNN", "all_knn"),
        ("IHT", "instance_hardness_threshold"),
        ("ENN", "edited_nearest_neighbours"),
    ],
)
def test_the_librarys_own_names_are_understood(spelled, name):
    assert Resample(method=spelled).method == name


def test_every_class_of_the_library_has_a_name():
    from imblearn import combine, over_sampling, under_sampling

    known = {method.library.split(":")[-1] for method in METHODS.values()} | {"SMOTEENN", "SMOTETomek"}
    for module in (combine, over_sampling, under_sampling):
        assert set(module.__all__) <= known
        for name in module.__all__:
            assert Resample(method=name).method in METHODS


@pytest.mark.parametrize("to", ["not_minority", 0.5, 7, {"a": 20, 1: 5}, ["a", "b"]])
def test_settings_survive_yaml(to, tmp_path):
    method = "tomek_links" if isinstance(to, list) else "random_over"
    pipeline = curate.Pipeline(steps=[Resample(method=method, to=to)])
    text = pipeline.to_yaml()
    (tmp_path / "p.yaml").write_text(text)
    assert curate.Pipeline.from_yaml(tmp_path / "p.yaml").steps == pipeline.steps


def test_entries_are_valid_json_whatever_the_ids(evidence_of, decided):
    ids = [f'row "{i}" \\ ä' for i in range(40)]
    columns = {"features": np.random.default_rng(0).normal(size=(40, 2)), "label": ["a"] * 30 + ["b"] * 10, "id": ids}
    evidence = evidence_of(columns, features="features", label_names=("a", "b"), id="id")
    decisions, _ = decided(Resample(method="smote"), evidence)
    assert len(decisions) == 20
    for entry in decisions.table.to_pylist():
        assert set(json.loads(entry["after"])["from"]) <= set(ids)


def test_one_means_a_ratio_and_not_one_row(planted, decided):
    evidence = planted((50, 10))
    step = Resample(method="random_under", to=1)
    assert isinstance(step.to, float)
    decisions, made = decided(step, evidence)
    assert draws(evidence, decisions, made, "ab") == [10, 10]


@pytest.mark.parametrize(("method", "to"), [("random_over", 5), ("random_under", 60), ("smote", {"b": 10})])
def test_nothing_to_do_is_said(planted, decided, method, to):
    evidence = planted((50, 10))
    decisions, made = decided(Resample(method=method, to=to), evidence)
    assert (len(decisions), made) == (0, None)
    assert "none is" in evidence.notes[-1]


def test_the_library_is_only_asked_for_where_it_is_needed(planted, decided, monkeypatch):
    import sys

    from curate.errors import MissingPackage

    for module in ("imblearn.over_sampling", "imblearn.under_sampling"):
        monkeypatch.setitem(sys.modules, module, None)
    evidence = planted((30, 10))
    assert decided(Resample(method="smote"), evidence)[1].num_rows == 20
    with pytest.raises(MissingPackage, match=r"imbalanced-learn.*\[balance\]"):
        decided(Resample(method="tomek_links"), evidence)
