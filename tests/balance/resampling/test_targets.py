import numpy as np
import pytest
from imblearn.utils import check_sampling_strategy

from curate.balance.resampling.targets import cleaned_classes, extra_rows, kept_rows
from curate.errors import ConfigError

NAMES = ("a", "b", "c", "d")
COUNTS = np.array([100, 40, 10, 0])
CODES = np.repeat(np.arange(4), COUNTS)


@pytest.mark.parametrize("to", ["auto", "minority", "not minority", "not majority", "all"])
def test_words_mean_what_they_mean_in_imbalanced_learn_over(to):
    theirs = check_sampling_strategy(to, CODES, "over-sampling")
    assert extra_rows(to, COUNTS, NAMES, 0.999) == {int(code): n for code, n in theirs.items()}


@pytest.mark.parametrize("to", ["auto", "majority", "not minority", "not majority", "all"])
def test_words_mean_what_they_mean_in_imbalanced_learn_under(to):
    assert kept_rows(to, COUNTS, NAMES, 0.999) == dict(check_sampling_strategy(to, CODES, "under-sampling"))
    theirs = check_sampling_strategy(to, CODES, "clean-sampling")
    assert cleaned_classes(to, COUNTS, NAMES, "tomek_links") == sorted(theirs)


@pytest.mark.parametrize("ratio", [0.5, 0.75, 1.0])
def test_a_ratio_of_two_classes(ratio):
    counts, codes = np.array([100, 40]), np.repeat([0, 1], [100, 40])
    assert extra_rows(ratio, counts, NAMES, 0) == dict(check_sampling_strategy(ratio, codes, "over-sampling"))
    assert kept_rows(ratio, counts, NAMES, 0) == dict(check_sampling_strategy(ratio, codes, "under-sampling"))


def test_a_ratio_of_many_classes_bounds_each_of_them():
    assert extra_rows(0.5, COUNTS, NAMES, 0) == {1: 10, 2: 40}
    assert kept_rows(0.5, COUNTS, NAMES, 0) == {0: 20, 1: 20}


@pytest.mark.parametrize(
    ("to", "over", "under"),
    [
        ("median", {0: 0, 1: 0, 2: 30}, {0: 40}),
        ("mean", {0: 0, 1: 10, 2: 40}, {0: 50}),
        (60, {0: 0, 1: 20, 2: 50}, {0: 60}),
        ({"b": 45}, {1: 5}, None),
        ({"b": 15, "a": 90}, None, {0: 90, 1: 15}),
        ("majority", {1: 60, 2: 90}, {0: 10}),
    ],
)
def test_levels_and_numbers(to, over, under):
    if over is not None:
        assert extra_rows(to, COUNTS, NAMES, 0.999) == over
    if under is not None:
        assert kept_rows(to, COUNTS, NAMES, 0.999) == under


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.99, 0.999999])
def test_effective_sizes_are_in_proportion_to_effective_numbers(beta):
    n = COUNTS[:3]
    effective = (1 - np.power(beta, n)) / (1 - beta)
    grown = n + np.array(list(extra_rows("effective", COUNTS, NAMES, beta).values()))
    np.testing.assert_array_equal(grown, np.ceil(100 * effective / effective[0] - 1e-6))
    kept = n.copy()
    for code, left in kept_rows("effective", COUNTS, NAMES, beta).items():
        kept[code] = left
    np.testing.assert_array_equal(kept, np.minimum(n, np.ceil(10 * effective / effective[2] - 1e-6)))


def test_growth_is_capped():
    assert extra_rows("auto", COUNTS, NAMES, 0, max_ratio=2.5) == {1: 60, 2: 15}


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: extra_rows({"b": 30}, COUNTS, NAMES, 0), "30 rows of class 'b', and there are 40"),
        (lambda: kept_rows({"b": 41}, COUNTS, NAMES, 0), "only 40"),
        (lambda: kept_rows({"b": 0}, COUNTS, NAMES, 0), "no row of class 'b'"),
        (lambda: kept_rows({"bb": 4}, COUNTS, NAMES, 0), "did you mean 'b'"),
        (lambda: extra_rows({"d": 4}, COUNTS, NAMES, 0), "'d', which no active training row has"),
        (lambda: extra_rows(("a",), COUNTS, NAMES, 0), "a list of classes is for methods that clean"),
        (lambda: extra_rows(0.3, np.array([100, 40]), NAMES, 0), "a larger share"),
        (lambda: kept_rows(0.3, np.array([100, 40]), NAMES, 0), "a larger share"),
        (lambda: cleaned_classes(0.5, COUNTS, NAMES, "all_knn"), "can't aim at a number"),
        (lambda: cleaned_classes("median", COUNTS, NAMES, "all_knn"), "can't aim at a number"),
        (lambda: cleaned_classes({"a": 4}, COUNTS, NAMES, "all_knn"), "can't aim at a number"),
    ],
)
def test_impossible_targets_are_refused_with_the_numbers(ask, says):
    with pytest.raises(ConfigError, match=says):
        ask()
