"""Each fix: what it takes, what it writes, what it leaves to the next."""

import json

import numpy as np
import pyarrow as pa
import pytest

from curate import registry
from curate.checks.label_errors import LabelErrors
from curate.errors import ConfigError
from curate.findings import Findings
from curate.fixes.relabel import Relabel
from curate.fixes.soften import Soften
from curate.fixes.weight import Weight
from curate.ledger import combine, sparse, spread
from curate.task import Task

POSTERIOR = np.array([[0.02, 0.95, 0.03], [0.3, 0.6, 0.1], [np.nan] * 3, [0.1, 0.2, 0.7]], dtype=np.float32)


@pytest.fixture
def judged(table_of, evidence_of):
    """Evidence of four rows labelled a, and flagged findings about them that suggest b, b, b, nothing."""
    table = table_of(
        {"text": list("wxyz"), "label": ["a"] * 4}, text="text", label="label", label_names=("a", "b", "c")
    )
    evidence = evidence_of(table, posterior=POSTERIOR, probabilities=np.nan_to_num(POSTERIOR, nan=1 / 3))
    findings = Findings.of(
        "label_errors", "label_error", np.arange(4), table.row_ids, np.array([0.02, 0.3, 0.2, 0.1]),
        np.ones(4, dtype=bool), suggested_label=["b", "b", "b", None], reason=[f"because {i}" for i in range(4)],
    )  # fmt: skip
    return evidence, findings.flagged


def entries(decisions):
    return decisions.table.to_pylist()


@pytest.mark.parametrize("name", sorted(registry.fix_names()))
def test_every_fix_keeps_to_its_conditions_and_gives_reasons(judged, name):
    evidence, flagged = judged
    fix = registry.fix(name)
    decisions, taken = fix(max_score=0.25).decide("label_errors", flagged, evidence)
    assert taken.dtype == bool
    assert not taken[1]
    assert len(decisions) == taken.sum() > 0
    lines = flagged.filter(pa.array(taken))
    for column in ("row_id", "reason", "score"):
        assert decisions.table[column].to_pylist() == lines[column].to_pylist()
    of_labels = name in ("drop", "relabel", "review", "soften")
    assert set(decisions.table["before"].to_pylist()) == {"a" if of_labels else None}
    assert set(decisions.table["action"].to_pylist()) == {name}
    assert set(decisions.table["author"].to_pylist()) == {"curate"}
    none, taken = fix(issue=("other",)).decide("label_errors", flagged, evidence)
    assert not len(none)
    assert not taken.any()
    empty, taken = fix().decide("label_errors", flagged.slice(0, 0), evidence)
    assert len(empty) == len(taken) == 0
    assert all(field.description for field in fix.model_fields.values())


def test_relabel_takes_what_is_sure_enough(judged):
    evidence, flagged = judged
    decisions, taken = Relabel(min_confidence=0.9).decide("label_errors", flagged, evidence)
    assert taken.tolist() == [True, False, False, False]
    assert entries(decisions)[0] | {"score": None} == {
        "row_id": "r000000", "step": "label_errors", "action": "relabel", "score": None, "before": "a", "after": "b",
        "reason": "because 0", "author": "curate",
    }  # fmt: skip
    _, taken = Relabel(min_confidence=0.5).decide("label_errors", flagged, evidence)
    assert taken.tolist() == [True, True, True, False]  # the third by its score, as it has no posterior


def test_votes_among_copies_are_their_own_confidence(judged):
    evidence, flagged = judged
    _, taken = Relabel(min_confidence=0.75).decide("conflicting_labels", flagged, evidence)
    assert taken.tolist() == [True, False, True, False]


def test_the_first_class_is_suggested_with_its_own_confidence(table_of, evidence_of):
    names, posterior = ("a", "b"), np.array([[0.8, 0.2], [0.1, 0.9]], np.float32)
    table = table_of({"text": ["w", "x"], "label": ["b", "a"]}, text="text", label="label", label_names=names)
    flagged = Findings.of(
        "label_errors", "label_error", np.arange(2), table.row_ids, np.array([0.9, 0.9]), np.ones(2, dtype=bool),
        suggested_label=["a", "b"], reason=["r", "r"],
    ).flagged  # fmt: skip
    for least, expected in ((0.7, [True, True]), (0.8, [True, True]), (0.85, [False, True]), (0.95, [False, False])):
        _, taken = Relabel(min_confidence=least).decide(
            "label_errors", flagged, evidence_of(table, posterior=posterior)
        )
        assert taken.tolist() == expected, least


def test_fixes_of_classes_are_for_classes_alone():
    for fix in (Soften(), Relabel()):
        assert fix.refuses(Task(kind="classification", text="text", label="label")) is None
        for kind, said in (("multilabel", "multilabel"), ("regression", "regression"), (None, "undefined")):
            assert f"the fix {fix.name} gives labels of classes, and the task is {said}: use drop" in fix.refuses(
                Task(kind=kind, text="text")
            )


def test_soften_writes_the_posterior_sparsely_and_leaves_rows_without_one(judged):
    evidence, flagged = judged
    decisions, taken = Soften().decide("label_errors", flagged, evidence)
    assert taken.tolist() == [True, True, False, True]
    assert json.loads(entries(decisions)[0]["after"]) == {"b": 0.95, "c": 0.03, "a": 0.02}
    verdict = combine(decisions, evidence.table.row_ids, evidence.labels.codes, evidence.labels.names)
    np.testing.assert_allclose(verdict.soft[3], [0.1, 0.2, 0.7], atol=1e-4)


def test_sparse_soft_labels_are_close_to_the_whole():
    rng = np.random.default_rng(0)
    names = [f"c{k}" for k in range(50)]
    for mass in rng.dirichlet(np.full(50, 0.05), 50):
        text = sparse(mass.astype(np.float32), names)
        assert all(value >= 0.01 for value in json.loads(text).values())
        assert np.abs(spread(text, names) - mass).max() < 0.011
    assert json.loads(sparse(np.full(200, 0.005), [f"c{k}" for k in range(200)])) == {"c0": 0.005}


def test_weights_are_the_score_but_not_less_than_the_least(judged):
    evidence, flagged = judged
    decisions, _ = Weight(min_weight=0.15).decide("x", flagged, evidence)
    assert [float(e["after"]) for e in entries(decisions)] == [0.15, 0.3, 0.2, 0.15]
    for factor in (0.4, 0.05, 0.0):
        decisions, _ = Weight(factor=factor).decide("x", flagged, evidence)
        assert {e["after"] for e in entries(decisions)} == {f"{factor:g}"}
    with pytest.raises(ConfigError, match="with factor it does nothing"):
        Weight(factor=0.4, min_weight=0.2)


def test_soften_and_relabel_take_nothing_where_there_are_no_classes(table_of, evidence_of):
    table = table_of({"text": ["a", "b"], "label": [1.0, 2.0]}, text="text", label="label", kind="regression")
    flagged = Findings.of(
        "label_errors",
        "label_error",
        np.arange(2),
        table.row_ids,
        np.zeros(2),
        np.ones(2, dtype=bool),
        reason=["r", "r"],
    ).flagged
    for fix in (Soften(), Relabel()):
        _, taken = fix.decide("label_errors", flagged, evidence_of(table))
        assert not taken.any()


def test_a_check_refuses_unknown_fixes_with_the_nearest_name():
    with pytest.raises(ConfigError, match="relabel"):
        LabelErrors(fix="relable")
