import json
from collections import Counter

import numpy as np
import pytest

import curate
from curate.balance.pseudo_label import PseudoLabel
from curate.evidence import Evidence, EvidenceSettings


@pytest.fixture(scope="module")
def digits():
    """scikit-learn's digits with 70 % of the labels hidden: evidence and all true labels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    rng = np.random.default_rng(0)
    labels = [str(k) if rng.random() > 0.7 else None for k in found.target]
    task = curate.Task(
        kind="classification", features="x", label="y", label_names=tuple("0123456789"), id="id", split="part"
    )
    part = ["test" if i % 20 == 0 else "train" for i in range(len(labels))]
    ids = [f"d{i}" for i in range(len(labels))]
    table = curate.load({"x": found.data.astype(np.float32), "y": labels, "id": ids, "part": part}, task=task)
    return Evidence(table, EvidenceSettings(), seed=0), found.target


def relabelled(decided):
    return {e["row_id"]: e["after"] for e in decided.table.to_pylist() if e["action"] == "relabel"}


@pytest.mark.parametrize("max_error", [0.03, 0.05])
def test_accepted_labels_of_digits_keep_the_promise(digits, max_error):
    evidence, truth = digits
    decided = PseudoLabel(max_error=max_error).decide(evidence.labels, evidence, np.random.default_rng(0))
    found = relabelled(decided)
    hidden = evidence.table.training & ~evidence.labels.known
    wrong = np.mean([truth[int(row[1:])] != int(label) for row, label in found.items()])
    assert wrong <= max_error
    assert set(found) <= set(evidence.table.row_ids[hidden].tolist())
    if max_error == 0.05:
        assert len(found) >= 0.85 * hidden.sum()


def test_every_accepted_row_has_its_entries_and_provenance(digits):
    evidence, _ = digits
    decided = PseudoLabel(weight=0.5).decide(evidence.labels, evidence, np.random.default_rng(0))
    entries = decided.table.to_pylist()
    count = Counter(e["action"] for e in entries)
    assert count["relabel"] == count["soften"] == count["weight"] > 500
    assert set(count) == {"relabel", "soften", "weight"}
    assert all("estimated chance of error" in e["reason"] and "threshold" in e["reason"] for e in entries)
    assert all(0 < float(e["after"]) <= 0.5 for e in entries if e["action"] == "weight")
    for e in entries:
        if e["action"] == "soften":
            assert max(json.loads(e["after"]).items(), key=lambda p: p[1])[0] == e["before"]


def test_the_ledger_and_the_plan_take_them(digits):
    evidence, truth = digits
    run = curate.Pipeline(["pseudo_label"]).run(evidence.table, cache=None)
    plan = run.plan.to_pandas()
    train = plan[plan.split == "train"]
    assert train.label.notna().mean() > 0.85
    assert (train.label[train.label.notna()].astype(int) == truth[train.row[train.label.notna()]]).mean() > 0.97
    assert any("unlabelled rows get a label" in note for note in run.notes)


def test_the_rest_and_most_per_class(digits):
    evidence, _ = digits
    step = PseudoLabel(max_per_class=20, rest="drop", soft=False, max_error=0.05)
    decided = step.decide(evidence.labels, evidence, np.random.default_rng(0))
    found = relabelled(decided)
    assert max(Counter(found.values()).values()) == 20
    dropped = [e["row_id"] for e in decided.table.to_pylist() if e["action"] == "drop"]
    hidden = evidence.table.row_ids[evidence.table.training & ~evidence.labels.known].tolist()
    assert sorted([*dropped, *found]) == sorted(hidden)


def test_other_thresholds(digits):
    evidence, truth = digits

    def accepted(**settings):
        decided = PseudoLabel(**settings).decide(evidence.labels, evidence, np.random.default_rng(0))
        found = relabelled(decided)
        return len(found), np.mean([truth[int(row[1:])] == int(label) for row, label in found.items()])

    (few, right), (many, _) = (accepted(method="fixed", min_confidence=c) for c in (0.99, 0.6))
    assert 0 < few < many
    assert right > 0.97
    more, right = accepted(method="flexible", min_confidence=0.99)
    assert more > few
    assert right > 0.9


def test_labels_that_content_does_not_tell_are_not_given():
    rng = np.random.default_rng(0)
    labels = [None if i % 3 else "ab"[int(rng.integers(2))] for i in range(600)]
    task = curate.Task(kind="classification", features="x", label="y", label_names=("a", "b"))
    table = curate.load({"x": rng.normal(size=(600, 8)).astype(np.float32), "y": labels}, task=task)
    evidence = Evidence(table, EvidenceSettings(), seed=0)
    assert not len(PseudoLabel().decide(evidence.labels, evidence, rng))
    assert any("none of 400 unlabelled rows" in note for note in evidence.notes)


def test_only_classes():
    assert "regression" in (PseudoLabel().refuses(curate.Task(kind="regression", features="x", label="y")) or "")
    assert "no label" in (PseudoLabel().refuses(curate.Task(kind="unlabeled", features="x")) or "")


def test_no_unlabelled_rows_are_said(evidence_of):
    evidence = evidence_of([6, 6])
    assert PseudoLabel().decide(evidence.labels, evidence, np.random.default_rng(0)).table.num_rows == 0
    assert evidence.notes == ["pseudo_label: there are no unlabelled rows to give a label to; nothing is done"]
