"""group_weights: groups and classes within groups count alike, on hand-computed numbers."""

import numpy as np
import pytest

import curate
from curate.balance.group_weights import GroupWeights, group_codes
from curate.errors import ConfigError, DataError
from curate.evidence import Evidence, EvidenceSettings


def evidence_of(columns, kind="classification", **task):
    n = len(columns["label"])
    columns = {"text": [f"text {i}" for i in range(n)], **columns}
    table = curate.load(columns, task={"kind": kind, "text": "text", "label": "label", **task})
    return Evidence(table, EvidenceSettings(encoder="classic", workers=1))


def weights(step, evidence):
    assert step.refuses(evidence.table.task) is None
    found = step.decide(evidence.labels, evidence, np.random.default_rng(0)).table.to_pylist()
    return {line["row_id"]: (float(line["after"]), line["reason"]) for line in found}


LABELS = ["cat"] * 6 + ["dog"] * 4
PLACES = ["land"] * 5 + ["sea"] + ["sea"] * 3 + ["land"]  # cat land 5, cat sea 1, dog sea 3, dog land 1


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, [10 / 12] * 5 + [10 / 8] * 4 + [10 / 12]),
        ({"by": "class_and_group"}, [0.5] * 5 + [2.5] + [10 / 12] * 3 + [2.5]),
        # independence: n_class n_group / (n n_both): cat land 6*6/50, cat sea 6*4/10, dog sea 4*4/30, dog land 4*6/10
        ({"by": "class_and_group", "method": "independence"}, [0.72] * 5 + [2.4] + [16 / 30] * 3 + [2.4]),
    ],
)
def test_by_hand(settings, wanted):
    evidence = evidence_of({"label": LABELS, "place": PLACES})
    found = weights(GroupWeights(column="place", **settings), evidence)
    ids = evidence.table.row_ids.tolist()
    np.testing.assert_allclose([found[i][0] for i in ids], wanted, rtol=1e-5)
    assert np.mean(wanted) == pytest.approx(1)


def test_the_loss_of_all_groups_is_the_same():
    rng = np.random.default_rng(3)
    places = rng.choice(["a", "b", "c"], 500, p=[0.8, 0.15, 0.05])
    evidence = evidence_of({"label": rng.choice(["x", "y"], 500).tolist(), "place": places.tolist()}, group="place")
    found = weights(GroupWeights(), evidence)
    own = np.array([found[i][0] for i in evidence.table.row_ids.tolist()])
    sums = [own[places == name].sum() for name in "abc"]
    np.testing.assert_allclose(sums, 500 / 3, rtol=1e-4)


def test_small_groups_are_said_and_held():
    evidence = evidence_of({"label": LABELS, "place": PLACES})
    found = weights(GroupWeights(column="place", by="class_and_group", min_draws=3), evidence)
    ids = evidence.table.row_ids.tolist()
    own = np.array([found[i][0] for i in ids])
    assert own[5] / own[0] == pytest.approx(5 / 3, rel=1e-4)  # one row, weighed as if it were three
    assert own.mean() == pytest.approx(1, rel=1e-4)
    assert "4 of 4 combinations of class and place have fewer than 10 draws (the smallest 1)" in evidence.notes[-1]
    assert found[ids[5]][1] == "place 'sea' and class 'cat': 1 of 10 draws (inverse)"


def test_rows_without_a_group_and_held_out_rows_are_left_alone():
    places = [1.0, 1.0, None, float("nan"), 2.0, 2.0, 2.0]
    columns = {"label": ["x", "y", "x", "y", "x", "y", "x"], "place": places, "split": ["train"] * 6 + ["test"]}
    evidence = evidence_of(columns, split="split")
    found = weights(GroupWeights(column="place"), evidence)
    ids = evidence.table.row_ids.tolist()
    assert sorted(found) == sorted(ids[i] for i in (0, 1, 4, 5))
    assert any("2 training rows have no place" in sentence for sentence in evidence.notes)


def test_regression_by_group():
    evidence = evidence_of({"label": [1.0, 2.0, 3.0, 4.0], "place": ["a", "a", "a", "b"]}, kind="regression")
    found = weights(GroupWeights(column="place"), evidence)
    np.testing.assert_allclose([found[i][0] for i in evidence.table.row_ids.tolist()], [2 / 3] * 3 + [2], rtol=1e-5)
    assert "needs classes" in GroupWeights(column="place", by="class_and_group").refuses(evidence.table.task)


def test_refusals():
    evidence = evidence_of({"label": ["x", "y"], "place": [["a"], ["b"]]})
    assert "name their column" in GroupWeights().refuses(evidence.table.task)
    with pytest.raises(ConfigError, match="needs by: class_and_group"):
        GroupWeights(method="independence")
    with pytest.raises(DataError, match="no column 'plaice'"):
        weights(GroupWeights(column="plaice"), evidence)
    with pytest.raises(ConfigError, match="names or numbers are needed"):
        weights(GroupWeights(column="place"), evidence)


def test_a_lone_group_weighs_1_and_is_said_where_groups_are_weighed():
    columns = {"label": LABELS, "place": ["land"] * 10}
    for by, said in (("group", True), ("class_and_group", False)):
        evidence = evidence_of(columns)
        found = weights(GroupWeights(column="place", by=by), evidence)
        assert any("all training rows have the place 'land'; all weigh 1" in note for note in evidence.notes) == said
        assert ({weight for weight, _ in found.values()} == {1.0}) == said


def test_groups_are_numbered_by_name_whatever_the_order_of_rows():
    table = evidence_of({"label": ["x", "y"] * 2, "place": ["sea", "land", None, "sea"]}).table
    codes, names = group_codes(table, "place")
    assert (codes.tolist(), names) == ([1, 0, -1, 1], ["land", "sea"])
