"""Facts of any check, of other packages too, as sentences, numbers, tables and curves."""

from curate.report.facts import facts_shown


def by_name(facts):
    return {fact.name: fact for fact in facts_shown(facts)}


def test_sentences_stand_first_and_without_a_name():
    found = facts_shown({"rows_needed": 3, "sentence": "twice the rows", "note": "No, the splits are alike."})
    assert [(fact.text, fact.is_sentence) for fact in found] == [
        ("Twice the rows", True),
        ("No, the splits are alike.", True),
        ("3", False),
    ]


def test_tables_of_every_depth():
    found = by_name(
        {
            "flat": {"a": 1, "b": 0.5},
            "lines": [{"class": "x", "gain": 0.25}, {"class": "y", "gain": 0.5}],
            "per_class": {"x": {"rows": 3, "error_share": 0.1}, "y": {"rows": 4}},
            "deep": {"test": {"auroc": 0.9, "interval": [0.8, 0.95], "tests": {"ks": 0.1}}},
            "odd": {"a": [{"b": [1]}]},
        }
    )
    assert found["flat"].lines == ((("a", False), ("1", True)), (("b", False), ("0.5", True)))
    assert found["lines"].head == ("class", "gain")
    assert found["per_class"].lines == (
        (("x", False), ("3", True), ("10.0%", True)),
        (("y", False), ("4", True), ("–", False)),
    )
    assert found["deep"].head == ("", "auroc", "interval", "tests ks")
    assert found["deep"].lines[0][2] == ("0.8, 0.95", False)
    assert '"b"' in found["odd"].text


def test_many_numbers_are_a_curve():
    [fact] = facts_shown({"accuracy": [0.1, 0.2, 0.3, 0.35, 0.37, 0.38]})
    assert fact.curve.startswith("M2.0 38.0L")
    assert fact.text.startswith("0.1, 0.2")


def test_nothing_is_not_shown():
    assert facts_shown({"a": {}, "b": [], "c": "", "d": 1}, without=["d"]) == []


def test_sentences_begin_with_a_capital_but_names_of_steps_stay():
    found = facts_shown({"sentence": "its rows are points", "answer": "label_errors says so"})
    assert [fact.text for fact in found] == ["Its rows are points", "label_errors says so"]
