import datetime
import decimal

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.balance.resampling import matrix, writing
from curate.errors import DataError

VECTORS = np.arange(24.0).reshape(6, 4)


@pytest.fixture
def table_of():
    """(columns, **roles) -> a table of just these Arrow types, which a source may have made other ones of."""
    import datasets

    from curate.table import Table

    def make(columns, **roles):
        task = curate.Task(kind="classification", label="label", **roles)
        n = len(columns["label"])
        ids = np.array([f"row {i}" for i in range(n)], dtype=np.dtypes.StringDType())
        return Table(datasets.Dataset(pa.table(columns)), task, ids, np.zeros((n, 2), dtype=np.uint64))

    return make


@pytest.mark.parametrize(
    ("kind", "precision"),
    [
        (pa.list_(pa.float32()), np.float32),
        (pa.list_(pa.float64()), np.float64),
        (pa.large_list(pa.int64()), np.float64),
        (pa.list_(pa.int16()), np.float32),
        (pa.list_(pa.float32(), 4), np.float32),
    ],
)
def test_vectors_there_and_back(table_of, kind, precision):
    columns = {"features": pa.array(VECTORS.tolist(), kind), "label": ["a", "b"] * 3}
    table = table_of(columns, features="features")
    rows = np.array([4, 0, 2])
    inputs = matrix.read(table, rows)
    np.testing.assert_array_equal(inputs.values, VECTORS[rows])
    assert inputs.values.dtype == precision
    back = writing.write(inputs.columns, inputs.values + 0.4)
    assert back["features"].type == table.column("features").type
    whole = pa.types.is_integer(kind.value_type)
    np.testing.assert_allclose(back["features"].to_pylist(), VECTORS[rows] + (0 if whole else 0.4), rtol=1e-6)
    assert writing.rounded(inputs.columns) == (["features"] if whole else [])


def test_a_vector_of_another_length_is_named(table_of):
    vectors = VECTORS.tolist()
    vectors[3] = vectors[3][:2]
    columns = {"features": vectors, "label": ["a", "b"] * 3}
    table = table_of(columns, features="features")
    with pytest.raises(DataError, match="column 'features': row row 3 has 2 numbers, where most rows have 4"):
        matrix.read(table, np.arange(6))
    np.testing.assert_array_equal(matrix.read(table, np.array([5, 4, 0])).values, VECTORS[[5, 4, 0]])
    vectors[3] = None
    table = table_of(
        {"features": pa.array(vectors, pa.list_(pa.float32(), 4)), "label": ["a", "b"] * 3}, features="features"
    )
    np.testing.assert_array_equal(matrix.read(table, np.array([5, 4, 0])).values, VECTORS[[5, 4, 0]])


def test_scalars_there_and_back(table_of):
    days = [datetime.date(2020, 1, 1 + i) for i in range(6)]
    columns = {
        "count": pa.array([3, 1, 2, 9, 8, 7], pa.uint8()),
        "price": pa.array([decimal.Decimal("1.25")] * 6, pa.decimal128(8, 2)),
        "day": pa.array(days),
        "at": pa.array([datetime.datetime(2020, 1, 1, 12, 0, i) for i in range(6)], pa.timestamp("us")),
        "on": pa.array([True, False, True, None, True, False]),
        "town": pa.array(["b", "a", None, "a", "c", "b"]).dictionary_encode(),
        "label": ["a", "b"] * 3,
    }
    names = ("count", "price", "day", "at", "on", "town")
    table = table_of(columns, features=names)
    rows = np.array([3, 1, 0, 2])
    inputs = matrix.read(table, rows)
    assert inputs.categorical.tolist() == [False] * 4 + [True] * 2
    back = writing.write(inputs.columns, inputs.values)
    for name in names:
        assert back[name].type == table.column(name).type, name
        assert back[name].to_pylist() == table.column(name).take(pa.array(rows)).to_pylist(), name
    beyond = inputs.values.copy()
    beyond[:, 0] = [-3.2, 300.0, 4.5, 4.6]
    assert writing.write(inputs.columns, beyond)["count"].to_pylist() == [0, 255, 4, 5]
    assert writing.rounded(inputs.columns) == ["count", "price", "day", "at"]


def test_ids_are_no_numbers(table_of):
    columns = {"number": pa.array([2**60 + i for i in range(6)]), "label": ["a", "b"] * 3}
    table = table_of(columns, features=("number",))
    with pytest.raises(DataError, match="column 'number' holds whole numbers beyond 2"):
        matrix.read(table, np.arange(6))
