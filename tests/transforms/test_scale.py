import json

import numpy as np
import pytest
from sklearn import preprocessing

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
