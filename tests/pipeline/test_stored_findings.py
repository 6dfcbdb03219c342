"""A result that is opened reads its findings when they are asked for."""

import copy

import pytest

import curate
from curate.errors import DataError, StorageError
from curate.pipeline import Pipeline, store

ROWS = [{"text": f"some words about {'ab'[k % 2]} and {k}", "label": "ab"[k % 2]} for k in range(30)]


@pytest.fixture
def result(tmp_path):
    rows = [*ROWS, ROWS[0]]
    pipeline = Pipeline(["exact_duplicates", {"text_quality": {"fix": "review", "limit": 1}}, "class_weights"])
    pipeline.run(rows, out=tmp_path / "out", cache=False)
    return tmp_path / "out"


def test_findings_are_read_when_they_are_asked_for(result, monkeypatch):
    read = []
    plain = store._read
    monkeypatch.setattr(store, "_read", lambda folder, name: read.append(name) or plain(folder, name))
    curated = curate.open(result)
    assert sum(len(batch["labels"]) for batch in curated.loader(batch_size=8)) == len(curated.plan)
    curated.to_parquet(result.parent / "exported")
    assert "findings" not in read
    assert curated.findings.num_rows > 31
    assert curated.findings.num_rows == len(curated.findings_)
    assert curated.report.summary["exact_duplicates"]["exact_duplicate"]["issues"] == 1
    assert read.count("findings") == 1
    again = copy.deepcopy(curated.findings_)
    assert again.table.equals(curated.findings)
    assert again.facts == curated.findings_.facts


def test_damaged_findings_are_refused_at_once_and_lost_ones_when_they_are_read(result):
    curated = curate.open(result)
    path = result / "findings.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"findings\.parquet: damaged"):
        curate.open(result)
    path.unlink()
    with pytest.raises(StorageError, match=r"findings\.parquet: can't be read"):
        curated.findings  # noqa: B018
