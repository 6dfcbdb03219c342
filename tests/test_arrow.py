"""Arrow columns by their buffers: the same as pyarrow's own conversions, whatever the chunks, offsets and nulls."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.arrow import among, dataset_of, distinct, places, plain_values, texts, truths, valid, values_of

TYPES = [pa.int8(), pa.uint16(), pa.int32(), pa.int64(), pa.uint64(), pa.float32(), pa.float64()]


def chunked(values, kind):
    """In three chunks, of which one is empty and the others begin within longer arrays."""
    whole = pa.array([values[0], *values, values[-1]], kind)
    middle = len(values) // 2
    return pa.chunked_array([whole.slice(1, middle), whole.slice(0, 0), whole.slice(1 + middle, len(values) - middle)])


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_numbers(kind):
    values = list(range(1, 22))
    for column in (chunked(values, kind), pa.array(values, kind), pa.array(values, kind).slice(3, 11)):
        found = values_of(column)
        np.testing.assert_array_equal(found, column.to_numpy())
        assert found.dtype == column.to_numpy().dtype
    with_nulls = chunked([None if i % 3 == 0 else i for i in values], kind)
    np.testing.assert_array_equal(values_of(with_nulls, 7), with_nulls.fill_null(7).to_numpy())
    with pytest.raises(ValueError, match="7 nulls"):
        values_of(with_nulls)
    assert values_of(pa.chunked_array([], kind)).dtype == values_of(pa.array([], kind)).dtype


def test_nulls_and_truths():
    for values in ([True, None, False] * 7, [None] * 9, [True, False, False] * 8):
        column = chunked(values, pa.bool_())
        np.testing.assert_array_equal(valid(column), [value is not None for value in values])
        np.testing.assert_array_equal(truths(column.fill_null(True)), [value is not False for value in values])
    lists = chunked([[1], None, [], [2, 3]] * 3, pa.list_(pa.int64()))
    np.testing.assert_array_equal(valid(lists), [True, False, True, True] * 3)
    np.testing.assert_array_equal(valid(pa.nulls(3)), [False] * 3)
    assert len(valid(pa.chunked_array([], pa.int8()))) == len(truths(pa.chunked_array([], pa.bool_()))) == 0
    with pytest.raises(ValueError, match="1 nulls"):
        truths(pa.array([True, None]))


def test_from_numpy():
    for values in ([], [3, 1, 2], np.arange(9, dtype=np.int32)[::2]):
        assert places(values).equals(pa.array(values, pa.int64()))
    for values in ([], ["", "a", "ü€", ""], ["x"]):
        assert texts(values).equals(pa.array(values, pa.string()))
        texts(values).validate(full=True)


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="string"):
        values_of(pa.array(["a"]))
    with pytest.raises(TypeError, match="bool"):
        values_of(pa.array([True]))
    with pytest.raises(TypeError, match="int64"):
        truths(pa.array([1]))


@pytest.mark.parametrize(
    ("given", "kind"),
    [(2_932_897, pa.date32()), (2**62, pa.timestamp("us", "UTC")), (-(2**60), pa.timestamp("us"))],
)
def test_times_that_python_has_no_value_for_are_told_as_text(given, kind):
    storage = pa.int32() if kind == pa.date32() else pa.int64()
    [value, nothing] = plain_values(pa.array([given, None], storage).cast(kind))
    assert isinstance(value, str)
    assert nothing is None


def test_other_values_are_python_s_own():
    assert plain_values(pa.array([1, None])) == [1, None]
    assert plain_values(pa.array([0], pa.int64()).cast(pa.timestamp("us"))) == [datetime(1970, 1, 1)]


def test_rows_become_a_dataset_without_being_hashed(monkeypatch):
    import datasets

    def hashed(_):
        raise AssertionError("all rows were pickled")

    monkeypatch.setattr("datasets.arrow_dataset.generate_fingerprint", hashed)
    rows = pa.table({"x": [1, 2]})
    features = datasets.Features({"x": datasets.Value("int64")})
    one, other = dataset_of(rows, features), dataset_of(rows, features)
    assert one.to_dict() == {"x": [1, 2]}
    assert one.features == features
    assert one._fingerprint != other._fingerprint
    table = curate.load({"x": [1.0, None, 3.0], "label": ["a", "b", "a"]}, features="x", label="label")
    filled = curate.steps.Impute().apply(table, curate.steps.Impute().fit(table))
    assert filled.column("x").to_pylist() == [1.0, 2.0, 3.0]


def test_texts_among_others_without_comparing_each_with_each(monkeypatch):
    def texts_of(*values):
        return np.array(values, dtype=np.dtypes.StringDType())

    real = np.isin

    def isin(values, known):
        assert values.dtype.kind != "T" or len(known) <= 2, "np.isin compares texts with each of many"
        return real(values, known)

    monkeypatch.setattr(np, "isin", isin)
    assert among(texts_of("b", "é", "b", ""), texts_of("a", "b", "")).tolist() == [True, False, True, True]
    assert among(texts_of("a"), texts_of()).tolist() == [False]
    assert among(texts_of(), texts_of("a")).tolist() == []
    table = curate.load({"x": [1.0, None, 3.0], "label": ["a", "b", "a"]}, features="x", label="label")
    steps = [curate.steps.Impute(), curate.steps.ExactDuplicates(fix="drop")]
    assert len(curate.Pipeline(steps).run(table, cache=None).table) == 3


def test_texts_that_ascend_twice_are_told_apart():
    once = [f"r{number:04d}" for number in range(500)]
    found, places = distinct(np.array([*once, *once], np.dtypes.StringDType()))
    assert found.tolist() == once
    assert places.tolist() == [*range(500), *range(500)]
