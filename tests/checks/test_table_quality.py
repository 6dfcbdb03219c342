"""table_quality: wrong cells of a real dirty table, planted faults in clean ones, and tables that are hardly any."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import curate
from benchmarks import _planted_tables as plants
from curate.checks.column_quality import ColumnQuality
from curate.checks.missing_values import MissingValues
from curate.checks.table_quality import ISSUES, TableQuality
from curate.checks.tables.columns import columns
from curate.checks.tables.dependencies import dependencies, violations
from curate.checks.tables.forms import as_number
from curate.checks.tables.ranges import plausible_range
from curate.evidence import Evidence


def run(frame, check=None):
    features = [name for name in frame.columns if name != "label"]
    label = "label" if "label" in frame else None
    task = curate.Task(features=features, label=label, kind=None if label else "unlabeled")
    return (check or TableQuality()).find(Evidence(curate.load(frame, task=task)))


def flagged(found, issue):
    return {line["row"]: line["reason"] for line in found.only(issue=issue).flagged.to_pylist()}


@pytest.fixture(scope="module")
def clean(shared_data):
    return plants.clean_tables(shared_data)


def test_wrong_cells_of_a_real_dirty_table(shared_data):
    folder = shared_data / "hospital_dirty_clean"
    dirty, truth = (pd.read_csv(folder / f"{n}.csv", dtype=str, keep_default_na=False) for n in ("dirty", "clean"))
    table = curate.load(folder / "dirty.csv")
    found = TableQuality().find(Evidence(table))
    place = {str(row_id): k for k, row_id in enumerate(table.row_ids)}
    names = {name.strip().lower(): name for name in dirty.columns}
    wrong = {(k, c) for c in names for k in np.flatnonzero((dirty[names[c]] != truth[names[c]]).to_numpy()).tolist()}
    cells = found.facts["table_quality"]["cells"]
    got = {(place[cell["row_id"]], cell["column"]) for cell in cells}
    assert len(got & wrong) / len(got) >= 0.97
    assert len(got & wrong) / len(wrong) >= 0.95
    repaired = {(place[c["row_id"]], c["column"]): c["suggestion"] for c in cells if c["suggestion"] is not None}
    right = sum(value == truth[names[c]].iloc[k] for (k, c), value in repaired.items())
    assert right / len(repaired) >= 0.95
    assert right / len(wrong) >= 0.9
    assert {cell["issue"] for cell in cells} <= set(ISSUES)


def test_reasons_name_column_value_and_suggestion(shared_data):
    found = TableQuality().find(Evidence(curate.load(shared_data / "hospital_dirty_clean" / "dirty.csv")))
    cells = {(c["row_id"], c["issue"]): c for c in found.facts["table_quality"]["cells"]}
    lines = found.flagged.to_pylist()
    assert all("column '" in line["reason"] and "threshold" in line["reason"] for line in lines)
    for line in lines[:50]:
        assert cells[line["row_id"], line["issue"]]["issue"] == line["issue"]
    reasons = " ".join(line["reason"] for line in lines)
    assert "column 'city': 'BIRMINGHxM' (suggested: 'BIRMINGHAM')" in reasons


@pytest.mark.parametrize(
    "issue", ["misspelt_value", "rare_category", "mixed_types", "odd_format", "out_of_range", "broken_dependency"]
)
@pytest.mark.parametrize("name", ["hospital clean", "febrl originals", "breast_cancer", "thyroid"])
def test_planted_faults_are_found(clean, name, issue):
    rng = np.random.default_rng(5)
    base = plants.with_dates(clean[name], rng)
    changed, places = plants.PLANTS[issue](base, rng)
    found = flagged(run(changed), issue)
    rows = {row for row, _ in places}
    assert len(rows) > 0
    assert len(rows & set(found)) >= 0.95 * len(rows)
    assert len(set(found) - rows) <= 0.02 * len(base)
    assert all(any(f"column {column!r}" in found[row] for r, column in places if r == row) for row in rows & set(found))


def test_clean_tables_raise_few_alarms(clean):
    loud = {}
    for name, frame in clean.items():
        for issue, counts in run(frame).summary["table_quality"].items():
            if counts["share"] > 0.02:
                loud[name, issue] = counts["share"]
    assert loud == {}


@pytest.mark.parametrize("name", ["hospital clean", "breast_cancer", "diabetes", "satimage-2"])
def test_stand_ins_for_missing_values_are_found(clean, name):
    rng = np.random.default_rng(2)
    changed, places = plants.PLANTS["disguised_missing"](plants.with_dates(clean[name], rng), rng)
    found = flagged(run(changed, MissingValues()), "disguised_missing")
    rows = {row for row, _ in places}
    assert rows <= set(found)
    assert len(set(found) - rows) <= 0.02 * len(changed)
    assert not flagged(run(clean[name], MissingValues()), "disguised_missing")


def test_dependencies_and_what_breaks_them():
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 20, 400)
    frame = pd.DataFrame(
        {"zip": [f"Z{k}" for k in keys], "city": [f"city {k // 2}" for k in keys], "note": rng.choice(["a", "b"], 400)}
    )
    frame.loc[[3, 50], "city"] = "city 0"
    frame.loc[[3, 50], "zip"] = ["Z18", "Z10"]
    table = curate.load(frame, task=curate.Task(features=list(frame), kind="unlabeled"))
    every = np.ones(400, dtype=bool)
    found = columns(table, list(frame), np.arange(400), every)
    known = dependencies(found, np.arange(400), 0.05)
    assert [(found[d.determinant].name, found[d.dependent].name) for d in known] == [("zip", "city")]
    broken = violations(found, known, every)
    assert {(v.place, found[v.column].value(v.expected)) for v in broken} == {(3, "city 9"), (50, "city 5")}
    assert dependencies(found, np.arange(400), 0.0) == []


def test_exceptions_with_a_rule_are_no_errors():
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 20, 600)
    frame = pd.DataFrame({"zip": [f"Z{k}" for k in keys], "rate": [f"rate {k}" for k in keys], "kind": "private"})
    frame.loc[::50, ["rate", "kind"]] = ["flat", "staff"]
    assert flagged(run(frame), "broken_dependency") == {}
    assert flagged(run(frame), "misspelt_value") == {}


def test_codes_that_differ_by_a_letter_are_no_misspellings():
    codes = [f"AL-{k}" for k in range(6) for _ in range(60)] + [f"AK-{k}" for k in range(6)]
    assert flagged(run(pd.DataFrame({"code": codes, "x": np.arange(len(codes)) % 7})), "misspelt_value") == {}
    towns = ["Springfield"] * 90 + ["Shelbyville"] * 90 + ["Springfeild", "SPRINGFIELD", "Shelbyvile"]
    found = run(pd.DataFrame({"town": towns, "x": np.arange(len(towns)) % 7}))
    assert set(flagged(found, "misspelt_value")) == {180, 181, 182}
    suggested = {c["value"]: c["suggestion"] for c in found.facts["table_quality"]["cells"]}
    assert suggested == {"Springfeild": "Springfield", "SPRINGFIELD": "Springfield", "Shelbyvile": "Shelbyville"}


def test_names_are_an_open_vocabulary():
    rng = np.random.default_rng(0)
    names = ["".join(rng.choice(list("aeioulnrst"), 6)) for _ in range(500)]
    assert flagged(run(pd.DataFrame({"name": names, "x": np.arange(500) % 7})), "misspelt_value") == {}


@pytest.mark.parametrize("draw", ["normal", "exponential", "lognormal", "standard_cauchy", "uniform", "poisson"])
def test_sound_columns_keep_within_their_range(draw):
    outside = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = rng.poisson(4, 2000).astype(float) if draw == "poisson" else getattr(rng, draw)(size=2000)
        span = plausible_range(values, 0.001, draw == "poisson")
        outside += int(((values < span.low) | (values > span.high)).sum()) if span else 0
    assert outside <= 4


def test_numbers_written_in_other_ways():
    assert as_number("12,5") == "12.5"
    assert as_number("1,234,567.5") == "1234567.5"
    assert as_number("$ 1 234") == "1234"
    assert as_number("5 kg") == "5"
    assert as_number("about 7 or 8") is None


def test_tables_that_are_hardly_any():
    nan = float("nan")
    odd = {
        "one row": pd.DataFrame({"a": [1.0], "b": ["x"]}),
        "three rows": pd.DataFrame({"a": [1.0, 2.0, nan], "b": ["x", None, "y"]}),
        "one row of nothing": pd.DataFrame({"a": [nan] + [1.0] * 60, "b": [None] + ["x"] * 60}),
        "a column of nothing": pd.DataFrame({"a": [nan] * 60, "b": ["x", "y"] * 30}),
        "one class": pd.DataFrame({"a": np.arange(60.0), "label": ["a"] * 60}),
        "infinite": pd.DataFrame({"a": [np.inf, -np.inf] + [1.0] * 60, "b": np.arange(62)}),
        "huge": pd.DataFrame({"a": [1e308, -1e308] * 40, "b": ["x" * 100_000] * 80}),
        "odd text": pd.DataFrame({"a": ["שלום", "مرحبا", "\u200b", "🙂", "a\x00b", "e\u0301"] * 20, "b": True}),
        "all different": pd.DataFrame({"a": [f"v{k}" for k in range(300)], "b": np.arange(300)}),
    }  # fmt: skip
    for name, frame in odd.items():
        for check in (TableQuality(), ColumnQuality(), MissingValues()):
            found = run(frame, check)
            assert all(line["reason"] for line in found.flagged.to_pylist()), name


def test_types_of_columns_of_any_kind():
    n = 64
    table = {
        "day": pa.array(np.arange(n).astype("datetime64[D]")), "flag": pa.array([True, False] * (n // 2)),
        "kind": pa.array(["a", "b"] * (n // 2)).dictionary_encode(), "count": pa.array(np.arange(n, dtype=np.int8)),
        "price": pa.array([None, 1.5] * (n // 2)),
    }  # fmt: skip
    frame = pa.table(table)
    loaded = curate.load(frame, task=curate.Task(features=list(table), kind="unlabeled"))
    for check in (TableQuality(), ColumnQuality()):
        assert not check.find(Evidence(loaded)).only(issue="out_of_range").flagged.num_rows


@pytest.mark.parametrize(
    ("setting", "issue"),
    list(
        zip(
            (
                "max_typo_share",
                "max_rare_share",
                "max_mixed_share",
                "max_odd_share",
                "out_of_range_expected",
                "max_exceptions",
            ),
            ISSUES,
            strict=True,
        )
    ),
)
def test_a_threshold_of_nothing_turns_its_issue_off(setting, issue):
    frame = pd.DataFrame({"a": np.arange(50.0), "b": ["x", "y"] * 25})
    assert issue in run(frame).summary["table_quality"]
    assert issue not in run(frame, TableQuality(**{setting: 0})).summary["table_quality"]


def test_other_tasks_are_refused():
    assert "columns of a table" in TableQuality().refuses(curate.Task(text="text"))
    assert "columns of a table" in TableQuality().refuses(curate.Task(features="vector"))
