"""The report as an object: worst rows, JSON, files, text."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.errors import ConfigError, StorageError
from curate.findings import Findings
from curate.ledger import Decisions, combine
from curate.report import Report, schema

ACCOUNTS = [
    {"split": "train", "read": 7, "added": 0, "kept": 6, "dropped": 1, "unreadable": 0, "draws": 8},
    {"split": "validation", "read": 3, "kept": 2, "dropped": 0, "unreadable": 1, "draws": 2},
]


@pytest.fixture
def report(animals, findings):
    return Report(animals, findings, notes=["a note"], facts={"evidence": {"encoder": "n-grams"}}, seconds=1.5)


@pytest.fixture
def run(animals, findings):
    decisions = Decisions.join(
        [
            Decisions.of("label_errors", "relabel", ["r1"], "clear", before=["cat"], after=["dog"]),
            Decisions.of("label_errors", "review", ["r3"], "unclear"),
            Decisions.of("exact_duplicates", "drop", ["r2"], "a copy"),
        ]
    )
    verdict = combine(decisions, animals.row_ids, animals.labels.codes, animals.labels.names)
    return Report(animals, findings, decisions=decisions, verdict=verdict, accounts=ACCOUNTS, pipeline="curate: 1\n")


def test_public_name():
    assert curate.Report is Report


def test_is_frozen(report):
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.material = None


def test_findings_and_summary(report, findings):
    assert report.findings is findings.table
    assert report.found is findings
    assert report.summary["label_errors"]["label_error"] == {"rows": 9, "issues": 2, "share": 2 / 9}
    assert repr(report) == "Report(10 rows, checks=4, findings=4)"


def test_worst_is_sorted_and_flagged_only(report):
    assert report.worst("label_errors")["row"].to_pylist() == [3, 1]
    assert report.worst("label_errors", n=1)["row_id"].to_pylist() == ["r3"]
    assert report.worst("text_quality", "shouting").num_rows == 0


def test_worst_names_the_nearest_check_and_issue(report):
    with pytest.raises(ConfigError, match="did you mean 'label_errors'"):
        report.worst("label_error")
    with pytest.raises(ConfigError, match=r"no issue 'shout'.*'shouting'"):
        report.worst("text_quality", "shout")
    with pytest.raises(ConfigError, match="negative"):
        report.worst("label_errors", n=-1)


def test_json_is_valid_and_says_what_was_found(report, tmp_path):
    text = report.to_json(tmp_path / "deep" / "report.json")
    assert (tmp_path / "deep" / "report.json").read_text(encoding="utf-8") == text
    body = json.loads(text)
    jsonschema.validate(body, schema())
    assert body["rows"] == 10
    assert body["unreadable"] == 1
    assert body["rows_with_issues"] == 4
    assert body["label_noise"] == 0.2
    assert body["duplicates"] == 1
    assert body["encoder"] == "n-grams"
    assert body["splits"] == {"train": 7, "validation": 3}
    assert [(c["name"], c["rows"], c["after"]) for c in body["classes"]] == [
        ("cat", 4, None),
        ("dog", 4, None),
        ("fish", 1, None),
    ]
    assert body["unlabeled"] == 1
    assert body["confusion"] == [
        {"given": "cat", "suggested": "dog", "rows": 1},
        {"given": "dog", "suggested": "fish", "rows": 1},
    ]
    assert body["checks"]["label_errors"]["facts"]["odd"] is None
    worst = body["checks"]["label_errors"]["issues"]["label_error"]["worst"]
    assert [row["row"] for row in worst] == [3, 1]
    assert worst[0] | {"score": 0} == {
        "row": 3,
        "row_id": "r3",
        "split": "train",
        "file": "animals.csv",
        "line": 5,
        "given": "dog",
        "suggested": "fish",
        "score": 0,
        "flagged": True,
        "reason": "looks like a fish",
        "group": None,
        "group_rows": None,
        "preview": "this is text number 3",
        "decisions": [],
    }
    assert body["decisions"] is None
    assert body["accounts"] is None


def test_a_duplicate_is_listed_beside_the_row_that_stays(report):
    issue = report.document().checks["exact_duplicates"].issues["exact_duplicate"]
    assert [(row.row, row.flagged, row.group_rows) for row in issue.worst] == [(0, False, 2), (2, True, 2)]


def test_json_of_a_run(run):
    body = json.loads(run.to_json())
    jsonschema.validate(body, schema())
    assert body["decisions"] == {"label_errors": {"relabel": 1, "review": 1}, "exact_duplicates": {"drop": 1}}
    assert body["accounts"] == [{"added": 0, **account} for account in ACCOUNTS]
    assert {c["name"]: c["after"] for c in body["classes"]} == {"cat": 2, "dog": 5, "fish": 1}
    worst = body["checks"]["label_errors"]["issues"]["label_error"]["worst"]
    assert worst[1]["decisions"] == ["label_errors: relabelled from 'cat' to 'dog': clear"]
    assert body["first"][0]["check"] == "review"
    assert {one["check"] for one in body["first"]} == {"review"}, "decided and held-out rows need no further advice"
    assert body["pipeline"] == "curate: 1\n"


def test_plan_gives_draws_and_class_sizes(animals, findings):
    plan = pa.table(
        {
            "row": [0, 3, 3],
            "label": pa.array(["cat", "dog", "dog"]).dictionary_encode(),
            "origin": pa.array(["original", "original", "repeated"]).dictionary_encode(),
        }
    )
    document = Report(animals, findings, plan=plan).document()
    assert document.draws.model_dump() == {"total": 3, "by_origin": {"original": 2, "repeated": 1}}
    assert [one.after for one in document.classes] == [1, 2, 0]


def test_rows_per_issue_limits_the_rows(report):
    document = report.document(1)
    assert len(document.checks["label_errors"].issues["label_error"].worst) == 1
    assert report.document(0).checks["label_errors"].issues["label_error"].worst == []
    with pytest.raises(ConfigError):
        report.document(-1)


def test_no_rows_and_no_findings(animals):
    empty = Report(animals.select([]), Findings.none())
    jsonschema.validate(json.loads(empty.to_json()), schema())
    assert "no rows" in str(empty).lower()
    nothing = Report(animals, Findings.none())
    assert nothing.document().outcome.level == "look"
    assert "no check ran" in str(nothing)


def fine(animals, check="outliers", issue="outlier"):
    n = len(animals)
    return Findings.of(check, issue, np.arange(n), animals.row_ids, np.ones(n), np.zeros(n, bool))


def test_everything_fine(animals):
    outcome = Report(animals, fine(animals), every_check=True).document().outcome
    assert (outcome.level, outcome.sentence) == ("fine", "Nothing wrong was found in 10 rows.")
    assert outcome.verdict == "Ready to train on"


@pytest.mark.parametrize(
    ("known", "by"),
    [
        ({}, " by 1 check alone"),
        ({"every_check": True, "skipped": {"drift": "broke"}}, " by 1 check alone; 1 check could not run"),
        (
            {"every_check": True, "facts": {"seconds_of_checks": {"outliers": 1.0, "diversity": 0.1}}},
            " by 1 of 2 checks; the other judged no row",
        ),
        (
            {"facts": {"steps": [{"step": "outliers", "kind": "check"}, {"step": "scale", "kind": "transform"}]}},
            " by 1 check alone",
        ),
    ],
)
def test_what_was_looked_at_in_part_is_not_called_ready(animals, tmp_path, known, by):
    report = Report(animals, fine(animals), **known)
    outcome = report.document().outcome
    assert (outcome.level, outcome.verdict) == ("fine", "Nothing found so far")
    assert outcome.sentence == f"Nothing wrong was found in 10 rows{by}."
    report.to_html(tmp_path / "r.html")
    assert "Ready to train on" not in (tmp_path / "r.html").read_text()
    assert outcome.sentence in str(report)


def test_a_check_that_says_why_it_judged_no_row_leaves_nothing_open(animals):
    of_two = Findings(Findings.none().table, {"class_overlap": {"sentence": "it compares three classes or more"}})
    both = Findings.join([fine(animals), of_two])
    assert Report(animals, both, every_check=True).document().outcome.complete


def test_checks_that_judged_no_row_at_all(animals):
    report = Report(animals, Findings.none(), facts={"seconds_of_checks": {"diversity": 0.1}}, every_check=True)
    outcome = report.document().outcome
    assert (outcome.level, outcome.sentence) == ("look", "10 rows were read, and no check judged one.")


def test_an_audit_by_all_checks_alone_calls_rows_ready():
    words = ["river water boat fish lake shore wave swim", "engine wheel road driver brake fuel gear speed"]
    rng = np.random.default_rng(0)
    rows = [" ".join(rng.choice([*words[k % 2].split(), "the", "of", "and", "on", "near"], 9)) for k in range(12)]
    table = curate.load({"text": rows, "label": ["a", "b"] * 6})
    assert curate.audit(table, cache=False).document().outcome.verdict == "Ready to train on"
    for part in (
        curate.audit(table, ["unreadable"], cache=False),
        curate.Pipeline(["unreadable"]).run(table, cache=False),
    ):
        outcome = getattr(part, "report", part).document().outcome
        assert outcome.verdict == "Nothing found so far"
        assert outcome.sentence == "Nothing wrong was found in 12 rows by 1 check alone."


def test_rare_classes_are_no_rows_with_issues(animals):
    rare = Findings.of(
        "class_imbalance", "rare_class", np.array([6]), animals.row_ids, np.array([0.3]), np.array([True])
    )
    document = Report(animals, rare).document()
    assert document.rows_with_issues == 0
    assert document.outcome.sentence == (
        "No single row is found wrong by 1 check alone. class_imbalance speaks of the set as a whole."
    )
    assert document.first[0].yaml == "- class_weights"


def test_surrogates_and_non_finite_facts_survive_json(animals, findings):
    report = Report(
        animals,
        findings,
        notes=["file \udcff.csv"],
        facts={"a\ud800": float("inf"), "values": np.array([1.0, np.nan]), "nested": {"x": (1, {2})}},
    )
    body = json.loads(report.to_json().encode("utf-8"))
    assert body["notes"] == ["file \\udcff.csv"]
    assert body["facts"] == {"a\\ud800": None, "values": [1.0, None], "nested": {"x": [1, [2]]}}


def test_to_pandas_keeps_arrow_types(report):
    frame = report.to_pandas()
    assert len(frame) == len(report.findings)
    assert "object" not in {str(kind) for kind in frame.dtypes}


def test_a_file_that_cannot_be_written(report, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StorageError, match="can't be written"):
        report.to_json(blocked / "report.json")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_nothing_is_left_beside_the_report(report, tmp_path):
    (tmp_path / "report.html").write_text("old")
    report.to_html(tmp_path / "report.html")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_schema_file_is_in_sync():
    file = Path(__file__).parents[2] / "schemas" / "report.schema.json"
    assert json.loads(file.read_text(encoding="utf-8")) == schema()
    jsonschema.Draft202012Validator.check_schema(schema())
