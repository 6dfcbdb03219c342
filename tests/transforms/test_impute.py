import json

import numpy as np
import pytest
from sklearn.impute import KNNImputer

import curate
from curate.errors import DataError
from curate.transforms.impute import Impute

NAN = float("nan")


@pytest.fixture
def mixed(table_of):
    columns = {
        "whole": [1, None, 3, 4, 5, 600],
        "real": [1.5, NAN, None, 2.5, float("inf"), 900.0],
        "name": ["x", "x", None, "y", "z", "z"],
        "yes": [True, None, True, False, True, True],
        "split": ["train"] * 4 + ["test"] * 2,
    }
    return table_of(columns, features=("whole", "real", "name", "yes"), split="split")


def columns(table, *names):
    return [table.column(name).to_pylist() for name in names]


def test_median_and_mode_of_training_rows_fill_all_rows(mixed):
    made = Impute().apply(mixed)
    assert columns(made, "whole", "real", "name", "yes") == [
        [1, 3, 3, 4, 5, 600],
        [1.5, 2.0, 2.0, 2.5, float("inf"), 900.0],
        ["x", "x", "x", "y", "z", "z"],
        [True, True, True, False, True, True],
    ]


def test_a_fraction_makes_whole_numbers_float(mixed):
    made = Impute(numbers="mean").apply(mixed)
    assert made.column("whole").to_pylist()[1] == pytest.approx(8 / 3)


def test_constants(mixed):
    made = Impute(numbers="constant", number_fill=-1, categories="constant", category_fill="none").apply(mixed)
    assert made.column("whole").to_pylist()[1] == -1
    assert made.column("name").to_pylist()[2] == "none"
    assert made.column("yes").to_pylist()[:2] == ["true", "none"]


def test_knn_equals_scikit_learn_on_standardised_columns(table_of):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(80, 5)) * [1, 10, 100, 1000, 0.1] + 5
    values[rng.random(values.shape) < 0.1] = np.nan
    names = tuple("abcde")
    table = table_of({name: values[:, i].tolist() for i, name in enumerate(names)}, features=names)
    made = Impute(numbers="knn", neighbours=4).apply(table)
    mean, scale = np.nanmean(values, 0), np.nanstd(values, 0)
    wanted = KNNImputer(n_neighbors=4).fit_transform((values - mean) / scale) * scale + mean
    found = np.array(columns(made, *names)).T
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_knn_looks_among_no_more_rows_than_allowed(table_of):
    table = table_of({"a": [1.0, 2.0, None, 4.0], "b": [1.0, 2.0, 3.0, 4.0]}, features=("a", "b"))
    fitted = Impute(numbers="knn", reference_rows=2).fit(table)
    assert len(fitted["knn"]["rows"]) == 2


@pytest.mark.parametrize("numbers", ["knn", "iterative"])
def test_numbers_that_never_change_or_are_nowhere(table_of, numbers):
    rows = [[1.0, 7.0], [2.0, 7.0], [NAN, 7.0], [4.0, NAN]]
    imputer = Impute(numbers=numbers, neighbours=2)
    found = imputer.apply(table_of({"v": [*rows, [9.0, NAN]]}, features="v")).column("v").to_pylist()
    assert [found[3], found[4]] == [[4.0, 7.0], [9.0, 7.0]]
    nowhere = table_of({"v": [[one, NAN] for one, _ in rows]}, features="v")
    with pytest.raises(DataError, match=r"'v' has 4 rows with missing values.*constant"):
        imputer.apply(nowhere)


def test_vectors(table_of):
    table = table_of({"v": [[1.0, 2.0], [NAN, 4.0], None, [5.0, NAN]]}, features="v")
    imputer = Impute()
    fitted = json.loads(json.dumps(imputer.fit(table)))
    assert fitted["vectors"] == {"v": [3.0, 3.0]}
    made = imputer.apply(table, fitted)
    readable = ~table.unreadable
    found = made.column("v").to_pylist()
    assert [found[i] for i in (0, 1, 3)] == [[1.0, 2.0], [3.0, 4.0], [5.0, 3.0]]
    assert found[2] == ([3.0, 3.0] if readable[2] else None)
    assert (made.content != table.content).any(1).tolist() == [False, True, bool(readable[2]), True]


def test_a_column_without_values_is_an_error_that_says_what_to_do(table_of):
    table = table_of(
        {"a": [1.0, None], "b": [None, 2.0], "split": ["train", "test"]}, features=("a", "b"), split="split"
    )
    with pytest.raises(DataError, match=r"'b' has 1 row with missing values.*constant"):
        Impute().apply(table)
    made = Impute(numbers="constant").apply(table)
    assert columns(made, "a", "b") == [[1.0, 0.0], [0.0, 2.0]]


def test_vectors_of_several_lengths_name_the_row(table_of):
    table = table_of({"x": [1.0, 2.0, 3.0], "v": [[1.0, 2.0], [1.0], [3.0, 4.0]]}, features="x")
    with pytest.raises(DataError, match=f"row {table.row_ids[1]} has 1 numbers, most have 2"):
        Impute(columns=("v",)).apply(table)


def gappy(rows=120, seed=3):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(rows, 2))
    values = np.c_[base, base @ [2.0, -1.0] + 3, base[:, 0] * 5 + rng.normal(0, 0.1, rows)]
    values[rng.random(values.shape) < 0.15] = np.nan
    return values


def test_iterative_equals_scikit_learn(table_of):
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    values, names = gappy(), tuple("abcd")
    split = ["train"] * 90 + ["test"] * 30
    table = table_of(
        {n: values[:, i].tolist() for i, n in enumerate(names)} | {"split": split}, features=names, split="split"
    )
    imputer = Impute(numbers="iterative", rounds=20)
    fitted = json.loads(json.dumps(imputer.fit(table), allow_nan=False))
    made = imputer.apply(table, fitted)
    order = np.lexsort((table.content[:90, 1], table.content[:90, 0]))
    peer = IterativeImputer(max_iter=20, random_state=0).fit(values[:90][order])
    np.testing.assert_allclose(np.array(columns(made, *names)).T, peer.transform(values), rtol=1e-6, atol=1e-9)
    one = imputer.apply(table.select([100]), fitted)
    assert one.content.tolist() == made.content[100:101].tolist()


def test_iterative_says_that_it_needs_more_rounds(table_of):
    values, names = gappy(), tuple("abcd")
    table = table_of({n: values[:, i].tolist() for i, n in enumerate(names)}, features=names)
    made = Impute(numbers="iterative", rounds=1).apply(table)
    assert any("after 1 rounds" in note for note in made.notes)
    wide = table_of({"v": [[1.0] * 201] * 4}, features="v")
    with pytest.raises(DataError, match="at most 200 numbers"):
        Impute(numbers="iterative").apply(wide)


def test_the_mode_of_numbers_is_the_smallest_of_the_most_frequent(table_of):
    table = table_of({"a": [3, 3, 1, 1, None, 9]}, features=("a",))
    assert Impute(numbers="mode").apply(table).column("a").to_pylist() == [3, 3, 1, 1, 1, 9]


def test_indicators_join_the_features(mixed):
    made = Impute(indicators=True).apply(mixed)
    assert made.task.features == (
        "whole",
        "real",
        "name",
        "yes",
        "whole_missing",
        "real_missing",
        "name_missing",
        "yes_missing",
    )
    assert columns(made, "whole_missing", "real_missing") == [[0, 1, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0]]
    held = mixed.select([4, 5])
    fitted = Impute(indicators=True).fit(mixed)
    assert Impute(indicators=True).apply(held, fitted).column("whole_missing").to_pylist() == [0, 0]
    with pytest.raises(DataError, match="'whole_missing' is there already"):
        Impute(indicators=True).apply(made, fitted)


def test_indicators_of_vectors_are_further_places(table_of):
    table = table_of({"v": [[1.0, 2.0], [NAN, 4.0], [5.0, 6.0]]}, features="v")
    made = Impute(indicators=True).apply(table)
    assert made.column("v").to_pylist() == [[1.0, 2.0, 0.0], [3.0, 4.0, 1.0], [5.0, 6.0, 0.0]]


def test_placeholders_among_categories_are_filled():
    values = ["red", "-", "red", " N/A ", "blue", None, "?", "none"]
    table = curate.load({"colour": values, "x": [1.0] * 8}, features=["colour", "x"])
    filled = Impute(indicators=True).apply(table)
    assert filled.column("colour").to_pylist() == ["red", "red", "red", "red", "blue", "red", "red", "none"]
    assert filled.column("colour_missing").to_pylist() == [0, 1, 0, 1, 0, 1, 1, 0]
    kept = Impute(placeholders=()).apply(table)
    assert kept.column("colour").to_pylist()[1] == "-"
