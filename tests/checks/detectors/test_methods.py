"""outliers: every method finds planted strangers; bad names are refused; nothing raises on odd tables."""

import numpy as np
import pytest

import curate
from curate.checks.outliers import Outliers
from curate.errors import ConfigError, MissingPackage
from curate.evidence import Evidence, EvidenceSettings

OWN = ["ensemble", "isolation_forest", "knn", "lof", "ecod", "mahalanobis", "autoencoder"]


def evidence(columns, **roles):
    return Evidence(curate.load(columns, **roles), EvidenceSettings(encoder="classic", workers=1))


def table_evidence(values, **more):
    columns = {f"x{j}": values[:, j] for j in range(values.shape[1])}
    return evidence(columns | more, features=list(columns), **({"kind": "unlabeled"} if "label" not in more else {}))


def flags(findings):
    return set(findings.flagged["row"].to_pylist())


@pytest.fixture
def planted():
    """1,000 correlated rows, of which 0 to 9 are far off in all columns."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1000, 6)) @ rng.normal(size=(6, 6))
    values[:10] = 8 * values.std(0) * rng.choice([-1, 1], (10, 6)) + rng.normal(size=(10, 6))
    return values


@pytest.mark.parametrize("method", [*OWN, "pyod.copod", {"pyod": "KNN", "method": "mean"}])
def test_every_method_ranks_planted_strangers_first_and_flags_few_others(planted, method):
    if not isinstance(method, str) or method.startswith("pyod"):
        pytest.importorskip("pyod")
    rows = planted[:400] if method == "autoencoder" else planted
    findings = Outliers(method=method).find(table_evidence(rows))
    score = findings.table["score"].to_numpy()
    assert len(set(np.argsort(score)[:10].tolist()) & set(range(10))) >= 9
    assert len(flags(findings) - set(range(10))) <= 0.02 * len(rows)


@pytest.mark.parametrize("method", OWN)
def test_a_clean_table_has_few_false_alarms(method):
    values = np.random.default_rng(1).normal(size=(500 if method == "autoencoder" else 2000, 8))
    assert len(flags(Outliers(method=method).find(table_evidence(values)))) <= 0.02 * len(values)


def test_the_ensemble_finds_at_least_95_percent_of_what_was_planted(planted):
    assert len(flags(Outliers().find(table_evidence(planted))) & set(range(10))) >= 10


def test_a_reason_says_what_was_measured_what_is_usual_and_which_cell_is_far(planted):
    findings = Outliers().find(table_evidence(planted))
    reason = findings.flagged["reason"].to_pylist()[0]
    assert "usual is" in reason
    assert "rare above" in reason
    assert "deviations from the median" in reason
    assert "1 in" in reason


def test_magnitude_counts_in_tables(planted):
    """Rows twice as long in the same direction are no strangers to cosine similarity."""
    rng = np.random.default_rng(2)
    values = np.abs(rng.normal(5, 1, size=(800, 1))) * np.ones((1, 4)) + 0.1 * rng.normal(size=(800, 4))
    values[0] *= 4
    assert 0 in flags(Outliers().find(table_evidence(values)))


def test_held_out_rows_are_judged_by_training_rows():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(900, 5))
    split = np.where(np.arange(900) < 600, "train", "test")
    values[600:650] += 9  # a cluster of novelties: no strangers to each other
    columns = {f"x{j}": values[:, j] for j in range(5)}
    found = Outliers().find(
        evidence(columns | {"split": split.tolist()}, features=list(columns), split="split", kind="unlabeled")
    )
    assert set(range(600, 650)) <= flags(found)
    assert len(flags(found) - set(range(600, 650))) <= 18
    assert found.facts["outliers"]["share_flagged_by_split"]["test"] >= 50 / 300


def test_rows_are_also_compared_with_their_class(planted):
    rng = np.random.default_rng(4)
    codes = np.arange(600) % 2
    values = rng.normal(size=(600, 4)) + 12 * codes[:, None]
    labels = codes.copy()
    labels[:6] = 1 - labels[:6]  # inside the other class
    data = table_evidence(values, label=[f"c{c}" for c in labels])
    assert set(range(6)) <= flags(Outliers().find(data))
    assert not set(range(6)) & flags(Outliers(per_class=False).find(data))
    assert set(range(6)) <= flags(Outliers(method="mahalanobis").find(data))


@pytest.mark.parametrize("method", ["pyod.COPODD", {"pyod": "IForst"}])
def test_an_unknown_detector_is_refused_with_the_nearest_names(method):
    pytest.importorskip("pyod")
    with pytest.raises(ConfigError, match=r"did you mean '(copod|iforest)'"):
        Outliers(method=method)


@pytest.mark.parametrize(
    "method", ["os.system", "pyod.models.base", "pyod.", {"pyod": "KNN", "neighbours": 3}, {"a": 1}, "knnn"]
)
def test_what_is_no_detector_is_refused(method):
    pytest.importorskip("pyod")
    with pytest.raises(ConfigError):
        Outliers(method=method).find(table_evidence(np.random.default_rng(0).normal(size=(50, 3))))


@pytest.mark.parametrize("name", ["combination", "_ts_utils"])
def test_a_module_of_pyod_that_holds_no_detector_is_refused(planted, name):
    pytest.importorskip("pyod")
    with pytest.raises(ConfigError):
        Outliers(method=f"pyod.{name}").find(table_evidence(planted))


def test_without_pyod_its_extra_is_named(planted, monkeypatch):
    monkeypatch.setattr("curate.checks.detectors.pyod.modules", dict)
    with pytest.raises(MissingPackage, match=r"curate-data\[tabular\]"):
        Outliers(method="pyod.COPOD").find(table_evidence(planted))


def odd_tables():
    rng = np.random.default_rng(5)
    n = 40
    holes = rng.normal(size=n)
    holes[::3] = np.nan
    yield "one row", {"x": [1.0], "y": [2.0]}
    yield "three rows", {"x": [1.0, 2.0, 3.0], "y": [2.0, 1.0, 0.0]}
    yield "all null", {"x": rng.normal(size=n).tolist(), "y": [None] * n}
    yield "nothing but nulls", {"x": [None] * n, "y": [None] * n}
    yield "constant", {"x": [1.0] * n, "y": ["a"] * n}
    yield "holes", {"x": holes.tolist(), "y": rng.normal(size=n).tolist()}
    yield "huge", {"x": [*([1.0, 2.0] * (n // 2 - 1)), 1e300, -1e300], "y": list(range(n))}
    yield "infinite", {"x": [*([1.0, 2.0] * (n // 2 - 1)), float("inf"), float("nan")], "y": list(range(n))}


@pytest.mark.parametrize("method", OWN)
@pytest.mark.parametrize("case", list(odd_tables()), ids=lambda case: case[0])
def test_odd_tables_raise_nothing(case, method):
    _, columns = case
    import pyarrow as pa

    typed = {
        name: pa.array(values, pa.float64() if not isinstance(values[0], str) else None)
        for name, values in columns.items()
    }
    found = Outliers(method=method).find(evidence(pa.table(typed), features=["x", "y"], kind="unlabeled"))
    score = found.table["score"].to_numpy()
    assert np.isfinite(score).all()
    assert len(found.flagged) <= 4
