"""Columns and rows of a table over a dataset of many columns: read by their name alone."""

import datasets
import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.errors import DataError
from curate.transforms import _columns


@pytest.fixture
def frame():
    return {f"c{k}": [float(k), float(k) + 1, float(k) + 2] for k in range(40)} | {"label": ["a", "b", "a"]}


def over(dataset):
    return curate.Table(
        dataset,
        curate.Task(kind="classification", features=["c0", "c1"], label="label", label_names=("a", "b")),
        np.array([str(k) for k in range(len(dataset))], dtype=np.dtypes.StringDType()),
        np.zeros((len(dataset), 2), dtype=np.uint64),
    )


@pytest.mark.parametrize("order", [None, [2, 0], []])
def test_no_column_is_read_through_a_view_that_copies_the_features_of_all(frame, order, monkeypatch):
    dataset = datasets.Dataset.from_dict(frame)
    dataset = dataset if order is None else dataset.select(order)
    expected = {name: dataset.with_format("arrow")[:][name].to_pylist() for name in ("c7", "label")}
    last = dataset.with_format("arrow")[[len(dataset) - 1] if len(dataset) else []].to_pylist()
    monkeypatch.setattr(datasets.Dataset, "select_columns", None)
    table = over(dataset)
    assert {name: table.column(name).to_pylist() for name in expected} == expected
    rows = [len(dataset) - 1] if len(dataset) else []
    assert table.rows(rows).to_pylist() == last
    assert table.rows(rows, ["label", "c3"]).to_pylist() == [{"label": one["label"], "c3": one["c3"]} for one in last]


def test_a_column_that_is_not_there_and_a_row_beyond_the_last_are_refused(frame):
    table = over(datasets.Dataset.from_dict(frame))
    with pytest.raises(DataError, match="no column 'c40'"):
        table.column("c40")
    with pytest.raises(IndexError):
        table.rows([3])


def test_many_columns_are_replaced_and_added_at_once(frame):
    table = over(datasets.Dataset.from_dict(frame))
    new = {"c1": [1, 2, 3], "c39": ["x", "y", "z"], "extra": [True, False, True]}
    made = _columns.replaced(table, {name: pa.array(values) for name, values in new.items()})
    assert made.column_names == [*frame, "extra"]
    assert {name: made.column(name).to_pylist() for name in made.column_names} == frame | new
    assert {name: made.dataset.features[name].dtype for name in new} == {
        "c1": "int64",
        "c39": "string",
        "extra": "bool",
    }
