"""The guard: chains, worst lines, held-out rows, and limits that are never exceeded."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.checks.image_quality import ImageQuality
from curate.checks.label_errors import LabelErrors
from curate.checks.unreadable import Unreadable
from curate.errors import ConfigError, LimitExceeded
from curate.findings import Findings
from curate.fixes import _guard


def planted(table_of, evidence_of, labels, splits, flagged, score=None, issue="label_error", check="label_errors"):
    n = len(labels)
    table = table_of(
        {"text": [f"t{i}" for i in range(n)], "label": list(labels), "split": list(splits)},
        text="text", label="label", split="split",
    )  # fmt: skip
    flagged = np.asarray(flagged, dtype=bool)
    score = np.where(flagged, 0.1, 0.9) if score is None else np.asarray(score)
    reasons = {int(p): f"reason {p}" for p in np.flatnonzero(flagged)}
    findings = Findings.of(check, issue, np.arange(n), table.row_ids, score, flagged, reason=reasons)
    return evidence_of(table), findings


def test_without_a_fix_nothing_is_decided(table_of, evidence_of):
    evidence, findings = planted(table_of, evidence_of, "aabb", ["train"] * 4, [1, 1, 1, 1])
    assert not len(_guard.apply(LabelErrors(), findings, evidence))


def test_held_out_and_inactive_rows_are_never_touched(table_of, evidence_of):
    splits = ["train", "test", "validation", "train", "other"]
    evidence, findings = planted(table_of, evidence_of, "aaaaa", splits, [1] * 5)
    evidence.active[3] = False
    decisions = _guard.apply(LabelErrors(fix="drop", limit=1.0), findings, evidence)
    assert decisions.table["row_id"].to_pylist() == ["r000000", "r000004"]


def test_the_chain_hands_on_what_a_fix_does_not_take(table_of, evidence_of):
    evidence, findings = planted(table_of, evidence_of, "aaaa", ["train"] * 4, [1] * 4, score=[0.01, 0.1, 0.3, 0.45])
    fix = {
        "drop": {"max_score": 0.05},
        "otherwise": {"weight": {"max_score": 0.2}, "otherwise": {"review": {"max_score": 0.4}}},
    }
    decisions = _guard.apply(LabelErrors(fix=fix, limit=1.0), findings, evidence)
    assert decisions.table["action"].to_pylist() == ["drop", "weight", "review"]
    assert decisions.table["row_id"].to_pylist() == ["r000000", "r000001", "r000002"]


def test_a_row_is_taken_once_by_the_worst_of_its_lines_that_the_fix_takes(table_of, evidence_of):
    n = 6
    table = table_of({"image": [f"i{i}" for i in range(n)], "label": ["a"] * n}, image="image", label="label")
    evidence = evidence_of(table)
    parts = [
        Findings.of("image_quality", issue, np.arange(n), table.row_ids, np.full(n, score), np.arange(n) < 2,
                    reason={0: issue, 1: issue})
        for issue, score in (("dark", 0.3), ("blurry", 0.2), ("noisy", 0.4))
    ]  # fmt: skip
    check = ImageQuality(fix={"drop": {"issue": ["noisy"]}, "otherwise": "review"})
    decisions = _guard.apply(check, Findings.join(parts), evidence)
    assert decisions.table["action"].to_pylist() == ["drop", "drop"]
    assert decisions.table["reason"].to_pylist() == ["noisy", "noisy"]
    decisions = _guard.apply(ImageQuality(fix="review"), Findings.join(parts), evidence)
    assert decisions.table["reason"].to_pylist() == ["blurry", "blurry"]


def test_the_limit_names_numbers_and_the_worst_class(table_of, evidence_of):
    labels = ["a"] * 90 + ["b"] * 10
    flagged = [i < 9 or i >= 96 for i in range(100)]
    evidence, findings = planted(table_of, evidence_of, labels, ["train"] * 100, flagged)
    with pytest.raises(LimitExceeded) as caught:
        _guard.apply(LabelErrors(fix="drop", limit=0.2), findings, evidence)
    text = str(caught.value)
    assert "label_errors: its fix would touch 13 of 100 training rows (13.0%)" in text
    assert "limit is 20.0%" in text
    assert "the class 'b' it would touch 4 of 10 (40.0%)" in text
    assert "raise the step's `limit`" in text
    assert len(_guard.apply(LabelErrors(fix="drop", limit=0.4), findings, evidence)) == 13


def test_the_class_of_which_the_largest_share_would_go_is_named(table_of, evidence_of):
    labels = ["a"] * 80 + ["b"] * 6 + ["c"] * 14
    flagged = [i < 40 or 81 <= i < 86 or 86 <= i < 92 for i in range(100)]
    evidence, findings = planted(table_of, evidence_of, labels, ["train"] * 100, flagged)
    with pytest.raises(LimitExceeded, match=r"touch 51 of 100 .* class 'b' it would touch 5 of 6 \(83.3%\)"):
        _guard.apply(LabelErrors(fix="drop", limit=0.3), findings, evidence)


def test_without_classes_the_whole_is_held(table_of, evidence_of):
    columns = {"image": [f"i{i}" for i in range(10)], "label": np.arange(10.0).tolist()}
    table = table_of(columns, image="image", label="label", kind="regression")
    flags = np.arange(10) < 4
    reasons = {int(place): "dark" for place in np.flatnonzero(flags)}
    found = Findings.of("image_quality", "dark", np.arange(10), table.row_ids, 1.0 - flags, flags, reason=reasons)
    with pytest.raises(LimitExceeded, match=r"touch 4 of 10 training rows \(40.0%\); the limit is 30.0%[^,]*Look at"):
        _guard.apply(ImageQuality(fix="drop", limit=0.3), found, evidence_of(table))
    assert len(_guard.apply(ImageQuality(fix="drop", limit=0.4), found, evidence_of(table))) == 4
    every = np.ones(10, dtype=bool)
    assert _guard.excess(flags, every, table.labels, 0.3) == _guard.Excess(4, 10, None)
    assert _guard.excess(flags, every, table.labels, 0.4) is None


def test_one_row_of_a_small_class_may_always_go(table_of, evidence_of):
    labels = ["a"] * 99 + ["b"]
    evidence, findings = planted(table_of, evidence_of, labels, ["train"] * 100, [i == 99 for i in range(100)])
    assert len(_guard.apply(LabelErrors(fix="drop", limit=0.05), findings, evidence)) == 1


def test_review_and_keep_have_no_limit(table_of, evidence_of):
    evidence, findings = planted(table_of, evidence_of, "aabb", ["train"] * 4, [1] * 4)
    for fix in ("review", "keep"):
        assert len(_guard.apply(LabelErrors(fix=fix, limit=0.01), findings, evidence)) == 4


def test_too_many_unreadable_rows_are_an_error_where_asked_for(table_of, evidence_of):
    table = table_of({"image": list("abcdef"), "label": ["x"] * 6}, image="image", label="label")
    evidence = evidence_of(table, broken={0: "cut off", 1: "cut off"})
    findings = Unreadable().find(evidence)
    assert len(_guard.apply(Unreadable(fix="drop"), findings, evidence)) == 2
    with pytest.raises(LimitExceeded, match="2 of 6"):
        _guard.apply(Unreadable(fix="drop", limit=0.2), findings, evidence)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_passes_the_guard_is_within_the_limit(table_of, evidence_of, data):
    n = data.draw(st.integers(1, 40))
    labels = data.draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    splits = data.draw(st.lists(st.sampled_from(["train", "train", "test"]), min_size=n, max_size=n))
    flagged = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    limit = data.draw(st.floats(0.01, 1.0))
    fix = data.draw(st.sampled_from(["drop", "weight", {"drop": {"max_score": 0.05}, "otherwise": "weight"}]))
    evidence, findings = planted(table_of, evidence_of, labels, splits, flagged)
    training = np.array(splits) == "train"
    touched = training & np.array(flagged)
    counts = [
        (int((touched & (np.array(labels) == c)).sum()), int((training & (np.array(labels) == c)).sum())) for c in "abc"
    ]
    too_many = touched.sum() > limit * training.sum() + 1e-9 or any(t > 1 and t > limit * of + 1e-9 for t, of in counts)
    check = LabelErrors(fix=fix, limit=limit)
    if too_many:
        with pytest.raises(LimitExceeded):
            _guard.apply(check, findings, evidence)
    else:
        ids = _guard.apply(check, findings, evidence).table["row_id"].to_pylist()
        assert ids == evidence.table.row_ids[touched].tolist()


def test_fixes_that_give_class_labels_are_refused_for_other_tasks(table_of, evidence_of):
    table = table_of({"text": ["a", "b"], "label": [1.0, 2.0]}, text="text", label="label", kind="regression")
    findings = Findings.of("label_errors", "label_error", np.arange(2), table.row_ids, np.zeros(2), np.ones(2, bool))
    check = LabelErrors(fix={"drop": {"max_score": 0.1}, "otherwise": "soften"}, limit=1.0)
    with pytest.raises(ConfigError, match="the fix soften gives labels of classes, and the task is regression"):
        _guard.apply(check, findings, evidence_of(table))
    assert len(_guard.apply(LabelErrors(fix="drop", limit=1.0), findings, evidence_of(table))) == 2
