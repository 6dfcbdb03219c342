"""Rows in a file that `datasets` opens only when it is asked for: the same rows, columns and orders."""

import pickle
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.errors import DataError
from curate.stored import Stored


@pytest.fixture
def stored(tmp_path):
    """Ten rows in blocks of 4, 4 and 2."""
    rows = pa.table({"x": pa.array(range(10)), "name": pa.array([f"r{i}" for i in range(10)])})
    file = tmp_path / "rows.arrow"
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=4)
    return Stored(file)


@pytest.mark.parametrize("wanted", [[], [0], [3, 4, 9], [9, 0, 5, 5, 2, 8, 0], list(range(10))])
def test_rows_are_taken_in_the_order_asked_for(stored, wanted):
    found = stored.take(np.array(wanted, np.int64))
    assert found["x"].to_pylist() == wanted
    assert found["name"].to_pylist() == [f"r{i}" for i in wanted]
    assert stored.take(np.array(wanted, np.int64), ["name"]).column_names == ["name"]


@pytest.mark.parametrize("row", [-1, 10])
def test_a_row_that_is_not_there_is_named(stored, row):
    with pytest.raises(IndexError, match=f"no row {row}"):
        stored.take(np.array([2, row]))


def test_another_process_gets_the_path_alone(stored):
    assert len(stored) == 10
    sent = pickle.dumps(Stored(stored.path, ("name",)))
    assert len(sent) < 1000
    assert pickle.loads(sent).take(np.array([7])).to_pylist() == [{"name": "r7"}]  # noqa: S301


@pytest.fixture
def folder(make_table, tmp_path):
    curate.Pipeline([]).run(make_table(), out=tmp_path / "out")
    return tmp_path / "out"


def test_an_opened_table_gives_what_its_dataset_gives(folder):
    table = curate.open(folder).table
    assert "dataset" not in vars(table)
    rows = np.array([5, 1, 1, 40])
    mapped = {name: table.column(name).to_pylist() for name in table.stored.mapped.column_names}
    taken = table.rows(rows, ["x"]).to_pylist()
    with pytest.raises(DataError, match="no column 'nothing'"):
        table.column("nothing")
    again = pickle.loads(pickle.dumps(table))  # noqa: S301
    with pytest.raises(AttributeError, match="nothing"):
        _ = table.nothing
    assert "dataset" not in vars(table)
    opened = table.dataset
    assert table.dataset is opened
    assert opened.column_names == list(mapped)
    plain = opened.with_format("arrow")
    assert {name: plain[:][name].to_pylist() for name in mapped} == mapped
    assert plain.select_columns(["x"])[rows.tolist()].to_pylist() == taken
    assert again.dataset.num_rows == len(table) == len(again)
    assert table.select([3, 2]).column("x").to_pylist() == [mapped["x"][3], mapped["x"][2]]


def test_feeding_a_result_imports_no_datasets(folder):
    code = (
        f"import sys, curate; loader = curate.open({str(folder)!r}).loader(batch_size=8); next(iter(loader));"
        "print([m for m in ('datasets', 'sklearn', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
