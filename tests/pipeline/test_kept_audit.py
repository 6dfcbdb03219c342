"""An audit of what was audited before is found in the cache; anything it depends on makes it anew."""

import json

import numpy as np
import pytest

import curate
from curate.checks.image_quality import ImageQuality
from curate.checks.outliers import Outliers
from curate.errors import ConfigError
from curate.evidence.settings import EvidenceSettings

CHECKS = ["exact_duplicates", "outliers", "label_errors"]


@pytest.fixture
def judged(monkeypatch):
    """Counts how often outliers are looked for."""
    counted, find = [], Outliers.find
    monkeypatch.setattr(Outliers, "find", lambda self, evidence: counted.append(1) or find(self, evidence))
    return counted


def said(report):
    """The report without what it took."""
    body = json.loads(report.to_json())
    return {name: value for name, value in body.items() if name not in ("facts", "seconds")}


def audit(table, cache, checks=CHECKS, **options):
    return curate.audit(table, checks, cache=cache, **options)


def test_the_same_report_without_judging(make_table, tmp_path, judged):
    table = make_table()
    first, second = audit(table, tmp_path), audit(make_table(), tmp_path)
    assert len(judged) == 1
    assert second.findings.equals(first.findings)
    assert said(second) == said(first)
    assert second.material.views.vectors.tolist() == first.material.views.vectors.tolist()
    assert second.document().facts["seconds_of_checks"] == dict.fromkeys(CHECKS, 0.0)
    assert all(part["from_cache"] for part in second.material.facts["evidence"]["estimates"].values())


def test_an_audit_without_an_embedding_is_found_again(make_table, tmp_path):
    first, second = (audit(make_table(), tmp_path, ["exact_duplicates"]) for _ in range(2))
    assert second.findings.equals(first.findings)


def test_whatever_it_depends_on_makes_it_anew(make_table, tmp_path, judged):
    audit(make_table(), tmp_path)
    others = [
        lambda: audit(make_table(codes=np.arange(61) % 3), tmp_path),
        lambda: audit(make_table(codes=[*range(2), *(np.arange(2, 60) + 1) % 3]), tmp_path),
        lambda: audit(make_table(note=["something else"] * 60), tmp_path),
        lambda: audit(make_table(), tmp_path, seed=1),
        lambda: audit(make_table(), tmp_path, ["outliers"]),
        lambda: audit(make_table(), tmp_path, [Outliers(method="knn")]),
        lambda: audit(make_table(), tmp_path, evidence=EvidenceSettings(folds=3)),
        lambda: audit(make_table(), tmp_path, rehash=True),
        lambda: audit(make_table(), False),
    ]
    for count, other in enumerate(others, 2):
        other()
        assert len(judged) == count


def test_how_many_work_makes_no_difference(make_table, tmp_path, judged):
    audit(make_table(), tmp_path)
    audit(make_table(), tmp_path, evidence=EvidenceSettings(workers=1))
    assert len(judged) == 1


def test_other_code_makes_it_anew(make_table, tmp_path, judged, monkeypatch):
    audit(make_table(), tmp_path)
    monkeypatch.setattr("curate.pipeline.kept_audit.surroundings", lambda: "another version")
    audit(make_table(), tmp_path)
    assert len(judged) == 2


def test_a_damaged_audit_is_made_anew(make_table, tmp_path, judged):
    first = audit(make_table(), tmp_path)
    [path] = tmp_path.glob("results/*/*.arrow")
    path.write_bytes(path.read_bytes()[:-9] + b"123456789")
    assert audit(make_table(), tmp_path).findings.equals(first.findings)
    assert len(judged) == 2
    audit(make_table(), tmp_path)
    assert len(judged) == 2


def test_a_fault_that_may_pass_is_not_kept(make_table, tmp_path, judged, monkeypatch):
    monkeypatch.setattr(Outliers, "find", lambda self, evidence: 1 / 0)
    assert "outliers" in curate.audit(make_table(), cache=tmp_path).skipped
    assert not list(tmp_path.glob("results/*"))


def test_an_unwritable_cache_is_said_and_the_audit_is_made(make_table, tmp_path):
    (tmp_path / "results").write_text("in the way")
    report = audit(make_table(), tmp_path)
    assert report.summary["outliers"]
    assert any("the audit is not kept for the next one" in note for note in report.material.notes)


def test_a_check_that_does_not_apply_is_refused_though_others_are_kept(make_table, tmp_path):
    audit(make_table(), tmp_path)
    with pytest.raises(ConfigError, match="image_quality"):
        audit(make_table(), tmp_path, [ImageQuality()])


def test_the_limit_of_size_is_kept(make_table, tmp_path, monkeypatch):
    monkeypatch.setenv("CURATE_CACHE_LIMIT", "1KB")
    audit(make_table(), tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 1000
