"""class_imbalance and label_spelling."""

import numpy as np
import pytest

from curate.checks.class_imbalance import ClassImbalance
from curate.checks.label_spelling import LabelSpelling
from curate.checks.labels.spelling import one_edit, variants
from curate.errors import ConfigError
from curate.fixes import _guard


def labelled(table_of, counts, **more):
    labels = [name for name, count in counts.items() for _ in range(count)]
    return table_of(
        {"text": [f"t{i}" for i in range(len(labels))], "label": labels}, text="text", label="label", **more
    )


def test_all_rare_classes_are_found_not_the_rarest_alone(table_of, evidence_of):
    table = labelled(table_of, {"a": 100, "b": 90, "c": 12, "d": 9, "e": 40})
    findings = ClassImbalance().find(evidence_of(table))
    facts = findings.facts["class_imbalance"]
    assert facts["rare_classes"] == ["c", "d"]
    assert len(findings.flagged) == 21
    assert facts["largest_over_smallest"] == 11.11
    assert 3.0 < facts["effective_number_of_classes"] < 5.0
    score = findings.table["score"].to_numpy()
    np.testing.assert_allclose(score[190:202], 12 / 50.2, atol=1e-6)
    assert score[0] == 1.0


def test_classes_that_only_held_out_rows_have_are_named(table_of, evidence_of):
    table = table_of(
        {"text": list("abcd"), "label": ["x", "x", "y", "z"], "split": ["train", "train", "train", "test"]},
        text="text", label="label", split="split",
    )  # fmt: skip
    facts = ClassImbalance(min_rows=0).find(evidence_of(table)).facts["class_imbalance"]
    assert facts["classes_without_training_rows"] == ["z"]
    assert facts["counts"] == {"x": 2, "y": 1, "z": 0}


def test_a_small_class_is_rare_only_beside_larger_ones(table_of, evidence_of):
    def rare(counts):
        return ClassImbalance().find(evidence_of(labelled(table_of, counts))).facts["class_imbalance"]["rare_classes"]

    assert rare({"a": 4, "b": 4}) == rare({"a": 1}) == []
    assert rare({"a": 4, "b": 6}) == ["a"]


@pytest.mark.parametrize("fix", ["drop", "weight", {"review": None, "otherwise": "drop"}])
def test_rare_rows_are_never_dropped_or_weighted_down(fix):
    with pytest.raises(ConfigError, match="use a balance step"):
        ClassImbalance(fix=fix)
    assert ClassImbalance(fix="review").fix == "review"


def test_variants_of_a_spelling_are_found_and_the_common_one_suggested(table_of, evidence_of):
    counts = {"Cat": 5, "cat": 60, "dog": 50, "dogs": 7, "horse": 80, "hrose": 2, "ｏwl": 3, "owl": 30, "new york": 9,
              "new_york": 40}  # fmt: skip
    findings = LabelSpelling().find(evidence_of(labelled(table_of, counts)))
    assert findings.facts["label_spelling"]["variants"] == {
        "Cat": "cat", "dogs": "dog", "hrose": "horse", "new york": "new_york", "ｏwl": "owl",
    }  # fmt: skip
    assert len(findings.flagged) == 26
    decisions = _guard.apply(
        LabelSpelling(fix={"relabel": {"min_confidence": 0.9}}, limit=1.0),
        findings,
        evidence_of(labelled(table_of, counts)),
    )
    assert len(decisions) == 24  # all but the two rows of the typo


@pytest.mark.parametrize(
    "names", [("-1", "1"), ("class_1", "class_2"), ("a", "A"), ("1.5", "1,5x"), ("male", "female"), ("glas", "glass")]
)
def test_names_that_mean_different_things_are_left_alone(names):
    assert variants(names, np.array([1000, 1]), 0.05, 5) == {}


def test_a_typo_must_be_rare():
    assert variants(("angel", "angle"), np.array([100, 90]), 0.05, 5) == {}
    assert set(variants(("angel", "angle"), np.array([100, 3]), 0.05, 5)) == {1}


def test_one_edit():
    assert one_edit("horse", "hrose")
    assert one_edit("horse", "hose")
    assert one_edit("horse", "horsey")
    assert not one_edit("horse", "house2")
    assert not one_edit("v1", "v2")
    assert not one_edit("same", "same")


def test_remarks_of_the_source_come_as_label_format(table_of, evidence_of):
    problems = [(1, "label_format", "the label 1 is a number, most are text"), (0, "other", "not ours")]
    table = labelled(table_of, {"a": 3, "b": 3}, problems=problems)
    findings = LabelSpelling().find(evidence_of(table)).only(issue="label_format")
    assert findings.flagged["row"].to_pylist() == [1]
    assert findings.flagged["reason"].to_pylist() == ["the label 1 is a number, most are text"]
