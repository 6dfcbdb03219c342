"""column_quality: columns that are constant, ids, copies, empty, or that give the label away."""

import numpy as np
import pandas as pd
import pytest

import curate
from curate.checks.column_quality import ISSUES, ColumnQuality
from curate.errors import ConfigError
from curate.evidence import Evidence


def run(frame, **settings):
    label = "label" if "label" in frame else None
    features = [name for name in frame.columns if name != "label"]
    task = curate.Task(features=features, label=label, kind=None if label else "unlabeled")
    return ColumnQuality(**settings).find(Evidence(curate.load(frame, task=task)))


def named(found):
    return {(one["column"], one["issue"]) for one in found.facts["column_quality"]["columns"]}


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 300
    label = rng.choice(["a", "b", "c"], n)
    return pd.DataFrame(
        {
            "x": rng.normal(size=n).round(1), "same": "one", "key": [f"k{k}" for k in rng.permutation(n)],
            "number": rng.permutation(n), "hollow": [1.0] + [np.nan] * (n - 1),
            "leak": [{"a": 5.0, "b": 1.0, "c": 9.0}[v] for v in label],
            "fair": (label == "a") * 1.0 + rng.normal(size=n),
            "label": label,
        }
    )  # fmt: skip


def test_every_kind_of_column_is_found(frame):
    frame["again"] = frame["x"]
    found = run(frame)
    assert named(found) == {
        ("same", "constant_column"), ("key", "id_column"), ("number", "id_column"), ("again", "repeated_column"),
        ("hollow", "missing_column"), ("leak", "target_leak"),
    }  # fmt: skip


def test_a_finding_stands_for_a_column_and_is_one_row(frame):
    found = run(frame)
    assert found.only(issue="id_column").flagged.num_rows == 2
    for line in found.flagged.to_pylist():
        assert "this row stands for the column" in line["reason"]
        assert "threshold" in line["reason"]
    assert len(found) == len(ISSUES) * len(frame)


def test_more_columns_than_rows_share_the_rows():
    frame = pd.DataFrame({f"c{k}": [1.0, 1.0, 1.0] for k in range(7)})
    found = run(frame)
    assert len(named(found)) == 7
    assert found.only(issue="constant_column").flagged.num_rows == 3
    assert sum(line["reason"].count("column 'c") for line in found.flagged.to_pylist()) == 7


def test_a_target_of_numbers_and_one_that_only_goes_along(frame):
    rng = np.random.default_rng(1)
    y = rng.normal(size=300)
    numbers = pd.DataFrame({"copy": 3 * y + 1, "close": y + rng.normal(0, 0.3, 300), "label": y})
    assert named(run(numbers)) == {("copy", "target_leak")}
    assert ("fair", "target_leak") not in named(run(frame))
    assert ("fair", "target_leak") in named(run(frame, max_foretold=0.05))


def test_what_is_missing_for_one_class_gives_it_away(frame):
    frame["result"] = np.where(frame.label == "a", np.nan, np.random.default_rng(2).normal(size=300))
    frame["label"] = np.where(frame.label == "a", "a", "b")
    assert ("result", "target_leak") in named(run(frame))


@pytest.mark.parametrize(
    ("setting", "issue"),
    list(zip(("max_constant_share", "max_distinct_share", "repeated", "max_missing_share", "max_foretold"), ISSUES)),
)
def test_thresholds_turn_off(frame, setting, issue):
    off = run(frame, **{setting: False if setting == "repeated" else 0})
    assert issue not in off.summary["column_quality"]


def test_fixes_that_would_hit_the_row_are_refused():
    with pytest.raises(ConfigError, match="a column is wrong and no row"):
        ColumnQuality(fix="drop")
    assert ColumnQuality(fix="review").fix == "review"


def test_the_times_of_a_series_are_no_ids():
    times = pd.date_range("2024-01-01", periods=100, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    frame = pd.DataFrame({"timestamp": times, "value": np.random.default_rng(0).normal(size=100)})
    assert named(run(frame)) == set()
    assert named(run(frame.rename(columns={"timestamp": "born"}))) == set()
    assert named(run(frame.assign(timestamp=[f"no {k}" for k in range(100)]))) == {("timestamp", "id_column")}


@pytest.mark.parametrize("first", [10**25, 0])
def test_whole_numbers_that_are_held_as_text_are_ids(tmp_path, first):
    lines = [f"{first + k:09d},{k % 7}.5,{'ab'[k % 2]}" for k in range(40)]  # too large for a number, or zeros ahead
    (tmp_path / "rows.csv").write_text("\n".join(["number,value,label", *lines]))
    found = ColumnQuality().find(Evidence(curate.load(tmp_path / "rows.csv")))
    assert named(found) == {("number", "id_column")}
