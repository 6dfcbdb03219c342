"""Findings: one table for all checks."""

import numpy as np
import pyarrow as pa
import pytest

from curate.findings import SCHEMA, Findings, places_by_issue

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


def test_findings_of_many_rows_share_what_is_equal():
    rows = 50_000
    ids = np.array([f"row {place}" for place in range(rows)], dtype=np.dtypes.StringDType())
    before = pa.total_allocated_bytes()
    flags = np.arange(rows) % 10_000 == 7
    reasons = {int(place): f"reason {place}" for place in np.flatnonzero(flags)}
    parts = [
        Findings.of("check", f"issue {k}", np.arange(rows), ids, np.full(rows, 0.5), flags, reason=reasons)
        for k in range(20)
    ]
    joined = Findings.join(parts)
    assert joined.table.schema.equals(SCHEMA)
    assert (pa.total_allocated_bytes() - before) / rows / 20 < 15  # bytes per line
    assert joined.flagged["reason"].to_pylist() == [f"reason {place}" for place in np.flatnonzero(flags)] * 20
    assert joined.only("check", "issue 3").table["row_id"].to_pylist() == ids.tolist()
    assert len(joined.only(issue="issue 3")) == rows
    assert len(joined.only("check")) == 20 * rows
    assert len(joined.only("other")) == 0


def test_ids_of_another_table_are_its_own():
    one, other = IDS, np.array(["x", "y", "z"], dtype=np.dtypes.StringDType())
    found = [
        Findings.of("c", "i", np.arange(3), ids, np.ones(3), np.zeros(3, bool)).table["row_id"].to_pylist()
        for ids in (one, other, one)
    ]
    assert found == [one.tolist(), other.tolist(), one.tolist()]


def test_lines_of_one_issue_are_found_wherever_they_stand():
    joined = Findings.join([make(), make("d"), make(), make(issue="j")])
    assert joined.only("c", "i").table["row"].to_pylist() == [0, 1, 2, 0, 1, 2]
    mixed = Findings(joined.table.sort_by([("row", "ascending"), ("check", "ascending"), ("issue", "ascending")]))
    assert mixed.only("c", "i").table["row"].to_pylist() == [0, 0, 1, 1, 2, 2]
    assert len(Findings.none().only("c")) == 0


def test_blocks_of_fine_scores_are_one_block_and_read_the_same():
    n = 100_000
    ids = np.arange(n).astype(np.dtypes.StringDType())
    score = np.ones(n, dtype=np.float32)
    score[[3, 50_000]] = 0.25
    found = Findings.of("c", "i", np.arange(n), ids, score, score < 1)
    chunks = found.table["score"].chunks
    assert len({chunk.buffers()[1].address for chunk in chunks}) == 3  # two with a finding, and the others
    assert (found.table["score"].to_numpy() == score).all()
    assert found.flagged["row"].to_pylist() == [3, 50_000]
    fallen = Findings.of("c", "i", np.arange(n), ids, np.full(n, 0.5), np.zeros(n, bool))
    assert fallen.table["score"].num_chunks == 1


def test_issues_are_found_by_their_places_over_many_chunks():
    n = 40_000
    ids = np.arange(n).astype(np.dtypes.StringDType())
    parts = [
        Findings.of(check, issue, np.arange(k), ids, np.ones(k), np.zeros(k, bool))
        for k, (check, issue) in zip((n, 1, 0, 17_000), (("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")))
    ]
    joined = Findings.join(parts)
    found = {pair: len(joined.only(*pair)) for pair in (("a", "x"), ("a", "y"), ("b", "x"), ("b", "z"), ("c", "x"))}
    assert list(found.values()) == [n, 1, 0, 17_000, 0]
    assert set(joined.only("b", "z").table["issue"].to_pylist()) == {"z"}


def test_sets_of_rows_that_take_turns_share_their_columns():
    ids = np.array([f"row {place}" for place in range(9)], dtype=np.dtypes.StringDType())
    every, some = np.arange(9), np.array([1, 4, 7])

    def of(rows, row_ids=ids):
        return Findings.of("c", "i", rows, row_ids, np.ones(len(rows)), np.zeros(len(rows), dtype=bool)).table

    def address(table):
        return table["row_id"].chunk(0).buffers()[2].address

    tables = [of(rows) for rows in (every, some, every.copy(), some.copy())]
    assert [table["row_id"].to_pylist() for table in tables] == [ids.tolist(), ["row 1", "row 4", "row 7"]] * 2
    assert address(tables[0]) == address(tables[2])
    assert address(tables[1]) == address(tables[3])
    others = np.array([f"other {place}" for place in range(9)], dtype=np.dtypes.StringDType())
    assert of(some, others)["row_id"].to_pylist() == ["other 1", "other 4", "other 7"]
    assert of(some)["row_id"].to_pylist() == ["row 1", "row 4", "row 7"]


def test_places_by_issue_are_those_of_the_lines():
    rng = np.random.default_rng(0)
    checks, issues = rng.choice(["b", "a", "c"], 500).tolist(), rng.choice(["y", "x"], 500).tolist()
    lines = pa.concat_tables(
        pa.table({"check": checks[i : i + 90], "issue": issues[i : i + 90]}) for i in range(0, 500, 90)
    )
    found = places_by_issue(lines)
    assert list(found) == list(dict.fromkeys(zip(checks, issues)))
    for (check, issue), places in found.items():
        assert places.tolist() == [i for i in range(500) if (checks[i], issues[i]) == (check, issue)]
    assert places_by_issue(lines.slice(0, 0)) == {}


def test_counts_are_the_same_for_lines_that_stand_together_and_for_mixed_ones(monkeypatch):
    rng = np.random.default_rng(0)
    rows = np.arange(40)
    parts = [
        Findings.of("c", issue, rows, rows.astype(np.dtypes.StringDType()), rng.random(40), rng.random(40) < 0.3)
        for issue in ("x", "y")
    ]
    together = Findings.join(parts)
    mixed = Findings(together.table.take(pa.array(rng.permutation(80))), {})
    monkeypatch.setattr("curate.findings.MOST_RUNS", 5)
    assert mixed.summary == {"c": {name: together.summary["c"][name] for name in mixed.summary["c"]}}
    assert sum(part["issues"] for part in mixed.summary["c"].values()) == together.flagged.num_rows > 0
    assert sorted(mixed.issues) == together.issues == [("c", "x"), ("c", "y")]
