"""order_dependence: sorted and drifting files are told, shuffled ones are not."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import curate
from curate.checks.order_dependence import OrderDependence, equal_neighbours, like_neighbours
from curate.evidence import Evidence, EvidenceSettings


def found(columns, **roles):
    evidence = Evidence(curate.load(columns, **roles), EvidenceSettings(encoder="classic", workers=1))
    findings = OrderDependence().find(evidence)
    assert not len(findings.flagged)
    return findings, evidence


def rows(n=400, seed=0):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=n), "y": rng.normal(size=n), "label": rng.choice(["a", "b", "c"], n)}


ROLES = {"features": ["x", "y"], "label": "label"}


def test_a_file_sorted_by_class_is_told():
    columns = rows()
    order = np.argsort(columns["label"], kind="stable")
    findings, evidence = found({name: values[order].tolist() for name, values in columns.items()}, **ROLES)
    line = findings.facts["order_dependence"]["ordered_by"][0]
    assert (line["column"], line["strength"]) == ("the label", 1.0)
    assert findings.table["score"].to_numpy().max() == pytest.approx(0.0)
    assert any("ordered? Yes" in note for note in evidence.notes)


def test_a_measure_that_drifts_along_the_file_is_told():
    columns = rows()
    columns["x"] += np.linspace(0, 5, 400)
    findings, _ = found({name: values.tolist() for name, values in columns.items()}, **ROLES)
    assert [line["column"] for line in findings.facts["order_dependence"]["ordered_by"]] == ["x"]


@pytest.mark.parametrize(("step", "told"), [(3, []), (-3, ["number"]), (0.5, ["number"])])
def test_a_column_that_numbers_the_rows_is_the_order_itself(step, told):
    columns = {name: values.tolist() for name, values in rows().items()}
    columns["number"] = [7 + step * i for i in range(400)]
    findings, _ = found(columns, **ROLES)
    assert [line["column"] for line in findings.facts["order_dependence"]["ordered_by"]] == told


def test_shuffled_files_are_not_told_over_seeds():
    told = 0
    for seed in range(30):
        findings, _ = found({name: values.tolist() for name, values in rows(seed=seed).items()}, **ROLES)
        told += bool(findings.facts["order_dependence"]["ordered_by"])
    assert told == 0


def test_files_of_their_own_have_no_order(tmp_path):
    from PIL import Image

    for i in range(120):
        folder = tmp_path / ("a" if i < 60 else "b")
        folder.mkdir(exist_ok=True)
        Image.fromarray(np.full((4, 4), i, np.uint8)).save(folder / f"{i:03d}.png")
    findings, _ = found(tmp_path)
    assert "no order" in findings.facts["order_dependence"]["answer"]


def test_the_tests_keep_their_level():
    rng = np.random.default_rng(1)
    labels = np.array([equal_neighbours(rng.integers(0, 4, 150))["p"] for _ in range(600)])
    numbers = np.array([like_neighbours(rng.normal(size=150))["p"] for _ in range(600)])
    for p in (labels, numbers):
        assert 0.025 <= (p < 0.05).mean() <= 0.08


@pytest.mark.parametrize("n", [1, 3, 50])
def test_few_rows_say_so(n):
    findings, _ = found({name: values[:n].tolist() for name, values in rows().items()}, **ROLES)
    assert "too few" in findings.facts["order_dependence"]["answer"]


def test_points_of_a_time_series_are_not_to_be_shuffled():
    times = np.datetime64("2024-01-01T00:00") + np.arange(400) * np.timedelta64(1, "h")
    columns = {"timestamp": times.astype(str).tolist(), "value": np.cumsum(np.random.default_rng(0).normal(size=400))}
    table = curate.load(columns, task=curate.Task(features=("timestamp", "value"), kind="unlabeled"))
    evidence = Evidence(table)
    answer = OrderDependence().find(evidence).facts["order_dependence"]["answer"]
    assert answer.startswith("Yes, as points of a time series should be")
    assert "split by time" in answer
    assert "Shuffle" not in answer
    assert not any("ordered?" in note for note in evidence.notes)


def test_images_that_stand_in_a_table_have_its_order(tmp_path):
    files = []
    for label in ("a", "b"):
        for shade in range(60):
            buffer = io.BytesIO()
            Image.new("L", (8, 8), shade).save(buffer, "PNG")
            files.append({"image": {"bytes": buffer.getvalue(), "path": None}, "label": label})
    pq.write_table(pa.Table.from_pylist(files), tmp_path / "images.parquet")
    evidence = Evidence(curate.load(tmp_path / "images.parquet"), EvidenceSettings(encoder="classic", workers=1))
    assert (
        "neighbouring rows are alike in the label"
        in OrderDependence().find(evidence).facts["order_dependence"]["answer"]
    )
