"""Rules over columns: what they find, what they refuse, and that nothing in them runs."""

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.checks.expectations import Expectations
from curate.checks.tables.expressions import Rule, WrongRule
from curate.errors import ConfigError
from curate.evidence.evidence import Evidence

COLUMNS = {
    "text": ["a", "b", "c", "d", "e", "f"],
    "age": [12, -5, None, 130, 40, 40],
    "start": [1, 2, 3, 4, 5, 6],
    "end": [2, 1, 4, None, 6, 7],
    "zip code": ["01234", "1234", "99999", None, "abc", "01234"],
    "label": ["x", "y", "x", "y", "x", "y"],
}


def found(expect, **columns):
    table = curate.load({**COLUMNS, **columns}, text="text", label="label")
    return Expectations(expect=expect).find(Evidence(table))


def broken(expect, **columns):
    flagged = found(expect, **columns).flagged
    return sorted(zip(flagged["row"].to_pylist(), flagged["issue"].to_pylist()))


def holds(text, **columns):
    arrays = {name: pa.array(values) for name, values in columns.items()}
    return Rule.parse(text).holds(arrays).to_pylist()


def test_broken_rows_are_named_with_their_values():
    result = found("0 <= age <= 120")
    lines = {line["row"]: line for line in result.table.to_pylist()}
    assert sorted(lines) == [0, 1, 3, 4, 5]  # row 2 has no age
    assert {row: line["score"] for row, line in lines.items()} == {0: 1, 1: 0, 3: 0, 4: 1, 5: 1}
    assert lines[1]["reason"] == "0 <= age <= 120 does not hold: age is -5"
    assert result.facts["expectations"]["rules"]["0 <= age <= 120"] == {"rows": 5, "broken": 2, "not_judged": 1}


def test_named_rules_are_issues_of_their_own():
    rules = {"age_range": "0 <= age <= 120", "order": "start < end", "zip": 'matches(column("zip code"), "^[0-9]{5}$")'}
    assert broken(rules) == [(1, "age_range"), (1, "order"), (1, "zip"), (3, "age_range"), (4, "zip")]


def test_several_rules_without_names_share_a_line():
    result = found(["0 <= age <= 120", "start < end"])
    [line] = [line for line in result.flagged.to_pylist() if line["row"] == 1]
    assert "age is -5" in line["reason"]
    assert "start is 2, end is 1" in line["reason"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b == 3", [True, False, None]),
        ("a / b < 1", [True, False, None]),
        ("a % 2 == 1", [True, False, True]),
        ("a in [1, 3]", [True, False, True]),
        ("a not in (1, 3) or missing(b)", [False, True, True]),
        ("not (a > 1 and b > 0)", [True, True, None]),
        ("-a < 0", [True, True, True]),
        ("a == 1 if b > 1 else a > 3", [True, True, None]),
        ("unique(a)", [True, True, True]),
        ("not missing(b)", [True, True, False]),
        ("abs(b) >= 0", [True, True, None]),
    ],
)
def test_the_grammar(text, expected):
    assert holds(text, a=[1, 4, 3], b=[2, 0, None]) == expected


def test_texts_lists_and_dates():
    import datetime

    assert holds('lower(strip(t)) == "ab"', t=[" AB", "abc", None]) == [True, False, None]
    assert holds("length(t) <= 2", t=["äö", "abc", None]) == [True, False, None]
    assert holds("length(v) == 2", v=[[1, 2], [1], None]) == [True, False, None]
    assert holds('starts_with(t, "a") or ends_with(t, "z") or contains(t, "-")', t=["ab", "xz", "b-c", "q"]) == [
        True
    ] * 3 + [False]
    days = [datetime.date(2020, 1, 1), datetime.date(2030, 5, 5)]
    assert holds('d < "2025-01-01"', d=days) == [True, False]
    assert holds("unique(t)", t=["a", "b", "a", None]) == [False, True, False, None]


def test_division_by_zero_is_infinite_and_no_error():
    assert holds("a / b > 1", a=[1, 0], b=[0, 5]) == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "open('x') == 1",
        "a.b == 1",
        "a[0] == 1",
        "(lambda: 1)() == a",
        "[x for x in a]",
        "a == f'{a}'",
        "a ** 99 == 1",
        "a is None",
        "(a := 1) == 1",
        "exec('1') == a",
        "a == 1; b",
        "1 == 1",
        "",
        "a ==",
        "(" * 500 + "a" + ")" * 500,
        "-" * 1500 + "a > 0",
        "a in b",
        'matches(a, "(")',
        "matches(a, b)",
        "lenght(a) > 1",
    ],
)
def test_what_is_no_rule_is_refused_in_a_sentence(text):
    with pytest.raises(WrongRule) as error:
        Rule.parse(text)
    assert len(str(error.value).split()) >= 4
    with pytest.raises(ConfigError):
        Expectations(expect=text)


def test_the_nearest_name_is_said():
    with pytest.raises(WrongRule, match="did you mean 'length'"):
        Rule.parse("lenght(a) > 1")
    with pytest.raises(ConfigError, match=r"no column 'aeg'.*did you mean 'age'"):
        found("aeg > 1")


@pytest.mark.parametrize(("rule", "says"), [("text > 1", "text \\(string\\)"), ("age", "not true or false")])
def test_types_that_do_not_fit(rule, says):
    with pytest.raises(ConfigError, match=says):
        found(rule)


def test_the_label_can_be_part_of_a_rule_and_fixes_work():
    result = curate.Pipeline([Expectations(expect={"y_is_old": 'label != "y" or age > 20'}, fix="drop")]).run(
        curate.load(COLUMNS, text="text", label="label"), cache=None
    )
    dropped = result.ledger.to_pylist()
    assert [(line["action"], line["step"]) for line in dropped] == [("drop", "expectations")]
    assert np.unique(result.plan["row"]).tolist() == [0, 2, 3, 4, 5]


def test_without_rules_it_says_what_is_missing():
    assert "expect:" in (Expectations().refuses(curate.Task(label="label")) or "")
    assert Expectations(expect={"a": "b > 1"}) == Expectations(**Expectations(expect={"a": "b > 1"}).changed())
    with pytest.raises(ConfigError, match="must be a word"):
        Expectations(expect={"not a word": "b > 1"})
