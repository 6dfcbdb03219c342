"""Findings: one table for all checks."""

import numpy as np
import pytest

from curate.findings import SCHEMA, Findings

IDS = np.array(["a", "b", "c"], dtype=np.dtypes.StringDType())


def make(check="c", issue="i", flags=(True, False, True), **kwargs):
    scores = np.where(flags, 0.1, 0.9)
    return Findings.of(check, issue, np.arange(3), IDS, scores, np.array(flags), **kwargs)


def test_schema_and_summary():
    joined = Findings.join([make(facts={"rate": 0.5}), make(issue="j", flags=(False,) * 3), make("d")])
    assert joined.table.schema.equals(SCHEMA)
    assert joined.summary["c"] == {
        "i": {"rows": 3, "issues": 2, "share": pytest.approx(2 / 3)},
        "j": {"rows": 3, "issues": 0, "share": 0.0},
    }
    assert joined.facts == {"c": {"rate": 0.5}}
    assert len(joined.only("c", "j")) == 3
    assert joined.only("d").flagged["row_id"].to_pylist() == ["a", "c"]


def test_reasons_by_place_suggestions_and_groups():
    table = make(reason={0: "dark"}, suggested_label=["x", None, None], group=np.array([7, -1, 7])).table
    assert table["reason"].to_pylist() == ["dark", "", ""]
    assert table["suggested_label"].to_pylist() == ["x", None, None]
    assert table["group"].to_pylist() == [7, None, 7]


@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.1])
def test_scores_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Findings.of("c", "i", np.arange(1), IDS, np.array([bad]), np.array([True]))


def test_no_findings():
    assert Findings.none().summary == {}
    assert Findings.join([]).table.schema.equals(SCHEMA)
