"""The baseline: what is new, known and gone, read from every form of an audit."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.errors import DataError
from curate.findings import Findings
from curate.pipeline.baseline import Earlier
from curate.report import Report

IDS = np.array([f"r{i}" for i in range(12)], dtype=np.dtypes.StringDType())


def of(check, flagged, n=10, issue="x"):
    rows = np.arange(n)
    flags = np.isin(rows, flagged)
    return Findings.of(check, issue, rows, IDS, np.where(flags, 0.0, 1.0), flags)


@pytest.fixture
def earlier(tmp_path):
    """Rows 1 and 11 flagged by a, row 2 by b; c did not run."""
    found = Findings.join([of("a", [1, 11], 12), of("b", [2], 12)])
    pq.write_table(found.table, tmp_path / "findings.parquet")
    return Earlier.read(tmp_path / "findings.parquet")


def test_new_known_gone(earlier):
    now = Findings.join([of("a", [1, 5]), of("b", []), of("c", [0])])
    baseline, new = earlier.compare(now, IDS[:10])
    assert (baseline.new, baseline.known, baseline.gone, baseline.gone_with_their_rows) == (2, 1, 2, 1)
    assert baseline.unknown_checks == ["c"]
    assert [(one.check, one.new, one.known, one.gone) for one in baseline.issues] == [
        ("a", 1, 1, 1),
        ("b", 0, 0, 1),
        ("c", 1, 0, 0),
    ]
    assert np.flatnonzero(new).tolist() == [5, 20]
    assert "2 new, 1 known, 2 gone (1 with rows that are no longer there); new to it: c" in baseline.sentence


def test_findings_of_checks_that_did_not_run_now_are_not_gone(earlier):
    baseline, _ = earlier.compare(of("a", [1]), IDS[:10])
    assert (baseline.new, baseline.known, baseline.gone) == (0, 1, 1)


def test_another_issue_of_the_same_row_is_new(earlier):
    baseline, _ = earlier.compare(of("a", [1], issue="y"), IDS[:10])
    assert (baseline.new, baseline.known) == (1, 0)


def test_a_json_report_carries_every_flagged_row(tmp_path):
    import curate

    table = curate.load({"text": [f"t{i}" for i in range(60)]}, task=curate.Task(kind="unlabeled", text="text"))
    flags = np.ones(60, bool)
    found = Findings.of("a", "x", np.arange(60), table.row_ids, np.zeros(60), flags)
    Report(table, found).to_json(tmp_path / "report.json")
    baseline, new = Earlier.read(tmp_path / "report.json").compare(found, table.row_ids)
    assert (baseline.known, baseline.new, baseline.gone) == (60, 0, 0)
    assert not new.any()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither Parquet nor a JSON report"),
        (b"{", "neither Parquet"),
        (b"[1]", "no report of curate"),
        (b'{"checks": {}}', "no report of curate"),
        (b"PAR1 and nothing else", "can't be read as Parquet"),
        (json.dumps({"schema_version": 1, "checks": {"a": {"issues": {"x": {"rows": 3}}}}}).encode(), "damaged"),
        (b"[" * 100_000, "neither Parquet"),
        (b"\xff\xfe\x00", "neither Parquet"),
    ],
)
def test_what_is_no_audit(tmp_path, content, words):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError, match=words):
        Earlier.read(tmp_path / "file")


def test_other_tables_and_folders(tmp_path):
    pq.write_table(pa.table({"x": [1]}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="no column row_id, check"):
        Earlier.read(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="not a curated folder"):
        Earlier.read(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        Earlier.read(tmp_path / "nothing")
