"""Balance steps judge rows where other machines have vectors and probabilities; plans are those of one process."""

import numpy as np
import pytest
from fake_ray import FakeRay
from test_left import embedded
from test_pairs_elsewhere import Watching, pictures

import curate
from curate import registry
from curate.balance.weighing.costs import confusions
from curate.engines.engine import using
from curate.engines.ray_engine import RayEngine
from curate.evidence.evidence import Evidence
from curate.evidence.parts import lying
from curate.evidence.parts.left import PlacedRows
from curate.evidence.parts.rows import UnitRows
from curate.evidence.settings import EvidenceSettings
from curate.made import Made


def decided(step, table):
    evidence = Evidence(table, EvidenceSettings(encoder="classic"))
    return decide(step, evidence), evidence.notes


def decide(step, evidence):
    name, settings = step
    return registry.step(name)(**settings).decide(evidence.labels, evidence, np.random.default_rng(0))


def targeted(folder):
    """Pictures of which the last third is of the split that weights go toward."""
    table = labelled(folder, ("many", "many", "few"), "classification")
    columns = {name: table.column(name).to_pylist() for name in ("image", "label")}
    columns["split"] = ["train"] * 60 + ["wild"] * (len(table) - 60)
    task = table.task.model_copy(update={"split": "split", "target": "wild"})
    return curate.load(columns, task=task, root=table.root)


def there(step, table, cache, ray, made):
    """As `decided`, once `made` of the evidence is there: what is read here from then on is the step's."""
    with using(RayEngine(ray)):
        evidence = Evidence(table, EvidenceSettings(encoder="classic"), cache=cache)
        assert isinstance(made(evidence), ray.kind)
        ray.read = ray.read_here = 0
        return decide(step, evidence), evidence.notes


@pytest.fixture(scope="module")
def classes():
    """Rows of ten classes, every fifth without a label."""
    table = embedded(400, 10)
    columns = {name: table.column(name).to_pylist() for name in ("text", "label", "vector")}
    columns["label"][::5] = [None] * len(columns["label"][::5])
    return curate.load(columns, task=table.task)


def labelled(folder, labels, kind, rows=90):
    """Pictures with labels that repeat, some without."""
    table = pictures(folder, rows)
    given = [None if row % 10 == 7 else labels[row % len(labels)] for row in range(len(table))]
    task = curate.Task(kind=kind, image="image", label="label")
    return curate.load({"image": table.column("image").to_pylist(), "label": given}, task=task, root=table.root)


@pytest.fixture(scope="module")
def of_sets(tmp_path_factory):
    return labelled(tmp_path_factory.mktemp("sets") / "own", (["a", "b"], ["b"], [], ["a", "c"]), "multilabel")


@pytest.fixture(scope="module")
def labelled_pictures(tmp_path_factory):
    return labelled(tmp_path_factory.mktemp("labelled") / "own", ("many", "many", "few"), "classification")


OF_CLASSES = [
    ("pseudo_label", {"method": "fixed", "min_confidence": 0.999}),
    ("pseudo_label", {"method": "flexible", "min_confidence": 0.9999, "max_per_class": 1}),
    ("pseudo_label", {"max_error": 0.2, "max_per_class": 1}),
    ("select", {"method": "stratified", "share": 0.3, "among": "all"}),
    ("class_weights", {"method": "cost_matrix", "confusions": "estimated", "costs": {"class 01": {"class 02": 5.0}}}),
    ("focal_weights", {}),
    ("undersample", {"to": 12, "which": "doubtful"}),
]


@pytest.mark.parametrize("step", OF_CLASSES, ids=lambda step: step[0])
def test_what_is_asked_of_probabilities(tmp_path, monkeypatch, classes, step):
    expected, _ = decided(step, classes)
    ray = Watching(monkeypatch, kind=PlacedRows)
    found, _ = there(step, classes, tmp_path, ray, lambda evidence: evidence.noise().posterior)
    assert len(expected) >= 10
    assert found.table.equals(expected.table)
    given = len(set(found.table["row_id"].to_pylist())) if step[0] == "pseudo_label" else 0
    assert ray.read_here == 4 * 10 * given  # soft labels are what it gives
    assert ray.read > ray.read_here


def test_weights_of_sets(tmp_path, monkeypatch, of_sets):
    step = "focal_weights", {}
    expected, _ = decided(step, of_sets)
    ray = Watching(monkeypatch, kind=PlacedRows)
    monkeypatch.setattr(lying, "PIECE_BYTES", 200)
    found, _ = there(step, of_sets, tmp_path, ray, lambda evidence: evidence.probabilities().values)
    assert found.table.equals(expected.table)
    assert not ray.read_here


def test_costs_of_confusions(tmp_path, classes):
    here = Evidence(classes, EvidenceSettings())
    expected = confusions(here.labels, here)
    with using(RayEngine(FakeRay())):
        there = Evidence(classes, EvidenceSettings(), cache=tmp_path)
        np.testing.assert_array_equal(confusions(there.labels, there), expected)


OF_VECTORS = [
    *[("select", {"method": method, "rows": 30, "among": "all"}) for method in ("k_centre", "diversity")],
    *[("select", {"method": method, "rows": 20}) for method in ("facility_location", "herding")],
    ("select", {"method": "k_centre", "rows": 5, "among": "unlabelled"}),
    ("select", {"method": "k_centre", "share": 0.4, "per_class": True}),
    *[("resample", {"method": method}) for method in ("near_miss", "tomek_links", "instance_hardness_threshold")],
    *[("resample", {"method": method}) for method in ("all_knn", "one_sided_selection", "cluster_centroids")],
    *[("resample", {"method": method}) for method in ("neighbourhood_cleaning_rule", "condensed_nearest_neighbour")],
    ("resample", {"method": "near_miss", "version": 3}),
    ("resample", {"method": "edited_nearest_neighbours", "kind_sel": "mode"}),
    ("smooth_labels", {"by": "class_similarity"}),
]


@pytest.mark.parametrize("step", OF_VECTORS, ids=lambda step: f"{step[0]} {step[1].get('method', '')}")
def test_what_is_asked_of_vectors(tmp_path, monkeypatch, labelled_pictures, step):
    expected, notes = decided(step, labelled_pictures)
    ray = Watching(monkeypatch, kind=UnitRows)
    found, there_too = there(step, labelled_pictures, tmp_path, ray, lambda evidence: evidence.embedding().vectors)
    assert len(expected)
    assert found.table.equals(expected.table)
    assert there_too == notes
    assert ray.read
    assert not ray.read_here
    assert ray.back[-1] < 3_000


@pytest.mark.parametrize("method", ["classifier", "em"])
def test_weights_toward_a_target(tmp_path, monkeypatch, method):
    step, table = ("importance_weights", {"method": method}), targeted(tmp_path / "pictures")
    expected, notes = decided(step, table)
    ray = Watching(monkeypatch, kind=UnitRows)
    found, there_too = there(step, table, tmp_path / "cache", ray, lambda evidence: evidence.embedding().vectors)
    assert len(expected) > 40
    assert found.table.equals(expected.table)
    assert there_too == notes
    assert ray.read
    assert not ray.read_here


def numbers(kind, categories=False, rows=600, width=20):
    """Rows of whole numbers, many of them equally far from each other, with a category if wanted."""
    rng = np.random.default_rng(0)
    codes = rng.choice(3, rows, p=[0.6, 0.25, 0.15])
    columns = {f"x{place}": np.rint(2 * rng.normal(size=rows) + codes).tolist() for place in range(width)}
    if categories:
        columns["c"] = [("red", "green", "blue")[code] for code in (codes + rng.integers(2, size=rows)) % 3]
    names = [f"class {code}" for code in codes]
    given = {
        "classification": names,
        "multilabel": [[name, "all"] if row % 2 else [name] for row, name in enumerate(names)],
        "regression": np.abs(rng.standard_t(2, rows)).tolist(),
    }
    task = curate.Task(kind=kind, features=list(columns), label="label")
    return curate.load(columns | {"label": given[kind]}, task=task)


OF_FEATURES = [
    *[
        ("classification", {"method": method})
        for method in ("smote", "adasyn", "svm_smote", "smote_enn", "smote_tomek")
    ],
    ("classification", {"method": "smote", "scale": "standard"}),
    ("classification", {"method": "borderline_smote", "borderline": 2}),
    ("classification", {"method": "kmeans_smote", "cluster_balance_threshold": 0.01}),
    ("classification", {"method": "random_over", "shrinkage": 0.3}),
    *[("classification", {"method": method}) for method in ("smotenc", "smoten")],
    ("classification", {"method": "cluster_centroids"}),
    *[("classification", {"method": method}) for method in ("neighbourhood_cleaning_rule", "near_miss", "all_knn")],
    *[("classification", {"method": "cluster_centroids", "voting": voting}) for voting in ("hard", "soft")],
    ("multilabel", {"method": "mlsmote"}),
    *[("regression", {"method": method}) for method in ("smoter", "smogn")],
]


@pytest.mark.parametrize(("kind", "settings"), OF_FEATURES, ids=lambda given: str(given))
def test_what_is_asked_of_features(tmp_path, monkeypatch, kind, settings):
    categories = settings["method"] in ("smotenc", "smoten", "mlsmote", "smogn")
    table = numbers(kind, categories, width=0 if settings["method"] == "smoten" else 20)
    step = "resample", settings
    expected, notes = decided(step, table)
    ray = Watching(monkeypatch, kind=PlacedRows)
    monkeypatch.setattr("curate.balance.resampling.nearest.BLOCK_ROWS", 64)
    with using(RayEngine(ray)):
        evidence = Evidence(table, EvidenceSettings(encoder="classic"), cache=tmp_path)
        found = decide(step, evidence)
    assert evidence.notes == notes
    if isinstance(expected, Made):
        assert found.rows.equals(expected.rows)
        found, expected = found.decisions, expected.decisions
        parents = {"mlsmote": 7, "smoten": 6}.get(settings["method"], 4)  # of a new row, some read twice
    else:
        parents = 0
    assert len(expected)
    assert found.table.equals(expected.table)
    assert ray.read > 0
    assert ray.read_here <= parents * len(expected) * 8 * 21
    assert max(ray.sent) < 600 * 8 * 20
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("method", ["smote", "tomek_links", "cluster_centroids"])
def test_features_without_a_cache_that_machines_share(method):
    table, step = numbers("classification"), ("resample", {"method": method})
    expected, _ = decided(step, table)
    with using(RayEngine(FakeRay())):
        found, _ = decided(step, table)
    if isinstance(expected, Made):
        assert found.rows.equals(expected.rows)
        found, expected = found.decisions, expected.decisions
    assert found.table.equals(expected.table)
