"""What to do first: order, rows, and lines of YAML that a pipeline takes."""

import numpy as np
import pytest
import yaml

import curate
from curate import registry
from curate.findings import Findings
from curate.report import Report
from curate.report.advice import _WAYS, ABOUT_THE_SET
from curate.step import Check


def of(table, check, rows, issue="x"):
    n = len(table)
    flags = np.isin(np.arange(n), rows)
    return Findings.of(check, issue, np.arange(n), table.row_ids, np.where(flags, 0.0, 1.0), flags)


def test_order_and_rows(animals):
    parts = [of(animals, "outliers", [0]), of(animals, "label_errors", [1, 3]), of(animals, "unreadable", [9])]
    first = Report(animals, Findings.join(parts)).document().first
    assert [(one.check, one.rows) for one in first] == [("unreadable", 1), ("label_errors", 2), ("outliers", 1)]
    assert first[0].yaml is None


def test_at_most_five(animals):
    parts = [of(animals, f"check_{i}", [i]) for i in range(8)]
    first = Report(animals, Findings.join(parts)).document().first
    assert len(first) == 5
    assert first[0].yaml == "- check_0: {fix: review}"


def test_a_limit_is_added_where_the_fix_would_stop(animals):
    """Both train rows of `cat` but one: more than the default half of a class."""
    first = Report(animals, of(animals, "exact_duplicates", [0, 1])).document().first
    assert first[0].yaml == "- exact_duplicates: {fix: drop, limit: 0.67}"


def test_no_check_of_ours_has_another_limit():
    checks = [
        registry.step(name) for name, where in registry.step_names().items() if where.startswith("curate.checks.")
    ]
    assert len(checks) > 20
    assert {check.model_fields["limit"].default for check in checks} == {Check.model_fields["limit"].default}


def test_one_row_of_a_class_needs_no_limit_and_a_whole_class_is_looked_at():
    labels = ["a"] * 8 + ["b"] * 3 + ["c"]
    table = curate.load({"x": list(range(12)), "label": labels}, features="x", label="label")
    for rows, line in (([11], "fix: drop"), ([0, 11], "fix: drop"), ([8, 9, 10], "fix: review")):
        first = Report(table, of(table, "exact_duplicates", rows)).document().first
        assert first[0].yaml == f"- exact_duplicates: {{{line}}}"
        [step] = yaml.safe_load(first[0].yaml)
        assert registry.step("exact_duplicates")(**step["exact_duplicates"]).limit == 0.5


def test_missing_cells_and_missing_labels_are_two_jobs(animals):
    parts = [of(animals, "missing_values", [1], "missing_cells"), of(animals, "missing_values", [2], "missing_label")]
    first = Report(animals, Findings.join(parts)).document().first
    assert {one.yaml.split(":")[0] for one in first} == {"- missing_values", "- impute"}


def test_cells_that_stand_for_a_missing_value_are_a_job_of_their_own(animals):
    first = Report(animals, of(animals, "missing_values", [1], "disguised_missing")).document().first
    assert first[0].yaml == "- missing_values: {fix: {review: {issue: disguised_missing}}}"


def test_spellings_come_before_labels_that_look_wrong(animals):
    """Else rows of the rarer spelling are relabelled one by one, or dropped."""
    parts = [of(animals, "label_errors", [0, 1, 3, 6]), of(animals, "label_spelling", [0, 1, 3])]
    first = Report(animals, Findings.join(parts)).document().first
    assert [one.check for one in first] == ["label_spelling", "label_errors"]


@pytest.mark.parametrize("name", sorted(_WAYS))
def test_lines_are_steps_that_exist(animals, name):
    check, _, issue = name.partition("/")
    if check not in registry.step_names():
        pytest.skip(f"{check} is not installed")
    first = Report(animals, of(animals, check, [0, 1, 3, 6], issue or "x")).document().first
    if first[0].yaml is None:
        assert check == "unreadable" or check in ABOUT_THE_SET
        return
    [line] = yaml.safe_load(first[0].yaml)
    step, settings = (line, {}) if isinstance(line, str) else next(iter(line.items()))
    assert registry.step(step)(**settings).name == step


def test_what_a_later_step_of_the_run_has_filled_is_not_advised_again():
    columns = {"x": [None, 2.0, None, *map(float, range(9))], "z": [None, *map(float, range(11))]}
    table = curate.load({**columns, "label": ["a"] * 9 + ["b"] * 3}, label="label", features=["x", "z"])

    def advised(*steps):
        first = curate.Pipeline([{"missing_values": {"max_column_missing": 2.0}}, *steps]).run(table, cache=None)
        return {one.yaml: one.rows for one in first.report.document().first}

    assert advised() == {"- impute": 2}
    assert advised("impute") == {}
    assert advised({"impute": {"columns": ["z"]}}) == {"- impute": 2}
    assert advised({"impute": {"columns": ["x"]}}) == {"- impute": 1}
    assert advised("class_weights") == {"- impute": 2}
