"""An index that pandas wrote is no feature: numbers are left out and told of, names are ids, times keep their place."""

import numpy as np
import pandas as pd
import pytest

import curate
from curate.errors import DataError


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.integers(18, 90, 40), "pay": rng.normal(size=40), "label": ["a", "b"] * 20})


def written(frame, folder, ending):
    path = folder / f"rows.{ending}"
    if ending == "csv":
        frame.to_csv(path)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_numbers_of_the_rows_are_left_out(frame, tmp_path, ending):
    shuffled = frame.sample(frac=1, random_state=0)
    table = curate.load(written(shuffled, tmp_path, ending))
    assert table.task.features == ("age", "pay")
    assert table.column_names == ["age", "pay", "label"]
    assert any("numbers the rows (an index that pandas wrote) and is left out" in note for note in table.notes)
    assert table.row_ids.tolist() == curate.load(shuffled.reset_index(drop=True)).row_ids.tolist()


def test_an_index_that_was_written_twice(frame, tmp_path):
    frame.to_csv(tmp_path / "once.csv")
    pd.read_csv(tmp_path / "once.csv").to_csv(tmp_path / "twice.csv")
    assert curate.load(tmp_path / "twice.csv").column_names == ["age", "pay", "label"]


def test_an_index_that_the_user_names_stays(frame, tmp_path):
    table = curate.load(written(frame, tmp_path, "csv"), id="Unnamed: 0")
    assert table.row_ids.tolist() == [str(i) for i in range(40)]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_names_of_the_rows_are_their_ids(frame, tmp_path, ending):
    frame.index = [f"car {i}" for i in range(40)]
    table = curate.load(written(frame, tmp_path, ending))
    assert table.row_ids[3] == "car 3"
    assert table.task.features == ("age", "pay")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_times_of_the_rows_are_a_column_of_times(frame, tmp_path, ending):
    frame.index = pd.date_range("2024-01-01", periods=40, freq="h")
    path = written(frame, tmp_path, ending)
    table = curate.load(path)
    assert "timestamp" in table.task.features
    assert any("is called 'timestamp' here" in note for note in table.notes)
    curated = curate.Pipeline([]).run(table, cache=False)
    assert len(curated.transform(path)) == 40


def test_columns_without_a_name(tmp_path):
    (tmp_path / "rows.csv").write_text("age,label,,\n1,a,,\n2,b,,\n")
    table = curate.load(tmp_path / "rows.csv")
    assert table.column_names == ["age", "label"]
    assert "rows.csv: 2 columns with neither name nor value are left out" in table.notes
    (tmp_path / "more.csv").write_text("age,label,\n1,a,7\n2,b,\n")
    with pytest.raises(DataError, match="column 3 of the header has no name; write one"):
        curate.load(tmp_path / "more.csv")
