"""The ledger: how decisions combine, how they are undone and read."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.errors import DataError
from curate.ledger import Decisions, combine, sentences, sparse, spread

IDS = np.array(["a", "b", "c", "d"], dtype=np.dtypes.StringDType())
NAMES = ("cat", "dog", "owl")
CODES = np.array([0, 1, 2, -1])


def judge(*parts):
    return combine(Decisions.join(parts), IDS, CODES, NAMES)


def test_nothing_decided_changes_nothing():
    verdict = judge()
    assert not verdict.dropped.any()
    assert verdict.codes.tolist() == [0, 1, 2, -1]
    assert verdict.weight.tolist() == [1, 1, 1, 1]
    assert np.array_equal(verdict.class_soft, np.eye(3))


def test_what_was_decided_about_a_row_is_handed_down_to_the_rows_made_from_it():
    taken = Decisions.join(
        [Decisions.of("x", "drop", ["a", "b"], "why"), Decisions.of("y", "weight", ["c"], "w", after="2")]
    )
    down = taken.handed_down({"a#0": "a", "a#1": "a", "c#0": "c", "new": "z"}).table.to_pylist()
    assert [(line["row_id"], line["action"], line["step"]) for line in down] == [
        ("a#0", "drop", "x"),
        ("a#1", "drop", "x"),
        ("c#0", "weight", "y"),
    ]
    assert down[0]["reason"] == "made from row a: why"


def test_each_action_does_its_part():
    verdict = judge(
        Decisions.of("x", "drop", ["a"], "why"),
        Decisions.of("x", "relabel", ["b"], "why", before=["dog"], after=["owl"]),
        Decisions.of("x", "soften", ["c"], "why", after=[json.dumps({"owl": 0.6, "cat": 0.3})]),
        Decisions.of("x", "weight", ["c", "c"], "why", after=["0.5", "0.5"]),
        Decisions.of("x", "repeat", ["b", "b"], "why", after=["2", "1"]),
        Decisions.of("x", "review", ["d"], "why"),
        Decisions.of("w", "weight", [None], "rare", before=["owl"], after=["3.5"]),
    )
    assert verdict.dropped.tolist() == [True, False, False, False]
    assert verdict.dropped_by == {0: "x"}
    assert verdict.codes.tolist() == [0, 2, 2, -1]
    assert verdict.soft[2] == pytest.approx([0.3, 0.1, 0.6])
    assert verdict.weight[2] == pytest.approx(0.25)
    assert verdict.repeats.tolist() == [0, 3, 0, 0]
    assert verdict.review.tolist() == [False, False, False, True]
    assert verdict.class_weights.tolist() == [1, 1, 3.5]


def test_the_last_label_stands_and_replaces_an_earlier_soft_label():
    soften = Decisions.of("s", "soften", ["a"], "why", after=[json.dumps({"dog": 1.0})])
    relabel = Decisions.of("r", "relabel", ["a"], "why", after=["owl"])
    assert 0 not in judge(soften, relabel).soft
    assert judge(soften, relabel).codes[0] == 2
    assert judge(relabel, soften).soft[0].tolist() == [0, 1, 0]


def test_rows_that_a_step_made_are_told_from_the_others():
    made = Decisions.of("x", "synthesize", ["b"], "two classes", after=[json.dumps({"from": ["a", "c"]})])
    assert judge(made).synthetic.tolist() == [False, True, False, False]
    assert sentences(made.table) == ["x: made by synthesis from rows a, c: two classes"]


def test_sentences_round_weights():
    part = Decisions.of("s", "weight", ["a"], "one of 3 images", after=[str(1 / 3)])
    assert sentences(part.table) == ["s: weighted by 0.333: one of 3 images"]


@pytest.mark.parametrize("mass", [{"cat": -0.1}, {"cat": 0, "dog": 0, "owl": 0}, {"cat": float("nan")}])
def test_soft_labels_that_are_no_shares_are_refused(mass):
    with pytest.raises(DataError, match="shares must be at least 0"):
        spread(json.dumps(mass), NAMES)


def test_soft_labels_are_written_as_people_read_them():
    assert sparse(np.array([0.123456, 0.87], dtype=np.float32), ["Käse", "猫"]) == '{"猫": 0.87, "Käse": 0.1235}'


@pytest.mark.parametrize("order", [0, 1])
def test_a_person_outranks_the_machine_whatever_the_order(order):
    machine = Decisions.of("m", "drop", ["a"], "why")
    relabel = Decisions.of("m", "relabel", ["b"], "why", after=["owl"])
    person = Decisions.of("review", "keep", ["a", "b"], "looked at it", author="ada")
    parts = [machine, relabel, person]
    verdict = judge(*(reversed(parts) if order else parts))
    assert not verdict.dropped.any()
    assert verdict.codes[1] == 1


def test_a_persons_own_decision_stands():
    verdict = judge(
        Decisions.of("review", "relabel", ["a"], "it is a dog", after=["dog"], author="ada"),
        Decisions.of("m", "relabel", ["a"], "why", after=["owl"]),
        Decisions.of("m", "drop", ["a"], "why"),
    )
    assert verdict.codes[0] == 1
    assert not verdict.dropped[0]


def test_rows_that_left_the_table_are_passed_over():
    assert not judge(Decisions.of("x", "drop", ["gone"], "why")).dropped.any()


def test_undo_leaves_out_a_step():
    ledger = Decisions.join([Decisions.of("x", "drop", ["a"], "why"), Decisions.of("y", "drop", ["b"], "why")])
    assert ledger.without(["x"]).table["row_id"].to_pylist() == ["b"]


def test_unknown_action_and_class_are_refused():
    with pytest.raises(ValueError, match="unknown action"):
        Decisions.of("x", "delete", ["a"], "why")
    with pytest.raises(DataError, match="'fox'"):
        spread(json.dumps({"fox": 1.0}), NAMES)
    with pytest.raises(DataError, match=r"'caat', which the task does not have .did you mean 'cat'"):
        judge(Decisions.of("review", "relabel", ["a"], "why", after=["caat"], author="ada"))


@pytest.mark.parametrize("order", [1, -1])
def test_a_person_outranks_the_machine_about_a_class(order):
    def weight(value, author="curate"):
        return Decisions.of("w", "weight", [None], "why", before=["dog"], after=[value], author=author)

    parts = [weight("2.0"), weight("3.0", "ada"), weight("5.0")]
    assert judge(*parts[::order]).class_weights[NAMES.index("dog")] == 3.0
    assert judge(weight("2.0"), weight("5.0")).class_weights[NAMES.index("dog")] == 5.0


def test_sentences_tell_what_why_and_by_whom():
    ledger = Decisions.join(
        [
            Decisions.of("label_errors", "relabel", ["a"], "it looks like owl", np.array([0.1]), ["cat"], ["owl"]),
            Decisions.of("review", "keep", ["a"], "fine", author="ada"),
        ]
    )
    first, second = sentences(ledger.about("a").table)
    assert first == "label_errors: relabelled from 'cat' to 'owl': it looks like owl (score 0.100)"
    assert second == "review: kept by ada: fine"


@given(st.dictionaries(st.sampled_from(NAMES), st.floats(0.01, 0.33), min_size=1))
def test_soft_labels_sum_to_one_and_keep_what_was_given(given_mass):
    vector = spread(json.dumps(given_mass), NAMES)
    assert vector.sum() == pytest.approx(1, abs=1e-6)
    if len(given_mass) < len(NAMES):
        for name, mass in given_mass.items():
            assert vector[NAMES.index(name)] == pytest.approx(mass, abs=1e-6)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["drop", "review", "repeat"])), max_size=12))
def test_drops_and_repeats_do_not_depend_on_the_order_of_entries(entries):
    parts = [Decisions.of("x", action, [row], "why", after="1") for row, action in entries]
    forward, backward = judge(*parts), judge(*reversed(parts))
    assert forward.dropped.tolist() == backward.dropped.tolist()
    assert forward.repeats.tolist() == backward.repeats.tolist()
    assert forward.repeats.sum() == sum(action == "repeat" for _, action in entries)
