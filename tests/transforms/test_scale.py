import json

import numpy as np
import pytest
from sklearn import preprocessing

import curate
from curate.errors import DataError
from curate.transforms.scale import Scale

RNG = np.random.default_rng(0)
VALUES = RNG.lognormal(1, 1, size=(60, 3))


@pytest.fixture
def vectors(table_of):
    split = ["train"] * 40 + ["test"] * 20
    return table_of({"v": VALUES.tolist(), "split": split}, features="v", split="split")


@pytest.mark.parametrize(
    ("settings", "peer"),
    [
        ({}, preprocessing.StandardScaler()),
        ({"method": "min_max"}, preprocessing.MinMaxScaler()),
        ({"method": "min_max", "clip": True}, preprocessing.MinMaxScaler(clip=True)),
        ({"method": "robust"}, preprocessing.RobustScaler()),
        ({"method": "quantile", "quantiles": 25}, preprocessing.QuantileTransformer(n_quantiles=25)),
        (
            {"method": "quantile", "quantiles": 40, "distribution": "normal"},
            preprocessing.QuantileTransformer(n_quantiles=40, output_distribution="normal"),
        ),
    ],
)
def test_equals_scikit_learn_fitted_on_training_rows(vectors, settings, peer):
    scale = Scale(**settings)
    made = scale.apply(vectors, json.loads(json.dumps(scale.fit(vectors))))
    wanted = peer.fit(VALUES[:40]).transform(VALUES)
    np.testing.assert_allclose(np.array(made.column("v").to_pylist()), wanted, rtol=1e-5, atol=1e-6)
    assert (made.content != vectors.content).any(1).all()


def test_columns_each_by_its_own_method(table_of):
    columns = {"a": [0.0, 5.0, 10.0, None], "b": [1, 2, 3, 4], "c": ["x", "y", "x", "y"], "d": [7.0] * 4}
    table = table_of(columns, features=("a", "b", "c", "d"))
    made = Scale(methods={"a": "min_max"}).apply(table)
    assert made.column("a").to_pylist() == [0.0, 0.5, 1.0, None]
    assert np.mean(made.column("b").to_pylist()) == pytest.approx(0, abs=1e-6)
    assert np.std(made.column("b").to_pylist()) == pytest.approx(1, abs=1e-6)
    assert made.column("c").to_pylist() == columns["c"]
    assert made.column("d").to_pylist() == [0.0] * 4


def test_infinite_values_stay_and_teach_nothing(table_of):
    table = table_of({"a": [0.0, 1.0, 2.0, float("inf")]}, features=("a",))
    made = Scale(method="min_max").apply(table)
    assert made.column("a").to_pylist() == [0.0, 0.5, 1.0, float("inf")]


def test_errors_name_the_column(table_of, vectors):
    table = table_of({"a": [1.0, 2.0], "c": ["x", "y"], "split": ["test", "test"]}, features=("a", "c"), split="split")
    with pytest.raises(DataError, match="'c' holds string"):
        Scale(columns=("c",)).apply(table)
    with pytest.raises(DataError, match="no number in column 'a'"):
        Scale().apply(table)
    fitted = Scale().fit(vectors)
    with pytest.raises(DataError, match="have 2 numbers, those that were learned from had 3"):
        Scale().apply(table_of({"v": [[1.0, 2.0]] * 2}, features="v"), fitted)


NAN = float("nan")
SERIES = [[[1.0, 2.0, 6.0], [10.0, 10.0, 10.0]], [[3.0, NAN, 5.0, 7.0], [0.0, 1.0, 2.0, 3.0]], None, [[9.0], [4.0]]]


@pytest.fixture
def channels(table_of):
    return table_of({"series": SERIES, "split": ["train", "train", "train", "test"]}, series="series", split="split")


def scaled(table, **settings):
    scale = Scale(**settings)
    return scale.apply(table, json.loads(json.dumps(scale.fit(table)))).column("series").to_pylist()


@pytest.mark.parametrize(
    ("method", "peer"),
    [
        ("standard", preprocessing.StandardScaler()),
        ("min_max", preprocessing.MinMaxScaler()),
        ("robust", preprocessing.RobustScaler()),
    ],
)
def test_channels_of_series_by_the_training_rows(channels, method, peer):
    found = scaled(channels, method=method)
    assert found[2] is None
    for channel in (0, 1):
        known = np.concatenate([SERIES[0][channel], SERIES[1][channel]])[:, None]
        peer.fit(known)
        for row in (0, 1, 3):
            wanted = peer.transform(np.array(SERIES[row][channel])[:, None])[:, 0]
            np.testing.assert_allclose(found[row][channel], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("method", "peer"),
    [
        ("standard", preprocessing.StandardScaler()),
        ("min_max", preprocessing.MinMaxScaler()),
        ("robust", preprocessing.RobustScaler()),
        ("quantile", preprocessing.QuantileTransformer(n_quantiles=4)),
    ],
)
def test_each_channel_of_each_series_by_itself(table_of, method, peer):
    values = RNG.normal(size=(5, 3, 4)) * 10
    table = table_of({"series": values.tolist()}, series="series")
    found = np.array(scaled(table, method=method, series="each_channel"))
    wanted = np.stack([[peer.fit_transform(c[:, None])[:, 0] for c in row] for row in values])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_each_series_as_a_whole_keeps_its_channels_apart(table_of):
    table = table_of({"series": [[[0.0, 5.0], [10.0, NAN]], [[1.0, 1.0], [1.0, 1.0]]]}, series="series")
    found = scaled(table, method="min_max", series="each")
    assert found[0][0] == [0.0, 0.5]
    assert found[0][1][0] == 1.0
    assert np.isnan(found[0][1][1])
    assert found[1] == [[0.0, 0.0], [0.0, 0.0]]


def test_flat_series_and_a_constant_beyond_rounding(table_of):
    table = table_of({"series": [[0.1] * 7, [1.0, 2.0]]}, series="series")
    found = scaled(table, series="each")
    np.testing.assert_allclose(found[0], [0.0] * 7, atol=1e-6)
    assert found[1] == [-1.0, 1.0]


def test_a_channel_that_no_training_row_has_is_named(table_of):
    table = table_of({"series": [[[1.0]], [[1.0], [2.0]]], "split": ["train", "test"]}, series="series", split="split")
    with pytest.raises(DataError, match=r"series \(channel 1\)"):
        Scale().apply(table)


def test_a_table_without_numbers_is_said():
    table = curate.load({"colour": ["red", "blue"] * 3, "label": ["a", "b"] * 3}, features=["colour"], label="label")
    assert "scale: no column of numbers is there; nothing is scaled" in Scale().apply(table).notes
